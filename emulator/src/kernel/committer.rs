//! The thread that syncs: one commit for all the calls that came while the last one was on its way.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Error;
use super::store::Core;

/// How long the committer lets others join before it syncs; about the price of the sync itself.
const GATHER: Duration = Duration::from_micros(60);

/// Ends with the store, which waits for it: what was accepted is on disk and the file is closed when the store is gone.
pub struct Committer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub fn start(core: Arc<Core>) -> Self {
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new().name("committer".to_owned()).spawn(move || run(&core, &woken)).ok();
        Self { wake: Some(wake), thread }
    }

    /// False when there is no thread to wake (the system refused to start one).
    #[must_use]
    pub fn wake(&self) -> bool {
        // Full means that a wake-up is already waiting.
        self.wake.as_ref().is_some_and(|wake| !matches!(wake.try_send(()), Err(TrySendError::Disconnected(()))))
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(core: &Core, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        std::thread::sleep(GATHER);
        commit_once(core);
    }
}

fn commit_once(store: &Core) {
    let (changes, waiters) = {
        let mut pending = store.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.committing = std::mem::take(&mut pending.active);
        (Arc::clone(&pending.committing), std::mem::take(&mut pending.waiters))
    };
    let outcome = store.commit(&changes);
    {
        let mut pending = store.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.committing = Arc::default();
        if let Err(error) = &outcome {
            pending.failed = Some(error.to_string());
        }
    }
    for waiter in waiters {
        let result = match &outcome {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::internal(format!("store: {error}"))),
        };
        // A caller that went away needs no answer.
        let _ = waiter.send(result);
    }
}
