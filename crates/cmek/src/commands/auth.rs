//! `cmek auth`.

use clap::Subcommand;

use crate::config::credentials::Choice;
use crate::failure::Outcome;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Print the kind of credential in use, whose it is and where it comes from; no call is made
    #[command(after_help = "\
$ cmek auth print
$ cmek auth print --impersonate-service-account=keys@sec.iam.gserviceaccount.com --format='value(impersonates)'")]
    Print,
}

pub fn run(session: &mut Session, _: &Auth) -> Outcome<()> {
    if session.explains(&[])? {
        return Ok(());
    }
    let choice = Choice::make(&session.properties, &session.environment)?;
    session.print_one(&choice.description().json(), "yaml")?;
    if let Some((folder, named)) = session.emulator_folder() {
        session
            .ui
            .say(&format!("Calls go to the emulator in [{folder}] ({named}), which this credential is not sent to."));
    }
    Ok(())
}
