//! The decisions where Google's behaviour is not known, row by row.

use cmek_emulator::{Emulator, GcrEra, ProjectMode};

use crate::bench::{KEY, RING, START, agent, call, call_with, deny, done, emulator, key_for_storage, push};

const BUCKETS: &str = "/storage/v1/b?project=my-project";

/// "The world an emulator starts with".
#[tokio::test]
async fn the_world_at_the_start() {
    let world = emulator().await;
    let project = done(&world, "GET", "/v1/projects/never-created", "").await;
    assert_eq!(project["parent"]["id"], "123456789012", "a project nobody created lies under the default organization");
    let organization = done(&world, "GET", "/v1/organizations/123456789012", "").await;
    assert_eq!(organization["displayName"], "example.com");
    let made = call(&world, "POST", "/v1/organizations", "{}").await;
    assert_eq!(made.status, 404, "organizations cannot be created over the API");
    let services =
        done(&world, "GET", "/v1/projects/never-created/services?filter=state:ENABLED&pageSize=200", "").await;
    let names: Vec<_> = services["services"]
        .as_array()
        .expect("services")
        .iter()
        .map(|one| one["config"]["name"].as_str().expect("a name").to_owned())
        .collect();
    assert!(names.contains(&"cloudkms.googleapis.com".to_owned()));
    assert!(
        !names
            .iter()
            .any(|name| name == "containerregistry.googleapis.com" || name == "artifactregistry.googleapis.com")
    );
    assert_eq!(
        call(&world, "GET", "/v1/projects/never-created/topics/gcr", "").await.status,
        404,
        "no gcr topic that nobody caused"
    );
    let strict =
        Emulator::builder().seed(7).frozen_at(START).projects(ProjectMode::Strict).build().await.expect("strict");
    let hidden = call(&strict, "GET", "/v1/projects/never-created", "").await;
    assert_eq!(
        (hidden.status, hidden.message().as_str()),
        (403, "The caller does not have permission"),
        "strict hides it"
    );
}

