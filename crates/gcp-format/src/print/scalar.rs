//! How YAML writes text: plain where it reads back as the same text, else quoted; folded after 80 columns.

use std::sync::LazyLock;

use regex::Regex;

const WIDTH: usize = 80;

/// Where text stands: how far its further lines are indented.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before a colon: one line.
    Key,
    Within(usize),
    /// Alone in the document.
    Root,
}

impl Place {
    fn indent(self) -> usize {
        if let Self::Within(indent) = self { indent } else { 2 }
    }
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(letter: Option<char>) -> bool {
    letter.is_none_or(|letter| is_break(letter) || matches!(letter, '\0' | ' ' | '\t' | '\r'))
}

/// Keys are written before a colon if they are short and one line.
pub(super) fn is_simple_key(name: &str) -> bool {
    // A key counts with its tag, `!!str`, though that is not written.
    !name.is_empty() && !name.contains(is_break) && name.chars().count() + 5 < 128
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
}

/// Most text: nothing in it can be misread but the whole.
fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'.'))
}

fn style(text: &str) -> Style {
    let (plain, single) = if is_word(text) { (true, true) } else { allowed(text) };
    if plain && !is_other_type(text) {
        Style::Plain
    } else if single && !text.contains(['\'', '\n']) {
        Style::Single
    } else {
        Style::Double
    }
}

