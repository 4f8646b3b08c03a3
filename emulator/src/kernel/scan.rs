//! Words, signs and quoted values of a small language, from left to right. Filters and queries are read with it.

use super::{Error, Result};

pub struct Scan<'a> {
    /// What is read, as refusals name it: `filter`.
    what: &'static str,
    text: &'a str,
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub fn new(what: &'static str, text: &'a str) -> Self {
        Self { what, text, rest: text }
    }

    pub fn refuse(&self, why: &str) -> Error {
        let at = self.text.len() - self.rest.len();
        Error::invalid_argument(format!("Invalid {} '{}': {why} (at byte {at}).", self.what, self.text))
    }

    pub fn rest(&self) -> &'a str {
        self.rest
    }

    pub fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes `sign` if it stands here.
    pub fn sign(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes `word` if it stands here by itself, with the space before it.
    pub fn keyword(&mut self, word: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(word) {
            Some(rest) if rest.starts_with(|c: char| c.is_whitespace() || c == '(') => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// `NOT` or `-`, with the space around it.
    pub fn negation(&mut self) -> bool {
        let word = self.keyword("NOT");
        self.skip_space();
        let negated = word || self.sign("-");
        self.skip_space();
        negated
    }

    /// Whether all is read, or a bracket is to be closed here.
    pub fn is_over(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty() || self.rest.starts_with(')')
    }

    pub fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Quoted, or up to the next space or bracket: times and names need no quotes.
    pub fn value(&mut self) -> Result<String> {
        self.skip_space();
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let value = self.take(|c| !c.is_whitespace() && c != ')' && c != '(');
            return if value.is_empty() { Err(self.refuse("a value is expected")) } else { Ok(value.to_owned()) };
        };
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    return Ok(value);
                }
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                _ => value.push(c),
            }
        }
        Err(self.refuse("a quotation mark is not closed"))
    }

    /// The end of the whole.
    pub fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.refuse("a ')' closes nothing")) }
    }
}
