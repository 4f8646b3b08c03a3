//! Objects that cannot be changed: each refusal is Storage's own, counted by its code.

use super::*;
use crate::kernel::Code;
use crate::kernel::faults::{Fault, FaultKind};

/// What stands in the way of a rewrite, and the code that it is counted under.
#[tokio::test]
async fn each_refusal_has_its_code_and_words() {
    let rows = [
        ("no grant", "PERMISSION_DENIED", "Permission denied on Cloud KMS key."),
        (
            "a disabled version",
            "FAILED_PRECONDITION",
            "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.",
        ),
        (
            "a key of another place",
            "INVALID_ARGUMENT",
            "Cloud KMS region 'global' not available for use with GCS region 'US'.",
        ),
        (
            "policy",
            "FAILED_PRECONDITION",
            "Request violates constraint 'constraints/gcp.restrictCmekCryptoKeyProjects'",
        ),
        ("a hold", "PERMISSION_DENIED", "is under active hold"),
    ];
    for (what, code, words) in rows {
        let world = World::new().await;
        furnish(&world).await;
        put(&world, "a", "x").await;
        put(&world, "b", &"x".repeat(100_000)).await;
        let mut kms_key = KEY.to_owned();
        match what {
            "no grant" => grant(&world, "").await,
            "a disabled version" => {
                let path = format!("PATCH /v1/{KEY}/cryptoKeyVersions/1?updateMask=state");
                world.call(&path, json!({"state": "DISABLED"})).await.ok();
            }
            "a key of another place" => kms_key = KEY.replace("/us/", "/global/"),
            "policy" => {
                let policy = json!({"name": "projects/my-project/policies/gcp.restrictCmekCryptoKeyProjects",
                    "spec": {"rules": [{"values": {"allowedValues": ["projects/keys-project"]}}]}});
                world.post("/v2/projects/my-project/policies", policy).await.ok();
            }
            _ => {
                for name in ["a", "b"] {
                    world
                        .call(&format!("PATCH /storage/v1/b/data/o/{name}"), json!({"temporaryHold": true}))
                        .await
                        .ok();
                }
            }
        }
        let job =
            run(&world, "j", chosen(json!({"prefixList": {}}), json!({"rewriteObject": {"kmsKey": kms_key}}))).await;
        assert_eq!((job["state"].as_str(), counted(&job)), (Some("SUCCEEDED"), ["2", "0", "2"]), "{what}");
        let summary = &job["errorSummaries"][0];
        assert_eq!((&summary["errorCode"], &summary["errorCount"]), (&json!(code), &json!("2")), "{what}");
        let entries = summary["errorLogEntries"].as_array().expect("entries");
        assert_eq!(entries[0]["objectUri"], "gs://data/a", "{what}");
        let said = entries[0]["errorDetails"][0].as_str().unwrap_or_default();
        assert!(said.contains(words), "{what}: {said}");
        assert_eq!(key_of(&world, "a").await, "", "{what}: it lies as it lay");
    }
}

/// Objects under a dead key cannot be read, and so not be rescued; the rest goes on.
#[tokio::test]
async fn at_most_five_objects_are_named_for_a_code() {
    let world = World::new().await;
    furnish(&world).await;
    for number in 0..8 {
        put(&world, &format!("kept{number}"), "x").await;
    }
    run(&world, "first", rewrite()).await;
    let other = KEY.replace("cryptoKeys/k", "cryptoKeys/other");
    let path = "/v1/projects/my-project/locations/us/keyRings/r/cryptoKeys?cryptoKeyId=other";
    world.post(path, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    let policy = world.get(&format!("/v1/{KEY}:getIamPolicy")).await.ok();
    world.post(&format!("/v1/{other}:setIamPolicy"), json!({"policy": {"bindings": policy["bindings"]}})).await.ok();
    put(&world, "plain", "x").await;
    world.post(&format!("/v1/{KEY}/cryptoKeyVersions/1:destroy"), json!({})).await.ok();
    let job =
        run(&world, "second", chosen(json!({"prefixList": {}}), json!({"rewriteObject": {"kmsKey": other}}))).await;
    assert_eq!(counted(&job), ["9", "1", "8"]);
    let summaries = job["errorSummaries"].as_array().expect("summaries");
    assert_eq!(summaries.len(), 1);
    assert_eq!((&summaries[0]["errorCode"], &summaries[0]["errorCount"]), (&json!("FAILED_PRECONDITION"), &json!("8")));
    let named: Vec<_> = summaries[0]["errorLogEntries"].as_array().expect("entries").iter().collect();
    assert_eq!(named.len(), 5);
    assert_eq!(key_of(&world, "plain").await, format!("{other}/cryptoKeyVersions/1"));
}

/// A fault that passes is waited out; any other ends the job.
#[tokio::test]
async fn faults_of_the_service_itself() {
    let world = World::new().await;
    furnish(&world).await;
    put(&world, "a", "x").await;
    let strike = |code, times| {
        let message = "struck".to_owned();
        world.0.kernel().faults.add(Fault {
            method: "jobs.run".to_owned(),
            kind: FaultKind::Refuse,
            code,
            message,
            skip: 0,
            times,
        });
    };
    strike(Code::Unavailable, 2);
    let job = run(&world, "passing", rewrite()).await;
    assert_eq!((job["state"].as_str(), counted(&job)), (Some("SUCCEEDED"), ["1", "1", "0"]));
    strike(Code::DataLoss, 1);
    let made = create(&world, "lasting", rewrite()).await.ok();
    let job = ended(&world, "lasting").await;
    assert_eq!((job["state"].as_str(), counted(&job)), (Some("FAILED"), ["0", "0", "0"]));
    let operation = world.get(&format!("/v1/{}", made["name"].as_str().expect("a name"))).await.ok();
    assert_eq!((&operation["error"]["code"], &operation["error"]["message"]), (&json!(15), &json!("struck")));
}

#[tokio::test]
async fn a_bucket_that_goes_away_ends_the_job() {
    let world = World::new().await;
    furnish(&world).await;
    world.0.kernel().worker.hold();
    create(&world, "j", rewrite()).await.ok();
    world.delete("/storage/v1/b/data").await;
    crate::doors::work(world.0.kernel()).await.expect("a round");
    let job = job(&world, "j").await;
    assert_eq!(job["state"], "FAILED");
}
