//! What a script relies on: a guard that says no while anything needs the key, and counts that are true.

use super::formats::two_hosts;
use crate::bench::{Terminal, done, emulator, key_for_storage, snapshot};
use crate::chaos::fault;

const PLACE: &str = "--keyring=registry --location=us";
const KEY: &str = "--kms-key=images --keyring=registry --location=us";
const NAME: &str = "projects/my-project/locations/us/keyRings/registry/cryptoKeys/images";

#[tokio::test]
async fn a_key_that_an_object_elsewhere_needs_is_in_use() {
    let mut terminal = two_hosts().await;
    {
        // A bucket without a default key, and one object that named the key itself.
        let world = terminal.world().await;
        done(&world, "POST", "/storage/v1/b?project=my-project", r#"{"name":"my-data","location":"US"}"#).await;
        let upload = format!("/upload/storage/v1/b/my-data/o?uploadType=media&name=o&kmsKeyName={NAME}");
        done(&world, "POST", &upload, "data").await;
    }
    terminal.run(&format!("keys rotate images {PLACE}")).await;
    terminal.run("rewrite gcr.io --quiet").await;
    terminal.run(&format!("keys impact images/1 {PLACE}")).await;
    assert_eq!(terminal.run(&format!("keys impact images/1 {PLACE} --fail-if-in-use")).await, 3);
    assert_eq!(terminal.run(&format!("keys destroy images/1 {PLACE} --fail-if-in-use --yes")).await, 3);
    {
        let world = terminal.world().await;
        done(&world, "DELETE", "/storage/v1/b/my-data/o/o", "").await;
    }
    assert_eq!(terminal.run(&format!("keys destroy images/1 {PLACE} --fail-if-in-use --yes")).await, 0);
    terminal.run(&format!("keys destroy images/1 {PLACE} --yes")).await;
    // What is not there is not free to go.
    assert_eq!(terminal.run(&format!("keys impact images/9 {PLACE} --fail-if-in-use")).await, 1);
    assert_eq!(terminal.run(&format!("keys impact typo/1 {PLACE} --fail-if-in-use")).await, 1);
    snapshot("commands", "guards", &terminal.transcript);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_read_is_not_one_that_needs_nothing() {
    let world = emulator().await;
    key_for_storage(&world).await;
    done(&world, "POST", "/storage/v1/b?project=my-project", r#"{"name":"my-data","location":"US"}"#).await;
    let mut terminal = Terminal::on(world.clone());
    let guard = "keys destroy k/1 --keyring=r --location=us --fail-if-in-use --yes";
    fault(&world, "storage.objects.list", "refuse", "PERMISSION_DENIED", 0, 1).await;
    assert_eq!(terminal.run(guard).await, 3);
    // Nor is a topic: here neither a search nor the list nor the topic itself may be read.
    for method in ["/SearchAllResources", "/ListTopics", "/GetTopic"] {
        fault(&world, method, "refuse", "PERMISSION_DENIED", 0, 1).await;
    }
    assert_eq!(terminal.run(guard).await, 3);
    done(&world, "POST", "/v1/projects/my-project/services/pubsub.googleapis.com:disable", "{}").await;
    assert_eq!(terminal.run(guard).await, 0, "a service that is not enabled holds nothing");
    snapshot("commands", "guards-unread", &terminal.transcript);
}

#[tokio::test]
async fn a_page_is_as_long_as_the_user_says() {
    let world = emulator().await;
    key_for_storage(&world).await;
    let mut terminal = Terminal::on(world.clone());
    for key in ["a", "b"] {
        terminal.run(&format!("keys create {key} --keyring=r --location=us")).await;
    }
    let asked = || world.audit().iter().filter(|entry| entry.method.ends_with("/ListCryptoKeys")).count();
    for (flags, pages) in [("", 1), (" --page-size=1", 3), (" --page-size=unlimited", 1)] {
        let before = asked();
        let (keys, _) =
            terminal.output(&format!("keys list --keyring=r --location=us --format=value(name){flags}")).await;
        assert_eq!((keys.lines().count(), asked() - before), (3, pages), "{flags}");
    }
}

#[tokio::test]
async fn a_rewrite_counts_what_it_does_and_refuses_what_cannot_be() {
    let mut terminal = two_hosts().await;
    terminal.run(&format!("keys rotate images {PLACE}")).await;
    terminal.run("rewrite gcr.io --prefix=containers/images --dry-run").await;
    terminal.run("rewrite gcr.io --prefix=nothing").await;
    terminal.run("rewrite gcr.io gcr.io --prefix=containers/images").await;
    terminal.run("rewrite --all-hosts").await;
    terminal.run("rewrite gcr.io --kms-key=images --keyring=registry --location=us --batch-threshold=1").await;
    terminal.run(&format!("keys rotate images {PLACE}")).await;
    terminal.run("rewrite gcr.io --batch-threshold=1").await;
    terminal.run(&format!("keys disable images/3 {PLACE} --yes")).await;
    assert_eq!(terminal.run("rewrite gcr.io").await, 1);
    terminal.run(&format!("keys destroy images/3 {PLACE} --yes")).await;
    assert_eq!(terminal.run("rewrite gcr.io").await, 1);
    terminal.run("emulator clock advance 31d").await;
    assert_eq!(terminal.run("rewrite gcr.io").await, 1);
    terminal.run("audit --format='value(rule,mend)'").await;
    snapshot("commands", "rewrite-counts", &terminal.transcript);
}

#[tokio::test]
async fn plans_go_through_pipes_and_stay_in_their_project() {
    let mut terminal = two_hosts().await;
    let (plan, code) = terminal.output(&format!("configure eu.gcr.io gcr.io {KEY} --plan-out=-")).await;
    assert_eq!((plan.as_str(), code), ("", 1), "what is refused leaves no plan");
    terminal.run("keys create images --keyring=registry --location=europe").await;
    let europe = "--kms-key=images --keyring=registry --location=europe";
    let (plan, code) = terminal.output(&format!("configure eu.gcr.io eu.gcr.io {europe} --plan-out=-")).await;
    assert_eq!(code, 0);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&plan).expect("a plan")["desired"]["hosts"],
        serde_json::json!(["eu.gcr.io"])
    );
    terminal.write("plan.json", &plan);
    assert_eq!(terminal.run("configure --plan-in=@plan.json --project=other-project --quiet").await, 1);
    assert_eq!(terminal.pipe("configure --plan-in=- --quiet", &plan).await, 0);
    terminal.run("topics configure other --kms-key=none --keyring=registry --location=us").await;
    terminal.run("configure gcr.io --explain-permissions --kms-key=images --keyring=registry --location=us").await;
    terminal.run("rewrite gcr.io --engine=client --explain-permissions").await;
    terminal.run("hosts list --location=us").await;
    terminal.run("hosts list --limit=1 --limit=unlimited --format=value(host)").await;
    terminal.run("emulator clock show --host-port=nowhere").await;
    terminal.run("emulator start --emulator=@state").await;
    snapshot("commands", "pipes", &terminal.transcript);
}
