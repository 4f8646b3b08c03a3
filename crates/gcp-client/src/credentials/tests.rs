//! Credential files, with the token services that they name on loopback.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::json;

use super::*;
use crate::loopback::{plain, said};

async fn headers_of(credentials: &Credentials) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    credentials.add_to(&mut headers).await.map(|()| headers)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[tokio::test]
async fn a_users_refresh_token_becomes_an_access_token_and_names_who_pays() {
    let (address, seen) =
        plain([said(200, JSON, r#"{"access_token": "ya29.user", "expires_in": 3599, "token_type": "Bearer"}"#)]).await;
    let user = json!({"type": "authorized_user", "client_id": "id", "client_secret": "s", "refresh_token": "1//r",
        "quota_project_id": "payer", "token_uri": format!("http://{address}/token")});
    let credentials = Credentials::of_file(user).unwrap();
    let headers = headers_of(&credentials).await.unwrap();
    assert_eq!((text(&headers, "authorization"), text(&headers, "x-goog-user-project")), ("Bearer ya29.user", "payer"));
    headers_of(&credentials).await.unwrap();
    assert_eq!(seen.lines(), ["POST /token"], "the token is kept");
}

#[tokio::test]
async fn a_login_that_was_revoked_is_not_tried_again() {
    let refusal = r#"{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}"#;
    let (address, seen) = plain([said(400, JSON, refusal)]).await;
    let user = json!({"type": "authorized_user", "client_id": "id", "client_secret": "s", "refresh_token": "1//r",
        "token_uri": format!("http://{address}/token")});
    let error = headers_of(&Credentials::of_file(user).unwrap()).await.unwrap_err();
    assert_eq!((error.code(), error.stage(), seen.lines().len()), (Code::Unauthenticated, Stage::Local, 1));
    assert!(error.message().contains("expired or revoked"), "{error}");
    assert_eq!(error.hint().as_deref(), Some(LOGIN));
}

#[tokio::test]
async fn a_service_account_signs_for_itself_without_any_call() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
    let account = json!({"type": "service_account", "client_email": "robot@p.iam.gserviceaccount.com",
        "private_key_id": "k1", "private_key": key, "project_id": "p"});
    let headers = headers_of(&Credentials::of_file(account).unwrap()).await.unwrap();
    let token = text(&headers, "authorization").strip_prefix("Bearer ").unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        (claims["iss"].as_str(), claims["scope"].as_str()),
        (Some("robot@p.iam.gserviceaccount.com"), Some(SCOPE))
    );
}

#[tokio::test]
async fn a_workload_exchanges_its_own_token() {
    let folder = tempfile::tempdir().unwrap();
    let subject = folder.path().join("subject");
    std::fs::write(&subject, "from the cluster").unwrap();
    let (address, seen) = plain([said(
        200,
        JSON,
        r#"{"access_token": "ya29.federated", "expires_in": 3600, "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}"#,
    )])
    .await;
    let workload = json!({"type": "external_account", "audience": "//iam.googleapis.com/projects/1/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": format!("http://{address}/v1/token"),
        "credential_source": {"file": subject}});
    let headers = headers_of(&Credentials::of_file(workload).unwrap()).await.unwrap();
    assert_eq!(text(&headers, "authorization"), "Bearer ya29.federated");
    let body = String::from_utf8(seen.requests.lock().unwrap()[0].body().to_vec()).unwrap();
    assert!(body.contains("subject_token=from+the+cluster"), "{body}");
}

#[tokio::test]
async fn a_machine_vouches_for_its_own_account() {
    let (address, seen) =
        plain([said(200, JSON, r#"{"access_token": "ya29.machine", "expires_in": 3599, "token_type": "Bearer"}"#)])
            .await;
    let headers = headers_of(&Credentials::metadata(&address.to_string()).unwrap()).await.unwrap();
    assert_eq!(text(&headers, "authorization"), "Bearer ya29.machine");
    assert_eq!(seen.header(0, "metadata-flavor").as_deref(), Some("Google"));
}

#[tokio::test]
async fn files_that_are_none_are_refused_with_the_reason() {
    for (content, words) in [
        (json!({}), "name no type"),
        (json!({"type": "gdch_service_account"}), "gdch_service_account are not supported"),
        (json!({"type": "authorized_user"}), "client_id"),
        (
            json!({"type": "service_account", "client_email": "a", "private_key_id": "k", "private_key": "x", "project_id": "p"}),
            "",
        ),
    ] {
        let kind = content["type"].to_string();
        let failed = match Credentials::of_file(content) {
            Err(error) => error,
            // Some are looked at only when a token is wanted.
            Ok(credentials) => headers_of(&credentials).await.unwrap_err(),
        };
        assert_eq!(failed.code(), Code::Unauthenticated, "{kind}");
        assert!(failed.message().contains(words), "{kind}: {failed}");
    }
    let error = headers_of(&Credentials::Token("a\nb".to_owned())).await.unwrap_err();
    assert!(error.message().contains("characters"), "{error}");
}
