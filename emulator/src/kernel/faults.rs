//! Faults that a test asks for: the next calls of a method answer with an error instead of being carried out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Code, Error, Result};

#[derive(Clone, Debug)]
pub struct Fault {
    /// A method path or audit name, or the end of one: `/Encrypt`, `storage.objects.insert`.
    pub method: String,
    pub code: Code,
    pub message: String,
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

    pub fn strike(&self, method: &str) -> Result<()> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = list.iter().position(|fault| fault.times > 0 && method.ends_with(&fault.method)) else {
            return Ok(());
        };
        list[index].times -= 1;
        let error = Error::new(list[index].code, list[index].message.clone());
        list.retain(|fault| fault.times > 0);
        self.any.store(!list.is_empty(), Ordering::Release);
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_asked_and_only_its_method() {
        let faults = Faults::default();
        faults.add(Fault { method: "/Encrypt".into(), code: Code::Unavailable, message: "down".into(), times: 1 });
        assert!(faults.strike("/k/Decrypt").is_ok());
        assert_eq!(faults.strike("/k/Encrypt").unwrap_err().code(), Code::Unavailable);
        assert!(faults.strike("/k/Encrypt").is_ok());
    }
}
