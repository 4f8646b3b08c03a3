//! `cmek rewrite`.

use crate::bench::{Terminal, done, push, snapshot};

const PLACE: &str = "--keyring=registry --location=us";

async fn rotated() -> Terminal {
    let mut terminal = Terminal::new();
    terminal.run(&format!("keys create images {PLACE}")).await;
    {
        let world = terminal.world().await;
        assert_eq!(push(&world, "my-project/web", "v1", b"one").await.status, 201);
    }
    terminal.run(&format!("configure gcr.io --kms-key=images {PLACE} --quiet")).await;
    {
        let world = terminal.world().await;
        assert_eq!(push(&world, "my-project/web", "v2", b"two").await.status, 201);
    }
    terminal.run(&format!("keys rotate images {PLACE}")).await;
    terminal.transcript.clear();
    terminal
}

#[tokio::test]
async fn what_is_stored_comes_under_the_primary_version() {
    let mut terminal = rotated().await;
    terminal.run("hosts list").await;
    terminal.run("rewrite gcr.io --from-version=1 --dry-run").await;
    terminal.run("rewrite gcr.io --from-version=1").await;
    terminal.run("rewrite gcr.io --from-version=1").await;
    terminal.run("rewrite gcr.io --resume-file=@place.json").await;
    terminal.run("rewrite gcr.io").await;
    terminal.run("rewrite eu.gcr.io").await;
    terminal.run("rewrite --all-hosts").await;
    terminal.run("rewrite").await;
    terminal.run("rewrite gcr.io --engine=batch --max-rate=5").await;
    terminal.run("rewrite gcr.io --concurrency=0").await;
    terminal.run("rewrite gcr.io --explain-permissions").await;
    snapshot("commands", "rewrite", &terminal.transcript);
}

#[tokio::test]
async fn what_was_rewritten_leaves_copies_under_the_old_version() {
    let mut terminal = rotated().await;
    terminal.run("rewrite gcr.io --quiet").await;
    terminal.run(&format!("keys impact images/1 {PLACE} --fail-if-in-use")).await;
    terminal.run(&format!("keys destroy images/1 {PLACE} --fail-if-in-use --yes")).await;
    snapshot("commands", "rewrite-copies", &terminal.transcript);
}

#[tokio::test]
async fn a_batch_job_does_the_same() {
    let mut terminal = rotated().await;
    terminal.run("rewrite gcr.io --engine=batch").await;
    terminal.run("rewrite gcr.io --engine=batch").await;
    terminal.run("rewrite gcr.io --engine=batch --from-version=1").await;
    terminal.run("status gcr.io --format=value(objects)").await;
    snapshot("commands", "rewrite-batch", &terminal.transcript);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_rest_is_done() {
    let mut terminal = rotated().await;
    terminal.run(&format!("keys disable images/1 {PLACE} --yes")).await;
    terminal.run("rewrite gcr.io").await;
    terminal.run(&format!("keys enable images/1 {PLACE}")).await;
    terminal.run("rewrite gcr.io").await;
    let world = terminal.world().await;
    let listed = done(&world, "GET", "/storage/v1/b/artifacts.my-project.appspot.com/o", "").await;
    for object in listed["items"].as_array().expect("objects") {
        assert!(object["kmsKeyName"].as_str().is_some_and(|name| name.ends_with("/2")), "{object}");
    }
    snapshot("commands", "rewrite-refused", &terminal.transcript);
}
