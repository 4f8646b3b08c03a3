//! The order of results: `location DESC, name`.

use std::cmp::Ordering;

use gcp_schema::cloudasset::ResourceSearchResult as Resource;

use super::render;
use crate::kernel::{Error, Result, mask};

/// What results can be sorted by.
const SORTABLE: [&str; 11] = [
    "name",
    "asset_type",
    "project",
    "display_name",
    "description",
    "location",
    "create_time",
    "update_time",
    "state",
    "parent_full_resource_name",
    "parent_asset_type",
];

/// Fields, each with whether it descends. The full name decides last, so that no two results are alike.
#[derive(Debug, PartialEq)]
pub struct Order(Vec<(String, bool)>);

impl Order {
    /// `None` for the order in which resources are found.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let mut fields = Vec::new();
        for part in text.split(',').filter(|_| !text.trim().is_empty()) {
            let words: Vec<&str> = part.split_whitespace().collect();
            let (field, descending) = match words[..] {
                [field] => (field, false),
                [field, word] if word.eq_ignore_ascii_case("desc") => (field, true),
                [field, word] if word.eq_ignore_ascii_case("asc") => (field, false),
                _ => return Err(refused(part)),
            };
            let field = mask::snake(field);
            if !SORTABLE.contains(&field.as_str()) {
                return Err(refused(part));
            }
            fields.push((field, descending));
        }
        if fields.is_empty() {
            return Ok(None);
        }
        fields.push(("name".to_owned(), false));
        Ok(Some(Self(fields)))
    }

    /// What a result is sorted by, in a form that a page token can hold.
    pub fn key(&self, resource: &Resource) -> Vec<String> {
        self.0
            .iter()
            .map(|(field, _)| match field.as_str() {
                "create_time" => seconds(resource.create_time.as_ref()),
                "update_time" => seconds(resource.update_time.as_ref()),
                other => render::texts(resource, other).first().copied().unwrap_or_default().to_owned(),
            })
            .collect()
    }

    pub fn compare(&self, one: &[String], other: &[String]) -> Ordering {
        self.0
            .iter()
            .zip(one.iter().zip(other))
            .map(|((_, descending), (one, other))| if *descending { other.cmp(one) } else { one.cmp(other) })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Digits of one width sort as numbers.
fn seconds(time: Option<&prost_types::Timestamp>) -> String {
    format!("{:020}", time.map_or(0, |time| time.seconds))
}

fn refused(part: &str) -> Error {
    Error::invalid_argument(format!(
        "Invalid order_by '{}': name fields such as name, assetType or createTime, each with DESC or without.",
        part.trim()
    ))
}
