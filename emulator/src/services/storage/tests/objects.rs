//! Reference 1.2 and 1.3: buckets and objects, preconditions, versions, ranges, batch, IAM.

use serde_json::{Value, json};

use super::World;

const UNMET: &str = "At least one of the pre-conditions you specified did not hold.";

#[tokio::test]
async fn a_new_bucket_reads_as_google_prints_it() {
    let world = World::new().await;
    let bucket = world.create_bucket(json!({"name": "images"})).await.ok();
    for (field, value) in [
        ("kind", json!("storage#bucket")),
        ("id", json!("images")),
        ("location", json!("US")),
        ("locationType", json!("multi-region")),
        ("storageClass", json!("STANDARD")),
        ("metageneration", json!("1")),
        ("etag", json!("CAE=")),
        ("rpo", json!("DEFAULT")),
        ("timeCreated", json!("2026-01-05T09:00:00.000Z")),
        ("selfLink", json!("http://127.0.0.1:8787/storage/v1/b/images")),
    ] {
        assert_eq!(bucket[field], value, "{field}");
    }
    assert!(bucket["projectNumber"].as_str().is_some_and(|number| number.parse::<u64>().is_ok()));
    assert_eq!(bucket.get("acl"), None);
    assert!(world.get("/storage/v1/b/images?projection=full").await.ok()["acl"].is_array());
}

/// 1.3, first row: what follows from the place.
#[tokio::test]
async fn a_place_gives_a_bucket_its_type() {
    let world = World::new().await;
    for (at, (place, kind, rpo)) in [
        ("us-east1", "region", Value::Null),
        ("EUR4", "dual-region", json!("DEFAULT")),
        ("asia", "multi-region", json!("DEFAULT")),
    ]
    .into_iter()
    .enumerate()
    {
        let bucket = world.create_bucket(json!({"name": format!("bucket-{at}"), "location": place})).await.ok();
        assert_eq!(
            (&bucket["location"], &bucket["locationType"], &bucket["rpo"]),
            (&json!(place.to_uppercase()), &json!(kind), &rpo),
            "{place}"
        );
        let access = json!({"bucketPolicyOnly": {"enabled": false}, "uniformBucketLevelAccess": {"enabled": false},
            "publicAccessPrevention": "inherited"});
        assert_eq!(bucket["iamConfiguration"], access);
        assert!(bucket["generation"].is_string() && bucket["updated"] == bucket["timeCreated"]);
    }
}

/// Decision "unknown JSON body fields": clients that read, change and write send everything back.
#[tokio::test]
async fn a_whole_resource_sent_back_changes_nothing() {
    let world = World::new().await;
    let key = world.key("k").await;
    let body = json!({"name": "images", "location": "EU", "labels": {"a": "b"}, "versioning": {"enabled": true},
        "cors": [{"origin": ["*"]}], "lifecycle": {"rule": []}, "storageClass": "NEARLINE",
        "encryption": {"customerSuppliedEncryptionEnforcementConfig": {"restrictionMode": "FullyRestricted"}}});
    world.create_bucket(body).await.ok();
    let path = "/storage/v1/b/images";
    let upload = world.put("images", "o", "", "x").await.ok();
    let custom =
        json!({"metadata": {"text": "t", "number": 5, "flag": true}, "customTime": "2026-01-05T09:00:00.000Z"});
    let custom = world.call("PATCH", &format!("{path}/o/o"), custom).await.ok();
    assert_eq!(custom["metadata"], json!({"text": "t", "number": "5", "flag": "true"}), "Node sends numbers");
    for (what, path) in [("bucket", path.to_owned()), ("object", format!("{path}/o/o"))] {
        for verb in ["PATCH", "PUT"] {
            let mut whole = world.get(&format!("{path}?projection=full")).await.ok();
            whole["colour"] = json!("red");
            let mut after = world.call(verb, &format!("{path}?projection=full"), whole.clone()).await.ok();
            for moved in ["metageneration", "etag", "updated"] {
                after[moved] = whole[moved].clone();
            }
            after["colour"] = json!("red");
            assert_eq!(after, whole, "{verb} of a whole {what}");
        }
    }
    assert_eq!(world.object("images", "o").await.ok()["generation"], upload["generation"]);
    // Null takes one entry away, and what is not named stays.
    let patch = json!({"metadata": {"number": null, "new": "n"}});
    let patched = world.call("PATCH", &format!("{path}/o/o"), patch).await.ok();
    assert_eq!(patched["metadata"], json!({"text": "t", "flag": "true", "new": "n"}));
    let elsewhere = json!({"encryption": {"defaultKmsKeyName": key}});
    assert_eq!(world.call("PATCH", path, elsewhere).await.refusal().0, 400, "a key in us does not fit");
}

