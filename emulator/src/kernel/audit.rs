//! The audit trail: every call, refusals included, in a ring in memory. It is no part of a call's transaction.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::time::Time;

const KEPT: usize = 4096;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    pub time: String,
    pub caller: String,
    pub method: String,
    pub resource: String,
    pub code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What only the log may say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// What happened on the way and failed nothing (a topic that policy refused, a key that was rotated).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[derive(Default)]
pub struct Audit {
    ring: Mutex<VecDeque<Line>>,
    watcher: Mutex<Option<(Watch, Watcher)>>,
}

/// As recorded: cheap to make, printed only when somebody looks.
#[derive(Clone)]
pub struct Line {
    pub time: Time,
    pub caller: String,
    pub method: &'static str,
    pub resource: String,
    pub outcome: Option<super::Error>,
    pub notes: Vec<String>,
}

/// What a watcher is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    Calls,
    /// Refusals, and calls on whose way something happened that is worth a note.
    Refusals,
}

/// Sees lines as they come; `emulator start` prints them.
pub type Watcher = Box<dyn Fn(&Entry) + Send + Sync>;

impl Line {
    fn entry(&self) -> Entry {
        Entry {
            time: self.time.rfc3339(),
            caller: if self.caller.is_empty() { "anonymous".to_owned() } else { self.caller.clone() },
            method: self.method.to_owned(),
            resource: self.resource.clone(),
            code: self.outcome.as_ref().map_or("OK", |error| error.code().name()),
            message: self.outcome.as_ref().map_or_else(String::new, |error| error.message().to_owned()),
            log: self.outcome.as_ref().and_then(|error| error.log().map(str::to_owned)),
            notes: self.notes.clone(),
        }
    }
}

impl Audit {
    pub fn record(&self, line: Line) {
        if let Some((watch, watcher)) = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
            && (*watch == Watch::Calls || line.outcome.is_some() || !line.notes.is_empty())
        {
            watcher(&line.entry());
        }
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(line);
    }

    /// Oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Line::entry).collect()
    }

    pub fn watch(&self, watch: Watch, watcher: Watcher) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some((watch, watcher));
    }
}
