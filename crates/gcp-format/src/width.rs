//! How many columns text takes on a screen with one width for all letters.

use unicode_width::UnicodeWidthChar;

/// Characters that shape their neighbours and take no room (Unicode's category Cf).
pub(crate) fn is_format(letter: char) -> bool {
    matches!(u32::from(letter),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x2064 | 0x2066..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0x110bd | 0x110cd
        | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0001 | 0xe0020..=0xe007f)
}

pub(crate) fn of_char(letter: char) -> usize {
    if letter.is_ascii() {
        return 1;
    }
    if is_format(letter) || unicode_normalization::char::canonical_combining_class(letter) != 0 {
        return 0;
    }
    if letter.width() == Some(2) { 2 } else { 1 }
}

/// The widest line of it.
pub(crate) fn of(text: &str) -> usize {
    if text.is_ascii() && !text.contains('\n') {
        return text.len();
    }
    text.split('\n').map(|line| line.chars().map(of_char).sum()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_count_twice_and_marks_not_at_all() {
        assert_eq!(of("abc"), 3);
        assert_eq!(of("日本"), 4);
        assert_eq!(of("e\u{301}\u{200b}"), 1);
        assert_eq!(of("one\nlonger\nx"), 6);
    }
}
