//! Two streams: data for pipes, talk for people. And the one question that changes ask.

use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gcp_client::{ManualTimer, Timer};

use crate::config::properties::{Properties, Verbosity};
use crate::failure::{Failure, Outcome};

/// Where people are spoken to; a client that tells its calls does so too.
#[derive(Clone)]
pub struct Talk(Arc<Mutex<Box<dyn Write + Send>>>);

impl Talk {
    pub fn new(to: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(to)))
    }

    /// Talk that cannot be written changes nothing of what was done.
    fn put(&self, text: &str) {
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    }
}

pub struct Ui {
    pub output: Box<dyn Write + Send>,
    pub talk: Talk,
    pub input: Box<dyn BufRead + Send>,
    pub interactive: bool,
    pub quiet: bool,
    /// Nothing but errors is said, and data is not printed.
    pub silent: bool,
    /// The talk's terminal moves: progress may rewrite its line.
    pub terminal: bool,
    pub color: bool,
    pub warnings: bool,
    /// For progress only.
    pub timer: Arc<dyn Timer>,
}

/// What a word's colour means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Careful,
    Lost,
}

impl Ui {
    /// What gcloud's properties say of talking.
    pub fn obey(&mut self, properties: &Properties) -> Outcome<()> {
        self.quiet = properties.switch("core/disable_prompts")?;
        self.silent = !properties.switch("core/user_output_enabled")?;
        self.color &= !properties.switch("core/disable_color")?;
        self.warnings = properties.verbosity()? <= Verbosity::Warning;
        Ok(())
    }

    /// For a client that tells its calls.
    pub fn sink(&self) -> gcp_client::Sink {
        let talk = self.talk.clone();
        Arc::new(move |text: &str| talk.put(text))
    }

    /// For a client that tells of its calls in lines: each begins with the word of its weight.
    pub fn lines(&self, word: &'static str) -> gcp_client::Sink {
        let talk = self.talk.clone();
        Arc::new(move |line: &str| talk.put(&format!("{word}: {}\n", line.trim_end())))
    }

    /// Says and prints nothing, and takes every default.
    pub fn nowhere() -> Self {
        Self {
            output: Box::new(std::io::sink()),
            talk: Talk::new(Box::new(std::io::sink())),
            input: Box::new(std::io::empty()),
            interactive: false,
            quiet: true,
            silent: true,
            terminal: false,
            color: false,
            warnings: false,
            timer: Arc::new(ManualTimer::default()),
        }
    }

