//! Flags that several commands share, with gcloud's names and meanings.

use std::collections::BTreeMap;

use clap::{ArgAction, Args};

use crate::config::properties::{Flag, Properties};
use crate::failure::Outcome;

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "GLOBAL FLAGS")]
pub struct Global {
    /// Read a bearer token from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub access_token_file: Option<String>,
    /// Account whose credentials are used
    #[arg(long, global = true, value_name = "EMAIL")]
    pub account: Option<String>,
    /// Project that is charged for the calls' quota
    #[arg(long, global = true, value_name = "ID")]
    pub billing_project: Option<String>,
    /// Named gcloud configuration to read properties from
    #[arg(long, global = true, value_name = "NAME")]
    pub configuration: Option<String>,
    /// Show what would be done and do nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Run the emulator inside this process, with its state in DIR (default .cmek-emulator)
    #[arg(long, global = true, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = ".cmek-emulator")]
    pub emulator: Option<String>,
    /// Print the least permissions that the command needs, and do nothing
    #[arg(long, global = true)]
    pub explain_permissions: bool,
    /// Read flags from a YAML or JSON file
    #[arg(long, global = true, value_name = "FILE")]
    pub flags_file: Option<String>,
    /// Make one record of each element of a list
    #[arg(long, global = true, value_name = "KEY")]
    pub flatten: Option<String>,
    /// How to print data: json, yaml, csv(…), table(…), value(…), list, get(…), flattened or none
    #[arg(long, global = true, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Show this help
    #[arg(long, short, global = true)]
    pub help: bool,
    /// Act as this service account; several names are a chain of delegates
    #[arg(long, global = true, value_name = "EMAIL[,EMAIL…]")]
    pub impersonate_service_account: Option<String>,
    /// Print requests and answers, without secrets
    #[arg(long, global = true, overrides_with = "no_log_http")]
    pub log_http: bool,
    #[arg(long, global = true, hide = true)]
    pub no_log_http: bool,
    /// Print without colour
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Print nothing but errors
    #[arg(long, global = true, overrides_with = "user_output_enabled")]
    pub no_user_output_enabled: bool,
    #[arg(long, global = true, hide = true)]
    pub user_output_enabled: bool,
    /// Project whose registry hosts are meant
    #[arg(long, global = true, value_name = "ID")]
    pub project: Option<String>,
    /// Ask nothing; take defaults
    #[arg(long, short, global = true, overrides_with = "no_quiet")]
    pub quiet: bool,
    #[arg(long, global = true, hide = true)]
    pub no_quiet: bool,
    /// Token that Google's support asks for
    #[arg(long, global = true, value_name = "TOKEN")]
    pub trace_token: Option<String>,
    /// debug (each call), info (calls made again), warning, error, critical or none
    #[arg(long, global = true, value_name = "LEVEL", value_parser = ["debug", "info", "warning", "error", "critical", "none"], hide_possible_values = true)]
    pub verbosity: Option<String>,
}

impl Global {
    /// gcloud's properties with these flags over them.
    pub fn properties(&self, environment: &BTreeMap<String, String>) -> Outcome<Properties> {
        let mut flags = Vec::new();
        let mut add = |property, flag, value: Option<String>| {
            flags.extend(value.map(|value| Flag { property, flag, value }));
        };
        let switch = |on: bool, off: bool| if on { Some("true") } else { off.then_some("false") }.map(str::to_owned);
        add("auth/access_token_file", "--access-token-file", self.access_token_file.clone());
        add(
            "auth/impersonate_service_account",
            "--impersonate-service-account",
            self.impersonate_service_account.clone(),
        );
        add("billing/quota_project", "--billing-project", self.billing_project.clone());
        add("core/account", "--account", self.account.clone());
        add("core/disable_prompts", "--quiet", switch(self.quiet, self.no_quiet));
        add("core/log_http", "--log-http", switch(self.log_http, self.no_log_http));
        add("core/project", "--project", self.project.clone());
        add("core/trace_token", "--trace-token", self.trace_token.clone());
        add(
            "core/user_output_enabled",
            "--user-output-enabled",
            switch(self.user_output_enabled, self.no_user_output_enabled),
        );
        add("core/verbosity", "--verbosity", self.verbosity.clone());
        Properties::read(flags, self.configuration.as_deref(), environment)
    }
}

/// Flags of commands that list.
#[derive(Clone, Debug, Default, Args)]
pub struct ListFlags {
    /// Keep the records for which this holds (`encryption=CUSTOMER AND objects>0`)
    #[arg(long, value_name = "EXPRESSION")]
    pub filter: Option<String>,
    /// Print so many records at the most
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
    /// Ask for so many records a page
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub page_size: Option<usize>,
    /// Order by these keys; `~KEY` is descending
    #[arg(long, value_name = "KEY[,KEY…]")]
    pub sort_by: Option<String>,
    /// Print the resources' names only
    #[arg(long, action = ArgAction::SetTrue)]
    pub uri: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    if text == "unlimited" {
        return Ok(usize::MAX);
    }
    match text.parse::<usize>() {
        Ok(0) => Err("Value must be greater than or equal to 1; received: 0".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("Value must be an integer; received: {text}")),
    }
}

#[derive(Clone, Debug, Default, Args)]
pub struct HostArgs {
    /// Registry hosts: gcr.io, us.gcr.io, eu.gcr.io, asia.gcr.io
    #[arg(value_name = "HOST")]
    pub hosts: Vec<String>,
    /// All four hosts
    #[arg(long, conflicts_with = "hosts")]
    pub all_hosts: bool,
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

#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// The key: its id, or its full name
    #[arg(value_name = "KEY")]
    pub key: String,
    #[command(flatten)]
    pub place: KeyPlace,
}

#[derive(Clone, Debug, Args)]
pub struct VersionArgs {
    /// The version: KEY/VERSION, or its full name
    #[arg(value_name = "KEY/VERSION")]
    pub key: String,
    #[command(flatten)]
    pub place: KeyPlace,
}

#[derive(Clone, Debug, Args)]
pub struct KeyOrVersionArgs {
    /// KEY or KEY/VERSION, or a full name
    #[arg(value_name = "KEY[/VERSION]")]
    pub key: String,
    #[command(flatten)]
    pub place: KeyPlace,
}

/// A folder or an organization instead of the project.
#[derive(Clone, Debug, Default, Args)]
pub struct Scope {
    /// Folder, by its number
    #[arg(long, value_name = "NUMBER", conflicts_with = "organization")]
    pub folder: Option<String>,
    /// Organization, by its number
    #[arg(long, value_name = "NUMBER")]
    pub organization: Option<String>,
}
