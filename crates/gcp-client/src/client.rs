//! The client: typed calls by the route table, plain JSON for Storage and the registry, retries for both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message;
use serde_json::Value;

use crate::decode::decode;
use crate::encode::encode;
use crate::error::{Error, from_answer};
use crate::redact;
use crate::retry::{Course, harmless};
use crate::transport::TimeLeft;
use crate::{Code, Credentials, Endpoints, RealTimer, Retry, Sink, Timer, Transport};

/// Said to services unless somebody says more.
const AGENT: &str = concat!("cmek/", env!("CARGO_PKG_VERSION"));
const REDIRECTS: usize = 5;
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'@');

/// A name as one segment of a path, or as a value in a query.
pub(crate) fn escape(name: &str) -> String {
    utf8_percent_encode(name, NAME).to_string()
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Parts>);

struct Parts {
    transport: Arc<dyn Transport>,
    endpoints: Endpoints,
    credentials: Arc<Credentials>,
    /// Sent with every call.
    headers: HeaderMap,
    retry: Retry,
    timer: Arc<dyn Timer>,
    /// Told of calls that are said again.
    notice: Option<Sink>,
    calls: AtomicU64,
}

impl Clone for Parts {
    fn clone(&self) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            endpoints: self.endpoints.clone(),
            credentials: Arc::clone(&self.credentials),
            headers: self.headers.clone(),
            retry: self.retry,
            timer: Arc::clone(&self.timer),
            notice: self.notice.clone(),
            calls: AtomicU64::new(0),
        }
    }
}

/// One request, as often as it is said.
struct Call {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    harmless: bool,
}

