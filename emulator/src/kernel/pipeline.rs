//! The steps that every call passes, in this order: settle what is due, who calls, is the API enabled, permission,
//! fault injection, handler, commit, audit.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::audit::{Audit, Line};
use super::blobs::Blobs;
use super::call::{Call, Caller};
use super::clock::Clock;
use super::due;
use super::entropy::Entropy;
use super::faults::Faults;
use super::local::Local;
use super::settings::Settings;
use super::store::{Committed, Store};
use super::vault::Vault;
use super::worker::Worker;
use super::{Error, Result};
use crate::doors;

/// Everything that the calls of one emulator share.
pub struct Kernel {
    pub store: Arc<Store>,
    pub vault: Vault,
    pub blobs: Blobs,
    pub clock: Arc<Clock>,
    pub entropy: Entropy,
    pub settings: Settings,
    pub audit: Audit,
    pub faults: Faults,
    pub local: Local,
    pub worker: Worker,
    /// Woken after each commit that a waiting reader (a pull, a stream) may care for.
    pub changed: tokio::sync::Notify,
    /// The control API was asked to stop whoever serves this.
    pub stop_asked: tokio::sync::Notify,
    pub(super) next_due: AtomicI64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Read,
    Write,
}

/// What the pipeline must know of a call before its handler runs.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The audit name: a method path or `storage.objects.insert`.
    pub method: &'static str,
    /// The API that must be enabled in the resource's project; empty where none must.
    pub api: &'static str,
    /// Empty where no permission is asked for.
    pub permission: &'static str,
    /// The resource in IAM's terms: `projects/p/locations/us/keyRings/r`, `buckets/b`, `buckets/b/objects/o`.
    pub resource: String,
    pub mode: Mode,
    pub caller: Caller,
    pub base_url: String,
}

impl Kernel {
    pub fn new(
        store: Arc<Store>,
        vault: Vault,
        blobs: Blobs,
        clock: Arc<Clock>,
        entropy: Entropy,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new_cyclic(|kernel| Self {
            store,
            vault,
            blobs,
            clock,
            entropy,
            settings,
            audit: Audit::default(),
            faults: Faults::default(),
            local: Local::default(),
            worker: Worker::new(kernel.clone()),
            changed: tokio::sync::Notify::new(),
            stop_asked: tokio::sync::Notify::new(),
            // Zero: the first call looks at what a data directory still has open.
            next_due: AtomicI64::new(0),
        })
    }

    /// Runs `handler` as one call: one transaction, one audit entry.
    pub async fn run<T: Send>(
        self: &Arc<Self>,
        spec: Spec,
        handler: impl FnOnce(&mut Call) -> Result<T> + Send,
    ) -> Result<T> {
        self.settle().await?;
        let now = self.clock.now();
        let mut notes = Vec::new();
        let outcome = match self.execute(&spec, now, handler, &mut notes) {
            Ok((value, Some(committed), effects)) => match committed.await {
                Ok(Ok(())) => Ok((value, effects)),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(Error::internal("store: the committer went away")),
            },
            Ok((value, None, effects)) => Ok((value, effects)),
            Err(error) => Err(error),
        };
        let outcome = outcome.and_then(|(value, effects)| {
            for effect in effects {
                effect(self);
            }
            self.faults.lose(spec.method).map(|()| value)
        });
        self.audit.record(Line {
            time: now,
            caller: spec.caller.member,
            method: spec.method,
            resource: spec.resource,
            outcome: outcome.as_ref().err().cloned(),
            notes,
        });
        outcome
    }

    #[expect(clippy::type_complexity, reason = "value, commit to wait for, what to do after it")]
    fn execute<T>(
        self: &Arc<Self>,
        spec: &Spec,
        now: super::Time,
        handler: impl FnOnce(&mut Call) -> Result<T>,
        notes: &mut Vec<String>,
    ) -> Result<(T, Option<Committed>, Vec<Box<dyn FnOnce(&Kernel) + Send>>)> {
        let writing = match spec.mode {
            Mode::Read => None,
            Mode::Write => Some(self.store.write()?),
        };
        let txn = match &writing {
            Some(writing) => writing.txn()?,
            None => self.store.read()?,
        };
        let mut call = Call::new(Arc::clone(self), txn, now, spec.caller.clone());
        let outcome = doors::admit(&mut call, spec)
            .and_then(|()| self.faults.strike(spec.method))
            .and_then(|()| handler(&mut call));
        *notes = std::mem::take(&mut call.notes);
        let lasting = call.take_lasting();
        let value = match outcome {
            Ok(value) => value,
            Err(error) => {
                // The call's own writes go with it; these take the writer's place after it.
                drop(writing);
                for effect in lasting {
                    effect(self);
                }
                return Err(error);
            }
        };
        let mut effects = call.take_effects();
        effects.extend(lasting);
        let committed = match writing {
            Some(writing) => writing.apply(call.txn)?,
            None => None,
        };
        Ok((value, committed, effects))
    }

    /// Carries out, in order of time, what fell due. Each entry is a call of its own at its own moment.
    pub async fn settle(self: &Arc<Self>) -> Result<()> {
        while self.next_due.load(Ordering::Acquire) <= self.clock.now().0 {
            let committed = self.settle_one()?;
            if let Some(committed) = committed {
                committed.await.map_err(|_| Error::internal("store: the committer went away"))??;
            }
        }
        Ok(())
    }

    fn settle_one(self: &Arc<Self>) -> Result<Option<Committed>> {
        let writing = self.store.write()?;
        let txn = writing.txn()?;
        let Some(entry) = due::first(&txn)? else {
            self.next_due.store(i64::MAX, Ordering::Release);
            return Ok(None);
        };
        if entry.at > self.clock.now() {
            self.next_due.store(entry.at.0, Ordering::Release);
            return Ok(None);
        }
        let mut call = Call::new(Arc::clone(self), txn, entry.at, Caller::default());
        due::take(&mut call, &entry)?;
        doors::settle(&mut call, &entry)?;
        let notes = std::mem::take(&mut call.notes);
        let effects = call.take_effects();
        let committed = writing.apply(call.txn)?;
        for effect in effects {
            effect(self);
        }
        self.audit.record(Line {
            time: entry.at,
            caller: "clock".to_owned(),
            method: "settle",
            resource: format!("{} {}", entry.kind, entry.name),
            outcome: None,
            notes,
        });
        Ok(committed)
    }
}
