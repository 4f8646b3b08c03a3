//! Tokens of expressions: words with quotes, keys, arguments; and the place of an error.

use crate::error::{FormatError, Result, syntax};
use crate::key::{Key, Step};
use crate::text;

/// Characters of a filter's operators.
pub(crate) const OPERATORS: &str = ":=!<>~()";
/// What an unquoted name in a key cannot hold.
const RESERVED: &str = ":=!<>~()[].{},+*/%&|^#;?";

/// Steps in a key: more than any record is deep.
const DEEPEST: usize = 100;

/// A word and whether some of it was quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Token {
    pub text: String,
    pub quoted: bool,
}

impl Token {
    /// Unquoted whole numbers are numbers.
    pub fn integer(&self) -> Option<i64> {
        if self.quoted { None } else { text::integer(&self.text) }
    }
}

/// How a word ends.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ends<'a> {
    pub at: &'a str,
    /// Inside parentheses nothing ends it.
    pub balanced: bool,
    /// Blanks after the word stay.
    pub keep_space: bool,
}

pub(crate) struct Lexer {
    chars: Vec<char>,
    pub position: usize,
}

impl Lexer {
    pub fn new(expression: &str) -> Self {
        Self { chars: expression.chars().collect(), position: 0 }
    }

    pub fn at_end(&self) -> bool {
        self.position >= self.chars.len()
    }

    /// The expression with the place marked.
    pub fn annotate(&self, here: usize) -> String {
        let (before, after) = self.chars.split_at(here.min(self.chars.len()));
        let mut text: String = before.iter().collect();
        if before.last().is_some_and(|last| !last.is_whitespace()) {
            text.push(' ');
        }
        text.push_str("*HERE*");
        if after.first().is_some_and(|first| !first.is_whitespace()) {
            text.push(' ');
        }
        text.extend(after);
        text
    }

    pub fn error(&self, what: &str, here: usize) -> FormatError {
        syntax(format!("{what} [{}].", self.annotate(here)))
    }

    pub fn error_here(&self, what: &str) -> FormatError {
        self.error(what, self.position)
    }

    fn skip_space_but(&mut self, kept: &str) {
        while self.chars.get(self.position).is_some_and(|next| next.is_whitespace() && !kept.contains(*next)) {
            self.position += 1;
        }
    }

    /// Whether anything follows.
    pub fn skip_space(&mut self) -> bool {
        self.skip_space_but("");
        !self.at_end()
    }

    pub fn expect_more(&mut self, what: &str) -> Result<()> {
        if self.skip_space() { Ok(()) } else { Err(self.error_here(&format!("{what} expected"))) }
    }

    pub fn peek(&self, among: &str) -> Option<char> {
        self.chars.get(self.position).copied().filter(|next| among.contains(*next))
    }

    /// Takes the next character if it is one of these; nothing at the end either.
    pub fn take(&mut self, among: &str) -> Option<char> {
        let found = self.peek(among)?;
        self.position += 1;
        Some(found)
    }

    /// The same where the expression cannot end yet.
    pub fn take_more(&mut self, among: &str) -> Result<Option<char>> {
        if self.at_end() { Err(self.error_here("More tokens expected")) } else { Ok(self.take(among)) }
    }

