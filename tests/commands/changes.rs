//! Every command that changes something, in every format: what it made is data, what it says is talk.

use super::formats::every_format;
use crate::bench::{Terminal, push, snapshot};

const PLACE: &str = "--keyring=registry --location=us";
const KEY: &str = "--kms-key=images --keyring=registry --location=us";

/// The command, two keys of what it prints, and what takes it back.
const COMMANDS: &[(&str, &str, &str, &[&str])] = &[
    ("clock-advance", "emulator clock advance 1d", "now", &[]),
    ("keys-create", "keys create NEW PLACE", "name.basename(),primaryState", &[]),
    ("keys-rotate", "keys rotate images PLACE", "primaryId,primaryState", &[]),
    ("keys-disable", "keys disable images/1 PLACE --yes", "version,state", &["keys enable images/1 PLACE"]),
    ("keys-enable", "keys enable images/1 PLACE", "version,state", &["keys disable images/1 PLACE --yes"]),
    (
        "keys-destroy",
        "keys destroy images/1 PLACE --yes",
        "state,destroyTime",
        &["keys restore images/1 PLACE", "keys enable images/1 PLACE"],
    ),
    ("keys-restore", "keys restore images/1 PLACE", "version,state", &["keys destroy images/1 PLACE --yes"]),
    (
        "configure-apply",
        "configure gcr.io KEY --topic --quiet",
        "schema,desired.topic",
        &["topics configure gcr --clear-kms-key --quiet"],
    ),
    ("rewrite", "rewrite gcr.io --quiet", "host,rewritten", &["keys rotate images PLACE"]),
    (
        "topics-configure",
        "topics configure gcr KEY --quiet",
        "name.basename(),encryption",
        &["topics configure gcr --clear-kms-key --quiet"],
    ),
    (
        "topics-clear",
        "topics configure gcr --clear-kms-key --quiet",
        "name.basename(),encryption",
        &["topics configure gcr KEY --quiet"],
    ),
    (
        "service-agents-authorize",
        "service-agents authorize KEY --service=pubsub",
        "service,mayUseKey",
        &["service-agents revoke KEY --service=pubsub --yes"],
    ),
    (
        "service-agents-revoke",
        "service-agents revoke KEY --service=pubsub --yes",
        "service,mayUseKey",
        &["service-agents authorize KEY --service=pubsub"],
    ),
    (
        "policies-set",
        "policies set gcp.restrictNonCmekServices --deny=pubsub.googleapis.com --quiet",
        "name.basename(),spec.rules[0].values.deniedValues",
        &["policies set gcp.restrictNonCmekServices --unset --quiet"],
    ),
];

/// A project with an image and a topic under a key.
async fn furnished() -> Terminal {
    let mut terminal = Terminal::new();
    {
        let world = terminal.world().await;
        assert_eq!(push(&world, "my-project/web", "v1", b"layer").await.status, 201);
    }
    terminal.run(&format!("configure gcr.io {KEY} --create-key --topic --rewrite-existing --quiet")).await;
    terminal
}

#[tokio::test]
async fn every_change_prints_every_format() {
    for (name, line, keys, back) in COMMANDS {
        let mut terminal = furnished().await;
        let line = line.replace("KEY", KEY).replace("PLACE", PLACE);
        let undo = async |terminal: &mut Terminal| {
            for line in *back {
                terminal.run(&line.replace("KEY", KEY).replace("PLACE", PLACE)).await;
            }
        };
        undo(&mut terminal).await;
        terminal.transcript.clear();
        for (index, format) in every_format(keys).iter().enumerate() {
            let line = line.replace("NEW", &format!("key-{index}"));
            terminal.run(&format!("{line} '--format={format}'")).await;
            let told = terminal.transcript.len();
            undo(&mut terminal).await;
            terminal.transcript.truncate(told);
        }
        snapshot("commands/formats", name, &terminal.transcript);
    }
}
