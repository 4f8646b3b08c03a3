//! The filters of lists: `parent:folders/1 state=ACTIVE name:web*`, terms that must all hold.

use crate::kernel::{Error, Result};

/// One `field:value` or `field=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub field: String,
    pub value: String,
}

impl Term {
    /// Case does not matter; a `*` at the end stands for anything, alone for "is set".
    pub fn fits(&self, text: &str) -> bool {
        let (text, value) = (text.to_lowercase(), self.value.to_lowercase());
        match value.strip_suffix('*') {
            Some("") => !text.is_empty(),
            Some(prefix) => text.starts_with(prefix),
            None => text == value,
        }
    }
}

/// Terms joined by spaces or AND. What we cannot judge is refused: a list that ignores a filter lies.
pub fn parse(query: &str, fields: &[&str]) -> Result<Vec<Term>> {
    let mut terms = Vec::new();
    for word in words(query) {
        if word.eq_ignore_ascii_case("and") {
            continue;
        }
        let (field, value) = word.split_once(['=', ':']).ok_or_else(|| refused(&word))?;
        let known = fields.contains(&field) || field.strip_prefix("labels.").is_some_and(|key| !key.is_empty());
        if !known {
            return Err(refused(&word));
        }
        terms.push(Term { field: field.to_owned(), value: value.trim_start_matches('=').to_owned() });
    }
    Ok(terms)
}

fn refused(word: &str) -> Error {
    Error::invalid_argument(format!("Invalid filter: '{word}' is not understood. Write field:value, joined by AND."))
}

/// Words, with quotes taken off and brackets around whole terms ignored.
fn words(query: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in query.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ' ' | '(' | ')') => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_joined_and_strangers_refused() {
        let terms = parse("lifecycleState:ACTIVE AND (name=\"my web*\")", &["lifecycleState", "name"]).unwrap();
        assert_eq!(terms.len(), 2);
        assert!(terms[0].fits("active") && !terms[0].fits("DELETE_REQUESTED"));
        assert!(terms[1].fits("My Website") && !terms[1].fits("shop"));
        assert_eq!(parse("labels.team:*", &[]).unwrap()[0].field, "labels.team");
        for odd in ["NOT name:a", "colour:red", "(name:a OR name:b)"] {
            assert!(parse(odd, &["name"]).is_err(), "{odd}");
        }
    }
}
