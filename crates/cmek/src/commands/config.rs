//! `cmek config`.

use clap::Subcommand;

use crate::cli::ListFlags;
use crate::failure::Outcome;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Config {
    /// List the properties in force and where each comes from
    List(ListFlags),
}

pub fn run(session: &mut Session, command: Config) -> Outcome<()> {
    let Config::List(flags) = command;
    session.print_list(Vec::new(), |_| String::new(), &flags)
}
