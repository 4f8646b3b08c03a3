//! Why a command failed: what happened, and apart from it what to do.

/// Printed as `ERROR: (cmek.group.verb) message` and `hint: …`.
#[derive(Clone, Debug)]
pub struct Failure {
    pub message: String,
    pub hint: Option<String>,
    /// 1: refused or failed; 2: the command line itself; 3: findings.
    pub code: u8,
    /// A call's answer was lost: whether it was carried out is not known.
    pub is_open: bool,
}

pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1, is_open: false }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<gcp_client::Error> for Failure {
    fn from(error: gcp_client::Error) -> Self {
        let message = match error.log() {
            Some(log) => format!("{}: {log}", error.message()),
            None => error.message().to_owned(),
        };
        let is_open = error.stage() == gcp_client::Stage::Lost;
        let failure = Self { is_open, ..Self::new(format!("{}: {message}", error.code().name())) };
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Of an emulator in this process, which is spoken to without a client.
impl From<gcp_schema::Error> for Failure {
    fn from(error: gcp_schema::Error) -> Self {
        gcp_client::Error::from(error).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}
