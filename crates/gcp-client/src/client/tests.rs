//! Calls against a script: what is asked, how often, and as whom.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::Stage;
use crate::scripted::{Answer, Script, client, client_of, headers};

const GET_TOPIC: &str = "/google.pubsub.v1.Publisher/GetTopic";
const STORAGE: &str = "storage.googleapis.com";

fn topic() -> gcp_schema::pubsub::GetTopicRequest {
    gcp_schema::pubsub::GetTopicRequest { topic: "projects/p/topics/gcr".into() }
}

fn said(status: u16, body: &str) -> Answer {
    Answer::Said(status, HeaderMap::new(), body.to_owned())
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_refusal_is_not() {
    let (busy, script) = client(&[(503, ""), (429, ""), (200, r#"{"name":"t","brandNew":1}"#)]);
    let topic: gcp_schema::pubsub::Topic = busy.call(GET_TOPIC, &topic()).await.unwrap();
    assert_eq!(topic.name, "t");
    assert_eq!(script.asked(), ["GET https://pubsub.googleapis.com/v1/projects/p/topics/gcr"; 3]);

    let (refusing, script) = client(&[(403, r#"{"error":{"message":"no","status":"PERMISSION_DENIED"}}"#)]);
    let error = refusing.json(STORAGE, "GET", "/storage/v1/b/x", None).await.unwrap_err();
    assert_eq!((error.code(), error.attempts(), script.asked().len()), (Code::PermissionDenied, 1, 1));
}

#[tokio::test]
async fn patience_ends_and_the_error_says_after_how_many_attempts() {
    let (client, script) = client(&[(500, ""); 9]);
    let error = client.json(STORAGE, "GET", "/x", None).await.unwrap_err();
    assert_eq!((error.attempts(), script.asked().len(), script.waits().len()), (5, 5, 4));
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_not_said_twice() {
    let body = json!({"name": "b"});
    for (verb, path, times) in [
        ("POST", "/storage/v1/b?project=p", 1),
        ("PUT", "/v1/projects/p/topics/t", 1),
        ("PATCH", "/storage/v1/b/x", 1),
        ("PATCH", "/storage/v1/b/x?ifMetagenerationMatch=1", 2),
        ("POST", "/upload/storage/v1/b/x/o?ifGenerationMatch=0", 2),
        ("DELETE", "/storage/v1/b/x", 2),
    ] {
        let script = Script::of([Answer::Broken(Stage::Lost), said(200, "{}")]);
        let outcome = client_of(&script, Credentials::None).json(STORAGE, verb, path, Some(&body)).await;
        assert_eq!((outcome.is_ok(), script.asked().len()), (times == 2, times), "{verb} {path}");
    }
    let script = Script::of([Answer::Broken(Stage::Unsent), said(200, "{}")]);
    client_of(&script, Credentials::None).json(STORAGE, "POST", "/storage/v1/b", Some(&body)).await.unwrap();
    assert_eq!(script.asked().len(), 2, "it had not left");
}

#[tokio::test]
async fn a_policy_with_an_etag_may_be_said_again_and_one_without_may_not() {
    use gcp_schema::iam::{Policy, SetIamPolicyRequest};
    for (etag, times) in [(&b"abc"[..], 2), (b"", 1)] {
        let script = Script::of([said(502, ""), said(200, "{}")]);
        let request = SetIamPolicyRequest {
            resource: "projects/p/locations/us/keyRings/r".into(),
            policy: Some(Policy { etag: etag.to_vec().into(), ..Policy::default() }),
            ..SetIamPolicyRequest::default()
        };
        let client = client_of(&script, Credentials::None);
        let outcome = client.call::<_, Policy>("/google.iam.v1.IAMPolicy/SetIamPolicy", &request).await;
        assert_eq!((outcome.is_ok(), script.asked().len()), (times == 2, times));
    }
}

#[tokio::test]
async fn the_service_says_how_long_to_wait() {
    let script = Script::of([Answer::Said(429, headers(&[("retry-after", "11")]), String::new()), said(200, "{}")]);
    client_of(&script, Credentials::None).json(STORAGE, "POST", "/x", None).await.unwrap();
    let waited = script.waits()[0];
    assert!(waited >= Duration::from_secs(11) && waited <= Duration::from_secs(12), "{waited:?}");
}

#[tokio::test]
async fn calls_side_by_side_do_not_wait_in_step() {
    let script = Script::of((0..6).map(|index| if index % 2 == 0 { said(503, "") } else { said(200, "{}") }));
    let client = client_of(&script, Credentials::None);
    for _ in 0..3 {
        client.json(STORAGE, "GET", "/x", None).await.unwrap();
    }
    let waits = script.waits();
    assert!(waits[0] != waits[1] && waits[1] != waits[2], "{waits:?}");
}

#[tokio::test]
async fn who_we_are_and_who_pays_goes_with_every_call() {
    let script = Script::of([said(200, "{}")]);
    let client = client_of(&script, Credentials::Token("ya29".to_owned()))
        .with_quota_project(Some("payer".to_owned()))
        .with_user_agent("cmek/1.2.3")
        .with_request_reason(Some("ticket 7"))
        .with_trace_token(Some("token:abc"));
    client.json(STORAGE, "GET", "/x", None).await.unwrap();
    for (name, value) in [
        ("authorization", "Bearer ya29"),
        ("x-goog-user-project", "payer"),
        ("user-agent", "cmek/1.2.3"),
        ("x-goog-request-reason", "ticket 7"),
        ("cookie", "token:abc"),
    ] {
        assert_eq!(script.header(0, name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_read_is_sent_elsewhere_without_its_credentials() {
    let to = |location: &str| Answer::Said(302, headers(&[("location", location)]), String::new());
    let token = || Credentials::Token("ya29".to_owned());
    let script = Script::of([to("https://storage.example.com/signed?x=1"), said(200, "blob")]);
    let (_, body) = client_of(&script, token())
        .send("GET", "https://gcr.io/v2/p/blobs/d", HeaderMap::new(), Bytes::new())
        .await
        .unwrap();
    assert_eq!(body, "blob");
    assert_eq!(script.asked()[1], "GET https://storage.example.com/signed?x=1");
    assert_eq!((script.header(0, "authorization").is_some(), script.header(1, "authorization")), (true, None));

    let script = Script::of([to("/v2/p/elsewhere"), said(200, "{}")]);
    client_of(&script, token()).json("gcr.io", "GET", "/v2/p", None).await.unwrap();
    assert_eq!(script.asked()[1], "GET https://gcr.io/v2/p/elsewhere");
    assert!(script.header(1, "authorization").is_some(), "the same host");

    for (verb, location, words) in [
        ("POST", "https://gcr.io/v2/q", "which is not followed"),
        ("GET", "http://gcr.io/v2/p", "where nothing is encrypted"),
    ] {
        let script = Script::of([to(location)]);
        let error = client_of(&script, token()).json("gcr.io", verb, "/v2/p", None).await.unwrap_err();
        assert!(error.message().contains(words), "{error}");
        assert_eq!(script.asked().len(), 1);
    }
    let script = Script::of((0..9).map(|_| to("/again")));
    let error = client_of(&script, token()).json("gcr.io", "GET", "/again", None).await.unwrap_err();
    assert!(error.message().contains("round and round"), "{error}");
}

#[tokio::test]
async fn credentials_go_in_clear_only_where_that_was_said() {
    let script = Script::of([said(200, "{}"), said(200, "{}")]);
    let with_token = client_of(&script, Credentials::Token("ya29".to_owned()));
    let error = with_token.send("GET", "http://gcr.io/v2/", HeaderMap::new(), Bytes::new()).await.unwrap_err();
    assert!(error.message().contains("not sent in clear"), "{error}");
    assert!(script.asked().is_empty());

    let nobody = client_of(&script, Credentials::None);
    nobody.send("GET", "http://127.0.0.1:9/", HeaderMap::new(), Bytes::new()).await.unwrap();
    let mut endpoints = Endpoints::google();
    endpoints.set("STORAGE", "http://10.0.0.1:80/");
    let told = with_token.with(|parts| parts.endpoints = endpoints);
    told.json(STORAGE, "GET", "/x", None).await.unwrap();
    assert_eq!(script.header(1, "authorization").as_deref(), Some("Bearer ya29"));
}

#[tokio::test]
async fn a_service_account_is_acted_as_over_its_delegates_and_its_token_is_kept() {
    let minted = r#"{"accessToken": "short-lived", "expireTime": "2026-01-05T10:00:00Z"}"#;
    let script = Script::of([said(200, minted), said(200, "{}"), said(200, "{}")]);
    let own = client_of(&script, Credentials::Token("own".to_owned()));
    let acting =
        own.clone().with_credentials(Credentials::impersonated(own, "c@p.iam", &["a@p.iam".into(), "b@p.iam".into()]));
    acting.json(STORAGE, "GET", "/x", None).await.unwrap();
    acting.json(STORAGE, "GET", "/y", None).await.unwrap();
    assert_eq!(
        script.asked()[0],
        "POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/c@p.iam:generateAccessToken"
    );
    let body: Value = serde_json::from_str(&script.body(0)).unwrap();
    assert_eq!(
        body,
        json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "3600s",
            "delegates": ["projects/-/serviceAccounts/a@p.iam", "projects/-/serviceAccounts/b@p.iam"]})
    );
    let tokens = [0, 1, 2].map(|index| script.header(index, "authorization").unwrap());
    assert_eq!(tokens, ["Bearer own", "Bearer short-lived", "Bearer short-lived"]);
}

#[tokio::test]
async fn a_token_near_its_end_is_replaced() {
    let script = Script::of([
        said(200, r#"{"accessToken": "one"}"#),
        said(200, "{}"),
        said(200, r#"{"accessToken": "two"}"#),
        said(200, "{}"),
    ]);
    let own = client_of(&script, Credentials::None);
    let acting = own.clone().with_credentials(Credentials::impersonated(own, "c@p.iam", &[]));
    acting.json(STORAGE, "GET", "/x", None).await.unwrap();
    acting.timer().sleep(Duration::from_mins(56)).await;
    acting.json(STORAGE, "GET", "/x", None).await.unwrap();
    assert_eq!(script.header(3, "authorization").as_deref(), Some("Bearer two"));
}

#[tokio::test]
async fn whoever_may_not_act_as_the_account_is_told_what_is_missing() {
    let denied = r#"{"error": {"message": "Permission 'iam.serviceAccounts.getAccessToken' denied.", "status": "PERMISSION_DENIED"}}"#;
    let script = Script::of([said(403, denied)]);
    let own = client_of(&script, Credentials::Token("own".to_owned()));
    let acting = own.clone().with_credentials(Credentials::impersonated(own, "c@p.iam", &[]));
    let error = acting.json(STORAGE, "GET", "/x", None).await.unwrap_err();
    assert_eq!(error.code(), Code::PermissionDenied);
    assert!(error.message().starts_with("Failed to impersonate [c@p.iam]. Make sure"), "{error}");
    assert!(error.message().ends_with("getAccessToken' denied."), "{error}");
    assert_eq!(script.asked().len(), 1);
}
