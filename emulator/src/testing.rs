//! For tests: an emulator in memory at a frozen time, spoken to over REST without a connection.

use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::kernel::{Call, Caller, Code, Mode, Result, Spec};
use crate::{Builder, Emulator, IamMode, ProjectMode};

pub struct World(pub Emulator);

/// What came back.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub body: Value,
    pub text: String,
}

impl Said {
    pub fn message(&self) -> &str {
        self.body.pointer("/error/message").and_then(Value::as_str).unwrap_or_default()
    }

    /// The canonical code of a refusal.
    pub fn code(&self) -> &str {
        self.body.pointer("/error/status").and_then(Value::as_str).unwrap_or_default()
    }

    /// The answer, which must not be a refusal.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{:#}", self.body);
        self.body
    }
}

impl World {
    pub async fn new() -> Self {
        Self::of(Builder::default()).await
    }

    pub async fn strict() -> Self {
        Self::of(Builder::default().projects(ProjectMode::Strict)).await
    }

    pub async fn enforcing() -> Self {
        Self::of(Builder::default().iam(IamMode::Enforce)).await
    }

    async fn of(builder: Builder) -> Self {
        Self(builder.frozen_at("2026-01-05T09:00:00Z").seed(7).build().await.expect("an emulator in memory"))
    }

    /// `call` as `POST /v1/…`; an empty body is none.
    pub async fn call(&self, line: &str, body: Value) -> Said {
        self.call_as("", line, body).await
    }

    /// As a caller with this token.
    pub async fn call_as(&self, token: &str, line: &str, body: Value) -> Said {
        let (method, uri) = line.split_once(' ').expect("VERB PATH");
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let said = self.send_as(token, method, uri, text).await;
        assert!(said.text.is_empty() || !said.body.is_null(), "no JSON: {}", said.text);
        said
    }

    /// A body that need not be JSON, for an answer that need not be.
    pub async fn send(&self, method: &str, uri: &str, body: impl Into<bytes::Bytes>) -> Said {
        self.send_as("", method, uri, body).await
    }

    async fn send_as(&self, token: &str, method: &str, uri: &str, body: impl Into<bytes::Bytes>) -> Said {
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("host", "127.0.0.1:8787")
            .header("authorization", format!("Bearer {token}"))
            .body(gcp_gateway::full(body.into()))
            .expect("a request");
        let answer = self.0.handle(request).await;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Said { status, body, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub async fn get(&self, path: &str) -> Said {
        self.call(&format!("GET {path}"), Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Said {
        self.call(&format!("POST {path}"), body).await
    }

    pub async fn delete(&self, path: &str) -> Said {
        self.call(&format!("DELETE {path}"), Value::Null).await
    }

    /// A call from inside, as another service makes it.
    pub async fn inside<T: Send>(&self, mode: Mode, act: impl FnOnce(&mut Call) -> Result<T> + Send) -> Result<T> {
        let spec = Spec {
            method: "test",
            api: "",
            permission: "",
            resource: String::new(),
            mode,
            caller: Caller::default(),
            base_url: String::new(),
        };
        self.0.kernel().run(spec, act).await
    }

    /// The unary methods of services with this prefix that answer UNIMPLEMENTED.
    pub async fn unimplemented(&self, prefix: &str) -> Vec<&'static str> {
        let registry = crate::services::registry();
        let mut found = Vec::new();
        for method in gcp_schema::methods().iter().filter(|method| method.path.starts_with(prefix)) {
            let mode = if method.read_only { Mode::Read } else { Mode::Write };
            let answer = self.inside(mode, |call| registry.call(method.path, call, bytes::Bytes::new())).await;
            if answer.is_err_and(|error| error.code() == Code::Unimplemented) {
                found.push(method.path);
            }
        }
        found
    }
}
