//! Findings that somebody has accepted: a file beside the code that is reviewed like it.

use std::collections::BTreeSet;

use cmek_plan::Issue;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};

const SCHEMA: &str = "cmek.audit-baseline/v1";

#[derive(Debug, Default)]
pub struct Baseline {
    accepted: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: String,
    accepted: Vec<String>,
}

impl Baseline {
    pub fn of(issues: &[Issue]) -> Self {
        Self { accepted: issues.iter().map(|issue| issue.fingerprint.clone()).collect() }
    }

    pub fn read(path: &str) -> Outcome<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("Failed to read baseline file [{path}]: {error}")))?;
        let wrong = |what: String| {
            Failure::new(format!("[{path}] is no baseline: {what}")).hint("cmek audit --write-baseline=FILE writes one")
        };
        let file: File = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if file.schema != SCHEMA {
            return Err(wrong(format!("its schema is '{}', and this cmek knows {SCHEMA}", file.schema)));
        }
        Ok(Self { accepted: file.accepted.into_iter().collect() })
    }

    pub fn write(&self, path: &str) -> Outcome<()> {
        let file = File { schema: SCHEMA.to_owned(), accepted: self.accepted.iter().cloned().collect() };
        let text = serde_json::to_string_pretty(&file).map_err(|error| Failure::new(error.to_string()))?;
        std::fs::write(path, text + "\n")
            .map_err(|error| Failure::new(format!("Unable to write file [{path}]: {error}")))
    }

    pub fn accepts(&self, issue: &Issue) -> bool {
        self.accepted.contains(&issue.fingerprint)
    }
}
