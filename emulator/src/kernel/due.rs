//! What the clock will bring: entries by time, carried out before the first call that comes after it.

use std::ops::ControlFlow;

use super::call::Call;
use super::table::{Table, TextRow, ids};
use super::time::Time;
use super::{Error, Result};

static DUE: Table<TextRow> = Table::new(ids::DUE);

/// Something that falls due: which service, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: Time,
    /// The service's own word: `kms.destroy`, `kms.rotate`.
    pub kind: String,
    /// The resource's name.
    pub name: String,
}

fn key(at: Time, kind: &str, name: &str) -> String {
    // Times in the emulator lie after 1970: fixed width keeps them in order.
    format!("{:020}|{kind}|{name}", at.0.max(0))
}

fn parse(key: &str) -> Option<Due> {
    let mut parts = key.splitn(3, '|');
    let at = Time(parts.next()?.parse().ok()?);
    Some(Due { at, kind: parts.next()?.to_owned(), name: parts.next()?.to_owned() })
}

/// Notes that `kind` of `name` falls due at `at`.
pub fn schedule(call: &mut Call, at: Time, kind: &str, name: &str) -> Result<()> {
    call.txn.put(&DUE, &key(at, kind, name), &TextRow::default())?;
    call.wake_at(at);
    Ok(())
}

pub fn cancel(call: &mut Call, at: Time, kind: &str, name: &str) -> Result<()> {
    call.txn.delete(&DUE, &key(at, kind, name))
}

/// The earliest entry.
pub fn first(txn: &super::txn::Txn) -> Result<Option<Due>> {
    let mut first = None;
    txn.each(&DUE, "", "", |key, _| {
        first = parse(key);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

/// Takes the entry off the list; the caller carries it out in the same call.
pub fn take(call: &mut Call, due: &Due) -> Result<()> {
    if due.at > call.now {
        return Err(Error::internal("an entry was taken before its time"));
    }
    cancel(call, due.at, &due.kind, &due.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_time_and_read_back() {
        let early = key(Time(99), "kms.destroy", "projects/p|x");
        let late = key(Time(100), "a", "b");
        assert!(early < late);
        assert_eq!(parse(&early), Some(Due { at: Time(99), kind: "kms.destroy".into(), name: "projects/p|x".into() }));
    }
}
