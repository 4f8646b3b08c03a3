//! The client: typed calls by the route table, plain JSON for Storage and the registry, retries for both.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message;
use prost_reflect::DynamicMessage;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;
use serde_json::Value;

use crate::encode::encode;
use crate::error::from_answer;
use crate::{Code, Credentials, Endpoints, Error, Transport};

/// When and how often a call is said again. Jitter comes from the seed, so that a test waits for nothing unknown.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    pub attempts: u32,
    pub first: Duration,
    pub most: Duration,
    pub seed: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(200), most: Duration::from_secs(20), seed: 0 }
    }
}

#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    endpoints: Endpoints,
    credentials: Arc<Credentials>,
    quota_project: Option<String>,
    retry: Retry,
}

impl Client {
    pub fn new(transport: Arc<dyn Transport>, endpoints: Endpoints, credentials: Credentials) -> Self {
        Self { transport, endpoints, credentials: Arc::new(credentials), quota_project: None, retry: Retry::default() }
    }

    #[must_use]
    pub fn with_quota_project(mut self, project: Option<String>) -> Self {
        self.quota_project = project;
        self
    }

    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// A method of the route table: `/google.cloud.kms.v1.KeyManagementService/GetCryptoKey`.
    pub async fn call<Req: Message, Res: Message + Default>(&self, path: &str, request: &Req) -> Result<Res, Error> {
        let method = gcp_schema::method(path).ok_or_else(|| Error::internal(format!("there is no method {path}")))?;
        let (rule, said) = encode(method, &request.encode_to_vec())?;
        let query: Vec<String> = said
            .query
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        let mut url = format!("{}{}", self.endpoints.of(rule.api), said.path);
        if !query.is_empty() {
            url = format!("{url}?{}", query.join("&"));
        }
        let body = said.body.map(|value| value.to_string()).unwrap_or_default();
        let (_, answer) = self.send(rule.verb.as_str(), &url, HeaderMap::new(), body.into()).await?;
        let broken = |error: String| Error::internal(format!("an answer of {path} that cannot be read: {error}"));
        let descriptor =
            gcp_schema::pool().get_message_by_name(method.output).ok_or_else(|| broken("no descriptor".to_owned()))?;
        let value: Value = serde_json::from_slice(&answer).map_err(|error| broken(error.to_string()))?;
        // Google adds fields before we know of them.
        let options = prost_reflect::DeserializeOptions::new().deny_unknown_fields(false);
        DynamicMessage::deserialize_with_options(descriptor, value, &options)
            .map_err(|error| broken(error.to_string()))?
            .transcode_to()
            .map_err(|error| broken(error.to_string()))
    }

