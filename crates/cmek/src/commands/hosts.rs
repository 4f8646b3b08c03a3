//! `cmek hosts`.

use clap::Subcommand;
use gcp_names::{KeyName, RegistryHost};
use serde_json::{Value, json};

use crate::cli::ListFlags;
use crate::failure::Outcome;
use crate::session::Session;
use crate::{observe, ui};

#[derive(Debug, Subcommand)]
pub enum Hosts {
    /// List the four hosts
    #[command(after_help = "\
$ cmek hosts list
$ cmek hosts list --filter='encryption!=CUSTOMER' --format='value(host)'")]
    List(ListFlags),
    /// Describe one host
    #[command(after_help = "$ cmek hosts describe eu.gcr.io --format=json")]
    Describe {
        /// gcr.io, us.gcr.io, eu.gcr.io or asia.gcr.io
        #[arg(value_name = "HOST")]
        host: String,
    },
}

pub const PERMISSIONS: &[&str] = &["storage.buckets.get", "storage.objects.list"];

pub async fn run(session: &mut Session, command: Hosts) -> Outcome<()> {
    match command {
        Hosts::List(flags) => list(session, &flags).await,
        Hosts::Describe { host } => super::status::describe(session, &[host]).await,
    }
}

async fn list(session: &mut Session, flags: &ListFlags) -> Outcome<()> {
    if session.explains(PERMISSIONS)? {
        return Ok(());
    }
    let project = session.project()?;
    let cloud = session.cloud().await?;
    let mut rows = Vec::new();
    for host in RegistryHost::ALL {
        let facts = observe::host(&cloud, host, &project).await?;
        let encryption = match (facts.exists, facts.default_key.is_empty()) {
            (false, _) => "NO_BUCKET",
            (true, true) => "GOOGLE_MANAGED",
            (true, false) => "CUSTOMER",
        };
        let (objects, bytes) = facts.total();
        rows.push(json!({
            "name": format!("//storage.googleapis.com/{}", facts.bucket),
            "host": host.host(), "bucket": facts.bucket, "location": facts.location, "encryption": encryption,
            "key": facts.default_key, "objects": objects, "bytes": bytes, "customerObjects": facts.under_customer_keys(),
            "defaultKeyObjects": facts.under(&facts.default_key),
        }));
    }
    session.print_drawn(&rows, table, flags)
}

fn table(rows: &[Value]) -> String {
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let count = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
            let blank = String::new;
            if text(row, "encryption") == "NO_BUCKET" {
                return vec![text(row, "host"), blank(), blank(), "(no bucket)".to_owned(), blank(), blank()];
            }
            let key =
                KeyName::parse(&text(row, "key")).map(|key| format!("{}/{}", key.ring, key.key)).unwrap_or_default();
            let encryption = if key.is_empty() { "Google-managed" } else { "customer" };
            // Of a bucket with a key, those that are under it.
            let protected = count(if key.is_empty() { "customerObjects" } else { "defaultKeyObjects" });
            let objects = format!("{protected} of {}", count("objects"));
            vec![text(row, "host"), text(row, "bucket"), text(row, "location"), encryption.to_owned(), key, objects]
        })
        .collect();
    ui::table(&["HOST", "BUCKET", "LOCATION", "ENCRYPTION", "KEY", "OBJECTS"], &lines)
}
