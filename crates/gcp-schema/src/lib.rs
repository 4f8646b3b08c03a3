//! Google's messages, service traits, descriptors and the route table.
//!
//! Messages come from the published `googleapis-tonic-*` crates. The build script reads their source and derives the
//! rest: a descriptor set, one trait a service, and the table of methods joined with `routes/*.txt`.

pub mod error;
pub mod method;
pub mod registry;

pub use error::{Code, Detail, Error, FieldViolation, HelpLink, Violation};
pub use method::{Body, Method, Rule, Verb};
pub use registry::Registry;
