//! Work that goes on beside its caller: batches in, one after the other, on a thread that is taken only while there are
//! any. A caller who is far ahead waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::{Error, Result};

/// How many batches may wait: enough that the work does not pause between two of them.
const WAITING: usize = 3;

/// What does the work, and what it is given.
type Work<T, B> = fn(&mut T, &B) -> Result<()>;

pub struct Lane<T, B> {
    shared: Arc<Mutex<Shared<T, B>>>,
    room: Arc<Semaphore>,
    work: Work<T, B>,
    thread: Option<JoinHandle<()>>,
}

/// Leave to push one batch.
pub struct Room(OwnedSemaphorePermit);

struct Shared<T, B> {
    /// Away while a thread has it.
    worker: Option<T>,
    waiting: VecDeque<(B, OwnedSemaphorePermit)>,
    failed: Option<Error>,
}

fn locked<T, B>(shared: &Mutex<Shared<T, B>>) -> MutexGuard<'_, Shared<T, B>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Send + 'static, B: Send + 'static> Lane<T, B> {
    pub fn new(worker: T, work: Work<T, B>) -> Self {
        let shared = Shared { worker: Some(worker), waiting: VecDeque::new(), failed: None };
        Self { shared: Arc::new(Mutex::new(shared)), room: Arc::new(Semaphore::new(WAITING)), work, thread: None }
    }

    /// Waits until there is room for a batch. Apart from `push`, so that who feeds several lanes can wait for all of them
    /// first: one whose caller goes away while he waits has then given the batch to none.
    pub async fn room(&self) -> Result<Room> {
        let ended = |_| Error::internal("a lane that ended");
        Arc::clone(&self.room).acquire_owned().await.map(Room).map_err(ended)
    }

    pub fn push(&mut self, batch: B, Room(permit): Room) -> Result<()> {
        let idle = {
            let mut shared = locked(&self.shared);
            if let Some(error) = &shared.failed {
                return Err(error.clone());
            }
            shared.waiting.push_back((batch, permit));
            shared.worker.take()
        };
        if let Some(worker) = idle {
            let (shared, work) = (Arc::clone(&self.shared), self.work);
            self.thread = Some(tokio::task::spawn_blocking(move || drain(&shared, worker, work)));
        }
        Ok(())
    }

    /// When all is done, what did it.
    pub async fn finish(mut self) -> Result<T> {
        if let Some(thread) = self.thread.take() {
            thread.await.map_err(|error| Error::internal(format!("a worker thread ended: {error}")))?;
        }
        let mut shared = locked(&self.shared);
        match (shared.failed.take(), shared.worker.take()) {
            (Some(error), _) => Err(error),
            (None, Some(worker)) => Ok(worker),
            (None, None) => Err(Error::internal("a lane lost its worker")),
        }
    }
}

fn drain<T, B>(shared: &Mutex<Shared<T, B>>, mut worker: T, work: Work<T, B>) {
    loop {
        let (batch, permit) = {
            let mut shared = locked(shared);
            let Some(next) = shared.waiting.pop_front() else {
                shared.worker = Some(worker);
                return;
            };
            next
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut worker, &batch)));
        if let Err(error) = outcome.unwrap_or_else(|_| Err(Error::internal("a worker thread panicked"))) {
            let mut shared = locked(shared);
            shared.failed = Some(error);
            // Whoever waits for room learns of it.
            shared.waiting.clear();
            return;
        }
        drop((batch, permit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(worker: Vec<u32>) -> Lane<Vec<u32>, u32> {
        Lane::new(worker, |done, number| {
            match number {
                13 => return Err(Error::internal("thirteen")),
                666 => panic!("the beast"),
                _ => {}
            }
            done.push(*number);
            Ok(())
        })
    }

    #[tokio::test]
    async fn batches_are_worked_on_in_their_order() {
        let mut lane = lane(Vec::new());
        for number in 20..120 {
            let room = lane.room().await.unwrap();
            lane.push(number, room).unwrap();
        }
        assert_eq!(lane.finish().await.unwrap(), (20..120).collect::<Vec<_>>());
        assert_eq!(self::lane(vec![1]).finish().await.unwrap(), [1]);
    }

    #[tokio::test]
    async fn a_failure_ends_it_and_nobody_waits_for_ever() {
        for (from, said) in [(10, "thirteen"), (660, "panicked")] {
            let mut lane = lane(Vec::new());
            let mut outcome = Ok(());
            for number in from..from + 1000 {
                let room = lane.room().await.unwrap();
                outcome = lane.push(number, room);
                if outcome.is_err() {
                    break;
                }
            }
            let (pushed, finished) = (outcome.unwrap_err(), lane.finish().await.unwrap_err());
            assert_eq!(pushed.log(), finished.log());
            assert!(format!("{pushed:?}").contains(said), "{pushed:?}");
        }
    }
}
