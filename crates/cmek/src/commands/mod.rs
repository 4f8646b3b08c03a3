//! A file a group, a function a command.

pub mod configure;
pub mod emulator;
pub mod hosts;
pub mod keys;
pub mod status;
