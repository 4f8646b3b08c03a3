//! Listing objects: prefixes, delimiters, pages. A group behind a delimiter is stepped over, not walked through.

use std::ops::ControlFlow;

use super::rows::{ARCHIVE, OBJECTS, ObjectRow, bucket};
use crate::kernel::{Call, Error, Result, paging};
use crate::rest::Query;

#[derive(Debug, Default)]
pub struct Listing {
    pub items: Vec<ObjectRow>,
    pub prefixes: Vec<String>,
    pub next: String,
}

const MAX: usize = 1000;

pub fn list(call: &Call, bucket_name: &str, query: &Query) -> Result<Listing> {
    bucket(call, bucket_name)?;
    let max = match query.number::<i64>("maxResults")? {
        Some(asked) if asked <= 0 => {
            return Err(Error::invalid_argument("Invalid value for parameter maxResults.").with_reason("invalid"));
        }
        Some(asked) => (asked as usize).min(MAX),
        None => MAX,
    };
    let prefix = query.get("prefix").unwrap_or_default();
    let delimiter = query.get("delimiter").unwrap_or_default();
    let start = query.get("startOffset").unwrap_or_default();
    let end = query.get("endOffset").filter(|end| !end.is_empty());
    let trailing = query.flag("includeTrailingDelimiter");
    let token = paging::parse_token(query.get("pageToken").unwrap_or_default())?;
    let base = format!("{bucket_name}\0");
    let mut from = token.as_str().max(start).max(prefix).to_owned();
    let mut listing = Listing::default();
    let versions = query.flag("versions");
    loop {
        let mut jump = None;
        call.txn.each(&OBJECTS, &base, &format!("{base}{from}"), |key, row| {
            let name = &key[base.len()..];
            if !name.starts_with(prefix) || end.is_some_and(|end| name >= end) {
                return Ok(ControlFlow::Break(()));
            }
            let group = if delimiter.is_empty() { None } else { name[prefix.len()..].find(delimiter) };
            if listing.items.len() + listing.prefixes.len() >= max {
                listing.next = paging::token(name);
                return Ok(ControlFlow::Break(()));
            }
            match group {
                Some(at) => {
                    let head = &name[..prefix.len() + at + delimiter.len()];
                    if trailing && head == name {
                        listing.items.push(row);
                    }
                    listing.prefixes.push(head.to_owned());
                    jump = Some(after_group(head));
                    Ok(ControlFlow::Break(()))
                }
                None => {
                    listing.items.push(row);
                    Ok(ControlFlow::Continue(()))
                }
            }
        })?;
        match jump {
            Some(next) => from = next,
            None => break,
        }
    }
    if versions {
        add_noncurrent(call, bucket_name, prefix, delimiter, &mut listing)?;
    }
    Ok(listing)
}

/// The first name after everything that starts with `head`.
fn after_group(head: &str) -> String {
    let mut next = head.to_owned();
    next.push(char::MAX);
    next
}

/// Old generations beside the live ones, each name's in order. Versioned buckets of an emulator are small: they come on
/// the last page.
fn add_noncurrent(call: &Call, bucket_name: &str, prefix: &str, delimiter: &str, listing: &mut Listing) -> Result<()> {
    if !listing.next.is_empty() {
        return Ok(());
    }
    let base = format!("{bucket_name}\0");
    call.txn.each(&ARCHIVE, &format!("{base}{prefix}"), "", |_, row: ObjectRow| {
        if delimiter.is_empty() || !row.name[prefix.len()..].contains(delimiter) {
            listing.items.push(row);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    listing.items.sort_by(|a, b| (&a.name, a.generation).cmp(&(&b.name, b.generation)));
    Ok(())
}
