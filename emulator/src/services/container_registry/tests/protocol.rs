//! Reference 7.2, row by row: each call of the protocol, its status, its headers and its refusal.

use super::*;

const NAME: &str = "my-project/web";

/// The media types of 7.2, and a manifest of each; `MADE` is the digest of an image that is there.
fn of_type(media: &str, made: &str) -> String {
    let blob = digest(b"layer");
    match media {
        "application/vnd.docker.distribution.manifest.v1+json"
        | "application/vnd.docker.distribution.manifest.v1+prettyjws" => {
            json!({"schemaVersion": 1, "name": NAME, "tag": "t", "fsLayers": [{"blobSum": blob}], "history": []})
        }
        "application/vnd.docker.distribution.manifest.list.v2+json" | INDEX => {
            json!({"schemaVersion": 2, "mediaType": media, "manifests": [{"mediaType": MANIFEST, "digest": made, "size": 9}]})
        }
        // Type in the header only, as OCI allows.
        _ => json!({"schemaVersion": 2, "config": {"digest": digest(b"{}"), "size": 2},
            "layers": [{"digest": blob, "size": 5}]}),
    }
    .to_string()
}

#[tokio::test]
async fn every_media_type_comes_back_as_it_was_pushed() {
    let world = World::new().await;
    let made = push_image(&world, NAME, "v1", b"layer").await;
    for (at, media) in [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        MANIFEST,
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        INDEX,
    ]
    .into_iter()
    .enumerate()
    {
        let (text, tag) = (of_type(media, &made), format!("t{at}"));
        let put = push_manifest(&world, NAME, &tag, &format!("{media}; charset=utf-8"), &text).await.expect(201);
        let name = digest(text.as_bytes());
        assert_eq!(put.headers["docker-content-digest"], name, "{media}");
        assert_eq!(put.headers["location"], format!("/v2/{NAME}/manifests/{name}"), "{media}");
        for reference in [&tag, &name] {
            let got = get(&world, &format!("/v2/{NAME}/manifests/{reference}")).await.expect(200);
            assert_eq!((got.headers["content-type"].as_str(), &got.bytes[..]), (media, text.as_bytes()));
            let head = send(&world, &format!("HEAD /v2/{NAME}/manifests/{reference}"), &[], "").await.expect(200);
            assert_eq!((head.headers["docker-content-digest"].as_str(), head.bytes.len()), (name.as_str(), 0));
        }
    }
}