    /// Whether the next word is this one; words end at blanks, `(` and the end.
    pub fn peek_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = &self.chars[self.position.min(self.chars.len())..];
        let length = word.chars().count();
        rest.iter().take(length).copied().eq(word.chars())
            && rest.get(length).is_none_or(|next| next.is_whitespace() || *next == '(')
    }

    pub fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.peek_word(word);
        if is_next {
            self.position += word.chars().count();
        }
        is_next
    }

    /// The next word, or nothing where a terminator or the end stands. Quotes may stand anywhere in it; a backslash
    /// escapes quotes and itself.
    pub fn token(&mut self, ends: Ends) -> Result<Option<Token>> {
        let mut token: Option<Token> = None;
        let mut quote = None;
        let mut depth = 0_usize;
        let mut at = self.position;
        while let Some(&next) = self.chars.get(at) {
            let escaped = if next == '\\' { self.chars.get(at + 1) } else { None };
            if let Some(&escaped) = escaped {
                let token = token.get_or_insert_default();
                if !(escaped == '\\' || Some(escaped) == quote || quote.is_none() && matches!(escaped, '\'' | '"')) {
                    token.text.push('\\');
                }
                token.text.push(escaped);
                at += 1;
            } else if Some(next) == quote {
                quote = None;
            } else if quote.is_none() && matches!(next, '\'' | '"') {
                quote = Some(next);
                token.get_or_insert_default().quoted = true;
            } else if quote.is_none() && next.is_whitespace() && token.is_none() {
            } else if quote.is_none() && ends.balanced && matches!(next, '(' | ')') {
                if next == '(' {
                    depth += 1;
                } else if ends.at.contains(next) && depth == 0 {
                    break;
                } else {
                    depth = depth.saturating_sub(1);
                }
                token.get_or_insert_default().text.push(next);
            } else if quote.is_none() && depth == 0 && ends.at.contains(next) {
                break;
            } else if quote.is_some() || !next.is_whitespace() || ends.balanced {
                token.get_or_insert_default().text.push(next);
            } else {
                break;
            }
            at += 1;
        }
        if let Some(quote) = quote {
            return Err(syntax(format!("Unterminated [{quote}] quote [{}].", self.annotate(self.position))));
        }
        self.position = at;
        if !ends.keep_space {
            self.skip_space_but(ends.at);
        }
        Ok(token)
    }

    /// Arguments up to the closing parenthesis; the opening one is behind. Blanks may separate, and then repeat.
    pub fn arguments(&mut self, separators: &str) -> Result<Vec<Token>> {
        let ends = format!("{separators})");
        let mut arguments = Vec::new();
        let mut required = false;
        loop {
            let here = self.position;
            let argument = self.token(Ends { at: &ends, balanced: true, keep_space: false })?;
            let closed = self.take_more(")")?.is_some();
            let blank = if closed {
                false
            } else {
                match self.take(separators) {
                    Some(separator) => separator.is_whitespace(),
                    None => return Err(self.error_here("Closing ) expected in argument list")),
                }
            };
            match argument {
                Some(argument) if argument.text.is_empty() && blank => {}
                Some(argument) => arguments.push(argument),
                None if required || !closed && !blank => return Err(self.error("Argument expected", here)),
                None => {}
            }
            if closed {
                return Ok(arguments);
            }
            required = !blank;
        }
    }

    /// `*name(` is short for `map(1).name(`, `**name(` for `map(2).name(`.
    fn expand_map(&mut self) -> Result<()> {
        let start = self.position;
        while self.take_more("*")?.is_some() {}
        let level = self.position - start;
        if level > 0 {
            self.chars.splice(start..self.position, format!("map({level}).").chars());
            self.position = start;
        }
        Ok(())
    }

    /// A key as it is written. The first name may be an alias, unless it is a function's.
    pub fn key_with<A>(&mut self, alias: impl Fn(&str) -> Option<(Key, A)>) -> Result<(Key, Option<A>)> {
        let mut key = Key::new();
        let mut attribute = None;
        while !self.at_end() {
            if key.len() > DEEPEST {
                return Err(FormatError::TooDeep);
            }
            self.expand_map()?;
            let here = self.position;
            let name = self.token(Ends { at: RESERVED, balanced: false, keep_space: true })?;
            match name {
                Some(name) if !name.text.is_empty() => {
                    let is_function = self.peek("(").is_some();
                    match alias(&name.text) {
                        Some((aliased, found)) if key.is_empty() && !is_function => {
                            key.extend(aliased);
                            attribute = Some(found);
                        }
                        _ => key.push(Step::Name(name.text)),
                    }
                }
                _ if self.peek("[").is_some() => {}
                _ => {
                    let is_whole = key.is_empty()
                        && self.take_more(".")?.is_some()
                        && self.peek(".").is_none()
                        && (self.at_end() || self.peek(RESERVED).is_some());
                    if is_whole {
                        break;
                    }
                    return Err(self.error("Non-empty key name expected", here));
                }
            }
            if self.at_end() {
                break;
            }
            if self.take("]").is_some() {
                return Err(self.error("Unmatched ] in key", here));
            }
            while self.take("[").is_some() {
                if key.len() > DEEPEST {
                    return Err(FormatError::TooDeep);
                }
                let index = self.token(Ends { at: "]", balanced: false, keep_space: false })?;
                self.take_more("]")?;
                key.push(match index {
                    None => Step::Slice,
                    Some(index) => index.integer().map_or(Step::Name(index.text), Step::Index),
                });
            }
            if self.take(".").is_none() {
                break;
            }
            if self.at_end() {
                return Err(self.error_here("Non-empty key name expected"));
            }
        }
        Ok((key, attribute))
    }

    pub fn key(&mut self) -> Result<Key> {
        Ok(self.key_with(|_| None::<(Key, ())>)?.0)
    }
}

/// A key and nothing else.
pub fn parse_key(text: &str) -> Result<Key> {
    let mut lexer = Lexer::new(text);
    let key = lexer.key()?;
    if lexer.at_end() {
        Ok(key)
    } else {
        Err(syntax(format!("Unexpected tokens [{}] in key.", lexer.annotate(lexer.position))))
    }
}

/// What a key at the beginning of the text is; what follows it is ignored.
pub(crate) fn leading_key(text: &str) -> Result<Key> {
    Lexer::new(text).key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_and_print_the_same() {
        for text in ["a.b.c", "a[0].b[]", "a[-1]", "\"a.b\".c", "."] {
            assert_eq!(crate::key::name(&parse_key(text).expect(text)), text);
        }
        assert_eq!(
            parse_key("abc.def[123].ghi[].jkl").expect("a key"),
            vec![
                Step::Name("abc".into()),
                Step::Name("def".into()),
                Step::Index(123),
                Step::Name("ghi".into()),
                Step::Slice,
                Step::Name("jkl".into())
            ]
        );
    }

    #[test]
    fn errors_show_the_place() {
        for (text, message) in [
            ("a..b", "Non-empty key name expected [a. *HERE* .b]."),
            ("a.", "Non-empty key name expected [a. *HERE*]."),
            ("a]", "Unmatched ] in key [*HERE* a]]."),
            ("a[1", "More tokens expected [a[1 *HERE*]."),
            ("'a", "Unterminated ['] quote [*HERE* 'a]."),
            ("a b", "Unexpected tokens [a *HERE* b] in key."),
        ] {
            assert_eq!(parse_key(text).expect_err(text).to_string(), message);
        }
    }

    #[test]
    fn words_hold_quotes_and_escapes() {
        let word =
            |text: &str| Lexer::new(text).token(Ends { at: ",", ..Ends::default() }).expect(text).expect(text).text;
        assert_eq!(word(r#"foo" & "bar,baz"#), "foo & bar");
        assert_eq!(word(r"'it\'s',"), "it's");
        assert_eq!(word(r"\n\\,"), r"\n\");
    }
}