/// Whether text may stand without quotes, and whether in single ones.
fn allowed(text: &str) -> (bool, bool) {
    let letters: Vec<char> = text.chars().collect();
    let (Some(&first), Some(&last)) = (letters.first(), letters.last()) else { return (false, true) };
    let followed = is_blank(letters.get(1).copied());
    let mut indicator = text.starts_with("---")
        || text.starts_with("...")
        || "#,[]{}&*!|>'\"%@`".contains(first)
        || "?:-".contains(first) && followed;
    let mut special = false;
    let mut blank_by_break = false;
    for (at, &letter) in letters.iter().enumerate() {
        let before = if at == 0 { None } else { Some(letters[at - 1]) };
        let after = letters.get(at + 1).copied();
        if at > 0 {
            indicator |= letter == ':' && is_blank(after) || letter == '#' && is_blank(before);
        }
        special |= !(letter == '\n'
            || matches!(letter, ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
                && letter != '\u{feff}');
        blank_by_break |= letter == ' ' && (before.is_some_and(is_break) || after.is_some_and(is_break));
    }
    let single = !special && !blank_by_break;
    let edges = [first, last].iter().any(|letter| *letter == ' ' || is_break(*letter));
    (single && !edges && !indicator && !text.contains(is_break), single)
}

/// What a reader of YAML 1.2 (and dates of 1.1) takes for something else than text.
fn is_other_type(text: &str) -> bool {
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)^(?:
            [-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
            | [-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
            | [-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?
            | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
            | [-+]?0b[01_]+ | [-+]?0o[0-7_]+ | [-+]?[0-9_]+ | [-+]?0x[0-9a-fA-F_]+
            | [0-9]{4}-[0-9]{2}-[0-9]{2}
            | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[\ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?
              (?:[\ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?
            )$",
        )
        .ok()
    });
    match text.as_bytes().first() {
        None => true,
        Some(b'-' | b'+' | b'.' | b'0'..=b'9') => NUMBER.as_ref().is_some_and(|number| number.is_match(text)),
        _ => matches!(
            text,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" | "null" | "Null" | "NULL" | "~" | "=" | "<<"
        ),
    }
}

/// Text on its way out: knows its column.
struct Writer<'a> {
    out: &'a mut String,
    column: usize,
    indent: usize,
    folds: bool,
}

impl Writer<'_> {
    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn is_full(&self) -> bool {
        self.folds && self.column > WIDTH
    }

    fn pad(&mut self) {
        self.out.extend(std::iter::repeat_n(' ', self.indent));
        self.column = self.indent;
    }

    fn next_line(&mut self) {
        self.out.push('\n');
        self.pad();
    }

    /// Words and blanks; a single blank between words becomes a new line where the line is full.
    fn words(&mut self, text: &str, double: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let kind = |letter: char| (letter == ' ', is_break(letter));
            let length = rest.find(|letter| kind(letter) != kind(first)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(length);
            if is_break(first) {
                self.out.push_str(run);
                self.pad();
            } else if run == " " && rest.len() < text.len() && !after.is_empty() && self.is_full() {
                self.next_line();
            } else if first == ' ' || double.is_empty() {
                self.write(run);
            } else {
                self.write(&run.replace(double, &double.repeat(2)));
            }
            rest = after;
        }
    }

    fn escaped(&mut self, text: &str) {
        let letters: Vec<char> = text.chars().collect();
        let mut start = 0;
        for end in 0..=letters.len() {
            let letter = letters.get(end).copied();
            if letter.is_none_or(needs_escape) {
                self.write(&letters[start..end].iter().collect::<String>());
                start = end;
                if let Some(letter) = letter {
                    self.write(&escape(letter));
                    start = end + 1;
                }
            }
            let inside = end > 0 && end + 1 < letters.len();
            if inside
                && (letter == Some(' ') || start >= end)
                && self.folds
                && self.column + end.saturating_sub(start) > WIDTH
            {
                if start < end {
                    self.write(&letters[start..end].iter().collect::<String>());
                    start = end;
                }
                self.write("\\");
                self.next_line();
                if letters.get(start) == Some(&' ') {
                    self.write("\\");
                }
            }
        }
    }
}

fn needs_escape(letter: char) -> bool {
    matches!(letter, '"' | '\\' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || !matches!(letter, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
}

fn escape(letter: char) -> String {
    let short = match letter {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(letter);
            return match code {
                ..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}

/// Text of one line, in the style it needs.
pub(super) fn write_text(text: &str, place: Place, out: &mut String) {
    let line = out.rfind('\n').map_or(0, |at| at + 1);
    let column = out[line..].chars().count();
    let mut writer = Writer { out, column, indent: place.indent(), folds: place != Place::Key };
    match style(text) {
        Style::Plain => writer.words(text, ""),
        Style::Single => {
            writer.write("'");
            writer.words(text, "'");
            writer.write("'");
        }
        Style::Double => {
            writer.write("\"");
            writer.escaped(text);
            writer.write("\"");
        }
    }
}

/// Text of several lines, line by line. The last line break is left to the caller.
pub(super) fn write_block(text: &str, place: Place, out: &mut String) {
    let leads = text.starts_with([' ', '\n', '\u{85}', '\u{2028}', '\u{2029}']);
    out.push('|');
    if leads {
        out.push('2');
    }
    if keeps_end(text) {
        out.push('+');
    } else if !text.ends_with(is_break) {
        out.push('-');
    }
    let marker = place == Place::Root && ["\n---", "\n..."].iter().any(|marker| has_marker(text, marker));
    let indent = place.indent() + if place == Place::Root && (leads || marker) { 2 } else { 0 };
    out.push('\n');
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(is_break).unwrap_or(rest.len());
        let (line, after) = rest.split_at(length);
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
        let end = after.chars().next();
        rest = &after[end.map_or(0, char::len_utf8)..];
        match end {
            Some('\n') if rest.is_empty() => {}
            Some(end) => out.push(end),
            None => {}
        }
    }
}

fn has_marker(text: &str, marker: &str) -> bool {
    text.match_indices(marker).any(|(at, _)| {
        let after = text[at + marker.len()..].chars().next();
        matches!(after, None | Some(' ' | '\r' | '\n'))
    })
}

/// Ends in more than one line break.
pub(super) fn keeps_end(text: &str) -> bool {
    let mut letters = text.chars().rev();
    text.contains('\n') && letters.next().is_some_and(is_break) && letters.next().is_none_or(is_break)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = String::new();
        write_text(text, Place::Within(2), &mut out);
        out
    }

    #[test]
    fn text_is_quoted_where_it_would_read_as_something_else() {
        for text in [
            "1",
            "1.5",
            "1e3",
            "0x1F",
            "true",
            "null",
            "~",
            "2026-01-01",
            "2026-01-01T00:00:00Z",
            "",
            "=",
            "# x",
            "*a",
            "@a",
            "a: b",
            " a",
            "[a",
            "a #b",
            "- a",
            "+_",
        ] {
            assert_eq!(written(text), format!("'{text}'"));
        }
        for text in ["yes", "on", "12:30:45", "a#b", "-x", "it's", "say \"hi\"", "600s", "a:b", "?a", "0o9"] {
            assert_eq!(written(text), text);
        }
        assert_eq!(written("it's: x"), "\"it's: x\"");
        assert_eq!(written("a\tb"), "\"a\\tb\"");
    }
}
