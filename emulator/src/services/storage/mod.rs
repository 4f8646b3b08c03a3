//! Card to come.

pub mod door;
pub mod rest;
