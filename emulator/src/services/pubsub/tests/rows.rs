//! Section 2.4 of the reference, what `keys` does not tell as a story; and the decisions on topics' keys.

use super::keys::{KEY, agent, create, grant, key, policy, set_key, set_version, violation};
use super::*;
use crate::builder::Builder;

const OTHER: &str = "/v1/projects/my-project/topics/other";
const ROLE: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

fn no_grant(agent: &str, key: &str) -> String {
    format!(
        "Cloud Pub/Sub did not have the necessary permissions configured to support this operation. Please verify that the service account {agent} was granted the Cloud KMS CryptoKey Encrypter/Decrypter role for the project containing the CryptoKey resource {key}."
    )
}

async fn bind(world: &World, resource: &str, member: &str) {
    let policy = json!({"policy": {"bindings": [{"role": ROLE, "members": [member]}]}});
    world.post(&format!("/v1/{resource}:setIamPolicy"), policy).await.ok();
}

#[track_caller]
fn refused(row: &str, said: &Said, code: &str, text: &str) {
    assert_eq!((said.status, said.code(), said.message()), (400, code, text), "{row}");
}

/// Identity: the agent of the project that owns the topic; the role on the key, its ring or its project.
#[tokio::test]
async fn whose_grant_counts_and_where() {
    let ring = KEY.strip_suffix("/cryptoKeys/key").unwrap();
    for (row, resource, counts) in [
        ("2.4 role on the key", KEY, true),
        ("2.4 role on the ring", ring, true),
        ("2.4 role on the project", "projects/keys-project", true),
        ("2.4 role on the topic's project", "projects/my-project", false),
    ] {
        let world = World::new().await;
        key(&world, KEY).await;
        let member = format!("serviceAccount:{}", agent(&world).await);
        bind(&world, resource, &member).await;
        let said = create(&world, KEY).await;
        assert_eq!(said.status == 200, counts, "{row}: {}", said.message());
    }
    // The agent of the key's own project is another one; so is the caller.
    let world = World::new().await;
    key(&world, KEY).await;
    let number = world.inside(Mode::Write, |call| Ok(doors::project(call, "keys-project")?.number)).await.unwrap();
    let own = format!("serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com");
    for (row, member) in [("2.4 another project's agent", own.as_str()), ("2.4 the caller", "user:ann@example.com")] {
        bind(&world, KEY, member).await;
        let said = world.call_as("ann@example.com", &format!("PUT {TOPIC}"), json!({"kmsKeyName": KEY})).await;
        refused(row, &said, "FAILED_PRECONDITION", &no_grant(&agent(&world).await, KEY));
        assert_eq!(world.get(TOPIC).await.status, 404, "{row}");
    }
}

/// The caller's own KMS permission is not needed.
#[tokio::test]
async fn who_may_make_topics_needs_no_right_to_the_key() {
    let world = World::enforcing().await;
    let agent = world
        .inside(Mode::Write, |call| {
            Ok(gcp_names::ServiceAgent::PubSub.member(doors::project(call, "my-project")?.number))
        })
        .await
        .unwrap();
    let bound = async |resource: &'static str, role: &str, member: &str| {
        let policy = json!({"bindings": [{"role": role, "members": [member]}]});
        let policy: gcp_schema::iam::Policy = crate::rest::from_json("google.iam.v1.Policy", policy).unwrap();
        world.inside(Mode::Write, |call| doors::replace_policy(call, resource, policy)).await.unwrap();
    };
    bound("projects/keys-project", "roles/owner", "user:own@example.com").await;
    bound("projects/my-project", "roles/pubsub.editor", "user:ann@example.com").await;
    let (ring, location) =
        ("projects/keys-project/locations/global/keyRings/ring", "projects/keys-project/locations/global");
    let made = format!("POST /v1/{location}/keyRings?keyRingId=ring");
    world.call_as("own@example.com", &made, json!({})).await.ok();
    let made = format!("POST /v1/{ring}/cryptoKeys?cryptoKeyId=key");
    world.call_as("own@example.com", &made, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    bound(KEY, ROLE, &agent).await;
    let said = world.call_as("ann@example.com", &format!("PUT {TOPIC}"), json!({"kmsKeyName": KEY})).await;
    assert_eq!(said.ok()["kmsKeyName"], KEY, "2.4 caller's own KMS permission");
    let encrypt = format!("POST /v1/{KEY}:encrypt");
    assert_eq!(world.call_as("ann@example.com", &encrypt, json!({"plaintext": ""})).await.status, 403);
}

