//! One call's view of the store: a snapshot, what is on its way to disk, and the call's own writes.
//!
//! A failed call simply drops its writes, so a call is atomic even when many share one commit.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use redb::ReadOnlyTable;

use super::table::Table;
use super::{Error, Result};

/// Pending changes by full key; `None` deletes.
pub type Changes = BTreeMap<Vec<u8>, Option<Bytes>>;
pub(super) type Base = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// Sees key and value; says whether to go on.
type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>> + 'a;

/// See the module. Made by `Store::read` and `Store::write`.
pub struct Txn {
    base: Arc<Base>,
    /// Committed by the group but not yet on disk; newest last.
    layers: Vec<Arc<Changes>>,
    writes: Changes,
    writable: bool,
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("store: {error}"))
}

impl Txn {
    pub(super) fn new(base: Arc<Base>, layers: Vec<Arc<Changes>>, writable: bool) -> Self {
        Self { base, layers, writes: Changes::new(), writable }
    }

    pub(super) fn into_writes(self) -> Changes {
        self.writes
    }

    pub fn writable(&self) -> bool {
        self.writable
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Bytes>> {
        if let Some(change) = self.writes.get(key) {
            return Ok(change.clone());
        }
        for layer in self.layers.iter().rev() {
            if let Some(change) = layer.get(key) {
                return Ok(change.clone());
            }
        }
        Ok(self.base.get(key).map_err(broken)?.map(|value| Bytes::copy_from_slice(value.value())))
    }

    pub fn get<M: Message + Default>(&self, table: &Table<M>, name: &str) -> Result<Option<M>> {
        match self.raw(&table.key(name))? {
            Some(bytes) => M::decode(bytes).map(Some).map_err(broken),
            None => Ok(None),
        }
    }

    pub fn has<M: Message + Default>(&self, table: &Table<M>, name: &str) -> Result<bool> {
        Ok(self.raw(&table.key(name))?.is_some())
    }

    pub fn put<M: Message + Default>(&mut self, table: &Table<M>, name: &str, row: &M) -> Result<()> {
        self.must_be_writable()?;
        self.writes.insert(table.key(name), Some(row.encode_to_vec().into()));
        Ok(())
    }

    pub fn delete<M: Message + Default>(&mut self, table: &Table<M>, name: &str) -> Result<()> {
        self.must_be_writable()?;
        self.writes.insert(table.key(name), None);
        Ok(())
    }

    fn must_be_writable(&self) -> Result<()> {
        if self.writable { Ok(()) } else { Err(Error::internal("a write in a call that its route marks as a read")) }
    }

    /// Rows whose name starts with `prefix`, from `from` (a whole name, inclusive) on, in order, until told to stop.
    pub fn each<M: Message + Default>(
        &self,
        table: &Table<M>,
        prefix: &str,
        from: &str,
        mut visit: impl FnMut(&str, M) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let low = table.key(if from > prefix { from } else { prefix });
        let prefix = table.key(prefix);
        self.each_raw(&low, &mut |key, value| {
            if !key.starts_with(&prefix) {
                return Ok(ControlFlow::Break(()));
            }
            let name = std::str::from_utf8(&key[1..]).map_err(broken)?;
            visit(name, M::decode(value).map_err(broken)?)
        })
    }

    /// All rows under a prefix. For tables whose rows under one parent are few.
    pub fn list<M: Message + Default>(&self, table: &Table<M>, prefix: &str) -> Result<Vec<(String, M)>> {
        let mut rows = Vec::new();
        self.each(table, prefix, "", |name, row| {
            rows.push((name.to_owned(), row));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    fn each_raw(&self, low: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let mut base = self.base.range::<&[u8]>((Bound::Included(low), Bound::Unbounded)).map_err(broken)?;
        if self.writes.is_empty() && self.layers.iter().all(|layer| layer.is_empty()) {
            for entry in base {
                let (key, value) = entry.map_err(broken)?;
                if visit(key.value(), value.value())?.is_break() {
                    break;
                }
            }
            return Ok(());
        }
        // Merge: at each step the smallest key of all sources, the newest source winning.
        let bounds = (Bound::Included(low.to_vec()), Bound::Unbounded);
        let mut overlays: Vec<_> = self.layers.iter().map(|layer| layer.range(bounds.clone()).peekable()).collect();
        overlays.push(self.writes.range(bounds).peekable());
        let mut below = base.next().transpose().map_err(broken)?;
        loop {
            let mut key: Option<Vec<u8>> = below.as_ref().map(|(key, _)| key.value().to_vec());
            for overlay in &mut overlays {
                if let Some((candidate, _)) = overlay.peek()
                    && key.as_ref().is_none_or(|best| *candidate < best)
                {
                    key = Some((*candidate).clone());
                }
            }
            let Some(key) = key else { return Ok(()) };
            let mut value: Option<Bytes> = None;
            if let Some((_, stored)) = below.as_ref().filter(|(stored, _)| stored.value() == key.as_slice()) {
                value = Some(Bytes::copy_from_slice(stored.value()));
                below = base.next().transpose().map_err(broken)?;
            }
            for overlay in &mut overlays {
                if let Some((_, change)) = overlay.next_if(|(candidate, _)| **candidate == key) {
                    value.clone_from(change);
                }
            }
            if let Some(value) = value
                && visit(&key, &value)?.is_break()
            {
                return Ok(());
            }
        }
    }
}
