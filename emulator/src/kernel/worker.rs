//! Work that goes on between calls: a thread that does it in rounds for as long as there is some.
//!
//! A thread, not a task of the caller's runtime: it works on where nobody awaits anything, and whoever drops an
//! emulator can wait for it, so that a data directory is closed when its last handle is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::pipeline::Kernel;
use crate::doors;

pub struct Worker {
    kernel: Weak<Kernel>,
    state: Mutex<State>,
    stopping: AtomicBool,
    /// For tests that want to see what lies between two rounds.
    #[cfg(test)]
    held: AtomicBool,
}

#[derive(Default)]
struct State {
    thread: Option<JoinHandle<()>>,
    running: bool,
    /// Work came while a round was under way.
    more: bool,
    /// The round under way takes longer than anybody should wait.
    long: bool,
    /// Dropped when a round is over that began after they came; and those of the round under way.
    waiting: Vec<oneshot::Sender<()>>,
    waiting_now: Vec<oneshot::Sender<()>>,
}

impl Worker {
    pub(super) fn new(kernel: Weak<Kernel>) -> Self {
        Self {
            kernel,
            state: Mutex::default(),
            stopping: AtomicBool::new(false),
            #[cfg(test)]
            held: AtomicBool::new(false),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is work.
    pub fn start(&self) {
        let mut state = self.state();
        if self.stopping() || self.is_held() {
            return;
        }
        if state.running {
            state.more = true;
            return;
        }
        if let Some(ended) = state.thread.take() {
            let _ = ended.join();
        }
        let kernel = self.kernel.clone();
        // Should the system refuse a thread, the next piece of work tries again.
        state.thread = std::thread::Builder::new().name("worker".to_owned()).spawn(move || run(&kernel)).ok();
        state.running = state.thread.is_some();
    }

    /// Waits for one whole round, if there is work and no long round is under way.
    pub async fn round(&self) {
        let (done, waited) = oneshot::channel();
        {
            let mut state = self.state();
            if !state.running || state.long {
                return;
            }
            state.waiting.push(done);
        }
        // Nothing is sent: the other end goes.
        let _ = waited.await;
    }

    /// The round under way will be long: nobody waits for it.
    pub fn is_long(&self) {
        let mut state = self.state();
        state.long = true;
        state.let_go();
    }

    /// Whether the round under way should end as soon as it can.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Ends the work where it is and waits for the thread.
    pub fn stop(&self) {
        let thread = {
            let mut state = self.state();
            self.stopping.store(true, Ordering::Release);
            state.thread.take()
        };
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// From now on rounds are only done by hand.
    #[cfg(test)]
    pub fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    #[cfg(test)]
    fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    #[cfg(not(test))]
    fn is_held(&self) -> bool {
        false
    }

    fn begins(&self) {
        let mut state = self.state();
        state.long = false;
        state.waiting_now = std::mem::take(&mut state.waiting);
    }

    /// A round is over. Whether another follows.
    fn goes_on(&self, more: bool) -> bool {
        let mut state = self.state();
        state.waiting_now.clear();
        let more = more || state.more || !state.waiting.is_empty();
        state.more = false;
        state.running = more && !self.stopping();
        state.running
    }

    /// The thread is gone: whoever still waits is let go.
    fn ended(&self) {
        let mut state = self.state();
        state.running = false;
        state.let_go();
    }
}

impl State {
    fn let_go(&mut self) {
        self.waiting.clear();
        self.waiting_now.clear();
    }
}

/// A thread that ends in a way of its own says so.
struct Thread<'a> {
    kernel: &'a Weak<Kernel>,
    has_ended: bool,
}

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        if !self.has_ended
            && let Some(kernel) = self.kernel.upgrade()
        {
            kernel.worker.ended();
        }
    }
}

fn run(kernel: &Weak<Kernel>) {
    let mut thread = Thread { kernel, has_ended: false };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    while let Some(kernel) = kernel.upgrade() {
        kernel.worker.begins();
        // What a broken store has to say it says to the next caller.
        let idle = kernel.worker.stopping() || kernel.worker.is_held();
        let more = !idle && runtime.block_on(doors::work(&kernel)).unwrap_or(false);
        if !kernel.worker.goes_on(more) {
            // From here on another thread may run.
            thread.has_ended = !kernel.worker.stopping();
            return;
        }
    }
}

/// Held by an emulator's handles: the last one waits for the work to end.
pub struct Working(pub Arc<Kernel>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.worker.stop();
    }
}
