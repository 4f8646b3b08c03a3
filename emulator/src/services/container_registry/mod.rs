//! Card to come.

pub mod rest;
