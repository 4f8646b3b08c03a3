//! How jobs are asked for: what is refused, ids, repeated requests, lists.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn what_a_job_may_not_say() {
    let world = World::new().await;
    furnish(&world).await;
    let all = || json!({"prefixList": {}});
    let with = |transformation| chosen(all(), transformation);
    let mut two = rewrite();
    two["bucketList"]["buckets"] = json!([{"bucket": "data", "prefixList": {}}, {"bucket": "other", "prefixList": {}}]);
    let mut described = rewrite();
    described["description"] = json!("x".repeat(1025));
    let mut logged = rewrite();
    logged["loggingConfig"] = json!({"logActions": ["TRANSFORM"]});
    let versioned = format!("{KEY}/cryptoKeyVersions/1");
    let rows = [
        ("no bucket", json!({"rewriteObject": {"kmsKey": KEY}}), 400, "job.bucket_list"),
        ("two buckets", two, 400, "exactly one bucket is supported, not 2"),
        ("no objects", chosen(json!({}), json!({"rewriteObject": {"kmsKey": KEY}})), 400, "prefix_list and manifest"),
        ("no transformation", with(json!({})), 400, "a transformation must be set"),
        ("no key", with(json!({"rewriteObject": {}})), 400, "job.rewrite_object.kms_key"),
        ("a version", with(json!({"rewriteObject": {"kmsKey": versioned}})), 400, "without a version"),
        ("no hold", with(json!({"putObjectHold": {}})), 400, "job.put_object_hold"),
        ("no metadata", with(json!({"putMetadata": {}})), 400, "job.put_metadata"),
        ("a bad time", with(json!({"putMetadata": {"customTime": "noon"}})), 400, "'noon' is no time"),
        ("a long description", described, 400, "1024 bytes"),
        ("half a logging configuration", logged, 400, "log_action_states"),
        ("retention", with(json!({"putMetadata": {"objectRetention": {"retentionMode": "LOCKED"}}})), 501, "Retention"),
        ("contexts", with(json!({"updateObjectCustomContext": {"clearAll": true}})), 501, "Custom contexts"),
        (
            "an unknown field",
            with(json!({"rewriteObject": {"kmsKey": KEY, "storageClass": "COLDLINE"}})),
            400,
            "storageClass",
        ),
    ];
    for (what, job, status, words) in rows {
        let refused = create(&world, "j", job).await;
        assert_eq!(refused.status, status, "{what}: {}", refused.message());
        assert!(refused.message().contains(words), "{what}: {}", refused.message());
    }
    let mut strange = rewrite();
    strange["bucketList"]["buckets"][0]["bucket"] = json!("nobodys");
    assert_eq!(create(&world, "j", strange).await.status, 404);
    assert_eq!(create(&world, "bad_id", rewrite()).await.status, 400);
    let elsewhere = world.post("/v1/projects/my-project/locations/us/jobs?jobId=j", rewrite()).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (404, "NOT_FOUND"));
    assert!(world.get(&format!("{GLOBAL}/jobs")).await.ok().get("jobs").is_none(), "nothing was made");
}

