//! gcloud's configuration folder: honoured, and never written.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bench::{Terminal, snapshot};

fn files(folder: &Path, found: &mut BTreeMap<String, (Vec<u8>, std::time::SystemTime)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let changed = std::fs::metadata(&path).expect("its age").modified().expect("a time");
        if path.is_dir() {
            found.insert(path.display().to_string(), (Vec::new(), changed));
            files(&path, found);
        } else {
            found.insert(path.display().to_string(), (std::fs::read(&path).expect("a file"), changed));
        }
    }
}

#[tokio::test]
async fn an_existing_folder_is_honoured_and_never_written() {
    let mut terminal = Terminal::new();
    let folder = terminal.folder().join("gcloud");
    std::fs::create_dir_all(folder.join("configurations")).expect("a folder");
    terminal.write("gcloud/active_config", "work");
    terminal.write(
        "gcloud/configurations/config_work",
        "[core]\nproject = work-project\naccount = ann@example.com\ndisable_prompts = true\n\n[billing]\nquota_project = quota-project\n",
    );
    terminal.write("gcloud/configurations/config_default", "[core]\nproject = default-project\n");
    terminal.write("gcloud/configurations/config_broken", "[core\nproject");
    let mut before = BTreeMap::new();
    files(&folder, &mut before);
    terminal.set("CLOUDSDK_CONFIG", "@gcloud");
    terminal.unset("CLOUDSDK_CORE_PROJECT");
    for line in [
        "config list",
        "config list --configuration=default",
        "config list --configuration=none-such",
        "config list --configuration=broken",
        "config get project",
        "config get core/project --project=flag-project",
        "config get core/nothing",
        "config get auth/access_token",
        "config configurations",
        "hosts list --format=value(bucket)",
        "hosts list --configuration=default --format=value(bucket)",
        "hosts list --project=123456 --format=value(bucket)",
        "hosts list --project=Bad_Name --format=value(bucket)",
        "auth print --access-token-file=/nowhere",
        "keys create images --keyring=registry --location=us",
        "topics configure gcr --kms-key=images --keyring=registry --location=us",
    ] {
        terminal.run(line).await;
    }
    terminal.set("CLOUDSDK_CORE_PROJECT", "variable-project");
    terminal.run("config get project").await;
    terminal.run("auth print").await;
    terminal.set("CLOUDSDK_CORE_VERBOSITY", "loud");
    terminal.run("config get project").await;
    let mut after = BTreeMap::new();
    files(&folder, &mut after);
    assert_eq!(before, after, "nothing of the folder was changed, and nothing is new in it");
    snapshot("commands", "configuration", &terminal.transcript);
}

#[tokio::test]
async fn calls_are_told_without_their_secrets() {
    let mut terminal = Terminal::new();
    terminal.run("keys list --keyring=registry --location=us --log-http").await;
    assert!(terminal.transcript.contains("==== request start ===="), "{}", terminal.transcript);
    assert!(terminal.transcript.contains("---- response end ----"), "{}", terminal.transcript);

    let mut terminal = Terminal::new();
    terminal.run("keys list --keyring=registry --location=us --verbosity=debug").await;
    let line = "DEBUG: GET http://127.0.0.1/cloudkms.googleapis.com/v1/projects/my-project/locations/us/keyRings/registry/cryptoKeys?pageSize=100: 404 Not Found, 0.000 s\n";
    assert!(terminal.transcript.contains(line), "{}", terminal.transcript);
    assert!(!terminal.transcript.contains("request start"), "{}", terminal.transcript);
}
