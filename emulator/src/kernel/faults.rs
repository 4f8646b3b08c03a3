//! Faults that a test asks for: the next calls of a method are refused, or their connection is dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Code, Error, Result};

/// What agents do with keys, as faults name it: a grant that has not spread yet is refused here.
pub const USE_KEY: &str = "agent.useKey";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Not carried out, answered with the error.
    Refuse,
    /// Not carried out; the connection is dropped.
    Drop,
    /// Carried out and kept; the answer is lost with the connection.
    Lose,
}

#[derive(Clone, Debug)]
pub struct Fault {
    /// A method path or audit name, or the end of one: `/Encrypt`, `storage.objects.insert`. Empty: every call.
    pub method: String,
    pub kind: FaultKind,
    pub code: Code,
    pub message: String,
    /// How many calls go by first.
    pub skip: u32,
    /// How many calls it still hits.
    pub times: u32,
}

#[derive(Default)]
pub struct Faults {
    any: AtomicBool,
    list: Mutex<Vec<Fault>>,
}

impl Faults {
    pub fn add(&self, fault: Fault) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
        self.any.store(true, Ordering::Release);
    }

    pub fn clear(&self) {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.any.store(false, Ordering::Release);
    }

    /// Before a call is carried out.
    pub fn strike(&self, method: &str) -> Result<()> {
        self.find(method, false)
    }

    /// After it was: its answer may be lost.
    pub fn lose(&self, method: &str) -> Result<()> {
        self.find(method, true)
    }

    fn find(&self, method: &str, after: bool) -> Result<()> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = |fault: &&mut Fault| {
            (fault.kind == FaultKind::Lose) == after
                && method.ends_with(&fault.method)
                && (method != USE_KEY || !fault.method.is_empty())
        };
        let Some(fault) = list.iter_mut().find(meant) else { return Ok(()) };
        if fault.skip > 0 {
            fault.skip -= 1;
            return Ok(());
        }
        fault.times -= 1;
        let error = match fault.kind {
            FaultKind::Refuse => Error::new(fault.code, fault.message.clone()),
            // No status at all: the gateway hangs up.
            FaultKind::Drop | FaultKind::Lose => Error::new(Code::Unavailable, fault.message.clone()).with_http(0),
        };
        list.retain(|fault| fault.times > 0);
        self.any.store(!list.is_empty(), Ordering::Release);
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: FaultKind, skip: u32) -> Fault {
        Fault { method: "/Encrypt".into(), kind, code: Code::Unavailable, message: "down".into(), skip, times: 1 }
    }

    #[test]
    fn a_fault_strikes_as_often_as_asked_and_only_its_method() {
        let faults = Faults::default();
        faults.add(fault(FaultKind::Refuse, 0));
        assert!(faults.strike("/k/Decrypt").is_ok());
        assert_eq!(faults.strike("/k/Encrypt").unwrap_err().code(), Code::Unavailable);
        assert!(faults.strike("/k/Encrypt").is_ok());
    }

    #[test]
    fn an_answer_is_lost_after_the_call_and_only_when_it_is_its_turn() {
        let faults = Faults::default();
        faults.add(fault(FaultKind::Lose, 1));
        assert!(faults.strike("/k/Encrypt").is_ok(), "the call itself is carried out");
        assert!(faults.lose("/k/Encrypt").is_ok(), "the first goes by");
        assert_eq!(faults.lose("/k/Encrypt").unwrap_err().http_status(), 0);
        assert!(faults.lose("/k/Encrypt").is_ok());
    }
}