/// 1.3, second row: without who may do what, unless that is asked for or brought along.
#[tokio::test]
async fn a_bucket_is_shown_without_its_lists_of_access() {
    let world = World::new().await;
    world.bucket("images").await;
    let path = "/storage/v1/b/images";
    let acl = json!([{"entity": "allUsers", "role": "READER"}]);
    let shown =
        async |verb: &str, path: &str, body: Value| world.call(verb, path, body).await.ok().get("acl").is_some();
    for (row, verb, path, body, full) in [
        ("insert", "POST", "/storage/v1/b?project=my-project".to_owned(), json!({"name": "bare"}), false),
        (
            "insert with acl",
            "POST",
            "/storage/v1/b?project=my-project".to_owned(),
            json!({"name": "listed", "acl": acl}),
            true,
        ),
        ("patch", "PATCH", path.to_owned(), json!({"labels": {"a": "b"}}), false),
        ("patch with acl", "PATCH", path.to_owned(), json!({"acl": acl}), true),
        ("patch with acl, noAcl", "PATCH", format!("{path}?projection=noAcl"), json!({"acl": acl}), false),
        ("get", "GET", path.to_owned(), Value::Null, false),
        ("get, full", "GET", format!("{path}?projection=full"), Value::Null, true),
    ] {
        assert_eq!(shown(verb, &path, body).await, full, "{row}");
    }
    let listed = world.get("/storage/v1/b?project=my-project").await.ok();
    assert!(listed["items"].as_array().expect("items").iter().all(|item| item.get("acl").is_none()));
}

#[tokio::test]
async fn refusals_around_buckets_have_googles_words() {
    let world = World::new().await;
    world.bucket("images").await;
    world.put("images", "o", "", "x").await.ok();
    let taken = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.";
    let rows = [
        (
            "POST",
            "/storage/v1/b?project=my-project",
            json!({"name": "images"}),
            409,
            "conflict",
            "Your previous request to create the named bucket succeeded and you already own it.",
        ),
        ("POST", "/storage/v1/b?project=other-project", json!({"name": "images"}), 409, "conflict", taken),
        (
            "POST",
            "/storage/v1/b?project=my-project",
            json!({"name": "artifacts.my-project.appspot.com"}),
            403,
            "forbidden",
            "The bucket you tried to create is a domain name owned by another user.",
        ),
        (
            "DELETE",
            "/storage/v1/b/images",
            Value::Null,
            409,
            "conflict",
            "The bucket you tried to delete is not empty.",
        ),
        ("GET", "/storage/v1/b/nope", Value::Null, 404, "notFound", "The specified bucket does not exist."),
        ("GET", "/storage/v1/b/nope/o/o", Value::Null, 404, "notFound", "The specified bucket does not exist."),
        ("GET", "/storage/v1/b/images/o/p", Value::Null, 404, "notFound", "No such object: images/p"),
    ];
    for (verb, path, body, status, reason, text) in rows {
        world.call(verb, path, body).await.refused(status, reason, text);
    }
    for name in ["Bad_Name", "ab", "google-x"] {
        assert_eq!(world.create_bucket(json!({"name": name})).await.refusal().1, "invalid", "{name}");
    }
    world.call("DELETE", "/storage/v1/b/images/o/o", Value::Null).await;
    assert_eq!(world.call("DELETE", "/storage/v1/b/images", Value::Null).await.status, 204);
    assert_eq!(world.get("/storage/v1/b/images").await.status, 404);
}

