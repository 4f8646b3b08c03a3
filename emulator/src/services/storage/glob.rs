//! `matchGlob`: `*` and `?` within a folder, `**` across folders, `[a-z]`, `[!x]`, `{one,two}`.

use crate::kernel::{Error, Result};

/// Alternatives multiply: more than this is nobody's pattern.
const MAX_ALTERNATIVES: usize = 64;

enum Token {
    Exactly(char),
    One,
    Within,
    Across,
    Set { negated: bool, ranges: Vec<(char, char)> },
}

pub struct Glob(Vec<Vec<Token>>);

fn invalid(pattern: &str) -> Error {
    Error::invalid_argument(format!("Invalid value for parameter matchGlob: '{pattern}'.")).with_reason("invalid")
}

impl Glob {
    pub fn parse(pattern: &str) -> Result<Self> {
        let alternatives = expand(pattern).ok_or_else(|| invalid(pattern))?;
        let tokens: Option<_> = alternatives.iter().map(|alternative| tokens(alternative)).collect();
        tokens.map(Self).ok_or_else(|| invalid(pattern))
    }

    pub fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|tokens| run(tokens, name))
    }
}

/// The patterns that braces stand for.
fn expand(pattern: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(next) = open.pop() {
        let Some(start) = next.find('{') else {
            if next.contains('}') {
                return None;
            }
            done.push(next);
            continue;
        };
        let end = start + next[start..].find('}')?;
        if next[start + 1..end].contains('{') {
            return None;
        }
        // Backwards, so that the first alternative is looked at first.
        for middle in next[start + 1..end].split(',').rev() {
            open.push(format!("{}{middle}{}", &next[..start], &next[end + 1..]));
        }
        if open.len() + done.len() > MAX_ALTERNATIVES {
            return None;
        }
    }
    Some(done)
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        tokens.push(match char {
            '*' if chars.next_if_eq(&'*').is_some() => Token::Across,
            '*' => Token::Within,
            '?' => Token::One,
            '\\' => Token::Exactly(chars.next()?),
            '[' => {
                let negated = chars.next_if(|char| matches!(char, '!' | '^')).is_some();
                let mut ranges = Vec::new();
                loop {
                    match chars.next()? {
                        ']' if !ranges.is_empty() => break,
                        low => {
                            let mut ahead = chars.clone();
                            let high = match (ahead.next(), ahead.next()) {
                                (Some('-'), Some(high)) if high != ']' => {
                                    chars = ahead;
                                    high
                                }
                                _ => low,
                            };
                            ranges.push((low, high));
                        }
                    }
                }
                Token::Set { negated, ranges }
            }
            char => Token::Exactly(char),
        });
    }
    Some(tokens)
}

/// All states at once, so that no pattern takes longer than its length times the name's.
fn run(tokens: &[Token], name: &str) -> bool {
    let mut states = vec![false; tokens.len() + 1];
    states[0] = true;
    skip_stars(tokens, &mut states);
    for char in name.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| states[*at]) {
            match token {
                Token::Across => next[at] = true,
                Token::Within => next[at] |= char != '/',
                Token::One => next[at + 1] |= char != '/',
                Token::Exactly(wanted) => next[at + 1] |= char == *wanted,
                Token::Set { negated, ranges } => {
                    let found = ranges.iter().any(|(low, high)| (*low..=*high).contains(&char));
                    next[at + 1] |= found != *negated && char != '/';
                }
            }
        }
        skip_stars(tokens, &mut next);
        states = next;
    }
    states[tokens.len()]
}

/// A star may stand for nothing.
fn skip_stars(tokens: &[Token], states: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if matches!(token, Token::Across | Token::Within) && states[at] {
            states[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_slashes_unless_they_are_two() {
        let rows = [
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", false),
            ("**.txt", "d/a.txt", true),
            ("d/**/x", "d/a/b/x", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]x", "]x", true),
            ("{a,b*}.{x,y}", "bb.y", true),
            ("{a,b*}.{x,y}", "c.y", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("", "", true),
            ("ü*", "üx", true),
        ];
        for (pattern, name, expected) in rows {
            assert_eq!(Glob::parse(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
        let many = "{a,b}".repeat(10);
        for bad in ["[a", "{a", "a}", "\\", "{a,{b}}", &many] {
            assert!(Glob::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_another() {
        let glob = Glob::parse(&format!("{}b", "a*".repeat(200))).unwrap();
        assert!(!glob.matches(&"a".repeat(1000)));
    }
}
