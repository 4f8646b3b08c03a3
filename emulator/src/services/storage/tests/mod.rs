//! Stories over REST, each naming the row of the reference that it plays.

mod bad_input;
mod callers;
mod copies;
mod customer_keys;
mod encryption;
mod keys;
mod lists;
mod objects;
mod policy;
mod refusals;
mod soft_delete;
mod unusable;
mod uploads;
mod xml;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::builder::Builder;
use crate::handle::Emulator;

pub const PROJECT: &str = "my-project";
pub const DENIED: &str = "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to use this key.";
pub const DISABLED: &str = "Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.";

/// An emulator and how tests speak to it.
pub struct World {
    pub emulator: Emulator,
}

/// An answer, whole.
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> String {
        let all: Vec<_> = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        all.join(",")
    }

    /// Status, `errors[0].reason` and message, as the tables of the reference list them.
    pub fn refusal(&self) -> (u16, String, String) {
        let json = self.json();
        let text = |at: &str| json.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        (self.status, text("/error/errors/0/reason"), text("/error/message"))
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
        self.json()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, reason: &str, message: &str) {
        assert_eq!(self.refusal(), (status, reason.to_owned(), message.to_owned()), "{}", self.text());
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Builder::default()).await
    }

    pub async fn with(builder: Builder) -> Self {
        let emulator = builder.frozen_at("2026-01-05T09:00:00Z").seed(7).build().await.expect("an emulator");
        Self { emulator }
    }

    /// A request whose body has its length said, unless the headers say it.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        let body = body.into();
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        if !body.is_empty() && headers.iter().all(|(name, _)| *name != "content-length") {
            headers.push(("content-length", &length));
        }
        self.stream(method, path, &headers, gcp_gateway::full(body)).await
    }

    pub async fn stream(&self, method: &str, path: &str, headers: &[(&str, &str)], body: gcp_gateway::Body) -> Reply {
        let mut request = http::Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "127.0.0.1:8787");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a request");
        let (parts, body) = self.emulator.handle(request).await.into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        self.send(method, path, &[("content-type", "application/json")], body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, Value::Null).await
    }

    /// A key in `location` of `project`; nobody may use it yet.
    pub async fn key_in(&self, project: &str, location: &str, id: &str) -> String {
        let place = format!("projects/{project}/locations/{location}");
        self.call("POST", &format!("/v1/{place}/keyRings?keyRingId=ring"), json!({})).await;
        let ring = format!("{place}/keyRings/ring");
        let body = json!({"purpose": "ENCRYPT_DECRYPT"});
        self.call("POST", &format!("/v1/{ring}/cryptoKeys?cryptoKeyId={id}"), body).await.ok();
        format!("{ring}/cryptoKeys/{id}")
    }

    /// Gives the Storage agent of `my-project` a role on a key, a ring or a project; an empty role takes all back.
    pub async fn grant(&self, resource: &str, role: &str) {
        let account = self.get(&format!("/storage/v1/projects/{PROJECT}/serviceAccount")).await.ok();
        let member = format!("serviceAccount:{}", account["email_address"].as_str().expect("an address"));
        let bindings = if role.is_empty() { json!([]) } else { json!([{"role": role, "members": [member]}]) };
        self.call("POST", &format!("/v1/{resource}:setIamPolicy"), json!({"policy": {"bindings": bindings}}))
            .await
            .ok();
    }

    /// A key in `us` that Storage may use.
    pub async fn key(&self, id: &str) -> String {
        let key = self.key_in(PROJECT, "us", id).await;
        self.grant(&key, "roles/cloudkms.cryptoKeyEncrypterDecrypter").await;
        key
    }

    pub async fn version(&self, key: &str, number: u32, state: &str) {
        let path = format!("/v1/{key}/cryptoKeyVersions/{number}?updateMask=state");
        self.call("PATCH", &path, json!({"state": state})).await.ok();
    }

    pub async fn bucket(&self, name: &str) {
        self.create_bucket(json!({"name": name})).await.ok();
    }

    pub async fn bucket_with_key(&self, name: &str, key: &str) {
        self.create_bucket(json!({"name": name, "encryption": {"defaultKmsKeyName": key}})).await.ok();
    }

    pub async fn create_bucket(&self, body: Value) -> Reply {
        self.call("POST", &format!("/storage/v1/b?project={PROJECT}"), body).await
    }

    /// Uploads with `uploadType=media`; `more` is more of the query.
    pub async fn put(&self, bucket: &str, name: &str, more: &str, body: impl Into<Bytes>) -> Reply {
        let path = format!("/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}{more}");
        let body = body.into();
        let length = body.len().to_string();
        let mut headers = vec![("content-type", "text/plain")];
        if body.is_empty() {
            headers.push(("content-length", &length));
        }
        self.send("POST", &path, &headers, body).await
    }

    pub async fn read(&self, bucket: &str, name: &str) -> Reply {
        self.get(&format!("/download/storage/v1/b/{bucket}/o/{name}?alt=media")).await
    }

    pub async fn object(&self, bucket: &str, name: &str) -> Reply {
        self.get(&format!("/storage/v1/b/{bucket}/o/{name}")).await
    }

    pub async fn names(&self, bucket: &str, query: &str) -> Vec<String> {
        let listing = self.get(&format!("/storage/v1/b/{bucket}/o?{query}")).await.ok();
        let items = listing["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What a refusal must leave alone: the bucket, and every object in it, noncurrent ones too.
    pub async fn picture(&self, bucket: &str) -> Value {
        let path = format!("/storage/v1/b/{bucket}");
        let fields = "fields=items(name,generation,metageneration,kmsKeyName,metadata)";
        json!([
            self.get(&path).await.json(),
            self.get(&format!("{path}/iam")).await.json(),
            self.get(&format!("{path}/o?versions=true&{fields}")).await.json(),
        ])
    }

    /// A multipart upload.
    pub async fn put_parts(&self, bucket: &str, more: &str, metadata: Value, bytes: &str) -> Reply {
        let path = format!("/upload/storage/v1/b/{bucket}/o?uploadType=multipart{more}");
        let body = format!("--b\r\n\r\n{metadata}\r\n--b\r\ncontent-type: text/plain\r\n\r\n{bytes}\r\n--b--");
        self.send("POST", &path, &[("content-type", "multipart/related; boundary=b")], body).await
    }

    pub async fn destroy(&self, version: &str) {
        self.call("POST", &format!("/v1/{version}:destroy"), json!({})).await.ok();
    }

    /// A month, and what falls due in it: destruction.
    pub async fn wait_a_month(&self) {
        self.emulator.advance(std::time::Duration::from_hours(31 * 24)).await.expect("a moved clock");
    }

    pub async fn set_policy(&self, constraint: &str, spec: Value) -> Reply {
        let name = format!("projects/{PROJECT}/policies/{constraint}");
        let body = json!({"name": name, "spec": spec});
        self.call("POST", &format!("/v2/projects/{PROJECT}/policies"), body).await
    }

    /// `gcp.restrictNonCmekServices` names Storage.
    pub async fn require_cmek(&self) {
        let spec = json!({"rules": [{"values": {"deniedValues": ["storage.googleapis.com"]}}]});
        self.set_policy("gcp.restrictNonCmekServices", spec).await.ok();
    }

    /// `gcp.restrictCmekCryptoKeyProjects` allows keys of one project only.
    pub async fn allow_keys_of(&self, project: &str) {
        let spec = json!({"rules": [{"values": {"allowedValues": [format!("projects/{project}")]}}]});
        self.set_policy("gcp.restrictCmekCryptoKeyProjects", spec).await.ok();
    }
}
