//! The commands, a file for each group: its arguments, its help, its behaviour.

pub mod audit;
pub mod auth;
pub mod completion;
pub mod config;
pub mod configure;
pub mod emulator;
pub mod explain;
pub mod hosts;
pub mod keys;
pub mod policies;
pub mod preflight;
pub mod rewrite;
pub mod service_agents;
pub mod status;
pub mod topics;

use crate::cli::Group;
use crate::failure::Outcome;
use crate::session::Session;

fn version(session: &mut Session) -> Outcome<()> {
    let version = env!("CARGO_PKG_VERSION");
    if session.has_format()? {
        return session.print_one(&serde_json::json!({"version": version}), "yaml");
    }
    session.ui.data(&format!("cmek {version}\n"))
}

pub async fn run(session: &mut Session, group: Group) -> Outcome<()> {
    match group {
        Group::Audit(args) => audit::run(session, args).await,
        Group::Auth(command) => auth::run(session, &command),
        Group::Completion(args) => completion::run(session, &args),
        Group::Config(command) => config::run(session, command),
        Group::Configure(args) => configure::run(session, args).await,
        Group::Demo(args) => crate::demo::run(session, args).await,
        Group::Emulator(command) => emulator::run(session, command).await,
        Group::Explain(args) => explain::run(session, &args),
        Group::Hosts(command) => hosts::run(session, command).await,
        Group::Keys(command) => keys::run(session, command).await,
        Group::Policies(command) => policies::run(session, command).await,
        Group::Preflight(args) => preflight::run(session, args).await,
        Group::Rewrite(args) => rewrite::run(session, args).await,
        Group::ServiceAgents(command) => service_agents::run(session, command).await,
        Group::Status(args) => status::run(session, args).await,
        Group::Topics(command) => topics::run(session, command).await,
        Group::Version => version(session),
    }
}
