//! What goes over the wire, without the secrets: in gcloud's blocks for `--log-http`, or in a line for each call.

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
    brief: bool,
}

impl LoggedTransport {
    pub fn new(inner: Arc<dyn Transport>, sink: Sink, timer: Arc<dyn Timer>) -> Self {
        Self { inner, sink, timer, brief: false }
    }

    /// One line for each call, without headers and bodies.
    #[must_use]
    pub fn brief(self) -> Self {
        Self { brief: true, ..self }
    }
}

impl Transport for LoggedTransport {
    fn send(&self, request: Request<Bytes>) -> Sending<'_> {
        let uri = request.uri().to_string();
        let method = request.method().clone();
        if !self.brief {
            (self.sink)(&asked(&uri, &request));
        }
        let begun = self.timer.now();
        Box::pin(async move {
            let answer = self.inner.send(request).await;
            let seconds = self.timer.now().saturating_sub(begun).as_secs_f64();
            (self.sink)(&match &answer {
                _ if self.brief => {
                    let outcome =
                        answer.as_ref().map_or_else(|error| error.text.clone(), |said| said.status().to_string());
                    format!("{method} {}: {outcome}, {seconds:.3} s", redact::address(&uri))
                }
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

    #[tokio::test]
    async fn a_call_is_a_line_and_so_is_its_repetition() {
        let script = Script::of([
            Answer::Broken(Stage::Unsent),
            Answer::Said(503, headers(&[("retry-after", "2")]), String::new()),
            Answer::Said(200, headers(&[("content-type", "application/json")]), "{}".to_owned()),
        ]);
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink: Sink = {
            let told = Arc::clone(&told);
            Arc::new(move |line| told.lock().unwrap().push(line.to_owned()))
        };
        let timer: Arc<dyn Timer> = Arc::new(ManualTimer::default());
        let inner = Arc::clone(&script) as Arc<dyn Transport>;
        let logged = LoggedTransport::new(inner, Arc::clone(&sink), Arc::clone(&timer)).brief();
        let client = Client::new(Arc::new(logged), Endpoints::google(), Credentials::Token("ya29.secret".to_owned()))
            .with_timer(timer)
            .with_notice(sink);
        client.json("cloudkms.googleapis.com", "GET", "/v1/k", None).await.unwrap();
        let told = told.lock().unwrap();
        let url = "https://cloudkms.googleapis.com/v1/k";
        assert_eq!(told.len(), 5, "{told:#?}");
        assert_eq!(told[0], format!("GET {url}: broken, 0.000 s"));
        assert!(told[1].starts_with("UNAVAILABLE: broken; asking again in "), "{}", told[1]);
        assert_eq!(told[2], format!("GET {url}: 503 Service Unavailable, 0.000 s"));
        assert!(told[3].starts_with("UNAVAILABLE: ") && told[3].contains("; asking again in 2."), "{}", told[3]);
        assert_eq!(told[4], format!("GET {url}: 200 OK, 0.000 s"));
    }
}
