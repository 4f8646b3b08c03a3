//! Stories of pushes and pulls.
