//! Ids of topics, subscriptions, snapshots and schemas.

/// 3 to 255 characters, a letter first, never starting with `goog`.
pub fn is_id(id: &str) -> bool {
    (3..=255).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && !id.to_ascii_lowercase().starts_with("goog")
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'+' | b'%'))
}

/// `projects/P/topics/T` with `collection` = `topics`: the project and the id.
pub fn parse<'a>(name: &'a str, collection: &str) -> Option<(&'a str, &'a str)> {
    let (project, rest) = name.strip_prefix("projects/")?.split_once('/')?;
    let id = rest.strip_prefix(collection)?.strip_prefix('/')?;
    (!project.is_empty() && is_id(id)).then_some((project, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_rule() {
        assert_eq!(parse("projects/p/topics/gcr", "topics"), Some(("p", "gcr")));
        for bad in [
            "projects/p/topics/ab",
            "projects/p/topics/goog-x",
            "projects/p/topics/1abc",
            "projects/p/topics/a/b",
            "projects//topics/abc",
        ] {
            assert_eq!(parse(bad, "topics"), None, "{bad}");
        }
    }
}
