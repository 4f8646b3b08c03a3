//! A subscription's filter: which messages it wants, by their attributes.
//!
//! `attributes:KEY`, `attributes.KEY = "v"`, `!=`, `hasPrefix(attributes.KEY, "v")`, NOT (or `-`), AND, OR; mixing AND with
//! OR needs parentheses.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use crate::kernel::{Error, Result};

/// As production limits it.
const MAX_BYTES: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    Has(String),
    Is(String, String),
    Prefix(String, String),
    Not(Box<Filter>),
    All(Vec<Filter>),
    Any(Vec<Filter>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    /// One of `( ) , . : = ! -`, `!` standing for `!=`.
    Mark(char),
}

impl Filter {
    /// `None` for the empty filter, which wants everything.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.len() > MAX_BYTES {
            return Err(invalid(text, &format!("it is longer than {MAX_BYTES} bytes")));
        }
        let tokens = tokens(text).map_err(|what| invalid(text, &what))?;
        let mut parser = Parser { tokens, at: 0 };
        let filter = parser.expression().map_err(|what| invalid(text, &what))?;
        match parser.tokens.get(parser.at) {
            None => Ok(Some(filter)),
            Some(_) => Err(invalid(text, "it goes on after its end; AND and OR together need parentheses")),
        }
    }

    pub fn wants(&self, attributes: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Has(key) => attributes.contains_key(key),
            Self::Is(key, value) => attributes.get(key) == Some(value),
            Self::Prefix(key, value) => attributes.get(key).is_some_and(|held| held.starts_with(value.as_str())),
            Self::Not(inner) => !inner.wants(attributes),
            Self::All(parts) => parts.iter().all(|part| part.wants(attributes)),
            Self::Any(parts) => parts.iter().any(|part| part.wants(attributes)),
        }
    }
}

fn invalid(filter: &str, what: &str) -> Error {
    Error::invalid_argument(format!("Invalid filter given (filter={filter}): {what}."))
}

fn tokens(text: &str) -> std::result::Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            _ if c.is_whitespace() => {
                chars.next();
            }
            '"' | '\'' => {
                chars.next();
                tokens.push(Token::Text(quoted(&mut chars, c)?));
            }
            '!' => {
                chars.next();
                if chars.next() != Some('=') {
                    return Err("'!' must be followed by '='".to_owned());
                }
                tokens.push(Token::Mark('!'));
            }
            '(' | ')' | ',' | '.' | ':' | '=' | '-' => {
                chars.next();
                tokens.push(Token::Mark(c));
            }
            _ if c.is_alphanumeric() || c == '_' => {
                let mut word = String::new();
                while let Some(&c) = chars.peek().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
                    word.push(c);
                    chars.next();
                }
                tokens.push(Token::Word(word));
            }
            other => return Err(format!("'{other}' is not expected outside quotes")),
        }
    }
    Ok(tokens)
}

fn quoted(chars: &mut Peekable<Chars<'_>>, quote: char) -> std::result::Result<String, String> {
    let open = || "a quoted text does not end".to_owned();
    let mut text = String::new();
    loop {
        match chars.next().ok_or_else(open)? {
            c if c == quote => return Ok(text),
            '\\' => text.push(escaped(chars)?),
            c => text.push(c),
        }
    }
}

fn escaped(chars: &mut Peekable<Chars<'_>>) -> std::result::Result<char, String> {
    let bad = || "an escape in a quoted text is not known".to_owned();
    let digits = match chars.next().ok_or_else(bad)? {
        'n' => return Ok('\n'),
        't' => return Ok('\t'),
        'r' => return Ok('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c @ ('\\' | '"' | '\'') => return Ok(c),
        _ => return Err(bad()),
    };
    let code: String = chars.by_ref().take(digits).collect();
    u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits).and_then(char::from_u32).ok_or_else(bad)
}

/// The tokens, at most [`MAX_BYTES`] of them: what bounds the depth of the recursion.
struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

