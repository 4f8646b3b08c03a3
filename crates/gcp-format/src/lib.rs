//! gcloud's output formats: projections, transforms, filters, sorting. No I/O and no clock: the time, the local zone and
//! the width of the screen come from the caller.
//!
//! ```
//! use gcp_format::{Options, list};
//! use serde_json::json;
//!
//! let now = "2026-01-05T09:00:00[UTC]".parse().expect("a time");
//! let mut options = Options::new("table(name, state)", now);
//! options.format = Some("value(name.basename(), STATE)");
//! options.filter = Some("state=ENABLED");
//! let keys = [json!({"name": "a/k1", "state": "ENABLED"}), json!({"name": "a/k2", "state": "DISABLED"})];
//! assert_eq!(list(&keys, &options).expect("a list").text, "k1\tENABLED\n");
//! ```

mod case;
mod display;
mod error;
mod filter;
mod flatten;
mod key;
mod lex;
mod order;
mod pattern;
mod print;
mod projection;
#[cfg(test)]
mod stories;
mod text;
mod time;
mod transform;
mod width;

pub use display::{Display, Options, Output, list, one};
pub use error::FormatError;
pub use filter::{Filter, Run};
pub use flatten::Flatten;
pub use key::{Key, Step, get};
pub use lex::parse_key;
pub use order::Order;
pub use transform::Locate;