/// Decisions: malformed name, organization policy, permission, existence, purpose, state; the first failure answers. At
/// creation and at change alike, and neither leaves anything.
#[tokio::test]
async fn the_first_failing_check_answers() {
    let world = World::new().await;
    let agent = agent(&world).await;
    let ring = KEY.strip_suffix("/cryptoKeys/key").unwrap();
    topic(&world).await;
    let both = async |row: &str, name: &str, code: &str, text: &str| {
        let created = world.call(&format!("PUT {OTHER}"), json!({"kmsKeyName": name})).await;
        refused(row, &created, code, text);
        refused(row, &set_key(&world, json!(name)).await, code, text);
        assert_eq!(world.get(OTHER).await.status, 404, "{row}");
        assert_eq!(world.get(TOPIC).await.ok(), json!({"name": "projects/my-project/topics/gcr"}), "{row}");
    };
    policy(&world, "gcp.restrictCmekCryptoKeyProjects", json!({"allowedValues": ["projects/trusted-keys"]})).await;
    let malformed = |name: &str| format!("Invalid Cloud KMS key name given (name={name}).");
    let version = format!("{KEY}/cryptoKeyVersions/1");
    for (row, name) in [
        ("2.4 malformed", "garbage"),
        ("2.4 malformed", "projects/keys-project/locations/global/keyRings/ring"),
        ("2.4 a version's name", version.as_str()),
        ("2.4 malformed", "projects/keys-project/locations/global/keyRings/ring/cryptoKeys/a b"),
    ] {
        both(row, name, "INVALID_ARGUMENT", &malformed(name)).await;
    }
    let constraint = "gcp.restrictCmekCryptoKeyProjects";
    let created = world.call(&format!("PUT {OTHER}"), json!({"kmsKeyName": KEY})).await;
    assert_eq!(created.body, violation(constraint, "CreateTopic", "projects/keys-project"), "policy before permission");
    let changed = set_key(&world, json!(KEY)).await;
    assert_eq!(changed.body, violation(constraint, "UpdateTopic", "projects/keys-project"), "policy before permission");
    world.delete(&format!("/v2/projects/my-project/policies/{constraint}")).await.ok();

    let no_such = KEY.replace("keys-project", "999999999999");
    for (row, name) in [("permission before existence", KEY), ("a project that is not there", no_such.as_str())] {
        both(row, name, "FAILED_PRECONDITION", &no_grant(&agent, name)).await;
    }
    key(&world, &format!("{ring}/cryptoKeys/first")).await;
    bind(&world, ring, &format!("serviceAccount:{agent}")).await;
    both("existence", KEY, "INVALID_ARGUMENT", &format!("The Cloud KMS key {KEY} was not found.")).await;
    let mac = json!({"purpose": "MAC", "versionTemplate": {"algorithm": "HMAC_SHA256"}});
    let name = format!("{ring}/cryptoKeys/mac");
    world.post(&format!("/v1/{ring}/cryptoKeys?cryptoKeyId=mac"), mac).await.ok();
    set_version(&world, &name, "DISABLED").await;
    let text = format!("The Cloud KMS key {name} has the purpose MAC; topics need ENCRYPT_DECRYPT.");
    both("purpose before state", &name, "INVALID_ARGUMENT", &text).await;
    let bare = format!("{ring}/cryptoKeys/bare");
    let path = format!("/v1/{ring}/cryptoKeys?cryptoKeyId=bare&skipInitialVersionCreation=true");
    world.post(&path, json!({"purpose": "ENCRYPT_DECRYPT"})).await.ok();
    both("no primary", &bare, "FAILED_PRECONDITION", &format!("{bare} does not have a primary version.")).await;
    key(&world, KEY).await;
    set_version(&world, KEY, "DISABLED").await;
    let text = format!("{KEY}/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.");
    both("state", KEY, "FAILED_PRECONDITION", &text).await;
    set_version(&world, KEY, "ENABLED").await;
    assert_eq!(set_key(&world, json!(KEY)).await.ok()["kmsKeyName"], KEY, "2.4 add");
}

