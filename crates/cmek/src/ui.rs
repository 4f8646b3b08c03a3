//! Two streams: data for pipes, talk for people. And the one question that changes ask.

use std::io::{BufRead, Write};

use crate::failure::{Failure, Outcome};

pub struct Ui {
    pub output: Box<dyn Write + Send>,
    pub talk: Box<dyn Write + Send>,
    pub input: Box<dyn BufRead + Send>,
    pub interactive: bool,
    pub quiet: bool,
}

impl Ui {
    /// A line of data.
    pub fn data(&mut self, text: &str) -> Outcome<()> {
        Ok(self.output.write_all(text.as_bytes())?)
    }

    /// A line for people.
    pub fn say(&mut self, line: &str) {
        // Talk that cannot be written changes nothing of what was done.
        let _ = writeln!(self.talk, "{}", line.trim_end());
    }

    /// gcloud's question. Without a person, or with `--quiet`, the default is taken.
    pub fn confirm(&mut self, default_yes: bool) -> Outcome<()> {
        let choices = if default_yes { "(Y/n)" } else { "(y/N)" };
        if self.quiet || !self.interactive {
            return if default_yes {
                Ok(())
            } else {
                Err(Failure::new("This would destroy something, and nobody is here to confirm it.")
                    .hint("add --yes to do it anyway"))
            };
        }
        let _ = write!(self.talk, "\nDo you want to continue {choices}?  ");
        loop {
            let _ = self.talk.flush();
            let mut answer = String::new();
            let read = self.input.read_line(&mut answer)?;
            let yes = match answer.trim().to_ascii_lowercase().as_str() {
                "" => default_yes,
                "y" | "yes" => true,
                "n" | "no" => false,
                _ if read == 0 => default_yes,
                _ => {
                    let _ = write!(self.talk, "Please enter 'y' or 'n':  ");
                    continue;
                }
            };
            let _ = writeln!(self.talk);
            return if yes { Ok(()) } else { Err(Failure::new("Aborted by user.")) };
        }
    }
}

/// `1.2 MiB`
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 10.0 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// Columns with two blanks between, capital headings, nothing after the last cell.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width + 2 - cell.chars().count()));
        }
        text.trim_end().to_owned() + "\n"
    };
    let mut out = line(headings.to_vec());
    for row in rows {
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_tables_read_well() {
        assert_eq!(size(12), "12 B");
        assert_eq!(size(1_258_291), "1.2 MiB");
        assert_eq!(size(63_963_136), "61 MiB");
        let text =
            table(&["HOST", "KEY"], &[vec!["gcr.io".into(), "k".into()], vec!["eu.gcr.io".into(), String::new()]]);
        assert_eq!(text, "HOST       KEY\ngcr.io     k\neu.gcr.io\n");
    }
}
