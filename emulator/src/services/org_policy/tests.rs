//! Stories about policies.
