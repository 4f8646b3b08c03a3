//! gcloud's configuration and credentials, honoured and never written.
//!
//! `configurations` reads gcloud's folder; `properties` lays flags and environment over it; `flags_file` widens the command
//! line before it is parsed; `connection` and `credentials` make of the properties what a client needs.

pub mod configurations;
pub mod connection;
pub mod credentials;
pub mod flags_file;
mod ini;
pub mod properties;
mod values;