#[tokio::test]
async fn each_call_has_its_status() {
    let world = World::new().await;
    let made = push_image(&world, NAME, "v1", b"layer").await;
    let (blob, other) = (digest(b"layer"), digest(b"other"));
    let uploads = format!("/v2/{NAME}/blobs/uploads/");
    let open = send(&world, &format!("POST {uploads}"), &[], "").await.expect(202);
    let location = open.headers["location"].clone();
    assert!(location.contains('?'), "the digest is added to a query that is there already");
    let id = open.headers["docker-upload-uuid"].clone();
    let rows = [
        ("a blob that is there", format!("HEAD /v2/{NAME}/blobs/{blob}"), 200, ""),
        ("a blob that is not", format!("HEAD /v2/{NAME}/blobs/{other}"), 404, "BLOB_UNKNOWN"),
        ("a blob that is not", format!("GET /v2/{NAME}/blobs/{other}"), 404, "BLOB_UNKNOWN"),
        ("a blob of a project without images", format!("GET /v2/other-project/web/blobs/{blob}"), 404, "BLOB_UNKNOWN"),
        ("mounted", format!("POST {uploads}?mount={blob}&from=my-project/else"), 201, ""),
        ("not mounted", format!("POST {uploads}?mount={other}&from=my-project/else"), 202, ""),
        ("how far an upload is", format!("GET {location}"), 204, ""),
        ("an upload that is not there", format!("PATCH {uploads}none"), 404, "BLOB_UPLOAD_UNKNOWN"),
        ("an upload of another image of the host", format!("GET /v2/my-project/other/blobs/uploads/{id}"), 204, ""),
        (
            "an upload of another host",
            format!("GET /v2/eu.gcr.io/{NAME}/blobs/uploads/{id}"),
            404,
            "BLOB_UPLOAD_UNKNOWN",
        ),
        ("a tag that is not there", format!("GET /v2/{NAME}/manifests/v9"), 404, "MANIFEST_UNKNOWN"),
        ("a digest that is not there", format!("GET /v2/{NAME}/manifests/{other}"), 404, "MANIFEST_UNKNOWN"),
        ("an image that is not there", "GET /v2/my-project/none/manifests/v1".to_owned(), 404, "NAME_UNKNOWN"),
        ("an image that is not there", "DELETE /v2/my-project/none/manifests/v1".to_owned(), 404, "NAME_UNKNOWN"),
        ("a tag to delete that is not there", format!("DELETE /v2/{NAME}/manifests/v9"), 404, "MANIFEST_UNKNOWN"),
        ("a digest with a tag", format!("DELETE /v2/{NAME}/manifests/{made}"), 400, "GOOGLE_MANIFEST_DANGLING_TAG"),
        ("a blob to delete", format!("DELETE /v2/{NAME}/blobs/{blob}"), 405, "UNSUPPORTED"),
        ("a list to delete", format!("DELETE /v2/{NAME}/tags/list"), 405, "UNSUPPORTED"),
        ("a manifest to post", format!("POST /v2/{NAME}/manifests/v1"), 405, "UNSUPPORTED"),
        ("a tag", format!("DELETE /v2/{NAME}/manifests/v1"), 202, ""),
        ("what it pointed at", format!("GET /v2/{NAME}/manifests/{made}"), 200, ""),
        ("a digest without a tag", format!("DELETE /v2/{NAME}/manifests/{made}"), 202, ""),
        ("an upload given up", format!("DELETE {location}"), 204, ""),
        ("an upload given up twice", format!("DELETE {location}"), 404, "BLOB_UPLOAD_UNKNOWN"),
    ];
    for (row, line, status, code) in rows {
        let answer = send(&world, &line, &[], "").await;
        assert_eq!(answer.status, status, "{row}: {line}");
        if !code.is_empty() {
            let (_, found, text) = answer.refusal();
            assert!(found == code && !text.is_empty(), "{row}: {found} {text}");
        }
    }
}

/// 7.2, the catalogue: pages with a link to the next.
#[tokio::test]
async fn a_catalogue_comes_in_pages() {
    let world = World::new().await;
    for name in
        ["my-project/web", "my-project/web/api", "my-project/db", "eu.gcr.io/my-project/far", "example.com/my-shop/a"]
    {
        push_image(&world, name, "v1", b"layer").await;
    }
    // An upload alone is no image.
    push_blob(&world, "my-project/empty", b"x").await.expect(201);
    let all =
        ["eu.gcr.io/my-project/far", "example.com/my-shop/a", "my-project/db", "my-project/web", "my-project/web/api"];
    assert_eq!(get(&world, "/v2/_catalog?n=100").await.expect(200).json(), json!({"repositories": all}));
    for size in 1..=5 {
        let (mut path, mut found, mut pages) = (format!("/v2/_catalog?n={size}"), Vec::new(), 0);
        loop {
            let page = get(&world, &path).await.expect(200);
            let names = page.json()["repositories"].as_array().expect("a list").clone();
            assert!(names.len() <= size);
            found.extend(names);
            pages += 1;
            let Some(link) = page.headers.get("link") else { break };
            path = link
                .strip_prefix('<')
                .and_then(|rest| rest.strip_suffix(">; rel=\"next\""))
                .expect("a link")
                .to_owned();
        }
        assert_eq!((json!(found), pages), (json!(all), all.len().div_ceil(size)), "{size} a page");
    }
    // A host's own name in the address: that host alone, names as they are there.
    let request = http::Request::get("/v2/_catalog").header("host", "eu.gcr.io").body(gcp_gateway::empty()).unwrap();
    let answer = world.0.handle(request).await.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap(), json!({"repositories": ["my-project/far"]}));
    for bad in ["0", "-1", "x", "99999999999999999999"] {
        let refused = get(&world, &format!("/v2/_catalog?n={bad}")).await.refusal();
        assert_eq!((refused.0, refused.1.as_str()), (400, "PAGINATION_NUMBER_INVALID"), "{bad}");
    }
}