#[tokio::test]
async fn what_is_given_is_shown_and_what_only_the_service_sets_is_not_taken() {
    let world = World::new().await;
    furnish(&world).await;
    let mut job = rewrite();
    job["description"] = json!("all of it");
    job["loggingConfig"] = json!({"logActions": ["TRANSFORM"], "logActionStates": ["SUCCEEDED", "FAILED"]});
    job["name"] = json!("mine");
    job["state"] = json!("CANCELED");
    job["counters"] = json!({"totalObjectCount": "99"});
    let shown = run(&world, "j", job).await;
    assert_eq!(
        shown,
        json!({
            "name": "projects/my-project/locations/global/jobs/j",
            "description": "all of it",
            "bucketList": {"buckets": [{"bucket": "data", "prefixList": {}}]},
            "rewriteObject": {"kmsKey": KEY},
            "loggingConfig": {"logActions": ["TRANSFORM"], "logActionStates": ["SUCCEEDED", "FAILED"]},
            "createTime": "2026-01-05T09:00:00Z",
            "scheduleTime": "2026-01-05T09:00:00Z",
            "completeTime": "2026-01-05T09:00:00Z",
            "counters": {"totalBytesFound": "0"},
            "state": "SUCCEEDED",
        })
    );
    let again = create(&world, "j", rewrite()).await;
    assert_eq!((again.status, again.code()), (409, "ALREADY_EXISTS"));
    let made = world.post(&format!("{GLOBAL}/jobs"), rewrite()).await.ok();
    let name = made["metadata"]["job"]["name"].as_str().expect("a name");
    assert_eq!(name.rsplit('/').next().map(str::len), Some(36), "an id is made up: {name}");
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_done_again_for_an_hour() {
    let world = World::new().await;
    furnish(&world).await;
    let id = "0d7b1b5e-6d4f-4f3a-9b1e-4a6a5d3c2b1a";
    let path = format!("{GLOBAL}/jobs?jobId=j&requestId={id}");
    let first = world.post(&path, rewrite()).await.ok();
    let job = ended(&world, "j").await;
    let second = world.post(&path, rewrite()).await.ok();
    assert_eq!((&second["name"], &second["done"]), (&first["name"], &json!(true)), "the same, as it is now");
    assert_eq!(second["response"]["name"], job["name"]);
    world.0.advance(Duration::from_secs(3599)).await.expect("time passes");
    assert_eq!(world.post(&path, rewrite()).await.status, 200);
    world.0.advance(Duration::from_secs(1)).await.expect("time passes");
    assert_eq!(world.post(&path, rewrite()).await.status, 409, "forgotten: the job is there already");
    let zero = format!("{GLOBAL}/jobs?jobId=z&requestId=00000000-0000-0000-0000-000000000000");
    assert_eq!(world.post(&zero, rewrite()).await.status, 400);

    let delete = format!("{GLOBAL}/jobs/j?requestId={id}");
    world.delete(&delete).await.ok();
    world.delete(&delete).await.ok();
    assert_eq!(world.delete(&format!("{GLOBAL}/jobs/j")).await.status, 404);
}

#[tokio::test]
async fn jobs_are_listed_filtered_and_sorted_in_pages() {
    let world = World::new().await;
    furnish(&world).await;
    for id in ["b", "c", "a"] {
        run(&world, id, rewrite()).await;
        world.0.advance(Duration::from_mins(1)).await.expect("time passes");
    }
    world.0.kernel().worker.hold();
    create(&world, "running", rewrite()).await.ok();
    let rows = [
        ("", "a b c running"),
        ("orderBy=name+desc", "running c b a"),
        ("orderBy=create_time", "b c a running"),
        ("orderBy=createTime+desc", "running a c b"),
        ("filter=state%3DRUNNING", "running"),
        ("filter=state%3DSUCCEEDED+AND+NOT+name:jobs/a", "b c"),
        ("pageSize=2", "a b"),
    ];
    for (query, expected) in rows {
        for place in ["global", "-"] {
            let path = format!("/v1/projects/my-project/locations/{place}/jobs?{query}");
            let listed = world.get(&path).await.ok();
            let ids: Vec<_> = listed["jobs"]
                .as_array()
                .expect("jobs")
                .iter()
                .map(|job| job["name"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default())
                .collect();
            assert_eq!(ids.join(" "), expected, "{query}");
        }
    }
    let (mut token, mut seen) = (String::new(), 0);
    loop {
        let page = world.get(&format!("{GLOBAL}/jobs?pageSize=3&orderBy=createTime&pageToken={token}")).await.ok();
        seen += page["jobs"].as_array().map_or(0, Vec::len);
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(seen, 4);
    for bad in ["orderBy=state", "filter=colour%3Dred", "pageSize=-1", "pageToken=eA", "pageToken=!"] {
        assert_eq!(world.get(&format!("{GLOBAL}/jobs?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_job_has_one_bucket_operation() {
    let world = World::new().await;
    furnish(&world).await;
    put(&world, "a", "x").await;
    let job = run(&world, "j", rewrite()).await;
    let listed = world.get(&format!("{GLOBAL}/jobs/j/bucketOperations")).await.ok();
    let one = &listed["bucketOperations"][0];
    assert_eq!(
        (&one["bucketName"], &one["state"], &one["counters"]),
        (&json!("data"), &json!("SUCCEEDED"), &job["counters"])
    );
    assert_eq!((&one["rewriteObject"], &one["prefixList"]), (&job["rewriteObject"], &json!({})));
    let name = one["name"].as_str().expect("a name");
    assert_eq!(&world.get(&format!("/v1/{name}")).await.ok(), one);
    assert_eq!(world.get(&format!("{GLOBAL}/jobs/j/bucketOperations/none")).await.status, 404);
    assert_eq!(world.get(&format!("{GLOBAL}/jobs/none/bucketOperations")).await.status, 404);
    let page = world.get(&format!("{GLOBAL}/jobs/j/bucketOperations?filter=state%3DFAILED")).await.ok();
    assert_eq!(page, json!({}));
}

#[tokio::test]
async fn the_service_is_in_one_place() {
    let world = World::new().await;
    let api = "/storagebatchoperations.googleapis.com/v1/projects/my-project/locations";
    let global = json!({"name": "projects/my-project/locations/global", "locationId": "global"});
    assert_eq!(world.get(api).await.ok(), json!({"locations": [global]}));
    assert_eq!(world.get(&format!("{api}/global")).await.ok(), global);
    assert_eq!(world.get(&format!("{api}/us")).await.status, 404);
}
