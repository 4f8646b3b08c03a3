//! Partial answers: `fields=items(name,size),nextPageToken`, `fields=items/name`, `fields=*`.

use serde_json::Value;

#[derive(Default)]
struct Selection(Vec<(String, Selection)>);

impl Selection {
    fn child(&mut self, name: &str) -> &mut Self {
        let index = match self.0.iter().position(|(known, _)| known == name) {
            Some(index) => index,
            None => {
                self.0.push((name.to_owned(), Self::default()));
                self.0.len() - 1
            }
        };
        &mut self.0[index].1
    }

    fn keeps(&self, name: &str) -> Option<&Self> {
        self.0.iter().find(|(known, _)| known == name || known == "*").map(|(_, below)| below)
    }
}

/// Cuts a JSON value to the fields asked for. What does not parse keeps everything: clients take the full resource.
pub fn partial(value: &mut Value, fields: &str) {
    let mut root = Selection::default();
    let mut rest = fields.trim();
    if rest.is_empty() || parse(&mut rest, &mut root).is_none() || !rest.is_empty() {
        return;
    }
    apply(value, &root);
}

fn parse(rest: &mut &str, into: &mut Selection) -> Option<()> {
    loop {
        let mut at = &mut *into;
        loop {
            let end = rest.find([',', '/', '(', ')']).unwrap_or(rest.len());
            let name = rest[..end].trim();
            if name.is_empty() {
                return None;
            }
            *rest = &rest[end..];
            at = at.child(name);
            match rest.strip_prefix('/') {
                Some(after) => *rest = after,
                None => break,
            }
        }
        if let Some(after) = rest.strip_prefix('(') {
            *rest = after;
            parse(rest, at)?;
            *rest = rest.strip_prefix(')')?;
        }
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None => return Some(()),
        }
    }
}

fn apply(value: &mut Value, selection: &Selection) {
    if selection.0.is_empty() {
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| apply(item, selection)),
        Value::Object(map) => {
            map.retain(|name, _| selection.keeps(name).is_some());
            for (name, inner) in map.iter_mut() {
                if let Some(below) = selection.keeps(name) {
                    apply(inner, below);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_asked_for_stays() {
        let whole = json!({"items": [{"name": "a", "size": "1", "acl": [{"role": "x", "id": 1}]}], "nextPageToken": "t", "kind": "k"});
        let cut = |fields: &str| {
            let mut value = whole.clone();
            partial(&mut value, fields);
            value
        };
        assert_eq!(cut("items/name"), json!({"items": [{"name": "a"}]}));
        assert_eq!(
            cut("items(name,acl/role),nextPageToken"),
            json!({"items": [{"name": "a", "acl": [{"role": "x"}]}], "nextPageToken": "t"})
        );
        assert_eq!(cut("*"), whole);
        assert_eq!(cut("items("), whole);
        assert_eq!(cut("nothing"), json!({}));
    }
}
