//! `cmek hosts`.

use gcp_names::{KeyName, RegistryHost};
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::session::Session;
use crate::{observe, print, ui};

pub async fn list(session: &mut Session) -> Outcome<()> {
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
            "host": host.host(), "bucket": facts.bucket, "location": facts.location, "encryption": encryption,
            "key": facts.default_key, "objects": objects, "bytes": bytes, "customerObjects": facts.under_customer_keys(),
        }));
    }
    print(session, &Value::Array(rows), table)
}

fn table(rows: &Value) -> Outcome<String> {
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let lines: Vec<Vec<String>> = rows
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let count = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
            if text(row, "encryption") == "NO_BUCKET" {
                return vec![
                    text(row, "host"),
                    String::new(),
                    String::new(),
                    "(no bucket)".to_owned(),
                    String::new(),
                    String::new(),
                ];
            }
            let key =
                KeyName::parse(&text(row, "key")).map(|key| format!("{}/{}", key.ring, key.key)).unwrap_or_default();
            let encryption = if key.is_empty() { "Google-managed" } else { "customer" };
            let objects = format!("{} of {}", count("customerObjects"), count("objects"));
            vec![text(row, "host"), text(row, "bucket"), text(row, "location"), encryption.to_owned(), key, objects]
        })
        .collect();
    Ok(ui::table(&["HOST", "BUCKET", "LOCATION", "ENCRYPTION", "KEY", "OBJECTS"], &lines))
}
