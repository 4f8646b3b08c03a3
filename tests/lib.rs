//! Everything is in the test binary `suite`.
