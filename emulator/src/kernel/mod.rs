//! What every service stands on: the call and its transaction, the clock, names, keys, bodies, the audit trail.
//!
//! Nothing here knows a service. Services know nothing of each other; they meet in `doors.rs`.

pub mod assets;
pub mod audit;
pub mod blobs;
pub mod body;
pub mod call;
pub mod clock;
pub mod committer;
pub mod datadir;
pub mod due;
pub mod entropy;
pub mod etag;
pub mod faults;
pub mod filter;
pub mod lane;
pub mod local;
pub mod mask;
pub mod operations;
pub mod paging;
pub mod pipeline;
pub mod scan;
pub mod settings;
pub mod store;
pub mod table;
pub mod time;
pub mod txn;
pub mod vault;
pub mod worker;

pub use call::{Call, Caller};
pub use clock::Clock;
pub use gcp_schema::{Code, Error};
pub use pipeline::{Kernel, Mode, Spec};
pub use table::Table;
pub use time::Time;

/// What handlers return.
pub type Result<T> = std::result::Result<T, Error>;
