//! Words in text: whole, as a beginning, anywhere; without regard to case and accents.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::error::{Result, syntax};

/// Lower case, and letters without their accents.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    Cow::Owned(text.to_lowercase().nfkd().filter(|letter| canonical_combining_class(*letter) == 0).collect())
}

/// The text of a value: folded, and what looks like HTML tags taken out.
pub(super) fn searchable(text: &str) -> Cow<'_, str> {
    let folded = folded(text);
    if !folded.contains('<') {
        return folded;
    }
    let mut kept = String::new();
    let mut rest = folded.as_ref();
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match after.split_once('>') {
            Some((_, after)) => rest = after,
            None => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// A bare search word.
pub(super) struct Needle {
    folded: String,
}

impl Needle {
    pub fn new(word: &str) -> Self {
        Self { folded: word.to_lowercase() }
    }

    pub fn is_in(&self, text: &str) -> bool {
        if text.is_ascii() && self.folded.is_ascii() {
            let needle = self.folded.as_bytes();
            return needle.is_empty()
                || text.as_bytes().windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
        }
        text.to_lowercase().contains(&self.folded)
    }
}

/// How a pattern is matched today.
enum Now {
    Anywhere(String),
    Line(String),
    Start(String),
    End(String),
    Around(String, String),
}

/// An operand of `:`, `=` or `!=`. Both what gcloud does now and what it says it will do one day are known; the first
/// counts, the second only brings a warning.
pub(super) struct Pattern {
    now: Option<Now>,
    later: Later,
}

enum Later {
    /// Anything but nothing.
    Something,
    /// A word, or one that begins with it.
    Word(String, bool),
}

impl Later {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Something => text.chars().any(|letter| letter != '\n'),
            Self::Word(word, may_go_on) => has_word(text, word, *may_go_on),
        }
    }
}

impl Pattern {
    pub fn has(operand: &str) -> Result<Self> {
        if operand == "*" {
            return Ok(Self { now: None, later: Later::Something });
        }
        if operand.is_empty() {
            return Ok(Self { now: None, later: Later::Word(String::new(), false) });
        }
        let folded = folded(operand).into_owned();
        let (left, right) = match folded.split_once('*') {
            None => (folded.clone(), None),
            Some((_, right)) if right.contains('*') => {
                return Err(syntax(format!("At most one * expected in : patterns [{operand}].")));
            }
            Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
        };
        let now = match right {
            None => Now::Anywhere(left),
            Some(right) if left.is_empty() => Now::End(right),
            Some(right) if right.is_empty() => Now::Start(left),
            Some(right) => Now::Around(left, right),
        };
        let later = match folded.strip_suffix('*') {
            Some(start) => Later::Word(start.to_owned(), true),
            None => Later::Word(folded, false),
        };
        Ok(Self { now: Some(now), later })
    }

    pub fn equal(operand: &str) -> Self {
        let folded = folded(operand).into_owned();
        Self { now: Some(Now::Line(folded.clone())), later: Later::Word(folded, false) }
    }

    /// Whether searchable text matches now, and whether it will one day.
    pub fn matches(&self, text: &str) -> (bool, bool) {
        let later = self.later.matches(text);
        let Some(now) = &self.now else { return (later, later) };
        let lines = || text.split('\n');
        let matches = match now {
            Now::Anywhere(word) => text.contains(word.as_str()),
            Now::Line(word) => text == word || lines().any(|line| line == word),
            Now::Start(word) => lines().any(|line| line.starts_with(word.as_str())),
            Now::End(word) => lines().any(|line| line.ends_with(word.as_str())),
            Now::Around(left, right) => lines().any(|line| {
                line.len() >= left.len() + right.len()
                    && line.starts_with(left.as_str())
                    && line.ends_with(right.as_str())
            }),
        };
        (matches, later)
    }
}

fn is_word_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether a word ends or begins here.
fn is_boundary(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back().is_some_and(is_word_letter);
    let after = text[at..].chars().next().is_some_and(is_word_letter);
    before != after
}

fn has_word(text: &str, word: &str, may_go_on: bool) -> bool {
    text.match_indices(word).any(|(at, _)| is_boundary(text, at) && (may_go_on || is_boundary(text, at + word.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(operand: &str, text: &str) -> bool {
        Pattern::has(operand).expect(operand).matches(&searchable(text)).0
    }

    #[test]
    fn patterns_match_without_case_and_accents() {
        assert!(now("cafe", "Le CAFÉ"));
        assert!(now("top*", "topics/t1"));
        assert!(!now("top*", "projects/topics"));
        assert!(now("*t1", "topics/T1"));
        assert!(now("t*1", "topics/t1"));
        assert!(now("*", "x") && !now("*", ""));
        assert!(now("bc", "a<b>bc"));
        assert!(Pattern::has("a*b*").is_err());
    }

    #[test]
    fn one_day_only_words_will_match() {
        let both = |operand: &str, text: &str| Pattern::has(operand).expect(operand).matches(text);
        assert_eq!(both("opi", "topics"), (true, false));
        assert_eq!(both("top*", "x/topics"), (false, true));
        assert_eq!(both("topics", "x/topics/y"), (true, true));
        assert_eq!(Pattern::equal("t1").matches("x/t1"), (false, true));
    }
}