type Parsed<T> = std::result::Result<T, String>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take_mark(&mut self, mark: char) -> bool {
        let taken = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(taken);
        taken
    }

    fn take_word(&mut self, word: &str) -> bool {
        let taken = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, mark: char) -> Parsed<()> {
        if self.take_mark(mark) { Ok(()) } else { Err(format!("'{mark}' is missing")) }
    }

    /// Terms joined by AND alone or by OR alone.
    fn expression(&mut self) -> Parsed<Filter> {
        let first = self.term()?;
        let mut parts = vec![first];
        if self.take_word("AND") {
            parts.push(self.term()?);
            while self.take_word("AND") {
                parts.push(self.term()?);
            }
            return Ok(Filter::All(parts));
        }
        while self.take_word("OR") {
            parts.push(self.term()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn term(&mut self) -> Parsed<Filter> {
        if self.take_word("NOT") || self.take_mark('-') {
            return Ok(Filter::Not(Box::new(self.term()?)));
        }
        if self.take_mark('(') {
            let inner = self.expression()?;
            self.expect(')')?;
            return Ok(inner);
        }
        if self.take_word("hasPrefix") {
            self.expect('(')?;
            let key = self.attribute()?;
            self.expect(',')?;
            let value = self.value()?;
            self.expect(')')?;
            return Ok(Filter::Prefix(key, value));
        }
        if self.peek() == Some(&Token::Word("attributes".to_owned()))
            && self.tokens.get(self.at + 1) == Some(&Token::Mark(':'))
        {
            self.at += 2;
            return self.key().map(Filter::Has);
        }
        let key = self.attribute()?;
        if self.take_mark('=') {
            return Ok(Filter::Is(key, self.value()?));
        }
        if self.take_mark('!') {
            return Ok(Filter::Not(Box::new(Filter::Is(key, self.value()?))));
        }
        Err("after an attribute comes '=' or '!='".to_owned())
    }

    fn attribute(&mut self) -> Parsed<String> {
        if !self.take_word("attributes") {
            return Err("only attributes can be filtered on".to_owned());
        }
        self.expect('.')?;
        self.key()
    }

    fn key(&mut self) -> Parsed<String> {
        let key = match self.peek() {
            Some(Token::Word(key) | Token::Text(key)) if !key.is_empty() => key.clone(),
            _ => return Err("the attribute's key is missing".to_owned()),
        };
        self.at += 1;
        Ok(key)
    }

    fn value(&mut self) -> Parsed<String> {
        let Some(Token::Text(value)) = self.peek() else { return Err("a value must be quoted".to_owned()) };
        let value = value.clone();
        self.at += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(filter: &str, attributes: &[(&str, &str)]) -> bool {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Filter::parse(filter).expect(filter).is_none_or(|filter| filter.wants(&attributes))
    }

    #[test]
    fn each_operator_chooses_by_attributes() {
        let push = [("action", "INSERT"), ("tag", "web-v1"), ("iana.org/lang", "en\"x")];
        for (filter, expected) in [
            ("", true),
            ("attributes:action", true),
            ("attributes:Action", false),
            (r#"attributes.action = "INSERT""#, true),
            (r#"attributes.action="DELETE""#, false),
            (r#"attributes.action != "DELETE""#, true),
            (r#"attributes.missing != "x""#, true),
            (r#"hasPrefix(attributes.tag, "web-")"#, true),
            (r#"hasPrefix(attributes.missing, "")"#, false),
            ("NOT attributes:missing", true),
            ("-attributes:action", false),
            (r#"attributes:"iana.org/lang" AND attributes."iana.org/lang" = "en\"x""#, true),
            (r#"attributes:missing OR attributes.tag = "\u0077eb-v1""#, true),
            (r#"attributes:action AND (attributes:missing OR attributes.tag = "other")"#, false),
            (r#"NOT (attributes:missing OR attributes.tag = "other")"#, true),
        ] {
            assert_eq!(wants(filter, &push), expected, "{filter}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_reason() {
        for (filter, reason) in [
            ("attributes:a AND attributes:b OR attributes:c", "AND and OR together need parentheses"),
            ("attributes.a = b", "a value must be quoted"),
            ("attributes.a", "after an attribute comes '=' or '!='"),
            ("attributes.a < \"b\"", "'<' is not expected outside quotes"),
            ("data = \"x\"", "only attributes can be filtered on"),
            ("attributes.a = \"x", "a quoted text does not end"),
            ("(attributes:a", "')' is missing"),
            ("attributes:", "the attribute's key is missing"),
            ("hasPrefix(attributes.a)", "',' is missing"),
            (r#"attributes.a = "\q""#, "an escape in a quoted text is not known"),
            (r#"attributes.a = "\u00""#, "an escape in a quoted text is not known"),
        ] {
            let error = Filter::parse(filter).expect_err(filter);
            assert!(error.message().contains(reason), "{filter}: {}", error.message());
        }
        assert!(Filter::parse(&"(".repeat(257)).is_err());
        assert!(Filter::parse(&"(".repeat(256)).is_err());
    }
}
