//! Pure planner: what is and what is wanted in, what to do and what stands in the way out. No I/O, no clock.

mod facts;
mod impact;
mod planner;

pub use facts::{Desired, HostFacts, KeyFacts, Observed, PolicyFacts, TopicFacts, VersionFacts};
pub use impact::{Affected, Image, Impact, StoredObject, impact};
pub use planner::{Finding, Plan, Severity, Step, plan};
