//! The database: redb in a file or in memory, one key space, one writer at a time, many readers.
//!
//! Durable mode groups commits: a writer leaves its changes in `active` and waits; the committer thread moves them to
//! `committing`, writes and syncs once for all of them, then answers them all. In memory nobody waits: changes lie in
//! the view's `recent`, where every reader sees them, until there are enough of them to be worth a commit.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::InMemoryBackend;
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use tokio::sync::oneshot;

use super::committer::Committer;
use super::txn::{Base, Changes, Txn};
use super::{Error, Result};

const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");
/// In memory, so many changes are committed together: a commit costs as much as a hundred changes, and a write beside a
/// reader copies those before it.
const RECENT: usize = 256;
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
    /// What readers see. Locked only to take or to change it, never for the length of a call. Before the database, which
    /// is closed when nobody reads it any more.
    view: Mutex<View>,
    database: Database,
    pub(super) pending: Mutex<Pending>,
    durable: bool,
}

/// The state of one moment. Opening a table costs more than a look into it, so one is kept from commit to commit.
#[derive(Clone)]
struct View {
    base: Arc<Base>,
    /// In memory: what is done and not in the database yet.
    recent: Arc<Changes>,
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
        let core = Arc::new(Core::new(database, false).map_err(broken)?);
        Ok(Self { committer: None, core })
    }

    /// Opens or creates the database file. The caller has made sure that the folder is ours.
    pub fn open(path: &Path) -> std::result::Result<Arc<Self>, redb::Error> {
        let database = Database::builder().set_cache_size(CACHE).create(path)?;
        let core = Arc::new(Core::new(database, true)?);
        Ok(Arc::new(Self { committer: Some(Committer::start(Arc::clone(&core))), core }))
    }

    /// A snapshot of what is committed.
    pub fn read(&self) -> Result<Txn> {
        let View { base, recent } = self.core.view();
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
    fn new(database: Database, durable: bool) -> std::result::Result<Self, redb::Error> {
        let mut writing = database.begin_write()?;
        if !durable {
            writing.set_durability(Durability::None)?;
        }
        writing.open_table(ROWS)?;
        writing.commit()?;
        let view = Mutex::new(View { base: open(&database)?, recent: Arc::default() });
        Ok(Self { view, database, pending: Mutex::default(), durable })
    }

    fn view(&self) -> View {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes `changes`, makes them durable if the store is, and shows them.
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
        let shown = View { base: open(&self.database)?, recent: Arc::default() };
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }

    /// In memory: puts changes where readers see them, and from time to time all of them into the database. The caller
    /// holds the right to write.
    fn remember(&self, writes: Changes) -> Result<()> {
        let recent = {
            let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
            let changes = Arc::make_mut(&mut view.recent);
            changes.extend(writes);
            if changes.len() < RECENT {
                return Ok(());
            }
            Arc::clone(&view.recent)
        };
        self.commit(&recent).map_err(broken)
    }
}

fn open(database: &Database) -> std::result::Result<Arc<Base>, redb::Error> {
    Ok(Arc::new(database.begin_read()?.open_table(ROWS)?))
}

fn layers<const N: usize>(layers: [&Arc<Changes>; N]) -> Vec<Arc<Changes>> {
    layers.into_iter().filter(|layer| !layer.is_empty()).map(Arc::clone).collect()
}

impl Writing<'_> {
    /// Sees everything that was written before, also what is still on its way to disk.
    pub fn txn(&self) -> Result<Txn> {
        let View { base, recent } = self.store.core.view();
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
