//! Jobs whose objects a manifest lists.

use super::*;

fn listed(location: &str) -> Value {
    chosen(json!({"manifest": {"manifestLocation": location}}), json!({"rewriteObject": {"kmsKey": KEY}}))
}

async fn world() -> World {
    let world = World::new().await;
    furnish(&world).await;
    world.post("/storage/v1/b?project=my-project", json!({"name": "lists"})).await.ok();
    for name in ["a", "b, c", "d/e", "f"] {
        put(&world, &name.replace(' ', "%20"), "x").await;
    }
    world
}

#[tokio::test]
async fn rows_name_objects_with_a_header_or_without() {
    let rows = [
        ("data,a\ndata,d/e\n", ["a", "d/e"].as_slice()),
        ("bucket,name,generation\r\ndata,f\r\n", &["f"]),
        ("\u{feff}Name,size,Bucket\n\"b, c\",1,data\n", &["b, c"]),
        ("other,a\ndata,f", &["f"]),
        ("\n\ndata,a,\n", &["a"]),
        ("data,a\ndata,a\n", &["a", "a"]),
        ("bucket,name\n", &[]),
    ];
    for (text, expected) in rows {
        let world = world().await;
        put_to(&world, "lists", "m.csv", text).await;
        let job = run(&world, "j", listed("gs://lists/m.csv")).await;
        let count = expected.len().to_string();
        assert_eq!(
            (job["state"].as_str(), counted(&job)),
            (Some("SUCCEEDED"), [count.as_str(), count.as_str(), "0"]),
            "{text}"
        );
        assert!(job["counters"].get("totalBytesFound").is_none(), "only for prefixes");
        for name in ["a", "b, c", "d/e", "f"] {
            let rewritten = !key_of(&world, &name.replace(' ', "%20")).await.is_empty();
            assert_eq!(rewritten, expected.contains(&name), "{text}: {name}");
        }
    }
}

#[tokio::test]
async fn generations_absent_objects_and_bad_rows() {
    let world = world().await;
    let generation = object(&world, "a").await.ok()["generation"].as_str().expect("a number").to_owned();
    let text = format!("data,a,{generation}\ndata,f,1\ndata,nobody\ndata\ndata,f,first\n");
    put_to(&world, "lists", "m.csv", &text).await;
    let job = run(&world, "j", listed("gs://lists/m.csv")).await;
    assert_eq!(counted(&job), ["5", "1", "4"]);
    let summaries = job["errorSummaries"].as_array().expect("summaries");
    let codes: Vec<_> = summaries.iter().map(|one| (one["errorCode"].clone(), one["errorCount"].clone())).collect();
    assert_eq!(codes, [(json!("INVALID_ARGUMENT"), json!("2")), (json!("NOT_FOUND"), json!("2"))]);
    assert_eq!(summaries[0]["errorLogEntries"][0]["objectUri"], "gs://lists/m.csv", "the row names no object");
    assert_eq!(summaries[1]["errorLogEntries"][1]["objectUri"], "gs://data/nobody");
}

#[tokio::test]
async fn one_star_stands_for_several_files_of_a_folder() {
    let world = world().await;
    for (name, text) in
        [("m/x1.csv", "data,a\n"), ("m/x2.csv", "data,f\n"), ("m/x/3.csv", "data,d/e\n"), ("m/x4.txt", "data,d/e\n")]
    {
        put_to(&world, "lists", name, text).await;
    }
    let job = run(&world, "j", listed("gs://lists/m/x*.csv")).await;
    assert_eq!(counted(&job), ["2", "2", "0"]);
    assert_eq!(key_of(&world, "d/e").await, "");
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_ends_the_job() {
    let world = world().await;
    for (id, location) in
        [("gone", "gs://lists/none.csv"), ("nowhere", "gs://no-bucket/m.csv"), ("nobody", "gs://lists/z*.csv")]
    {
        let job = run(&world, id, listed(location)).await;
        assert_eq!((job["state"].as_str(), counted(&job)), (Some("FAILED"), ["0", "0", "0"]), "{location}");
    }
    for location in
        ["lists/m.csv", "gs://lists", "gs://lists/", "gs://lists/a*b*.csv", "gs://lists/f*/m.csv", "gs:///m.csv"]
    {
        let refused = create(&world, "bad", listed(location)).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_ARGUMENT"), "{location}");
        assert!(refused.message().contains(location), "{}", refused.message());
    }
}

/// Longer than one call reads, and mostly of another bucket.
#[tokio::test]
async fn a_long_manifest_is_read_piece_by_piece() {
    let world = world().await;
    let mut text = "bucket,name\n".to_owned();
    for _ in 0..6000 {
        text.push_str("other,object\n");
    }
    text.push_str("data,a\ndata,f\n");
    put_to(&world, "lists", "m.csv", &text).await;
    let job = run(&world, "j", listed("gs://lists/m.csv")).await;
    assert_eq!(counted(&job), ["2", "2", "0"]);
}
