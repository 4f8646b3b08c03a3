//! `tags/list` as gcloud and the migration read it (7.3), and what may be deleted.

use super::*;

#[tokio::test]
async fn a_list_has_tags_children_and_numbers_as_text() {
    let world = World::new().await;
    let made = push_image(&world, "my-project/web", "v1", b"layer").await;
    push_image(&world, "my-project/web/api", "v1", b"other").await;
    push_manifest(&world, "my-project/web", "latest", MANIFEST, &manifest(b"{}", &[b"layer"])).await.expect(201);
    let size = ("layer".len() + "{}".len()).to_string();
    assert_eq!(
        get(&world, "/v2/my-project/web/tags/list").await.expect(200).json(),
        json!({"child": ["api"],
            "manifest": {made: {"imageSizeBytes": size, "layerId": "", "mediaType": MANIFEST, "tag": ["latest", "v1"],
                "timeCreatedMs": "1767603600000", "timeUploadedMs": "1767603600000"}},
            "name": "my-project/web", "tags": ["latest", "v1"]})
    );
    assert_eq!(
        get(&world, "/v2/my-project/tags/list").await.expect(200).json(),
        json!({"child": ["web"], "manifest": {}, "name": "my-project", "tags": []}),
        "the project's root"
    );
    assert_eq!(
        get(&world, "/v2/my-project/unknown/tags/list").await.expect(200).json(),
        json!({"child": [], "manifest": {}, "name": "my-project/unknown", "tags": []})
    );
}

#[tokio::test]
async fn usage_tells_whether_the_host_was_used() {
    let world = World::new().await;
    let usage = async |world: &World, host: &str| {
        get(world, &format!("/v2/{host}/my-project/tags/list?check_usage_only=true")).await.expect(200).json()["usage"]
            .clone()
    };
    push_image(&world, "eu.gcr.io/my-project/web", "v1", b"layer").await;
    assert_eq!(usage(&world, "eu.gcr.io").await, "ACTIVE");
    assert_eq!(usage(&world, "gcr.io").await, "INACTIVE");
}

/// 7.2: a manifest goes only after its tags and the indexes that name it.
#[tokio::test]
async fn a_manifest_that_something_names_cannot_be_deleted() {
    let world = World::new().await;
    let name = "my-project/web";
    let made = push_image(&world, name, "v1", b"layer").await;
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": MANIFEST, "digest": made, "size": 1}]});
    push_manifest(&world, name, "all", INDEX, &index.to_string()).await.expect(201);
    let delete = async |world: &World, reference: &str| {
        send(world, &format!("DELETE /v2/{name}/manifests/{reference}"), &[], "").await
    };
    let refused = delete(&world, &made).await;
    assert_eq!((refused.status, refused.refusal().1.as_str()), (400, "GOOGLE_MANIFEST_DANGLING_TAG"));
    delete(&world, "v1").await.expect(202);
    let refused = delete(&world, &made).await;
    assert_eq!((refused.status, refused.refusal().1.as_str()), (400, "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE"));
    get(&world, &format!("/v2/{name}/manifests/{made}")).await.expect(200);
    delete(&world, "all").await.expect(202);
    delete(&world, &digest(index.to_string().as_bytes())).await.expect(202);
    delete(&world, &made).await.expect(202);
    assert_eq!(delete(&world, &made).await.refusal().1, "NAME_UNKNOWN", "nothing is left of the image");
    // Blobs stay: nothing but Storage removes them.
    get(&world, &format!("/v2/{name}/blobs/{}", digest(b"layer"))).await.expect(200);
    let refused = send(&world, &format!("DELETE /v2/{name}/blobs/{}", digest(b"layer")), &[], "").await;
    assert_eq!((refused.status, refused.refusal().1.as_str()), (405, "UNSUPPORTED"));
}

#[tokio::test]
async fn a_tag_moves() {
    let world = World::new().await;
    let first = push_image(&world, "my-project/web", "latest", b"one").await;
    let second = push_image(&world, "my-project/web", "latest", b"two").await;
    let list = get(&world, "/v2/my-project/web/tags/list").await.expect(200).json();
    assert_eq!(list["manifest"][&first]["tag"], json!([]));
    assert_eq!(list["manifest"][&second]["tag"], json!(["latest"]));
    let pulled = get(&world, "/v2/my-project/web/manifests/latest").await.expect(200);
    assert_eq!(pulled.headers["docker-content-digest"], second);
}
