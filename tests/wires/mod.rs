//! What goes over the wires: every method on both, the keys' refusals row by row, the points that broke real clients.

mod broken;
mod clients;
mod decisions;
mod keys;
mod walk;
