//! Regular expressions as people write them for gcloud.

use regex::Regex;

use crate::error::{FormatError, Result};

/// Python's `\Z` is the very end of the text, which is `\z` here.
pub(crate) fn translated(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        translated.push(letter);
        if letter == '\\' {
            translated.extend(letters.next().map(|escaped| if escaped == 'Z' { 'z' } else { escaped }));
        }
    }
    translated
}

fn compile(pattern: &str, shown: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        let reason = match &error {
            // The last line says what is wrong; those before it draw where.
            regex::Error::Syntax(text) => {
                text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
            _ => error.to_string(),
        };
        FormatError::Pattern { pattern: shown.to_owned(), reason }
    })
}

pub(crate) fn anywhere(pattern: &str) -> Result<Regex> {
    compile(&translated(pattern), pattern)
}

/// Matches only from the beginning.
pub(crate) fn anchored(pattern: &str) -> Result<Regex> {
    compile(&format!("\\A(?:{})", translated(pattern)), pattern)
}
