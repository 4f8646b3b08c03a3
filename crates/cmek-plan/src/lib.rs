//! The planner: what is observed and what is desired in, a plan and its findings out.
//!
//! Nothing here calls anything, waits or looks at a clock. [`plan`] decides what [`Step`]s lead from [`Observed`] to
//! [`Desired`], or which [`Finding`]s stand in the way; [`impact::impact`] says what a key version takes with it.

pub mod desired;
pub mod finding;
pub mod impact;
mod judge;
pub mod lint;
pub mod observed;
pub mod plan;
pub mod step;
mod text;

#[cfg(test)]
mod model;

pub use desired::Desired;
pub use finding::{Code, Finding, Severity};
pub use impact::impact;
pub use lint::lint;
pub use observed::Observed;
pub use observed::{
    AgentFact, AgentFacts, ConstraintFacts, DeniedService, Found, HostFacts, KeyDetails, KeyFacts, KeyPolicy,
    KeyProjects, ObjectCounts, ProjectFacts, Tally, TopicFacts, VersionFacts,
};
pub use plan::{Plan, SCHEMA, plan};
pub use step::{ENCRYPTER_DECRYPTER, Step};
