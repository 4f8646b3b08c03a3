//! One call: who, when, on which snapshot. The only way for a handler to reach anything.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Result;
use super::pipeline::Kernel;
use super::table::{NumberRow, Table, ids};
use super::time::Time;
use super::txn::Txn;

static COUNTERS: Table<NumberRow> = Table::new(ids::COUNTERS);

/// Who calls. Agents act inside other services' calls and are named where they act.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Caller {
    /// An IAM member (`user:ann@example.com`), or empty for a caller without credentials.
    pub member: String,
}

impl Caller {
    /// From an `Authorization` header: a bearer token that is an e-mail address names its owner; any other is a
    /// caller whom IAM knows only as authenticated.
    pub fn from_authorization(header: Option<&str>) -> Self {
        let token = header.and_then(|value| value.split_once(' ')).map_or("", |(_, token)| token.trim());
        let member = if token.ends_with(".gserviceaccount.com") {
            format!("serviceAccount:{token}")
        } else if token.contains('@') {
            format!("user:{token}")
        } else if token.is_empty() {
            String::new()
        } else {
            "user:authenticated@example.com".to_owned()
        };
        Self { member }
    }
}

type Effect = Box<dyn FnOnce(&Kernel) + Send>;

/// See the module.
pub struct Call {
    pub kernel: Arc<Kernel>,
    pub txn: Txn,
    pub now: Time,
    pub caller: Caller,
    /// The API whose address was called, where the address says so: mix-ins answer for several.
    pub address: String,
    /// For the audit trail: what happened on the way and failed nothing.
    pub notes: Vec<String>,
    effects: Vec<Effect>,
    lasting: Vec<Effect>,
    pub(super) wake: Option<Time>,
}

impl Call {
    pub(super) fn new(kernel: Arc<Kernel>, txn: Txn, now: Time, caller: Caller) -> Self {
        Self {
            kernel,
            txn,
            now,
            caller,
            address: String::new(),
            notes: Vec::new(),
            effects: Vec::new(),
            lasting: Vec::new(),
            wake: None,
        }
    }

    /// The next number of a sequence that survives restarts, from 1.
    pub fn count(&mut self, sequence: &str) -> Result<u64> {
        let number = self.counted(sequence)? + 1;
        self.txn.put(&COUNTERS, sequence, &NumberRow { number })?;
        Ok(number)
    }

    /// The last number of a sequence; zero before the first.
    pub fn counted(&self, sequence: &str) -> Result<u64> {
        Ok(self.txn.get(&COUNTERS, sequence)?.map_or(0, |row| row.number))
    }

    /// Something for after the commit: unlinking a file, waking a waiter. Dropped when the call fails.
    pub fn after_commit(&mut self, effect: impl FnOnce(&Kernel) + Send + 'static) {
        self.effects.push(Box::new(effect));
    }

    /// Something for after the call, refused or not: what its answer told the caller and must stay true.
    pub fn after_any_outcome(&mut self, effect: impl FnOnce(&Kernel) + Send + 'static) {
        self.lasting.push(Box::new(effect));
    }

    pub(super) fn take_lasting(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.lasting)
    }

    pub(super) fn wake_at(&mut self, at: Time) {
        self.wake = Some(self.wake.map_or(at, |earlier| earlier.min(at)));
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        if let Some(at) = self.wake {
            self.kernel.next_due.fetch_min(at.0, Ordering::AcqRel);
        }
        std::mem::take(&mut self.effects)
    }

    /// Storage's generations and the like: the time in microseconds, made unique and ever growing.
    pub fn generation(&mut self) -> Result<i64> {
        let last = self.txn.get(&COUNTERS, "generation")?.map_or(0, |row| row.number as i64);
        let generation = self.now.0.max(last + 1);
        self.txn.put(&COUNTERS, "generation", &NumberRow { number: generation as u64 })?;
        Ok(generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_an_address_names_its_owner() {
        assert_eq!(Caller::from_authorization(None).member, "");
        assert_eq!(Caller::from_authorization(Some("Bearer ann@example.com")).member, "user:ann@example.com");
        assert_eq!(
            Caller::from_authorization(Some("Bearer ci@p.iam.gserviceaccount.com")).member,
            "serviceAccount:ci@p.iam.gserviceaccount.com"
        );
        assert_eq!(Caller::from_authorization(Some("Bearer ya29.x")).member, "user:authenticated@example.com");
    }
}
