//! How wide each column of a table is.

use super::{Column, Style};
use crate::projection::Align;
use crate::width;

pub(super) struct Layout {
    pub widths: Vec<usize>,
    pub aligns: Vec<Align>,
    pub heading: Option<Vec<String>>,
    pub rows: Vec<Vec<String>>,
    pub wraps: bool,
    /// Something is printed below rows.
    pub has_below: bool,
}

impl Layout {
    /// Nothing where every column is optional and empty.
    pub fn new(
        columns: &[Column],
        mut shown: Vec<usize>,
        mut heading: Option<Vec<String>>,
        mut rows: Vec<Vec<String>>,
        style: &Style,
        screen: usize,
    ) -> Option<Self> {
        let mut widths: Vec<usize> = vec![0; shown.len()];
        for row in &rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = width::of(cell).max(*widest);
            }
        }
        let keep: Vec<bool> =
            shown.iter().zip(&widths).map(|(at, width)| !columns[*at].optional || *width > 0).collect();
        if keep.contains(&false) {
            if !keep.contains(&true) {
                return None;
            }
            retain(&mut shown, &keep);
            retain(&mut widths, &keep);
            for row in &mut rows {
                retain(row, &keep);
            }
            if let Some(heading) = &mut heading {
                retain(heading, &keep);
            }
        }
        for (widest, label) in widths.iter_mut().zip(heading.iter().flatten()) {
            *widest = width::of(label).max(*widest);
        }
        for (widest, at) in widths.iter_mut().zip(&shown) {
            *widest = columns[*at].width.max(*widest);
        }
        let mut layout = Self {
            widths,
            aligns: shown.iter().map(|at| columns[*at].align).collect(),
            heading,
            rows,
            wraps: shown.iter().any(|at| columns[*at].wrap.is_some()),
            has_below: columns.iter().any(|column| column.below.is_some()),
        };
        layout.fit(&shown.iter().map(|at| columns[*at].wrap).collect::<Vec<_>>(), style, screen);
        layout.make_room_for(style);
        Some(layout)
    }

    /// Columns that may wrap share what the others leave of the screen.
    fn fit(&mut self, wraps: &[Option<usize>], style: &Style, screen: usize) {
        let count = self.widths.len();
        let frame = if style.boxed { count + 1 + count * style.pad * 2 } else { (count - 1) * style.pad };
        let room = screen.saturating_sub(frame + style.margin);
        let wrapping = wraps.iter().flatten().count();
        if wrapping == 0 || room >= self.widths.iter().sum() {
            return;
        }
        let fixed: usize =
            self.widths.iter().zip(wraps).filter(|(_, wrap)| wrap.is_none()).map(|(width, _)| width).sum();
        let share = room.saturating_sub(fixed) / wrapping;
        for (width, wrap) in self.widths.iter_mut().zip(wraps) {
            if let Some(least) = wrap {
                *width = share.max((*least).min(*width));
            }
        }
    }

    /// A title wider than the table widens every column.
    fn make_room_for(&mut self, style: &Style) {
        let Some(title) = &style.title else { return };
        let needed = width::of(title);
        if self.widths.iter().sum::<usize>() < needed && !self.wraps {
            let more = needed.div_ceil(self.widths.len());
            self.widths.iter_mut().for_each(|width| *width += more);
        }
    }

    /// What a title is centred over.
    pub fn inner_width(&self, style: &Style) -> usize {
        let sum: usize = self.widths.iter().sum();
        if style.boxed { sum + 3 * self.widths.len() - 1 } else { sum + style.pad * (self.widths.len() - 1) }
    }
}

fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().copied().unwrap_or(true));
}

pub(super) fn justified(text: &str, align: Align, columns: usize) -> String {
    let missing = columns.saturating_sub(width::of(text));
    let left = match align {
        Align::Left => 0,
        Align::Right => missing,
        // The odd blank stands left where the whole, counted in letters, is odd too.
        Align::Center => missing / 2 + (missing & (missing + text.chars().count()) & 1),
    };
    format!("{}{text}{}", " ".repeat(left), " ".repeat(missing - left))
}

/// Cuts off what fits into so many columns: at a line break, else after a blank, else anywhere.
pub(super) fn cut(text: &str, columns: usize) -> (String, String) {
    let mut used = 0;
    let mut split = text.len();
    for (at, letter) in text.char_indices() {
        used += width::of_char(letter);
        if used > columns && at > 0 {
            split = at;
            break;
        }
    }
    split += text[split..].len() - text[split..].trim_start().len();
    match text.find('\n') {
        Some(at) if at < split => split = at + 1,
        _ => {
            let mut blank = 0;
            let mut within = false;
            for (at, letter) in text.char_indices().take_while(|(at, _)| *at < split) {
                within = letter.is_whitespace();
                if within {
                    blank = at + letter.len_utf8();
                }
            }
            // A run of blanks that goes on behind the cut does not count.
            let goes_on = within && text[split..].starts_with(char::is_whitespace);
            if blank > 0 && !goes_on {
                split = blank;
            }
        }
    }
    (text[..split].trim_end().to_owned(), text[split..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_blanks_and_breaks() {
        let pair = |text: &str, columns| cut(text, columns);
        assert_eq!(pair("one two three", 7), ("one two".into(), "three".into()));
        assert_eq!(pair("one two three", 6), ("one".into(), "two three".into()));
        assert_eq!(pair("onetwothree", 6), ("onetwo".into(), "three".into()));
        assert_eq!(pair("a\nb", 6), ("a".into(), "b".into()));
        assert_eq!(pair("日本", 1), ("日".into(), "本".into()));
    }
}
