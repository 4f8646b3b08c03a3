//! Stories about enabled services.
