//! What goes over the wires: every method on both, the keys' refusals row by row, the points that broke real clients.

mod bad_input;
mod broken;
mod clients;
mod decisions;
mod keys;
mod walk;
