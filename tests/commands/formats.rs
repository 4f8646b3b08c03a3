//! Every command that prints data, in every format.

use crate::bench::{Terminal, push, snapshot};

const PLACE: &str = "--keyring=registry --location=us";
const KEY: &str = "--kms-key=images --keyring=registry --location=us";

/// A project with an image and a topic under a key, and a host that has none of it.
pub(super) async fn two_hosts() -> Terminal {
    let mut terminal = Terminal::new();
    {
        let world = terminal.world().await;
        for repository in ["my-project/web", "eu.gcr.io/my-project/web"] {
            assert_eq!(push(&world, repository, "v1", b"layer").await.status, 201);
        }
    }
    terminal.run(&format!("configure gcr.io {KEY} --create-key --topic --rewrite-existing --quiet")).await;
    terminal.transcript.clear();
    terminal
}

/// The same with a policy.
async fn furnished() -> Terminal {
    let mut terminal = two_hosts().await;
    terminal.run("policies set gcp.restrictNonCmekServices --deny=pubsub.googleapis.com --quiet").await;
    terminal.set("CLOUDSDK_CONFIG", "@gcloud");
    terminal.transcript.clear();
    terminal
}

/// Every format, of these keys where it takes keys.
pub(super) fn every_format(keys: &str) -> [String; 9] {
    let of = |name: &str| format!("{name}({keys})");
    [
        "json".to_owned(),
        "yaml".to_owned(),
        of("csv"),
        of("table[box]"),
        of("value"),
        of("get"),
        of("list"),
        of("flattened"),
        "none".to_owned(),
    ]
}

/// The command, and two keys of what it prints.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("audit", "audit", "rule,project"),
    ("clock", "emulator clock show", "now.date('%Y')"),
    ("version", "version", "version"),
    ("auth", "auth print", "type,account"),
    ("config", "config list", "property,source"),
    ("configure", "configure gcr.io KEY --topic --dry-run", "schema,desired.hosts"),
    ("hosts", "hosts list", "host,encryption"),
    ("hosts-describe", "hosts describe gcr.io", "host,objects"),
    ("impact", "keys impact images/1 PLACE", "versions,topics"),
    ("keys", "keys list PLACE", "name.basename(),primaryState"),
    ("keys-describe", "keys describe images PLACE", "primary,versions[0].state"),
    ("policies", "policies list", "name.basename(),kind"),
    ("policies-check", "policies check", "subject,verdict"),
    (
        "policies-describe",
        "policies describe gcp.restrictNonCmekServices",
        "name.basename(),spec.rules[0].values.deniedValues",
    ),
    ("preflight", "preflight gcr.io KEY --topic", "check,verdict"),
    ("service-agents", "service-agents list KEY", "service,mayUseKey"),
    ("status", "status gcr.io", "host,keyState"),
    ("topics", "topics list", "name.basename(),encryption"),
    ("topics-describe", "topics describe gcr", "name,keyState"),
    ("explain", "explain 'Cloud KMS region 'global' not available for use with GCS region 'US'.'", "error,summary"),
];

#[tokio::test]
async fn every_command_prints_every_format() {
    let mut terminal = furnished().await;
    for (name, line, keys) in COMMANDS {
        terminal.transcript.clear();
        let line = line.replace("KEY", KEY).replace("PLACE", PLACE);
        let line = if line.starts_with("explain") {
            "explain \"Cloud KMS region 'global' not available for use with GCS region 'US'.\"".to_owned()
        } else {
            line
        };
        terminal.run(&line).await;
        for format in every_format(keys) {
            terminal.run(&format!("{line} '--format={format}'")).await;
        }
        snapshot("commands/formats", name, &terminal.transcript);
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_cut_off_as_gclouds_are() {
    let mut terminal = furnished().await;
    for line in [
        "hosts list --filter=encryption=CUSTOMER",
        "hosts list '--filter=-encryption:NO_BUCKET AND location=(US EU)' --format=value(host)",
        "hosts list --sort-by=~host --limit=2 --format=value(host)",
        "hosts list --filter=objects>3 --format=value(host,objects)",
        "hosts list --uri --limit=1",
        "hosts list --limit=0",
        "hosts list --filter=(",
        "hosts list --format=bogus",
        "hosts list --format=table",
        "topics list --filter=name:nothing",
        "topics list --filter=name:nothing --format=json",
        "service-agents list --flatten=email --format=value(email)",
        "hosts list --no-user-output-enabled",
        "hosts list --flags-file=@flags.yaml",
    ] {
        terminal.write("flags.yaml", "--format: value(host)\n--limit: 1\n");
        terminal.run(line).await;
    }
    snapshot("commands", "lists", &terminal.transcript);
}