#[tokio::test]
async fn preconditions_hold_or_nothing_happens() {
    let world = World::new().await;
    world.bucket("images").await;
    let first = world.put("images", "o", "&ifGenerationMatch=0", "one").await.ok();
    let generation = first["generation"].as_str().expect("a generation").to_owned();
    world.put("images", "o", "&ifGenerationMatch=0", "two").await.refused(412, "conditionNotMet", UNMET);
    assert_eq!(world.read("images", "o").await.text(), "one");
    let path = "/storage/v1/b/images/o/o";
    let patch = json!({"metadata": {"a": "b"}});
    world.call("PATCH", &format!("{path}?ifMetagenerationMatch=2"), patch.clone()).await.refused(
        412,
        "conditionNotMet",
        UNMET,
    );
    world.call("PATCH", &format!("{path}?ifMetagenerationMatch=1"), patch).await.ok();
    let unchanged = world.get(&format!("{path}?ifGenerationNotMatch={generation}")).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let unchanged = world.get(&format!("{path}?alt=media&ifGenerationNotMatch={generation}")).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(world.call("DELETE", &format!("{path}?ifGenerationMatch=1"), Value::Null).await.status, 412);
    assert_eq!(world.call("DELETE", &format!("{path}?ifGenerationMatch={generation}"), Value::Null).await.status, 204);
    assert_eq!(world.call("PATCH", "/storage/v1/b/images?ifMetagenerationMatch=9", json!({})).await.status, 412);
    // A move obeys the conditions on its source too.
    world.put("images", "o", "", "x").await.ok();
    let moved = "/storage/v1/b/images/o/o/moveTo/o/p?ifSourceGenerationMatch=1";
    world.call("POST", moved, json!({})).await.refused(412, "conditionNotMet", UNMET);
    assert_eq!(world.names("images", "").await, ["o"]);
    // A resumable upload that cannot end well is refused at its start.
    let start = "/upload/storage/v1/b/images/o?uploadType=resumable&name=o&ifGenerationMatch=0";
    world.call("POST", start, json!({})).await.refused(412, "conditionNotMet", UNMET);
}

#[tokio::test]
async fn a_versioned_bucket_keeps_what_was_overwritten_and_deleted() {
    let world = World::new().await;
    world.create_bucket(json!({"name": "kept", "versioning": {"enabled": true}})).await.ok();
    let first = world.put("kept", "o", "", "one").await.ok()["generation"].as_str().expect("a generation").to_owned();
    world.put("kept", "o", "", "two").await.ok();
    let old = format!("/storage/v1/b/kept/o/o?generation={first}");
    assert_eq!(world.get(&format!("{old}&alt=media")).await.text(), "one");
    assert_eq!(world.call("DELETE", "/storage/v1/b/kept/o/o", Value::Null).await.status, 204);
    assert_eq!(world.read("kept", "o").await.status, 404);
    assert_eq!(world.names("kept", "versions=True").await, ["o", "o"]);
    assert_eq!(world.names("kept", "").await, Vec::<String>::new());
    assert!(world.get(&old).await.ok()["timeDeleted"].is_string());
    assert_eq!(world.call("DELETE", &old, Value::Null).await.status, 204);
    assert_eq!(world.get(&old).await.status, 404, "a generation that was named is gone for good");
    assert_eq!(world.call("DELETE", "/storage/v1/b/kept", Value::Null).await.status, 409, "the other is still there");
}

#[tokio::test]
async fn ranges_are_answered_with_their_place_and_416_beyond_the_end() {
    let world = World::new().await;
    world.bucket("images").await;
    world.put("images", "o", "", "0123456789").await.ok();
    let get =
        async |range: &str| world.send("GET", "/storage/v1/b/images/o/o?alt=media", &[("range", range)], "").await;
    let part = get("bytes=2-4").await;
    assert_eq!(
        (part.status, part.text().as_str(), part.header("content-range").as_str()),
        (206, "234", "bytes 2-4/10")
    );
    assert_eq!(get("bytes=-3").await.text(), "789");
    assert_eq!(get("bytes=10-").await.status, 416);
    let whole = world.read("images", "o").await;
    assert!(whole.header("x-goog-hash").contains("crc32c=") && whole.header("x-goog-hash").contains("md5="));
    let object = world.object("images", "o").await.ok();
    for (name, value) in [
        ("content-type", json!("text/plain")),
        ("content-length", json!("10")),
        ("accept-ranges", json!("bytes")),
        ("x-goog-generation", object["generation"].clone()),
        ("x-goog-metageneration", json!("1")),
        ("x-goog-stored-content-encoding", json!("identity")),
        ("x-goog-stored-content-length", json!("10")),
        ("x-goog-storage-class", json!("STANDARD")),
        ("etag", object["etag"].clone()),
    ] {
        assert_eq!(json!(whole.header(name)), value, "{name}");
    }
}

