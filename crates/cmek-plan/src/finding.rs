//! Something the user should know, and the command that mends it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Nothing is applied while there is one.
    Blocker,
    Warning,
    Note,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The observation does not cover what is desired.
    NotObserved,
    KeyMissing,
    KeyWrongPurpose,
    KeyNoPrimary,
    KeyNotEnabled,
    KeyLocation,
    KeyProjectNotAllowed,
    KeyPolicyUnreadable,
    BucketAbsent,
    DefaultKeyReplaced,
    ObjectsNotRewritten,
    ObjectsUnreadable,
    ObjectsCustomerSupplied,
    TopicWithoutKey,
    TopicKeyReplaced,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub severity: Severity,
    pub code: Code,
    /// The resource it is about: a key's name, `gs://BUCKET`, a topic's name.
    pub subject: String,
    /// A sentence.
    pub what: String,
    /// Where the rule behind it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub where_set: Option<String>,
    /// A command, or what else to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    fn new(severity: Severity, code: Code, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { severity, code, subject: subject.into(), what: what.into(), where_set: None, mend: None }
    }

    pub(crate) fn blocker(code: Code, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Blocker, code, subject, what)
    }

    pub(crate) fn warning(code: Code, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, subject, what)
    }

    pub(crate) fn note(code: Code, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, subject, what)
    }

    #[must_use]
    pub(crate) fn set_at(mut self, node: impl Into<String>) -> Self {
        self.where_set = Some(node.into());
        self
    }

    #[must_use]
    pub(crate) fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }
}
