//! What a run is given: arguments, environment, streams. Tests make their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, IsTerminal as _, Write};

pub struct Process {
    pub args: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub input: Box<dyn BufRead + Send>,
    pub output: Box<dyn Write + Send>,
    pub talk: Box<dyn Write + Send>,
    /// A person can answer.
    pub interactive: bool,
    /// A seed for names, where a run needs new ones.
    pub seed: u64,
}

impl Process {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment and a seed are read")]
    pub fn of_this_process() -> Self {
        let seed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        Self {
            args: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            environment: std::env::vars_os()
                .map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
                .collect(),
            input: Box::new(BufReader::new(std::io::stdin())),
            output: Box::new(std::io::stdout()),
            talk: Box::new(std::io::stderr()),
            interactive: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            seed,
        }
    }
}