impl Client {
    pub fn new(transport: Arc<dyn Transport>, endpoints: Endpoints, credentials: Credentials) -> Self {
        Self(Arc::new(Parts {
            transport,
            endpoints,
            credentials: Arc::new(credentials),
            headers: HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(AGENT))]),
            retry: Retry::default(),
            timer: Arc::new(RealTimer::default()),
            notice: None,
            calls: AtomicU64::new(0),
        }))
    }

    fn with(self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.0);
        change(&mut parts);
        Self(Arc::new(parts))
    }

    fn with_header(self, name: HeaderName, value: Option<&str>) -> Self {
        self.with(|parts| match value.and_then(|value| HeaderValue::from_str(value).ok()) {
            Some(value) => {
                parts.headers.insert(name, value);
            }
            None => {
                parts.headers.remove(name);
            }
        })
    }

    /// The project that quota and price are counted to, before the one that credentials name.
    #[must_use]
    pub fn with_quota_project(self, project: Option<String>) -> Self {
        self.with_header(HeaderName::from_static("x-goog-user-project"), project.as_deref())
    }

    /// `cmek/1.2.3`
    #[must_use]
    pub fn with_user_agent(self, agent: &str) -> Self {
        self.with_header(header::USER_AGENT, Some(agent))
    }

    /// Why the calls are made; it stands in the services' audit logs.
    #[must_use]
    pub fn with_request_reason(self, reason: Option<&str>) -> Self {
        self.with_header(HeaderName::from_static("x-goog-request-reason"), reason)
    }

    /// What Google's support hands out to follow calls.
    #[must_use]
    pub fn with_trace_token(self, token: Option<&str>) -> Self {
        self.with_header(header::COOKIE, token)
    }

    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        self.with(|parts| parts.retry = retry)
    }

    #[must_use]
    pub fn with_timer(self, timer: Arc<dyn Timer>) -> Self {
        self.with(|parts| parts.timer = timer)
    }

    /// Where it is said that a call is made again, and why.
    #[must_use]
    pub fn with_notice(self, notice: Sink) -> Self {
        self.with(|parts| parts.notice = Some(notice))
    }

    /// The same client as somebody else: the way is shared, who goes is not.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        self.with(|parts| parts.credentials = Arc::new(credentials))
    }

    pub fn endpoints(&self) -> &Endpoints {
        &self.0.endpoints
    }

    pub fn timer(&self) -> &dyn Timer {
        &*self.0.timer
    }

    /// A method of the route table: `/google.cloud.kms.v1.KeyManagementService/GetCryptoKey`.
    pub async fn call<Req: Message, Res: Message + Default>(&self, path: &str, request: &Req) -> Result<Res, Error> {
        self.call_at(None, path, request).await
    }

    /// The same of a method that many APIs have (IAM policies, locations, operations), at the one that is named.
    pub async fn call_at<Req: Message, Res: Message + Default>(
        &self,
        api: Option<&str>,
        path: &str,
        request: &Req,
    ) -> Result<Res, Error> {
        let method = gcp_schema::method(path).ok_or_else(|| Error::internal(format!("there is no method {path}")))?;
        let (rule, said) = encode(method, api, &request.encode_to_vec())?;
        let url = format!("{}{}", self.0.endpoints.of(rule.api), said.path);
        let body = said.body.map(|value| value.to_string()).unwrap_or_default();
        let mut call = Call::new(rule.verb.as_str(), &url, HeaderMap::new(), body.into())?;
        call.harmless |= method.read_only || said.has_etag;
        decode(method, self.run(call).await?.body())
    }

    /// JSON in, JSON out, of an API by its path. An empty answer is null.
    pub async fn json(&self, api: &str, verb: &str, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let text = body.map(ToString::to_string).unwrap_or_default();
        let call = Call::new(verb, &format!("{}{path}", self.0.endpoints.of(api)), HeaderMap::new(), text.into())?;
        self.run_json(call).await
    }

    /// The same of a call that may be repeated whatever its verb is.
    pub async fn json_harmless(&self, api: &str, verb: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let url = format!("{}{path}", self.0.endpoints.of(api));
        let call = Call::new(verb, &url, HeaderMap::new(), body.to_string().into())?;
        self.run_json(Call { harmless: true, ..call }).await
    }

    async fn run_json(&self, call: Call) -> Result<Value, Error> {
        let url = call.uri.clone();
        let answer = self.run(call).await?;
        if answer.body().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body())
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
        let (parts, body) = self.run(Call::new(verb, url, headers, body)?).await?.into_parts();
        Ok((parts.headers, body))
    }

    /// Says a call until it is answered, refused for good, or late.
    async fn run(&self, call: Call) -> Result<Response<Bytes>, Error> {
        let number = self.0.calls.fetch_add(1, Ordering::Relaxed);
        let mut course = Course::new(&self.0.retry, &*self.0.timer, call.harmless, number);
        loop {
            course.attempts += 1;
            let left = TimeLeft(course.left());
            match self.follow(&call, left).await {
                Ok(answer) => return Ok(answer),
                Err(error) if course.again(&error, self.0.notice.as_ref()).await => {}
                Err(error) => return Err(error.with_attempts(course.attempts)),
            }
        }
    }

    /// Reads may be sent elsewhere; credentials do not go along to another host.
    async fn follow(&self, call: &Call, left: TimeLeft) -> Result<Response<Bytes>, Error> {
        let mut uri = call.uri.clone();
        for _ in 0..=REDIRECTS {
            let at_home = uri.scheme() == call.uri.scheme() && uri.authority() == call.uri.authority();
            let answer = self.once(call, &uri, at_home, left).await?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer);
            }
            let elsewhere = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            match elsewhere {
                Some(location) if status.is_redirection() => {
                    let reads = [Method::GET, Method::HEAD].contains(&call.method);
                    let next = resolve(&uri, location);
                    let refused = |why: &str| {
                        let location = redact::address(location);
                        let text = format!("{status}: {} sends us to {location}, {why}", plain(&uri));
                        Err(Error::new(Code::Unknown, text).with_http(status.as_u16()))
                    };
                    match next {
                        Some(next)
                            if reads && (next.scheme() == uri.scheme() || next.scheme_str() == Some("https")) =>
                        {
                            uri = next;
                        }
                        Some(_) if reads => return refused("where nothing is encrypted"),
                        _ => return refused("which is not followed"),
                    }
                }
                _ => return Err(refusal(status, &answer)),
            }
        }
        Err(Error::new(Code::Unknown, format!("{} sends us round and round", plain(&call.uri))))
    }

    async fn once(&self, call: &Call, uri: &Uri, at_home: bool, left: TimeLeft) -> Result<Response<Bytes>, Error> {
        let mut request = Request::new(call.body.clone());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri.clone();
        request.extensions_mut().insert(left);
        let headers = request.headers_mut();
        if at_home {
            self.in_clear_only_where_told(uri)?;
            self.0.credentials.add_to(headers).await?;
            headers.extend(self.0.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
            headers.extend(call.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        } else if let Some(agent) = self.0.headers.get(header::USER_AGENT) {
            headers.insert(header::USER_AGENT, agent.clone());
        }
        if !call.body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if call.method == Method::POST && call.body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        self.0.transport.send(request).await.map_err(|error| Error::new(Code::Unavailable, error.text).at(error.stage))
    }

    fn in_clear_only_where_told(&self, uri: &Uri) -> Result<(), Error> {
        let clear = uri.scheme_str() == Some("http");
        let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        if !clear || matches!(*self.0.credentials, Credentials::None) || self.0.endpoints.in_clear(authority) {
            return Ok(());
        }
        Err(Error::new(Code::FailedPrecondition, format!("{}: credentials are not sent in clear there", plain(uri))))
    }
}

impl Call {
    fn new(verb: &str, url: &str, headers: HeaderMap, body: Bytes) -> Result<Self, Error> {
        let method = verb.parse().map_err(|_| Error::internal(format!("no HTTP verb {verb}")))?;
        let uri: Uri = url.parse().map_err(|_| Error::internal(format!("no address {url}")))?;
        let harmless = harmless(&method, uri.query(), &headers);
        Ok(Self { method, uri, headers, body, harmless })
    }
}

fn refusal(status: StatusCode, answer: &Response<Bytes>) -> Error {
    from_answer(status.as_u16(), answer.headers(), answer.body())
}

/// An address without its query, which may hold what opens a door.
fn plain(uri: &Uri) -> String {
    uri.to_string().split('?').next().unwrap_or_default().to_owned()
}

/// Where a `Location` leads from an address: a whole address, or a path at the same host.
fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    if location.starts_with('/') && !location.starts_with("//") {
        let parts = http::uri::Builder::new().scheme(from.scheme()?.clone()).authority(from.authority()?.clone());
        return parts.path_and_query(location).build().ok();
    }
    let uri: Uri = location.parse().ok()?;
    uri.authority().is_some().then_some(uri)
}

#[cfg(test)]
mod tests;
