//! `cmek auth`.

use clap::Subcommand;

use crate::failure::Outcome;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Print the kind of credential in use, whose it is and where it comes from
    Print,
}

pub async fn run(session: &mut Session, _: &Auth) -> Outcome<()> {
    session.cloud().await?;
    Ok(())
}
