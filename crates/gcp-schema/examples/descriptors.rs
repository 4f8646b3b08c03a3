//! Writes the derived descriptor set to standard output, for `tests/clients/descriptors.py`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(gcp_schema::descriptor_set())
}
