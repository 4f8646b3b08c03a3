//! Stories about projects and folders.