    /// Data.
    pub fn data(&mut self, text: &str) -> Outcome<()> {
        if self.silent {
            return Ok(());
        }
        match self.output.write_all(text.as_bytes()).and_then(|()| self.output.flush()) {
            // Whoever read us has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// A line for people.
    pub fn say(&mut self, line: &str) {
        if !self.silent {
            self.error(line);
        }
    }

    /// A line that is said whatever was asked to be silent.
    pub fn error(&mut self, line: &str) {
        self.talk.put(&format!("{}\n", line.trim_end()));
    }

    pub fn warn(&mut self, what: &str) {
        if self.warnings {
            let word = self.tint("WARNING:", Tone::Careful);
            self.say(&format!("{word} {what}"));
        }
    }

    pub fn hint(&mut self, what: &str) {
        self.say(&format!("hint: {what}"));
    }

    /// The word in the colour of what it means, where there is colour.
    pub fn tint(&self, word: &str, tone: Tone) -> String {
        if !self.color {
            return word.to_owned();
        }
        let code = match tone {
            Tone::Good => 32,
            Tone::Careful => 33,
            Tone::Lost => 31,
        };
        format!("\u{1b}[1;{code}m{word}\u{1b}[0m")
    }

    /// gcloud's question. Without a person, or with `--quiet`, the default is taken.
    pub fn confirm(&mut self, default_yes: bool) -> Outcome<()> {
        let choices = if default_yes { "(Y/n)" } else { "(y/N)" };
        if self.quiet || !self.interactive {
            return if default_yes {
                Ok(())
            } else {
                Err(Failure::new("This can make what is stored unreadable, and nobody is here to confirm it.")
                    .hint("add --yes to do it anyway"))
            };
        }
        self.talk.put(&format!("\nDo you want to continue {choices}?  "));
        loop {
            let mut answer = String::new();
            let read = self.input.read_line(&mut answer)?;
            let yes = match answer.trim().to_ascii_lowercase().as_str() {
                "" => default_yes,
                "y" | "yes" => true,
                "n" | "no" => false,
                _ if read == 0 => default_yes,
                _ => {
                    self.talk.put("Please enter 'y' or 'n':  ");
                    continue;
                }
            };
            self.talk.put("\n");
            return if yes { Ok(()) } else { Err(Failure::new("Aborted by user.")) };
        }
    }

    /// Until a person goes on; without one it goes on by itself.
    pub fn wait_for_enter(&mut self) {
        if self.interactive && !self.quiet {
            let _ = self.input.read_line(&mut String::new());
        }
    }

    /// For work that may take longer than a second.
    pub fn progress(&self, what: &str, total: u64) -> Progress {
        let now = self.timer.now();
        Progress { what: what.to_owned(), total, done: 0, since: now, said: now, tenths: 0, shown: false }
    }
}

/// One line that moves on a terminal, a line each ten per cent in a log, nothing for what takes less than a second.
pub struct Progress {
    what: String,
    total: u64,
    done: u64,
    since: Duration,
    said: Duration,
    tenths: u64,
    shown: bool,
}

impl Progress {
    pub fn advance(&mut self, ui: &mut Ui, by: u64) {
        self.reach(ui, self.done + by);
    }

    pub fn reach(&mut self, ui: &mut Ui, done: u64) {
        self.done = done;
        // The clock is asked now and then, not for each of a million objects.
        if ui.quiet || ui.silent || (!done.is_multiple_of(16) && done != self.total) {
            return;
        }
        let now = ui.timer.now();
        if now.saturating_sub(self.since) < Duration::from_secs(1) {
            return;
        }
        let tenths = (done * 10).checked_div(self.total).unwrap_or_default();
        if ui.terminal {
            if now.saturating_sub(self.said) >= Duration::from_millis(100) {
                self.said = now;
                self.shown = true;
                ui.talk.put(&format!("\r     {}", self.line(now)));
            }
        } else if tenths > self.tenths {
            self.tenths = tenths;
            let line = format!("     {}", self.line(now));
            ui.say(&line);
        }
    }

    fn line(&self, now: Duration) -> String {
        let seconds = now.saturating_sub(self.since).as_secs_f64().max(0.001);
        format!("{}: {} of {}, {:.0}/s", self.what, self.done, self.total, self.done as f64 / seconds)
    }

    /// Takes the moving line away: what was done is said by whoever did it.
    pub fn end(self, ui: &mut Ui) {
        if self.shown {
            ui.talk.put("\r\u{1b}[K");
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

    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn progress_is_told_after_a_second_and_by_tenths_in_a_log() {
        let text = Arc::new(Mutex::new(Vec::new()));
        let mut ui =
            Ui { talk: Talk::new(Box::new(Kept(Arc::clone(&text)))), quiet: false, silent: false, ..Ui::nowhere() };
        let mut progress = ui.progress("rewriting", 1600);
        for _ in 0..800 {
            progress.advance(&mut ui, 1);
        }
        assert!(text.lock().unwrap().is_empty(), "nothing yet: no second has passed");
        drop(ui.timer.sleep(Duration::from_secs(2)));
        for _ in 800..1600 {
            progress.advance(&mut ui, 1);
        }
        let said = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        assert_eq!(said.lines().count(), 6, "{said}");
        assert!(said.ends_with("rewriting: 1600 of 1600, 800/s\n"), "{said}");
    }
}
