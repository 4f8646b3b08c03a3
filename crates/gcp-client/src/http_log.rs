//! `--log-http`: what goes over the wire, in gcloud's blocks, without the secrets.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use crate::Timer;
use crate::redact;
use crate::transport::{Sending, Transport};

/// Takes a block at a time, so that blocks of calls side by side stay whole.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// A transport that tells.
pub struct LoggedTransport {
    inner: Arc<dyn Transport>,
    sink: Sink,
    timer: Arc<dyn Timer>,
}

impl LoggedTransport {
    pub fn new(inner: Arc<dyn Transport>, sink: Sink, timer: Arc<dyn Timer>) -> Self {
        Self { inner, sink, timer }
    }
}

impl Transport for LoggedTransport {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        let uri = request.uri().to_string();
        (self.sink)(&asked(&uri, &request));
        let begun = self.timer.now();
        Box::pin(async move {
            let answer = self.inner.send(request).await;
            let seconds = self.timer.now().saturating_sub(begun).as_secs_f64();
            (self.sink)(&match &answer {
                Ok(answer) => answered(&uri, answer, seconds),
                Err(error) => unanswered(&error.text, seconds),
            });
            answer
        })
    }
}

fn asked(uri: &str, request: &Request<Bytes>) -> String {
    let mut text = format!(
        "=======================\n==== request start ====\nuri: {}\nmethod: {}\n== headers start ==\n",
        redact::address(uri),
        request.method()
    );
    // gcloud prints bytes as Python does.
    rows(request.headers(), |name, value, hidden| match hidden {
        Some(instead) => format!("b'{name}': {instead}"),
        None => format!("b'{name}': b'{value}'"),
    })
    .for_each(|row| text.push_str(&row));
    let body = redact::body(uri, request.headers(), request.body());
    let _ = write!(text, "== headers end ==\n== body start ==\n{body}\n== body end ==\n==== request end ====\n");
    text
}

fn answered(uri: &str, answer: &Response<Bytes>, seconds: f64) -> String {
    let mut text = format!("---- response start ----\nstatus: {}\n-- headers start --\n", answer.status().as_u16());
    rows(answer.headers(), |name, value, hidden| format!("{name}: {}", hidden.unwrap_or(value)))
        .for_each(|row| text.push_str(&row));
    let body = redact::body(uri, answer.headers(), answer.body());
    let _ = write!(text, "-- headers end --\n-- body start --\n{body}\n-- body end --\n{}", ending(seconds));
    text
}

/// gcloud breaks off here; we say what came instead of an answer.
fn unanswered(error: &str, seconds: f64) -> String {
    format!("---- response start ----\nno answer: {error}\n{}", ending(seconds))
}

fn ending(seconds: f64) -> String {
    format!(
        "total round trip time (request+response): {seconds:.3} secs\n---- response end ----\n----------------------\n"
    )
}

fn rows(headers: &HeaderMap, row: impl Fn(&str, &str, Option<&'static str>) -> String) -> impl Iterator<Item = String> {
    let mut sorted: Vec<_> = headers.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    sorted
        .into_iter()
        .map(|(name, value)| {
            let shown = String::from_utf8_lossy(value.as_bytes()).into_owned();
            row(name.as_str(), &shown, redact::of_header(name, value)) + "\n"
        })
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;
    use crate::scripted::{Answer, Script, headers};
    use crate::{Client, Credentials, Endpoints, ManualTimer, Stage};

    #[tokio::test]
    async fn a_call_is_told_in_gclouds_blocks_without_its_token() {
        let body = r#"{"name":"k","plaintext":"c2VjcmV0"}"#.to_owned();
        let script = Script::of([
            Answer::Broken(Stage::Unsent),
            Answer::Said(200, headers(&[("content-type", "application/json"), ("x-z", "1")]), body),
        ]);
        let told = Arc::new(Mutex::new(String::new()));
        let sink: Sink = {
            let told = Arc::clone(&told);
            Arc::new(move |block| told.lock().unwrap().push_str(block))
        };
        let timer: Arc<dyn Timer> = Arc::new(ManualTimer::default());
        let inner = Arc::clone(&script) as Arc<dyn Transport>;
        let logged = LoggedTransport::new(inner, sink, Arc::clone(&timer));
        let client = Client::new(Arc::new(logged), Endpoints::google(), Credentials::Token("ya29.secret".to_owned()))
            .with_user_agent("cmek/0")
            .with_timer(timer);
        client
            .json("cloudkms.googleapis.com", "POST", "/v1/k:decrypt", Some(&json!({"ciphertext": "x"})))
            .await
            .unwrap();
        let request = "=======================
==== request start ====
uri: https://cloudkms.googleapis.com/v1/k:decrypt
method: POST
== headers start ==
b'authorization': --- Token Redacted ---
b'content-type': b'application/json'
b'user-agent': b'cmek/0'
== headers end ==
== body start ==
{\"ciphertext\":\"x\"}
== body end ==
==== request end ====
";
        let expected = format!(
            "{request}---- response start ----
no answer: broken
total round trip time (request+response): 0.000 secs
---- response end ----
----------------------
{request}---- response start ----
status: 200
-- headers start --
content-type: application/json
x-z: 1
-- headers end --
-- body start --
{{\"name\":\"k\",\"plaintext\":\"--- Secret Redacted ---\"}}
-- body end --
total round trip time (request+response): 0.000 secs
---- response end ----
----------------------
"
        );
        assert_eq!(*told.lock().unwrap(), expected);
    }
}
