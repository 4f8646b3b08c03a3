//! What a person sees: whole transcripts, reviewed like interface text.

mod audit;
mod changes;
mod configuration;
mod docs;
mod explain;
mod formats;
mod guards;
mod plans;
mod policies;
mod rewrite;
mod topics;

use crate::bench::{START, Terminal, push, snapshot, without_ports};

const KEY: &str = "--kms-key=images --keyring=registry --location=us";

#[tokio::test]
async fn configure_from_nothing_to_nothing_to_do() {
    let mut terminal = Terminal::new();
    {
        let world = terminal.world().await;
        assert_eq!(push(&world, "my-project/web", "v1", &vec![7; 300_000]).await.status, 201);
    }
    terminal.run("hosts list").await;
    terminal.run("status gcr.io").await;
    terminal.run(&format!("configure gcr.io {KEY} --topic --rewrite-existing")).await;
    terminal.run(&format!("configure gcr.io {KEY} --create-key --topic --rewrite-existing --dry-run")).await;
    terminal.answer(&format!("configure gcr.io {KEY} --create-key --topic --rewrite-existing"), Some("y")).await;
    terminal.run(&format!("configure gcr.io {KEY} --topic --rewrite-existing")).await;
    terminal.run("hosts list").await;
    terminal.run("hosts list --format=value(host,encryption)").await;
    terminal.run("status gcr.io").await;
    terminal.run("hosts describe eu.gcr.io --format=json").await;
    snapshot("commands", "configure", &terminal.transcript);
}

#[tokio::test]
async fn a_plan_for_machines() {
    let mut terminal = Terminal::new();
    {
        let world = terminal.world().await;
        assert_eq!(push(&world, "my-project/web", "v1", b"layer").await.status, 201);
    }
    terminal
        .run(&format!("configure gcr.io {KEY} --create-key --topic --rewrite-existing --dry-run --format=json"))
        .await;
    terminal.run(&format!("configure eu.gcr.io {KEY} --create-key")).await;
    terminal.run(&format!("configure {KEY}")).await;
    terminal.run(&format!("configure docker.io {KEY}")).await;
    terminal.run("configure gcr.io --kms-key=images").await;
    snapshot("commands", "plan", &terminal.transcript);
}

#[tokio::test]
async fn keys_live_and_die() {
    let mut terminal = Terminal::new();
    let place = "--keyring=registry --location=us";
    terminal.run(&format!("keys create images {place}")).await;
    terminal.run(&format!("keys create images {place}")).await;
    {
        let world = terminal.world().await;
        assert_eq!(push(&world, "my-project/web", "v1", &vec![7; 100_000]).await.status, 201);
    }
    terminal.run(&format!("configure gcr.io {KEY} --rewrite-existing --quiet")).await;
    terminal.run(&format!("keys rotate images {place}")).await;
    {
        let world = terminal.world().await;
        assert_eq!(push(&world, "my-project/web", "v2", &vec![7; 100_000]).await.status, 201);
    }
    terminal.run(&format!("keys list {place}")).await;
    terminal.run(&format!("keys describe images {place}")).await;
    terminal.run(&format!("keys impact images/1 {place}")).await;
    terminal.run(&format!("keys impact images {place} --format=json")).await;
    terminal.answer(&format!("keys disable images/1 {place}"), Some("n")).await;
    terminal.run(&format!("keys disable images/1 {place}")).await;
    terminal.run(&format!("keys disable images/1 {place} --yes")).await;
    terminal.run("status gcr.io").await;
    terminal.run(&format!("keys enable images/1 {place}")).await;
    terminal.run(&format!("keys enable images/1 {place}")).await;
    terminal.answer(&format!("keys destroy images/1 {place}"), Some("y")).await;
    terminal.run(&format!("keys destroy images/1 {place} --yes")).await;
    terminal.run(&format!("keys restore images/1 {place}")).await;
    terminal.run(&format!("keys restore images/1 {place}")).await;
    terminal.run(&format!("keys describe none {place}")).await;
    terminal.run(&format!("keys enable images {place}")).await;
    terminal.run("keys describe images").await;
    snapshot("commands", "keys", &terminal.transcript);
}

#[tokio::test]
async fn the_emulator_says_how_to_reach_it() {
    let mut terminal = Terminal::new();
    terminal.run("emulator env-init --host-port=127.0.0.1:8787").await;
    terminal.watch("emulator start --port=0").await;
    terminal.watch("emulator start --port=0 --clock=2026-01-05T09:00:00Z --iam=enforce").await;
    terminal.run("emulator start --port=0 --clock=yesterday").await;
    let standing = cmek_emulator::Emulator::builder().seed(7).frozen_at(START).start().await.expect("a port");
    let address = standing.address();
    terminal.run(&format!("emulator clock show --host-port={address}")).await;
    terminal.run(&format!("emulator clock advance 30d --host-port={address}")).await;
    terminal.run(&format!("emulator clock advance 30w --host-port={address}")).await;
    terminal.run(&format!("emulator clock advance -1d --host-port={address}")).await;
    standing.stop().await;
    snapshot("commands", "emulator", &without_ports(&terminal.transcript));
}

#[tokio::test]
async fn help_is_reviewed_too() {
    let mut terminal = Terminal::new();
    for line in [
        "--help",
        "configure --help",
        "keys --help",
        "keys destroy --help",
        "emulator start --help",
        "bogus",
        "--version",
    ] {
        terminal.run(line).await;
    }
    snapshot("commands", "help", &terminal.transcript);
}

#[tokio::test]
async fn the_demo_tells_the_same_story_each_time_and_all_of_it_holds() {
    let mut once = Terminal::new();
    assert_eq!(once.run("demo").await, 0);
    let mut again = Terminal::new();
    assert_eq!(again.run("demo").await, 0);
    assert_eq!(once.transcript, again.transcript);
    snapshot("demo", "demo", &once.transcript);
}
