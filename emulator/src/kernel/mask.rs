//! Update masks: which fields of a message a caller may change, and which he did.

use prost_types::FieldMask;

use super::{Error, Result};

/// The paths of a mask in snake_case, with an optional prefix (`policy.`) taken off. Camel case is accepted.
pub fn paths(mask: Option<&FieldMask>) -> Vec<String> {
    mask.map(|mask| mask.paths.iter().map(|path| snake(path.trim())).filter(|path| !path.is_empty()).collect())
        .unwrap_or_default()
}

/// Refuses an empty mask and any path outside `mutable`, where `labels.*` stands for each entry of a map.
pub fn require(mask: Option<&FieldMask>, mutable: &[&str]) -> Result<Vec<String>> {
    let paths = paths(mask);
    if paths.is_empty() {
        return Err(Error::invalid_argument("Invalid update_mask: it must name at least one field."));
    }
    for path in &paths {
        let known = mutable.iter().any(|field| match field.strip_suffix('*') {
            Some(map) => path.strip_prefix(map).is_some_and(|key| !key.is_empty()),
            None => path == field,
        });
        if !known {
            return Err(Error::invalid_argument(format!(
                "Invalid update_mask: the field '{path}' is unknown or cannot be changed."
            )));
        }
    }
    Ok(paths)
}

pub fn snake(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(paths: &[&str]) -> FieldMask {
        FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }
    }

    #[test]
    fn camel_case_and_a_map_s_entries_are_understood_and_strangers_refused() {
        assert_eq!(require(Some(&mask(&["rotationPeriod"])), &["rotation_period"]).unwrap(), ["rotation_period"]);
        assert!(require(Some(&mask(&["labels.team"])), &["labels", "labels.*"]).is_ok());
        for stranger in ["labels.", "labelsx", "state.deeper"] {
            assert!(require(Some(&mask(&[stranger])), &["labels", "labels.*", "state"]).is_err(), "{stranger}");
        }
        assert!(require(Some(&mask(&[])), &["labels"]).is_err());
        assert!(require(None, &["labels"]).is_err());
    }
}
