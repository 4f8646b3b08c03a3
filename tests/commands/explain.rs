//! `cmek explain`.

use crate::bench::{Terminal, snapshot};

#[tokio::test]
async fn errors_of_other_tools_are_put_in_plain_words() {
    let mut terminal = Terminal::new();
    let pull = "error pulling image configuration: error parsing HTTP 400 response body: invalid character '<' looking for \
beginning of value: \"<?xml version='1.0' encoding='UTF-8'?><Error><Code>CloudKmsDisabledKey</Code></Error>\"\n";
    terminal.pipe("explain", pull).await;
    terminal.pipe("explain", "denied: Request violates constraint 'constraints/gcp.restrictNonCmekServices'\n").await;
    terminal.run("explain \"Cloud KMS region 'global' not available for use with GCS region 'US'.\"").await;
    let state = "projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2 is not enabled, current state is: DISABLED.";
    terminal.run(&format!("explain '{state}' --format=json")).await;
    terminal.run("explain 'connection refused'").await;
    terminal.run("explain").await;
    terminal.pipe("explain", "").await;
    snapshot("commands", "explain", &terminal.transcript);
}
