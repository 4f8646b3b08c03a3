//! One test binary: stories (scenarios), transcripts of the commands, the wires, and the tidiness of the tree.

mod bench;
mod commands;
mod scenarios;
mod tidy;
mod wires;
