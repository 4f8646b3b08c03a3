//! The command tree.

use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cmek",
    version,
    about = "Give Google container registries customer-managed encryption keys, and see what a key's loss means",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub group: Group,
}

#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Project whose registry hosts are meant
    #[arg(long, global = true, value_name = "ID")]
    pub project: Option<String>,
    /// How to print data: json, yaml, table(KEY,…), value(KEY,…) or none
    #[arg(long, global = true, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Ask nothing; take defaults
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Show what would be done and do nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Run the emulator inside this process, with its state in DIR (default .cmek-emulator)
    #[arg(long, global = true, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".cmek-emulator")]
    pub emulator: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Group {
    /// List registry hosts and show how each is encrypted
    #[command(subcommand)]
    Hosts(Hosts),
    /// Put registry hosts and the gcr topic under a key: observe, plan, ask, apply, verify
    Configure(Configure),
    /// Show where registry hosts stand
    Status(HostArgs),
    /// Create, inspect, disable, destroy and restore keys
    #[command(subcommand)]
    Keys(Keys),
    /// Run the emulator, or point clients at it
    #[command(subcommand)]
    Emulator(EmulatorCommand),
    /// Tell the whole story against an emulator inside this process, each claim checked by a call
    Demo(Demo),
}

#[derive(Debug, Subcommand)]
pub enum Hosts {
    /// List the four hosts
    List,
    /// Describe one host
    Describe {
        /// gcr.io, us.gcr.io, eu.gcr.io or asia.gcr.io
        host: String,
    },
}

#[derive(Debug, Args)]
pub struct HostArgs {
    /// Hosts; all that have a bucket when none is named
    pub hosts: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Configure {
    /// Registry hosts: gcr.io, us.gcr.io, eu.gcr.io, asia.gcr.io
    pub hosts: Vec<String>,
    /// All four hosts
    #[arg(long, conflicts_with = "hosts")]
    pub all_hosts: bool,
    /// The key: full name, or its id with --keyring and --location
    #[arg(long, value_name = "KEY")]
    pub kms_key: String,
    #[command(flatten)]
    pub place: KeyPlace,
    /// Create the key, and its ring, if they do not exist
    #[arg(long)]
    pub create_key: bool,
    /// Re-encrypt what is stored already
    #[arg(long)]
    pub rewrite_existing: bool,
    /// Also create or change the topic gcr
    #[arg(long)]
    pub topic: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct KeyPlace {
    /// Key ring, when the key is given by its id
    #[arg(long, value_name = "RING")]
    pub keyring: Option<String>,
    /// Location of the key ring
    #[arg(long, value_name = "LOCATION")]
    pub location: Option<String>,
    /// Project of the key; the current one if it is not given
    #[arg(long, value_name = "ID")]
    pub key_project: Option<String>,
}

#[derive(Debug, Args)]
pub struct KeyArgs {
    /// KEY or KEY/VERSION, or a full name
    pub key: String,
    #[command(flatten)]
    pub place: KeyPlace,
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Create a key, and its ring if needed
    Create(KeyArgs),
    /// List the keys of a ring
    List(KeyPlace),
    /// Describe a key with its versions
    Describe(KeyArgs),
    /// Make a new version and use it from now on
    Rotate(KeyArgs),
    /// Disable a version; what it protects cannot be read until it is enabled again
    Disable(Destroying),
    /// Enable a version
    Enable(KeyArgs),
    /// Schedule a version's destruction; after its time nobody can bring it back
    Destroy(Destroying),
    /// Take a scheduled destruction back
    Restore(KeyArgs),
    /// Show what would become unreadable without a key or version
    Impact(KeyArgs),
}

#[derive(Debug, Args)]
pub struct Destroying {
    #[command(flatten)]
    pub key: KeyArgs,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Subcommand)]
pub enum EmulatorCommand {
    /// Listen on a loopback port until interrupted
    Start(Start),
    /// Print the variables that point gcloud and client libraries at an emulator
    EnvInit {
        #[arg(long, default_value = "127.0.0.1:8787", value_name = "HOST:PORT")]
        host_port: String,
    },
    /// Show or move the clock of a standing emulator
    #[command(subcommand)]
    Clock(Clock),
}

#[derive(Debug, Args)]
pub struct Start {
    /// 0 takes a free one
    #[arg(long, default_value_t = 8787)]
    pub port: u16,
    /// Keep state here; without it everything is gone at exit
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Freeze the clock at this time (2026-01-05T09:00:00Z); it moves only when told
    #[arg(long, value_name = "TIME")]
    pub clock: Option<String>,
    /// Names follow from it
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// enforce: check callers' own permissions too
    #[arg(long, default_value = "off", value_parser = ["off", "enforce"])]
    pub iam: String,
    /// strict: only projects that were created exist
    #[arg(long, default_value = "auto", value_parser = ["auto", "strict"])]
    pub projects: String,
    /// shutdown: Container Registry answers as after its end
    #[arg(long, default_value = "serving", value_parser = ["serving", "shutdown"])]
    pub gcr_era: String,
}

#[derive(Debug, Subcommand)]
pub enum Clock {
    /// Show the emulator's time
    Show {
        #[arg(long, default_value = "127.0.0.1:8787", value_name = "HOST:PORT")]
        host_port: String,
    },
    /// Move it forward: 30d, 12h, 90m, 45s
    Advance {
        duration: String,
        #[arg(long, default_value = "127.0.0.1:8787", value_name = "HOST:PORT")]
        host_port: String,
    },
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Leave the world in this directory to look at
    #[arg(long, value_name = "DIR")]
    pub keep: Option<String>,
}
