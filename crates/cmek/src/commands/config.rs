//! `cmek config`: gcloud's properties, read and never written.

use clap::Subcommand;
use serde_json::json;

use crate::cli::ListFlags;
use crate::config::configurations::Folder;
use crate::config::properties::Properties;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub enum Config {
    /// List the properties in force and where each comes from
    #[command(after_help = "$ cmek config list --filter='source:environment'")]
    List(ListFlags),
    /// Print the value of a property
    #[command(after_help = "$ cmek config get core/project")]
    Get {
        /// SECTION/NAME, or the name of a property of core
        #[arg(value_name = "PROPERTY")]
        property: String,
    },
    /// List gcloud's named configurations; gcloud config configurations changes them
    Configurations(ListFlags),
}

pub fn run(session: &mut Session, command: Config) -> Outcome<()> {
    if session.explains(&[])? {
        return Ok(());
    }
    match command {
        Config::List(flags) => {
            let rows: Vec<_> = session
                .properties
                .all()
                .map(|(property, setting)| {
                    let value = if property.secret { "(hidden)".to_owned() } else { setting.value };
                    json!({"property": format!("{}/{}", property.section, property.name), "value": value,
                        "source": setting.origin.to_string()})
                })
                .collect();
            session.print_list(&rows, "table(property, value, source)", &flags)?;
            if let Some((folder, named)) = session.emulator_folder() {
                session.ui.say(&format!(
                    "Calls go to the emulator in [{folder}] ({named}): nothing of this about endpoints, credentials or the network is used."
                ));
            }
            Ok(())
        }
        Config::Get { property } => {
            let known = Properties::find(&property)?;
            if known.secret {
                return Err(Failure::new(format!("[{property}] is a secret and is not shown.")));
            }
            match session.properties.setting(known) {
                Some(setting) => session.ui.data(&format!("{}\n", setting.value)),
                None => {
                    session.ui.say("(unset)");
                    Ok(())
                }
            }
        }
        Config::Configurations(flags) => {
            let active = session.properties.configuration().name.clone();
            let names = Folder::of(&session.environment).map(|folder| folder.names()).transpose()?.unwrap_or_default();
            let rows: Vec<_> = names.iter().map(|name| json!({"name": name, "isActive": *name == active})).collect();
            session.print_list(&rows, "table(name, isActive)", &flags)
        }
    }
}
