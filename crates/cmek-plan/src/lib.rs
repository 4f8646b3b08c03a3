//! Pure planner: what is and what is wanted in, what to do and what stands in the way out. No I/O, no clock.

mod audit;
mod document;
mod facts;
mod finding;
mod impact;
mod planner;
mod preflight;
mod step;
mod words;

pub use audit::{Issue, Rank, RuleInfo, Subject, audit, rules};
pub use document::{Document, Wish};
pub use facts::{Desired, Grant, HostFacts, KeyFacts, Observed, PolicyFacts, Rule, TopicFacts, VersionFacts, place};
pub use finding::{Finding, Severity};
pub use impact::{Affected, Copies, Image, Impact, OtherBucket, StoredObject, impact};
pub use planner::{Plan, SCHEMA, plan};
pub use preflight::{Check, Verdict, preflight};
pub use step::{Need, Step};
pub use words::{key_words, renew, revive, version_words};
