//! The database: redb in a file or in memory, one key space, one writer at a time, many readers.
//!
//! Durable mode groups commits: a writer leaves its changes in `active` and waits; the committer thread moves them to
//! `committing`, writes and syncs once for all of them, then answers them all. In memory nobody waits: changes lie in
//! `recent`, where every reader sees them, until there are enough of them to be worth a commit.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::InMemoryBackend;
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use tokio::sync::oneshot;

use super::committer::Committer;
use super::txn::{Base, Changes, Txn};
use super::{Error, Result};

const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");
/// In memory, so many changes are committed together: a commit costs as much as a hundred changes, and a reader's view of
/// the changes before it is a copy.
const RECENT: usize = 64;
/// redb keeps hot pages in this much memory; the machine's page cache holds the rest.
const CACHE: usize = 32 << 20;

/// Resolves when the caller's changes are on disk.
pub type Committed = oneshot::Receiver<Result<()>>;

pub struct Store {
    // Before the core: dropping it ends the thread, and then the database is closed here and now.
    committer: Option<Committer>,
    core: Arc<Core>,
}

/// What the committer's thread shares.
pub struct Core {
    database: Database,
    pub(super) pending: Mutex<Pending>,
    /// In memory: what is done and not in the database yet. Held only to take a view, never for the length of a call.
    recent: Mutex<Arc<Changes>>,
    durable: bool,
}

/// Changes that callers are waiting for.
#[derive(Default)]
pub struct Pending {
    pub(super) active: Arc<Changes>,
    pub(super) committing: Arc<Changes>,
    pub(super) waiters: Vec<oneshot::Sender<Result<()>>>,
    /// Set when a commit failed: nothing is accepted after that, for it might build on what is not there.
    pub(super) failed: Option<String>,
}

/// The right to write, held for the length of one synchronous handler.
pub struct Writing<'a> {
    store: &'a Store,
    pending: MutexGuard<'a, Pending>,
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("store: {error}"))
}

impl Store {
    pub fn in_memory() -> Result<Self> {
        let database =
            Database::builder().set_cache_size(CACHE).create_with_backend(InMemoryBackend::new()).map_err(broken)?;
        create_rows(&database, Durability::None)?;
        let core = Arc::new(Core { database, pending: Mutex::default(), recent: Mutex::default(), durable: false });
        Ok(Self { committer: None, core })
    }

    /// Opens or creates the database file. The caller has made sure that the folder is ours.
    pub fn open(path: &Path) -> std::result::Result<Arc<Self>, redb::Error> {
        let database = Database::builder().set_cache_size(CACHE).create(path)?;
        let writing = database.begin_write()?;
        writing.open_table(ROWS)?;
        writing.commit()?;
        let core = Arc::new(Core { database, pending: Mutex::default(), recent: Mutex::default(), durable: true });
        Ok(Arc::new(Self { committer: Some(Committer::start(Arc::clone(&core))), core }))
    }

    fn base(&self) -> Result<Base> {
        self.core.database.begin_read().map_err(broken)?.open_table(ROWS).map_err(broken)
    }

    /// What is in the database, and what is done in memory and not there yet: both of one moment.
    fn view(&self) -> Result<(Base, Arc<Changes>)> {
        if self.core.durable {
            return Ok((self.base()?, Arc::default()));
        }
        let recent = self.core.recent.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((self.base()?, Arc::clone(&recent)))
    }

    /// A snapshot of what is committed.
    pub fn read(&self) -> Result<Txn> {
        let (base, recent) = self.view()?;
        Ok(Txn::new(base, layers([&recent]), false))
    }

    pub fn write(&self) -> Result<Writing<'_>> {
        let pending = self.core.pending.lock().unwrap_or_else(PoisonError::into_inner);
        match &pending.failed {
            Some(reason) => Err(Error::internal(format!("store: an earlier commit failed: {reason}"))),
            None => Ok(Writing { store: self, pending }),
        }
    }
}

impl Core {
    /// Writes `changes` and makes them durable if the store is.
    pub(super) fn commit(&self, changes: &Changes) -> std::result::Result<(), redb::Error> {
        let mut writing = self.database.begin_write()?;
        if !self.durable {
            writing.set_durability(Durability::None)?;
        }
        {
            let mut rows = writing.open_table(ROWS)?;
            for (key, change) in changes {
                match change {
                    Some(value) => rows.insert(key.as_slice(), value.as_ref())?,
                    None => rows.remove(key.as_slice())?,
                };
            }
        }
        writing.commit()?;
        Ok(())
    }

    /// In memory: puts changes where readers see them, and from time to time all of them into the database. The caller
    /// holds the right to write.
    fn remember(&self, writes: Changes) -> Result<()> {
        // Held over the commit too: a view of one side of it with the other's changes would be of no moment at all.
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = Arc::make_mut(&mut recent);
        changes.extend(writes);
        if changes.len() >= RECENT {
            self.commit(changes).map_err(broken)?;
            changes.clear();
        }
        Ok(())
    }
}

fn layers<const N: usize>(layers: [&Arc<Changes>; N]) -> Vec<Arc<Changes>> {
    layers.into_iter().filter(|layer| !layer.is_empty()).map(Arc::clone).collect()
}

fn create_rows(database: &Database, durability: Durability) -> Result<()> {
    let mut writing = database.begin_write().map_err(broken)?;
    writing.set_durability(durability).map_err(broken)?;
    writing.open_table(ROWS).map_err(broken)?;
    writing.commit().map_err(broken)
}

impl Writing<'_> {
    /// Sees everything that was written before, also what is still on its way to disk.
    pub fn txn(&self) -> Result<Txn> {
        let (base, recent) = self.store.view()?;
        Ok(Txn::new(base, layers([&recent, &self.pending.committing, &self.pending.active]), true))
    }

    /// Takes the call's writes. `None`: they are in place. `Some`: wait for it before answering.
    pub fn apply(mut self, txn: Txn) -> Result<Option<Committed>> {
        let writes = txn.into_writes();
        let Some(committer) = &self.store.committer else {
            if !writes.is_empty() {
                self.store.core.remember(writes)?;
            }
            return Ok(None);
        };
        if writes.is_empty() && self.pending.active.is_empty() && self.pending.committing.is_empty() {
            return Ok(None);
        }
        // A call that wrote nothing may still have read what is not on disk: it waits with the others.
        Arc::make_mut(&mut self.pending.active).extend(writes);
        let (done, committed) = oneshot::channel();
        self.pending.waiters.push(done);
        drop(self.pending);
        if committer.wake() { Ok(Some(committed)) } else { Err(Error::internal("store: the committer is not running")) }
    }
}