/// "Moving the clock of a standing emulator", by its control call.
#[tokio::test]
async fn the_clock_moves_by_its_control_call() {
    let world = emulator().await;
    key_for_storage(&world).await;
    done(&world, "POST", &format!("/v1/{KEY}/cryptoKeyVersions/1:destroy"), "{}").await;
    assert_eq!(done(&world, "GET", "/_emulator/v1/clock", "").await["now"], "2026-01-05T09:00:00Z");
    let moved = done(&world, "POST", "/_emulator/v1/clock:advance", r#"{"duration":"2592000s"}"#).await;
    assert_eq!(moved["now"], "2026-02-04T09:00:00Z");
    let version = done(&world, "GET", &format!("/v1/{KEY}/cryptoKeyVersions/1"), "").await;
    assert_eq!(version["state"], "DESTROYED", "what fell due has happened when the answer comes");
    for duration in ["30d", "-1s", "315576000000s"] {
        let body = format!(r#"{{"duration":"{duration}"}}"#);
        let refused = call(&world, "POST", "/_emulator/v1/clock:advance", body).await;
        assert_eq!(refused.status, 400, "{duration}: {}", refused.message());
        assert_eq!(done(&world, "GET", "/_emulator/v1/clock", "").await["now"], "2026-02-04T09:00:00Z", "{duration}");
    }
}

/// "Status of a policy refusal".
#[tokio::test]
async fn each_service_refuses_in_its_own_status() {
    let world = emulator().await;
    deny(&world, &["storage.googleapis.com", "pubsub.googleapis.com"]).await;
    let storage = call(&world, "POST", BUCKETS, r#"{"name":"my-data"}"#).await;
    assert_eq!((storage.status, storage.reason().as_str()), (412, "conditionNotMet"));
    let topic = call(&world, "PUT", "/v1/projects/my-project/topics/gcr", "{}").await;
    assert_eq!((topic.status, topic.json()["error"]["status"].as_str()), (400, Some("FAILED_PRECONDITION")));
    let violation = &topic.json()["error"]["details"][0]["violations"][0];
    assert_eq!(violation["type"], "constraints/gcp.restrictNonCmekServices");
    assert_eq!(violation["subject"], "orgpolicy:projects/my-project");
}

/// "Order of checks when a key is set": the first failure answers.
#[tokio::test]
async fn the_first_failing_check_answers() {
    let world = emulator().await;
    done(&world, "GET", "/storage/v1/projects/my-project/serviceAccount", "").await;
    let allow = r#"{"name":"projects/my-project/policies/gcp.restrictCmekCryptoKeyProjects","spec":{"rules":[{"values":{"allowedValues":["projects/other-project"]}}]}}"#;
    done(&world, "POST", "/v2/projects/my-project/policies", allow).await;
    let create = |key: &str, location: &str| {
        serde_json::json!({"name": "my-data", "location": location, "encryption": {"defaultKmsKeyName": key}})
            .to_string()
    };
    // Each key fails in everything that follows as well.
    let rows = [
        ("malformed before location", create("us-garbage", "EU"), 400, "Malformed"),
        ("location before policy", create(KEY, "EU"), 400, "Cloud KMS region"),
        ("policy before permission", create(KEY, "US"), 412, "constraints/gcp.restrictCmekCryptoKeyProjects"),
    ];
    for (row, body, status, words) in rows {
        let answer = call(&world, "POST", BUCKETS, body).await;
        assert_eq!(answer.status, status, "{row}: {}", answer.message());
        assert!(answer.message().contains(words), "{row}: {}", answer.message());
    }
    done(&world, "DELETE", "/v2/projects/my-project/policies/gcp.restrictCmekCryptoKeyProjects", "").await;
    assert_eq!(call(&world, "POST", BUCKETS, create(KEY, "US")).await.status, 403, "permission before existence");
    let member = agent(&world).await;
    done(&world, "POST", &format!("{RING}?keyRingId=r"), "{}").await;
    let policy = format!(
        r#"{{"policy":{{"bindings":[{{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["{member}"]}}]}}}}"#
    );
    done(&world, "POST", &format!("{RING}/r:setIamPolicy"), policy).await;
    let answer = call(&world, "POST", BUCKETS, create(KEY, "US")).await;
    assert_eq!(
        answer.reason(),
        "cloudKmsEncryptionKeyNotFound",
        "existence, seen by an agent with a grant on the ring"
    );
    done(
        &world,
        "POST",
        &format!("{RING}/r/cryptoKeys?cryptoKeyId=k"),
        r#"{"purpose":"MAC","versionTemplate":{"algorithm":"HMAC_SHA256"}}"#,
    )
    .await;
    assert_eq!(
        call(&world, "POST", BUCKETS, create(KEY, "US")).await.reason(),
        "cloudKmsBadKey",
        "purpose before state"
    );
}

/// "Two services at once": API disabled first, then permission, then existence.
#[tokio::test]
async fn a_disabled_api_answers_before_anything_else() {
    let world = Emulator::builder()
        .seed(7)
        .frozen_at(START)
        .iam(cmek_emulator::IamMode::Enforce)
        .build()
        .await
        .expect("strict");
    let as_ann = [("authorization", "Bearer ann@example.com")];
    let services = "/v1/projects/my-project/services/cloudkms.googleapis.com";
    // Only the permission is missing: nobody has any here.
    let answer = call_with(&world, "GET", &format!("/v1/{KEY}"), &as_ann, "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["error"]["details"][0]["reason"], "IAM_PERMISSION_DENIED", "permission before existence");
    assert_eq!(call_with(&world, "POST", &format!("{services}:disable"), &as_ann, "{}").await.status, 403);
    // Where callers are not checked the API can be switched off, and existence is all that is left after it.
    let open = emulator().await;
    let answer = call(&open, "GET", &format!("/v1/{KEY}"), "").await;
    assert_eq!((answer.status, answer.message()), (404, format!("CryptoKey {KEY} not found.")));
    done(&open, "POST", &format!("{services}:disable"), "{}").await;
    let answer = call(&open, "GET", &format!("/v1/{KEY}"), "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["error"]["details"][0]["reason"], "SERVICE_DISABLED", "before existence");
    // Neither registry's API is on, and nobody may ask: the API comes first.
    let created = emulator().await;
    done(&created, "POST", "/v1/projects", r#"{"projectId":"my-shop-1"}"#).await;
    let answer = call(&created, "GET", "/v1/projects/my-shop-1/topics/none", "").await;
    assert_eq!(answer.json()["error"]["details"][0]["reason"], "SERVICE_DISABLED", "of a project that was created");
}

/// "Who calls": any or no credential may do everything; "a project nobody created": its agents exist.
#[tokio::test]
async fn any_credential_will_do_and_agents_are_there() {
    let world = emulator().await;
    for (number, credential) in
        ["Bearer ya29.x", "Bearer ann@example.com", "Basic Zm9vOmJhcg==", ""].into_iter().enumerate()
    {
        let path = format!("{RING}?keyRingId=ring-{number}");
        assert_eq!(
            call_with(&world, "POST", &path, &[("authorization", credential)], "{}").await.status,
            200,
            "{credential}"
        );
    }
    let project = done(&world, "GET", "/v1/projects/my-project", "").await;
    let number = project["projectNumber"].as_str().expect("a number");
    for host in
        ["gs-project-accounts", "gcp-sa-pubsub", "gcp-sa-artifactregistry", "containerregistry", "gcp-sa-cloudkms"]
    {
        let member = format!("serviceAccount:service-{number}@{host}.iam.gserviceaccount.com");
        let policy = format!(r#"{{"policy":{{"bindings":[{{"role":"roles/viewer","members":["{member}"]}}]}}}}"#);
        done(&world, "POST", "/v1/projects/my-project:setIamPolicy", policy).await;
    }
}

/// "Unknown JSON body fields": protobuf services refuse, Storage ignores. "Unknown location in a KMS path": 404.
#[tokio::test]
async fn strangers_in_bodies_and_paths() {
    let world = emulator().await;
    let refused = call(&world, "POST", &format!("{RING}?keyRingId=r"), r#"{"colour":"red"}"#).await;
    assert!(
        refused.message().starts_with("Invalid JSON payload received. Unknown name \"colour\""),
        "{}",
        refused.message()
    );
    assert_eq!(
        call(&world, "POST", BUCKETS, r#"{"name":"my-data","colour":"red","timeCreated":"x"}"#).await.status,
        200
    );
    let nowhere = call(&world, "GET", "/v1/projects/my-project/locations/mars/keyRings", "").await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.message().contains("mars"));
}

/// "tags/list of an unknown image", "Container Registry's era".
#[tokio::test]
async fn the_registry_where_google_is_silent() {
    let world = emulator().await;
    let tags = call(&world, "GET", "/v2/my-project/none/tags/list", "").await;
    assert_eq!((tags.status, tags.json()["tags"].as_array().map(Vec::len)), (200, Some(0)));
    world.advance(std::time::Duration::from_hours(24 * 365 * 3)).await.expect("time passes");
    assert_eq!(push(&world, "my-project/web", "v1", b"x").await.status, 201, "it serves at any date of the clock");
    let ended = Emulator::builder().seed(7).frozen_at(START).gcr_era(GcrEra::ShutDown).build().await.expect("ended");
    let answer = push(&ended, "my-project/web", "v1", b"x").await;
    assert_eq!(answer.status, 412);
    assert!(answer.message().starts_with("Container Registry is deprecated and shutting down"), "{}", answer.message());
}
