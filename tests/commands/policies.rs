//! `cmek policies`.

use crate::bench::{Terminal, snapshot};

#[tokio::test]
async fn policies_are_set_where_they_belong_and_found_where_they_are_set() {
    let mut terminal = Terminal::new();
    terminal.run("policies list").await;
    terminal.run("policies check").await;
    terminal.run("policies set gcp.restrictNonCmekServices --deny=storage.googleapis.com,pubsub.googleapis.com --organization=123456789012 --dry-run").await;
    terminal.run("policies set gcp.restrictNonCmekServices --deny=storage.googleapis.com,pubsub.googleapis.com --organization=123456789012").await;
    terminal.run("policies set gcp.restrictNonCmekServices --deny=storage.googleapis.com,pubsub.googleapis.com --organization=123456789012").await;
    terminal.run("policies list --organization=123456789012").await;
    terminal.run("policies describe gcp.restrictNonCmekServices").await;
    terminal.run("policies describe gcp.restrictNonCmekServices --effective").await;
    terminal.run("policies check").await;
    terminal.run("policies set constraints/gcp.restrictCmekCryptoKeyProjects --allow=projects/sec-project").await;
    terminal.run("policies check --kms-key=projects/sec-project/locations/us/keyRings/r/cryptoKeys/k").await;
    terminal.run("policies check --kms-key=projects/my-project/locations/us/keyRings/r/cryptoKeys/k").await;
    terminal.run("policies set gcp.restrictNonCmekServices --reset").await;
    terminal.run("policies check").await;
    terminal.run("policies set gcp.restrictNonCmekServices --unset").await;
    terminal.run("policies set gcp.restrictNonCmekServices --unset").await;
    terminal.run("policies set gcp.restrictNonCmekServices --allow=storage.googleapis.com").await;
    terminal.run("policies set gcp.restrictNonCmekServices --deny=containerregistry.googleapis.com").await;
    terminal.run("policies set gcp.restrictCmekCryptoKeyProjects --deny=projects/x").await;
    terminal.run("policies set cloudkms.disableBeforeDestroy --enforce").await;
    terminal.run("policies list --format=json").await;
    terminal.run("policies set gcp.restrictNonCmekServices").await;
    terminal.run("policies describe gcp.unheardOf").await;
    snapshot("commands", "policies", &terminal.transcript);
}
