//! One test binary: stories (scenarios), faults and strange worlds (chaos), transcripts of the commands, the wires, and the tidiness of the tree.

mod bench;
mod chaos;
mod commands;
mod scenarios;
mod tidy;
mod wires;