/// In strict mode a project that nobody created grants nothing, and that is all that is said of it.
#[tokio::test]
async fn a_hidden_project_reads_as_a_missing_grant() {
    let world = World::strict().await;
    world.post("/v1/projects", json!({"projectId": "my-project"})).await.ok();
    world.post("/v1/projects/my-project/services/pubsub.googleapis.com:enable", json!({})).await.ok();
    let said = create(&world, KEY).await;
    refused("2.4 key's project hidden", &said, "FAILED_PRECONDITION", &no_grant(&agent(&world).await, KEY));
    assert_eq!(world.get(TOPIC).await.status, 404);
}

/// Key disabled, scheduled, destroyed, permission revoked: publish, pull and StreamingPull fail; the topic stays readable
/// and its state unchanged. Where access can return, so does everything.
#[tokio::test]
async fn a_lost_key_stops_publish_pull_and_streams() {
    for (row, comes_back) in
        [("disabled", true), ("scheduled for destruction", true), ("revoked", true), ("destroyed", false)]
    {
        let world = World::new().await;
        key(&world, KEY).await;
        grant(&world, KEY).await;
        create(&world, KEY).await.ok();
        subscribe(&world, "reader", json!({"messageRetentionDuration": "2678400s"})).await;
        publish(&world, json!([message("secret")])).await.ok();
        let shown = world.get(TOPIC).await.ok();
        let version = format!("{KEY}/cryptoKeyVersions/1");
        let state = |state: &str| format!("{version} is not enabled, current state is: {state}.");
        let text = match row {
            "disabled" => {
                set_version(&world, KEY, "DISABLED").await;
                state("DISABLED")
            }
            "revoked" => {
                world.post(&format!("/v1/{KEY}:setIamPolicy"), json!({"policy": {}})).await.ok();
                no_grant(&agent(&world).await, KEY)
            }
            other => {
                world.post(&format!("/v1/{version}:destroy"), json!({})).await.ok();
                if other == "destroyed" {
                    world.0.advance(Duration::from_hours(30 * 24)).await.unwrap();
                    state("DESTROYED")
                } else {
                    state("DESTROY_SCHEDULED")
                }
            }
        };
        refused(row, &publish(&world, json!([message("more")])).await, "FAILED_PRECONDITION", &text);
        let pulled = world.post(&format!("{READER}:pull"), json!({"maxMessages": 1})).await;
        refused(row, &pulled, "FAILED_PRECONDITION", &text);
        let mut stream = super::streams::Client::open(&world, "reader", 10).await;
        assert_eq!(stream.next().await.unwrap_err(), "9", "2.4 StreamingPull, {row}");
        assert_eq!(world.get(TOPIC).await.ok(), shown, "2.4 the topic stays readable, {row}");

        if !comes_back {
            continue;
        }
        if row == "scheduled for destruction" {
            world.post(&format!("/v1/{version}:restore"), json!({})).await.ok();
        }
        match row {
            "revoked" => grant(&world, KEY).await,
            _ => set_version(&world, KEY, "ENABLED").await,
        }
        publish(&world, json!([message("more")])).await.ok();
        let mut seen = texts(&pull(&world, "reader", 10).await).join(" ");
        seen.push('.');
        assert_eq!(seen, "secret more.", "2.4 recovery, {row}");
    }
}

