//! Card to come.

pub mod door;

use gcp_schema::Registry;

use crate::kernel::Call;

pub fn register(registry: &mut Registry<Call>) {
    let _ = registry;
}
pub mod rest;
