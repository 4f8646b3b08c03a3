//! `cmek audit`.

use crate::bench::{Terminal, push, snapshot};

const KEY: &str = "--kms-key=images --keyring=registry --location=us";

async fn mixed() -> Terminal {
    let mut terminal = Terminal::new();
    {
        let world = terminal.world().await;
        for repository in ["my-project/web", "eu.gcr.io/my-project/web", "other-project/api"] {
            assert_eq!(push(&world, repository, "v1", b"layer").await.status, 201);
        }
    }
    terminal.run(&format!("configure gcr.io {KEY} --create-key --topic --quiet")).await;
    terminal.transcript.clear();
    terminal
}

#[tokio::test]
async fn findings_of_a_project_and_of_all_above_it() {
    let mut terminal = mixed().await;
    terminal.run("audit").await;
    terminal.run("audit --organization=123456789012").await;
    terminal.run("audit --format=json").await;
    terminal.run("audit --format=csv").await;
    terminal.run("audit --format=value(rule,project)").await;
    terminal.run("audit --filter=severity=ERROR").await;
    terminal.run("audit --fail-on=error").await;
    terminal.run("audit --folder=what").await;
    terminal.run("audit --folder=1 --organization=2").await;
    terminal.run("audit --explain-permissions").await;
    snapshot("commands", "audit", &terminal.transcript);
}

#[tokio::test]
async fn sarif_for_scanners() {
    let mut terminal = mixed().await;
    terminal.run("audit --format=sarif").await;
    snapshot("commands", "audit-sarif", &terminal.transcript);
}

#[tokio::test]
async fn what_is_accepted_is_not_told_again() {
    let mut terminal = mixed().await;
    terminal.run("audit --write-baseline=@accepted.json").await;
    terminal.transcript.push_str(&terminal.read("accepted.json"));
    terminal.transcript.push('\n');
    assert_eq!(terminal.run("audit --baseline=@accepted.json").await, 0);
    terminal.run("keys disable images/1 --keyring=registry --location=us --yes").await;
    assert_eq!(terminal.run("audit --baseline=@accepted.json").await, 3);
    terminal.write("notes.txt", "mine");
    terminal.run("audit --baseline=@notes.txt").await;
    snapshot("commands", "audit-baseline", &terminal.transcript);
}