/// 3.3: not retroactive; and the key's project may be written by its number.
#[tokio::test]
async fn a_policy_that_comes_later_leaves_topics_alone() {
    let world = World::new().await;
    key(&world, KEY).await;
    grant(&world, KEY).await;
    create(&world, KEY).await.ok();
    subscribe(&world, "reader", json!({})).await;
    policy(&world, "gcp.restrictCmekCryptoKeyProjects", json!({"allowedValues": ["projects/trusted-keys"]})).await;
    publish(&world, json!([message("still")])).await.ok();
    assert_eq!(texts(&pull(&world, "reader", 10).await), ["still"], "3.3 retroactive: no");
    let number = world.inside(Mode::Read, |call| Ok(doors::project(call, "keys-project")?.number)).await.unwrap();
    let by_number = KEY.replace("keys-project", &number.to_string());
    let said = world.call(&format!("PUT {OTHER}"), json!({"kmsKeyName": by_number})).await;
    let expected = violation("gcp.restrictCmekCryptoKeyProjects", "CreateTopic", "projects/keys-project");
    assert_eq!(said.body, expected, "3.3 matched as projects/ID");
    let cleared = set_key(&world, Value::Null).await.ok();
    assert_eq!(cleared.get("kmsKeyName"), None, "3.3 resources without any key are unaffected");
}

/// The audit trail names the key, and data lies sealed in the files; attributes do not.
#[tokio::test]
async fn the_key_is_in_the_audit_trail_and_the_data_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let builder = Builder::default().frozen_at("2026-01-05T09:00:00Z").seed(7).data_dir(folder.path());
    let world = World(builder.build().await.unwrap());
    key(&world, KEY).await;
    grant(&world, KEY).await;
    create(&world, KEY).await.ok();
    let entry = world.0.audit().into_iter().rfind(|entry| entry.method.ends_with("/CreateTopic")).unwrap();
    assert_eq!(entry.notes, [format!("messages are encrypted under {KEY}")], "2.4 audit");
    subscribe(&world, "reader", json!({})).await;
    let data = STANDARD.encode("the data of this message");
    publish(&world, json!([{"data": data, "attributes": {"label": "the attribute of this message"}}])).await.ok();
    let holds = |needle: &'static str| world.0.files_with(&[bytes::Bytes::from(needle)]).unwrap();
    assert_eq!(holds("the data of this message"), Vec::<String>::new(), "2.4 data is encrypted");
    assert_eq!(holds("the attribute of this message"), ["state.redb"], "2.4 attributes are not");
}

/// 3.4, related constraints: `gcp.resourceLocations` is a topic's storage policy when nobody says another one.
#[tokio::test]
async fn the_constraint_on_locations_drives_the_storage_policy() {
    const CONSTRAINT: &str = "gcp.resourceLocations";
    let world = World::new().await;
    world.call("PUT /v1/projects/my-project/topics/before", json!({})).await.ok();
    policy(&world, CONSTRAINT, json!({"allowedValues": ["us-east1", "in:us-west1-locations"]})).await;
    topic(&world).await;
    let regions = |regions: &[&str]| json!({"allowedPersistenceRegions": regions});
    assert_eq!(world.get(TOPIC).await.ok()["messageStoragePolicy"], regions(&["us-east1", "us-west1"]));
    let before = world.get("/v1/projects/my-project/topics/before").await.ok();
    assert_eq!(before.get("messageStoragePolicy"), None, "not retroactive");
    let asked = |region: &str| json!({"messageStoragePolicy": regions(&[region])});
    assert_eq!(
        world.call(&format!("PUT {OTHER}"), asked("us-east1")).await.ok()["messageStoragePolicy"],
        regions(&["us-east1"])
    );
    let said = world.call("PUT /v1/projects/my-project/topics/third", asked("europe-west1")).await;
    assert_eq!(said.body, violation(CONSTRAINT, "CreateTopic", "europe-west1"));
    assert_eq!(world.get("/v1/projects/my-project/topics/third").await.status, 404);
    let body = json!({"topic": asked("europe-west1"), "updateMask": "messageStoragePolicy"});
    let said = world.call(&format!("PATCH {OTHER}"), body).await;
    assert_eq!(said.body, violation(CONSTRAINT, "UpdateTopic", "europe-west1"));
    assert_eq!(world.get(OTHER).await.ok()["messageStoragePolicy"], regions(&["us-east1"]));
    // A multi-region does not imply its regions: nothing is left.
    world.delete(&format!("/v2/projects/my-project/policies/{CONSTRAINT}")).await.ok();
    policy(&world, CONSTRAINT, json!({"allowedValues": ["us"]})).await;
    let said = world.call("PUT /v1/projects/my-project/topics/third", json!({})).await;
    assert_eq!(said.body, violation(CONSTRAINT, "CreateTopic", "global"));
}