    /// JSON in, JSON out, of an API by its path. An empty answer is null.
    pub async fn json(&self, api: &str, verb: &str, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let url = format!("{}{path}", self.endpoints.of(api));
        let text = body.map(ToString::to_string).unwrap_or_default();
        let (_, answer) = self.send(verb, &url, HeaderMap::new(), text.into()).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer)
            .map_err(|error| Error::internal(format!("{url}: the answer is no JSON: {error}")))
    }

    /// Bytes to any address, with the client's credentials.
    pub async fn send(
        &self,
        verb: &str,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(HeaderMap, Bytes), Error> {
        let mut jitter = ChaCha12Rng::seed_from_u64(self.retry.seed);
        let mut wait = self.retry.first;
        let mut attempt = 1;
        loop {
            let outcome = self.once(verb, url, headers.clone(), body.clone()).await;
            let (error, after) = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            // A POST may have been carried out though its answer was lost: it is said again only when it surely was not.
            let again = match error.http_status() {
                429 | 503 => true,
                500 | 502 | 504 => verb != "POST",
                _ => false,
            };
            if !again || attempt >= self.retry.attempts {
                return Err(error);
            }
            let share = jitter.next_u32() % 1000;
            let pause = after.unwrap_or(wait).min(self.retry.most);
            tokio::time::sleep(pause / 2 + pause * share / 2000).await;
            wait = (wait * 2).min(self.retry.most);
            attempt += 1;
        }
    }

    async fn once(
        &self,
        verb: &str,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(HeaderMap, Bytes), (Error, Option<Duration>)> {
        let unsaid = |error: String| (Error::internal(error), None);
        let mut request = Request::new(body);
        *request.method_mut() = verb.parse().map_err(|_| unsaid(format!("no HTTP verb {verb}")))?;
        *request.uri_mut() = url.parse().map_err(|_| unsaid(format!("no address {url}")))?;
        *request.headers_mut() = headers;
        if !request.body().is_empty() && !request.headers().contains_key(http::header::CONTENT_TYPE) {
            request
                .headers_mut()
                .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        }
        if request.method() == http::Method::POST && request.body().is_empty() {
            request.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from_static("0"));
        }
        if let Some(project) = &self.quota_project
            && let Ok(value) = project.parse()
        {
            request.headers_mut().insert("x-goog-user-project", value);
        }
        // Without credentials nothing can be tried again with more success.
        self.credentials
            .add_to(request.headers_mut())
            .await
            .map_err(|error| (Error::new(Code::Unauthenticated, error.to_string()), None))?;
        let answer = self
            .transport
            .send(request)
            .await
            .map_err(|error| (Error::new(Code::Unavailable, error.to_string()), None))?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            let (parts, body) = answer.into_parts();
            return Ok((parts.headers, body));
        }
        let after = answer
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs);
        Err((from_answer(status, answer.body()), after))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::transport::Sending;

    /// Answers from a list and keeps what was asked.
    struct Script {
        answers: Mutex<Vec<(u16, &'static str)>>,
        asked: Mutex<Vec<String>>,
    }

    impl Transport for Script {
        fn send(&self, request: Request<Bytes>) -> Sending<'_> {
            self.asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
            let (status, body) = self.answers.lock().unwrap().remove(0);
            Box::pin(async move { Ok(http::Response::builder().status(status).body(Bytes::from(body)).unwrap()) })
        }
    }

    fn client(answers: Vec<(u16, &'static str)>) -> (Client, Arc<Script>) {
        let script = Arc::new(Script { answers: Mutex::new(answers), asked: Mutex::default() });
        let retry = Retry { first: Duration::from_millis(1), most: Duration::from_millis(2), ..Retry::default() };
        let transport: Arc<dyn Transport> = Arc::clone(&script) as Arc<dyn Transport>;
        (Client::new(transport, Endpoints::google(), Credentials::None).with_retry(retry), script)
    }

    #[tokio::test]
    async fn a_busy_server_is_asked_again_and_a_refusal_is_not() {
        let (busy, script) = client(vec![(503, ""), (429, ""), (200, r#"{"name":"t","brandNew":1}"#)]);
        let request = gcp_schema::pubsub::GetTopicRequest { topic: "projects/p/topics/gcr".into() };
        let topic: gcp_schema::pubsub::Topic =
            busy.call("/google.pubsub.v1.Publisher/GetTopic", &request).await.unwrap();
        assert_eq!(topic.name, "t");
        assert_eq!(script.asked.lock().unwrap().len(), 3);
        assert_eq!(script.asked.lock().unwrap()[0], "GET https://pubsub.googleapis.com/v1/projects/p/topics/gcr");

        let (refusing, script) = client(vec![(403, r#"{"error":{"message":"no","status":"PERMISSION_DENIED"}}"#)]);
        let error = refusing.json("storage.googleapis.com", "GET", "/storage/v1/b/x", None).await.unwrap_err();
        assert_eq!((error.code(), script.asked.lock().unwrap().len()), (Code::PermissionDenied, 1));
    }

    #[tokio::test]
    async fn patience_ends() {
        let (client, script) = client(vec![(500, ""); 9]);
        assert!(client.json("storage.googleapis.com", "GET", "/x", None).await.is_err());
        assert_eq!(script.asked.lock().unwrap().len(), 5);
    }
}
