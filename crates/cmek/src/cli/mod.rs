//! The command tree: its root, the flags of every command, and the groups, each with its arguments in its own file.

mod global;
mod help;
mod tree;
mod usage;

use clap::{Parser, Subcommand};

pub use global::{Global, HostArgs, KeyArgs, KeyOrVersionArgs, KeyPlace, ListFlags, Scope, VersionArgs};
pub use help::{Page, pages};
pub use tree::{Parsed, command, parse};

use crate::commands;

#[derive(Debug, Parser)]
#[command(
    name = "cmek",
    version,
    about = "Give Google container registries customer-managed encryption keys, and see what a key's loss means",
    disable_help_subcommand = true,
    disable_help_flag = true,
    args_override_self = true,
    subcommand_required = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub group: Group,
}

#[derive(Debug, Subcommand)]
pub enum Group {
    /// Find keys, grants and buckets that are not as they should be
    Audit(commands::audit::Audit),
    /// Show the credential that calls are made with
    #[command(subcommand)]
    Auth(commands::auth::Auth),
    /// Print a script that completes commands and flags
    Completion(commands::completion::Completion),
    /// Show the properties in force and where each comes from
    #[command(subcommand)]
    Config(commands::config::Config),
    /// Put registry hosts and the gcr topic under a key: observe, plan, ask, apply, verify
    Configure(commands::configure::Configure),
    /// Tell the whole story against an emulator inside this process, each claim checked by a call
    Demo(crate::demo::Demo),
    /// Run the emulator, or point clients at it
    #[command(subcommand)]
    Emulator(commands::emulator::EmulatorCommand),
    /// Say what an error of gcloud, docker or terraform about keys means, and what to do
    Explain(commands::explain::Explain),
    /// List registry hosts and show how each is encrypted
    #[command(subcommand)]
    Hosts(commands::hosts::Hosts),
    /// Create, inspect, disable, destroy and restore keys
    #[command(subcommand)]
    Keys(commands::keys::Keys),
    /// Organization policy around keys
    #[command(subcommand)]
    Policies(commands::policies::Policies),
    /// Check everything that could stop a key from being configured, and change nothing
    Preflight(commands::preflight::Preflight),
    /// Re-encrypt what is stored under a key's primary version
    Rewrite(commands::rewrite::Rewrite),
    /// Manage the service agents' use of a key
    #[command(subcommand)]
    ServiceAgents(commands::service_agents::ServiceAgents),
    /// Show where registry hosts stand
    Status(commands::status::Status),
    /// Manage the keys of Pub/Sub topics
    #[command(subcommand)]
    Topics(commands::topics::Topics),
    /// Print the version
    Version,
}
