//! What stands in the way, or should be known: cause, rule or permission, and the command that mends it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Nothing is applied while one stands.
    Blocker,
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub severity: Severity,
    pub code: String,
    /// The resource it is about: a full name, or a host.
    pub subject: String,
    pub what: String,
    /// What to do about it.
    pub mend: String,
    /// The organization policy constraint that refuses.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub constraint: String,
    /// Where that constraint is set.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub set_at: String,
    /// The permission that is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub permission: String,
}

impl Finding {
    fn new(severity: Severity, code: &str, subject: &str, what: String, mend: String) -> Self {
        Self {
            severity,
            code: code.to_owned(),
            subject: subject.to_owned(),
            what,
            mend,
            constraint: String::new(),
            set_at: String::new(),
            permission: String::new(),
        }
    }

    pub fn blocker(code: &str, subject: &str, what: String, mend: String) -> Self {
        Self::new(Severity::Blocker, code, subject, what, mend)
    }

    pub fn warning(code: &str, subject: &str, what: String, mend: String) -> Self {
        Self::new(Severity::Warning, code, subject, what, mend)
    }

    #[must_use]
    pub fn by_rule(mut self, constraint: &str, set_at: &str) -> Self {
        self.constraint = format!("constraints/{constraint}");
        set_at.clone_into(&mut self.set_at);
        self
    }

    #[must_use]
    pub fn by_permission(mut self, permission: &str) -> Self {
        permission.clone_into(&mut self.permission);
        self
    }
}