/// `mediaLink` is followed as it is, so it must lead here and to these bytes.
#[tokio::test]
async fn every_address_of_an_object_leads_to_it() {
    let world = World::new().await;
    world.bucket("images").await;
    let object = world.put("images", "a%2Fb%3F", "", "x").await.ok();
    let link = object["mediaLink"].as_str().expect("a link").replace("http://127.0.0.1:8787", "");
    assert_eq!(world.get(&link).await.text(), "x");
    for alias in ["/b/images/o/a%2Fb%3F", "/storage.googleapis.com/storage/v1/b/images/o/a%2Fb%3F"] {
        assert_eq!(world.get(alias).await.ok()["generation"], object["generation"], "{alias}");
    }
    let put = world
        .send(
            "POST",
            "/storage/v1/b/images/o/a%2Fb%3F",
            &[("x-http-method-override", "PATCH")],
            r#"{"metadata":{"k":"v"}}"#,
        )
        .await
        .ok();
    assert_eq!(put["metadata"]["k"], json!("v"));
}

/// Client calls 4: absolute URLs, LF line ends, content ids.
#[tokio::test]
async fn a_batch_answers_each_call_by_itself() {
    let world = World::new().await;
    world.bucket("images").await;
    world.put("images", "o", "", "x").await.ok();
    let calls = "--=b=\nContent-Type: application/http\nMIME-Version: 1.0\nContent-ID: <u+0>\n\nPATCH http://127.0.0.1/storage/v1/b/images/o/o HTTP/1.1\nContent-Type: application/json\nContent-Length: 24\n\n{\"metadata\":{\"a\":\"b\"}}  \n--=b=\nContent-Type: application/http\nContent-ID: <u+1>\n\nDELETE /storage/v1/b/images/o/missing HTTP/1.1\n\n\n--=b=\nContent-Type: application/http\nContent-ID: <u+2>\n\nGET /storage/v1/b/images/o/o?alt=media HTTP/1.1\n\n\n--=b=--\n";
    let answer =
        world.send("POST", "/batch/storage/v1", &[("content-type", "multipart/mixed; boundary=\"=b=\"")], calls).await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let statuses: Vec<&str> =
        text.lines().filter(|line| line.starts_with("HTTP/1.1")).map(|line| &line[9..12]).collect();
    assert_eq!(statuses, ["200", "404", "400"], "{text}");
    assert!(text.contains("Content-ID: <response-u+1>"));
    assert_eq!(world.object("images", "o").await.ok()["metadata"]["a"], json!("b"));
    let many: String = (0..101).map(|_| "--b\n\nGET /storage/v1/b/images HTTP/1.1\n\n\n").collect();
    let many = format!("{many}--b--\n");
    assert_eq!(
        world.send("POST", "/batch/storage/v1", &[("content-type", "multipart/mixed; boundary=b")], many).await.status,
        400
    );
}

#[tokio::test]
async fn a_buckets_policy_starts_with_the_project_and_takes_bindings() {
    let world = World::new().await;
    world.bucket("images").await;
    let path = "/storage/v1/b/images/iam";
    let mut policy = world.get(&format!("{path}?optionsRequestedPolicyVersion=3")).await.ok();
    assert_eq!(policy["resourceId"], json!("projects/_/buckets/images"));
    assert_eq!((&policy["kind"], &policy["etag"]), (&json!("storage#policy"), &json!("CAE=")), "1.3: the bucket's tag");
    let roles: Vec<_> =
        policy["bindings"].as_array().expect("bindings").iter().map(|binding| binding["role"].clone()).collect();
    assert_eq!(roles, [json!("roles/storage.legacyBucketOwner"), json!("roles/storage.legacyBucketReader")]);
    let stale = policy.clone();
    policy["bindings"]
        .as_array_mut()
        .expect("bindings")
        .push(json!({"role": "roles/storage.objectViewer", "members": ["user:ann@example.com"]}));
    assert_eq!(world.call("PUT", path, policy).await.ok()["etag"], json!("CAI="));
    assert_eq!(world.get(path).await.ok()["bindings"].as_array().map(Vec::len), Some(3));
    assert_eq!(world.get("/storage/v1/b/images").await.ok()["metageneration"], json!("2"));
    world.call("PUT", path, stale).await.refused(412, "conditionNotMet", UNMET);
    // 1.3: with uniform access the objects' roles are the bucket's too.
    let uniform = json!({"uniformBucketLevelAccess": {"enabled": true}});
    world.create_bucket(json!({"name": "uniform", "iamConfiguration": uniform})).await.ok();
    let policy = world.get("/storage/v1/b/uniform/iam").await.ok();
    let bound: Vec<_> =
        policy["bindings"].as_array().expect("bindings").iter().map(|one| (&one["role"], &one["members"])).collect();
    let (owners, viewers) =
        (json!(["projectEditor:my-project", "projectOwner:my-project"]), json!(["projectViewer:my-project"]));
    let roles = ["BucketOwner", "BucketReader", "ObjectOwner", "ObjectReader"]
        .map(|role| json!(format!("roles/storage.legacy{role}")));
    assert_eq!(bound, [(&roles[0], &owners), (&roles[1], &viewers), (&roles[2], &owners), (&roles[3], &viewers)]);
    world.get(&format!("{path}/testPermissions")).await.refused(400, "required", "Required parameter: permissions");
    let many = "permissions=p&".repeat(85);
    assert_eq!(world.get(&format!("{path}/testPermissions?{many}")).await.refusal().1, "invalid");
    let held = world.get(&format!("{path}/testPermissions?permissions=storage.objects.get")).await.ok();
    assert_eq!(held["permissions"], json!(["storage.objects.get"]));
}

