//! What a run is given: arguments, environment, streams. Tests make their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, IsTerminal as _, Write};
use std::sync::Arc;

use cmek_emulator::Emulator;
use gcp_client::{RealTimer, Timer};

/// The time, and the place that it is shown for.
pub type Now = Box<dyn Fn() -> jiff::Zoned + Send + Sync>;

pub struct Process {
    pub args: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub input: Box<dyn BufRead + Send>,
    /// Something other than a person is connected to the input.
    pub piped: bool,
    pub output: Box<dyn Write + Send>,
    pub talk: Box<dyn Write + Send>,
    /// A person can answer.
    pub interactive: bool,
    /// The talk goes to a terminal.
    pub terminal: bool,
    pub width: usize,
    /// A seed for names, where a run needs new ones.
    pub seed: u64,
    /// How the run waits, and what it measures waiting by.
    pub timer: Arc<dyn Timer>,
    /// For formats that show times. Asked only by them: finding the time zone reads a folder.
    pub now: Now,
    /// An emulator of the caller's own, to be worked on instead of any cloud.
    pub emulator: Option<Emulator>,
}

impl Process {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment, a seed and the time are read")]
    pub fn of_this_process() -> Self {
        let seed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let width = environment.get("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or(80);
        Self {
            args: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            environment,
            input: Box::new(BufReader::new(std::io::stdin())),
            piped: !std::io::stdin().is_terminal(),
            output: Box::new(std::io::BufWriter::new(std::io::stdout())),
            talk: Box::new(std::io::stderr()),
            interactive: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            terminal: std::io::stderr().is_terminal(),
            width,
            seed,
            timer: Arc::new(RealTimer::default()),
            now: Box::new(jiff::Zoned::now),
            emulator: None,
        }
    }
}
