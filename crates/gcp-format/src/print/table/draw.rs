//! Tables in lines of text.

use super::Style;
use super::layout::{Layout, cut, justified};
use crate::error::Result;
use crate::projection::Align;
use crate::width;

struct Lines {
    across: char,
    down: char,
    /// Left, middle and right of a rule.
    top: [char; 3],
    middle: [char; 3],
    bottom: [char; 3],
}

const DRAWN: Lines =
    Lines {
        across: '─', down: '│', top: ['┌', '┬', '┐'], middle: ['├', '┼', '┤'], bottom: ['└', '┴', '┘']
    };
const TYPED: Lines = Lines { across: '-', down: '|', top: ['+'; 3], middle: ['+'; 3], bottom: ['+'; 3] };

impl Lines {
    fn rule(&self, [left, middle, right]: [char; 3], widths: &[usize]) -> String {
        let cells: Vec<String> = widths.iter().map(|width| self.across.to_string().repeat(width + 2)).collect();
        format!("{left}{}{right}\n", cells.join(&middle.to_string()))
    }
}

impl Layout {
    /// `below` prints what belongs below a row.
    pub fn draw(
        mut self,
        style: &Style,
        out: &mut String,
        mut below: impl FnMut(usize, &mut String) -> Result<()>,
    ) -> Result<()> {
        let lines = if style.ascii { TYPED } else { DRAWN };
        let titled = style.title.is_some();
        self.title(style, &lines, out);
        let edge = if titled { [lines.middle[0], lines.top[1], lines.middle[2]] } else { lines.top };
        let top = lines.rule(edge, &self.widths);
        let middle = lines.rule(lines.middle, &self.widths);
        let bottom = lines.rule(lines.bottom, &self.widths);
        let heading = self.heading.take();
        if style.boxed {
            out.push_str(&top);
            if let Some(heading) = heading {
                for (label, width) in heading.iter().zip(&self.widths) {
                    out.push(lines.down);
                    out.push(' ');
                    out.push_str(&justified(label, Align::Center, *width));
                    out.push(' ');
                }
                out.push(lines.down);
                out.push('\n');
                out.push_str(&middle);
            }
        } else if let Some(mut heading) = heading {
            self.row(&mut heading, style, &lines, out);
        }
        for (at, mut row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            if at > 0 && style.boxed && self.has_below {
                out.push_str(&top);
            } else if at > 0 && style.ruled {
                out.push_str(&middle);
            }
            self.row(&mut row, style, &lines, out);
            if style.boxed && self.has_below {
                out.push_str(&bottom);
            }
            below(at, out)?;
        }
        if style.boxed && !self.has_below {
            out.push_str(&bottom);
        }
        Ok(())
    }

    fn title(&self, style: &Style, lines: &Lines, out: &mut String) {
        let Some(title) = &style.title else { return };
        let centered = justified(title, Align::Center, self.inner_width(style));
        if style.boxed {
            let [left, _, right] = lines.top;
            out.push_str(&lines.rule([left, lines.across, right], &self.widths));
            out.push_str(&format!("{down}{centered}{down}\n", down = lines.down));
        } else {
            out.push_str(centered.trim_end());
            out.push('\n');
        }
    }

    /// A row, on as many lines as its longest cell takes. Nothing but blanks is never written at the end of a line.
    fn row(&self, cells: &mut [String], style: &Style, lines: &Lines, out: &mut String) {
        let mut more = true;
        while std::mem::take(&mut more) {
            let mut blanks = 0;
            for (at, cell) in cells.iter_mut().enumerate() {
                let columns = self.widths[at];
                let text = if width::of(cell) > columns || cell.contains('\n') {
                    let (line, rest) = cut(cell, columns);
                    more |= !rest.is_empty();
                    *cell = rest;
                    line
                } else {
                    std::mem::take(cell)
                };
                let text = justified(&text, self.aligns.get(at).copied().unwrap_or_default(), columns);
                if style.boxed {
                    out.push(lines.down);
                    out.push(' ');
                    out.push_str(&text);
                    out.push(' ');
                    continue;
                }
                let written = text.trim_end();
                if !written.is_empty() {
                    out.extend(std::iter::repeat_n(' ', std::mem::take(&mut blanks)));
                    out.push_str(written);
                }
                blanks += style.pad + width::of(&text) - width::of(written);
            }
            if style.boxed {
                out.push(lines.down);
            }
            out.push('\n');
        }
    }
}