#[tokio::test]
async fn the_agent_is_named_by_project_id_and_by_number() {
    let world = World::new().await;
    let by_id = world.get("/storage/v1/projects/my-project/serviceAccount").await.ok();
    assert_eq!(by_id["kind"], json!("storage#serviceAccount"));
    let email = by_id["email_address"].as_str().expect("an address");
    let number = email.strip_prefix("service-").and_then(|rest| rest.split_once('@')).expect("an agent").0;
    assert_eq!(email, format!("service-{number}@gs-project-accounts.iam.gserviceaccount.com"));
    assert_eq!(world.get(&format!("/storage/v1/projects/{number}/serviceAccount")).await.ok(), by_id);
}

/// What is missing says so instead of doing something else.
#[tokio::test]
async fn what_is_not_implemented_answers_501() {
    let world = World::new().await;
    world.bucket("images").await;
    world.put("images", "o", "", "x").await.ok();
    for (verb, path) in [
        ("POST", "/storage/v1/b/images/notificationConfigs"),
        ("POST", "/storage/v1/b/images/lockRetentionPolicy?ifMetagenerationMatch=1"),
        ("DELETE", "/storage/v1/b/images/notificationConfigs/1"),
        ("GET", "/storage/v1/b/images/folders"),
        ("POST", "/storage/v1/b/images/relocate"),
        ("POST", "/storage/v1/b/images/restore?generation=1"),
        ("GET", "/storage/v1/b/images/operations"),
        ("POST", "/storage/v1/b/images/acl"),
        ("GET", "/storage/v1/b/images/acl/allUsers"),
        ("POST", "/storage/v1/b/images/defaultObjectAcl"),
        ("PUT", "/storage/v1/b/images/o/o/acl/allUsers"),
        ("GET", "/storage/v1/b/images/o/o/iam"),
        ("PUT", "/storage/v1/b/images/o/o/iam"),
        ("GET", "/storage/v1/b/images/o/o/iam/testPermissions?permissions=p"),
        ("GET", "/storage/v1/projects/my-project/hmacKeys"),
        ("POST", "/storage/v1/b/images/o/o/acl"),
        ("POST", "/storage/v1/b/images/o/watch"),
        ("POST", "/storage/v1/b/images/o/bulkRestore"),
        ("POST", "/storage/v1/channels/stop"),
        ("POST", "/storage/v1/projects/my-project/hmacKeys"),
    ] {
        let (status, reason, text) = world.call(verb, path, json!({})).await.refusal();
        assert_eq!((status, reason.as_str()), (501, "notImplemented"), "{verb} {path}");
        assert!(
            text.starts_with("Method storage.") && text.ends_with("is not implemented by this emulator."),
            "{text}"
        );
    }
    for (path, answer) in [
        ("notificationConfigs", json!({"kind": "storage#notifications"})),
        ("managedFolders", json!({})),
        ("anywhereCaches", json!({})),
        ("defaultObjectAcl", json!({"kind": "storage#objectAccessControls", "items": []})),
    ] {
        assert_eq!(world.get(&format!("/storage/v1/b/images/{path}")).await.ok(), answer, "{path}");
        assert_eq!(world.get(&format!("/storage/v1/b/none/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(world.get("/storage/v1/nothing").await.status, 404);
}
