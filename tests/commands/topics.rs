//! `cmek topics` and `cmek service-agents`.

use crate::bench::{Terminal, snapshot};

const KEY: &str = "--kms-key=images --keyring=registry --location=us";

#[tokio::test]
async fn topics_get_keys_and_lose_them() {
    let mut terminal = Terminal::new();
    terminal.run("topics list").await;
    terminal.run(&format!("topics configure gcr {KEY}")).await;
    terminal.run("keys create images --keyring=registry --location=us").await;
    terminal.run(&format!("topics configure gcr {KEY} --dry-run")).await;
    terminal.run(&format!("topics configure gcr {KEY}")).await;
    terminal.run(&format!("topics configure gcr {KEY}")).await;
    terminal.run(&format!("topics configure other {KEY} --quiet")).await;
    terminal.run("topics list").await;
    terminal.run("topics list --format=json").await;
    terminal.run("topics describe").await;
    terminal.run("topics describe none").await;
    terminal.run("topics describe projects/x").await;
    terminal.run("topics configure other --clear-kms-key").await;
    terminal.run("topics configure other --clear-kms-key").await;
    terminal.run("policies set gcp.restrictNonCmekServices --deny=pubsub.googleapis.com --quiet").await;
    terminal.run("topics configure gcr --clear-kms-key --quiet").await;
    terminal.run("topics configure gcr").await;
    terminal.run("topics configure --explain-permissions --clear-kms-key").await;
    snapshot("commands", "topics", &terminal.transcript);
}

#[tokio::test]
async fn agents_are_authorized_and_revoked() {
    let mut terminal = Terminal::new();
    terminal.run("keys create images --keyring=registry --location=us").await;
    terminal.run("service-agents list").await;
    terminal.run(&format!("service-agents list {KEY}")).await;
    terminal.run(&format!("service-agents authorize {KEY} --dry-run")).await;
    terminal.run(&format!("service-agents authorize {KEY}")).await;
    terminal.run(&format!("service-agents authorize {KEY} --service=storage,artifactregistry")).await;
    terminal.run(&format!("service-agents list {KEY}")).await;
    terminal.run(&format!("service-agents list {KEY} --format=json")).await;
    terminal.run(&format!("topics configure gcr {KEY} --quiet")).await;
    terminal.run(&format!("service-agents revoke {KEY} --service=pubsub")).await;
    terminal.run(&format!("service-agents revoke {KEY} --service=pubsub --yes")).await;
    terminal.run(&format!("service-agents revoke {KEY} --service=pubsub --yes")).await;
    terminal.run(&format!("service-agents authorize {KEY} --service=bigquery")).await;
    snapshot("commands", "service-agents", &terminal.transcript);
}
