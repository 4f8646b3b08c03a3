//! Plans that are looked over, kept in files and applied later; and what is checked before.

use crate::bench::{Terminal, done, push, snapshot};

const KEY: &str = "--kms-key=images --keyring=registry --location=us";

async fn with_image() -> Terminal {
    let terminal = Terminal::new();
    let world = terminal.world().await;
    assert_eq!(push(&world, "my-project/web", "v1", b"layer").await.status, 201);
    terminal
}

#[tokio::test]
async fn a_plan_is_reviewed_and_then_applied_and_no_other() {
    let mut terminal = with_image().await;
    terminal
        .run(&format!("configure gcr.io {KEY} --create-key --topic --rewrite-existing --plan-out=@plan.json"))
        .await;
    terminal.transcript.push_str(&terminal.read("plan.json"));
    terminal.transcript.push('\n');
    terminal.run("configure --plan-in=@plan.json --quiet").await;
    terminal.run("configure --plan-in=@plan.json").await;
    terminal.write("notes.txt", "not a plan");
    terminal.run("configure --plan-in=@notes.txt").await;
    terminal.run("configure --plan-in=@missing.json").await;
    terminal.write("later.json", &terminal.read("plan.json").replace("cmek.plan/v1", "cmek.plan/v9"));
    terminal.run("configure --plan-in=@later.json").await;
    snapshot("commands", "plan-file", &terminal.transcript);
}

#[tokio::test]
async fn a_stale_plan_fails_and_changes_nothing() {
    let mut terminal = with_image().await;
    terminal.run("keys create images --keyring=registry --location=us").await;
    terminal.run(&format!("configure gcr.io {KEY} --plan-out=@plan.json --quiet")).await;
    {
        // Somebody else labels the bucket meanwhile.
        let world = terminal.world().await;
        let labels = r#"{"labels":{"team":"web"}}"#;
        done(&world, "PATCH", "/storage/v1/b/artifacts.my-project.appspot.com", labels).await;
    }
    assert_eq!(terminal.run("configure --plan-in=@plan.json --quiet").await, 1);
    {
        let world = terminal.world().await;
        let bucket = done(&world, "GET", "/storage/v1/b/artifacts.my-project.appspot.com", "").await;
        assert_eq!(bucket.get("encryption"), None, "the stale plan set no key");
        assert_eq!(bucket["labels"]["team"], "web");
        let image = r#"{"name":"my-other","location":"US"}"#;
        done(&world, "POST", "/storage/v1/b?project=my-project", image).await;
        assert_eq!(push(&world, "my-project/web", "v2", b"more").await.status, 201);
    }
    terminal.run(&format!("configure gcr.io {KEY} --plan-out=@plan.json --quiet")).await;
    terminal.run("keys disable images/1 --keyring=registry --location=us --yes").await;
    assert_eq!(terminal.run("configure --plan-in=@plan.json --quiet").await, 1);
    snapshot("commands", "plan-stale", &terminal.transcript);
}

#[tokio::test]
async fn preflight_says_what_passes_and_what_blocks() {
    let mut terminal = with_image().await;
    terminal.run(&format!("preflight gcr.io {KEY} --topic")).await;
    terminal.run(&format!("preflight --all-hosts {KEY} --topic")).await;
    terminal.run(&format!("configure gcr.io {KEY} --create-key --topic --rewrite-existing --quiet")).await;
    terminal.run(&format!("preflight {KEY} --topic")).await;
    terminal.run("keys disable images/1 --keyring=registry --location=us --yes").await;
    terminal.run("policies set gcp.restrictCmekCryptoKeyProjects --allow=projects/other-project --quiet").await;
    terminal.run(&format!("preflight gcr.io {KEY} --topic --format=json")).await;
    terminal.run(&format!("preflight gcr.io {KEY} --explain-permissions")).await;
    snapshot("commands", "preflight", &terminal.transcript);
}

/// The document's form is a promise: a schema beside the code, and every plan keeps it.
#[tokio::test]
async fn every_plan_keeps_the_schema() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/plan.v1.schema.json"));
    let schema: serde_json::Value = serde_json::from_str(&text.expect("the schema")).expect("JSON");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("plan.json", schema).expect("a schema");
    let schema = compiler.compile("plan.json", &mut schemas).expect("a sound schema");
    let mut terminal = with_image().await;
    let mut seen = std::collections::BTreeSet::new();
    for (line, code) in
        [("--create-key --topic --rewrite-existing", 0), ("", 1), ("--create-key", 0), ("--create-key --topic", 0)]
    {
        let line = format!("configure gcr.io {KEY} {line} --dry-run --format=json");
        let (said, found) = terminal.output(&line).await;
        assert_eq!(found, code, "{line}");
        let plan: serde_json::Value = serde_json::from_str(&said).expect("a plan");
        if let Err(error) = schemas.validate(&plan, schema) {
            panic!("{line}: {error:#}");
        }
        for step in plan["steps"].as_array().expect("steps") {
            seen.insert(step["kind"].as_str().expect("a kind").to_owned());
        }
    }
    assert!(seen.len() >= 6, "{seen:?}");
    let broken = serde_json::json!({"schema": "cmek.plan/v1", "steps": [{"kind": "DANCE"}], "findings": []});
    assert!(schemas.validate(&broken, schema).is_err(), "the schema refuses what is no plan");
}
