//! From a request to an answer: which wire, which service, which method.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::FutureExt as _;
use gcp_schema::{Error, Verb};
use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};

use crate::body::{Body, ReadError, full, read};
use crate::error::{error_response, grpc_status_response};
use crate::matcher::Matcher;
use crate::transcode::{Style, query_pairs, request, response};
use crate::{ApiHint, Backend, Meta, Rpc, grpc};

/// Bounds on what one caller can make us hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest message or JSON body.
    pub max_message: usize,
    /// The largest set of headers.
    pub max_headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_message: 10_485_760 + 1024, max_headers: 64 << 10 }
    }
}

pub struct Router<B> {
    backend: Arc<B>,
    limits: Limits,
    matcher: OnceLock<Matcher>,
}

impl<B: Backend> Router<B> {
    pub fn new(backend: Arc<B>, limits: Limits) -> Self {
        Self { backend, limits, matcher: OnceLock::new() }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Answers a request. A panic below becomes a 500 of this request alone.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let is_grpc = is_grpc(request.headers());
        match AssertUnwindSafe(self.dispatch(request)).catch_unwind().await {
            Ok(answer) => answer,
            Err(_) => {
                let error = Error::internal("a handler panicked");
                if is_grpc { grpc_status_response(&error) } else { error_response(&error) }
            }
        }
    }

    async fn dispatch(&self, mut request: Request<Body>) -> Response<Body> {
        let host = host_of(&request);
        if let Err(error) = check_caller(&host, request.headers()) {
            return error_response(&error);
        }
        if is_grpc(request.headers()) {
            return self.grpc(host, request).await;
        }
        let api = strip_service(&mut request, &host);
        request.extensions_mut().insert(ApiHint(api.clone()));
        match Arc::clone(&self.backend).bespoke(request).await {
            Ok(answer) => answer,
            Err(request) => match self.transcoded(host, api, request).await {
                Ok(answer) => answer,
                Err(error) => error_response(&error),
            },
        }
    }

    async fn grpc(&self, host: String, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let Some(method) = gcp_schema::method(&path) else {
            return grpc_status_response(&Error::unimplemented(&path));
        };
        let meta = Meta { host, scheme: "http", headers: request.headers().clone(), api: None };
        if method.client_streaming || method.server_streaming {
            return Arc::clone(&self.backend).streaming(method, meta, request).await;
        }
        let outcome = match grpc::unary_message(request.into_body(), self.limits.max_message).await {
            Ok(message) => Arc::clone(&self.backend).unary(Rpc { method, request: message, meta }).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(message) => grpc::unary_response(&message),
            Err(error) => grpc_status_response(&error),
        }
    }

    async fn transcoded(
        &self,
        host: String,
        api: Option<String>,
        http: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let not_found =
            || Error::not_found(format!("The requested URL {} was not found on this server.", http.uri().path()));
        let verb = verb_of(&http).ok_or_else(not_found)?;
        let matcher = self.matcher.get_or_init(|| Matcher::new(gcp_schema::methods()));
        let matched = matcher.find(verb, http.uri().path(), api.as_deref()).ok_or_else(not_found)?;
        let query = query_pairs(http.uri().query().unwrap_or_default());
        let style = Style::of(&query);
        let (parts, body) = http.into_parts();
        let body = read(body, self.limits.max_message).await.map_err(|error| match error {
            ReadError::TooLarge => Error::invalid_argument("Request payload size exceeds the limit: 10485760 bytes."),
            ReadError::Broken => Error::invalid_argument("The request ended before its body was complete."),
        })?;
        let message = request(&matched, &query, &body)?;
        let meta = Meta {
            host,
            scheme: "http",
            headers: parts.headers,
            api: Some(api.unwrap_or_else(|| matched.rule.api.to_owned())),
        };
        let method = matched.method;
        let answer = Arc::clone(&self.backend).unary(Rpc { method, request: message, meta }).await?;
        Ok(json_response(response(method, answer, &style)?))
    }
}

fn json_response(text: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(full(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn verb_of(request: &Request<Body>) -> Option<Verb> {
    let named = request.headers().get("x-http-method-override").and_then(|value| value.to_str().ok());
    match named.filter(|_| request.method() == Method::POST).unwrap_or(request.method().as_str()) {
        "GET" => Some(Verb::Get),
        "PUT" => Some(Verb::Put),
        "POST" => Some(Verb::Post),
        "PATCH" => Some(Verb::Patch),
        "DELETE" => Some(Verb::Delete),
        _ => None,
    }
}

fn host_of(request: &Request<Body>) -> String {
    request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default()
        .to_owned()
}

/// A page in a browser must not reach an emulator on loopback under a name of its own.
fn check_caller(host: &str, headers: &HeaderMap) -> Result<(), Error> {
    let refused = |what: &str, value: &str| {
        Err(Error::permission_denied(format!(
            "{what} '{value}' is not one that this emulator serves: call it by a loopback address or by the name of a Google service."
        )))
    };
    if !host.is_empty() && !is_known_host(host) {
        return refused("Host", host);
    }
    match headers.get(ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes())) {
        Some(origin) => {
            let name = origin.split_once("://").map_or(origin.as_ref(), |(_, name)| name);
            if is_loopback(name) { Ok(()) } else { refused("Origin", &origin) }
        }
        None => Ok(()),
    }
}

fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(host, |(address, _)| address);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_known_host(host: &str) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    is_loopback(host)
        || name == "gcr.io"
        || [".googleapis.com", ".gcr.io", ".pkg.dev"].iter().any(|ending| name.ends_with(ending))
}

/// Takes `/SERVICE.googleapis.com` off the path, or reads the service from the Host.
fn strip_service(request: &mut Request<Body>, host: &str) -> Option<String> {
    let path = request.uri().path();
    if let Some((first, _)) = path.get(1..).and_then(|rest| rest.split_once('/'))
        && first.ends_with(".googleapis.com")
    {
        let api = first.to_owned();
        let rest = request.uri().path_and_query().map_or("/", |whole| &whole.as_str()[1 + api.len()..]).to_owned();
        if let Ok(uri) = rest.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
        return Some(api);
    }
    let name = without_port(host);
    (name.ends_with(".googleapis.com") && name != "www.googleapis.com").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_kept_out_by_host_and_origin() {
        for host in ["127.0.0.1:80", "localhost", "[::1]:9", "storage.googleapis.com", "eu.gcr.io", ""] {
            assert!(check_caller(host, &HeaderMap::new()).is_ok(), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:80", "gcr.io.evil.example", "10.0.0.1"] {
            assert!(check_caller(host, &HeaderMap::new()).is_err(), "{host}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert!(check_caller("127.0.0.1", &headers).is_err());
    }

    #[test]
    fn a_leading_segment_names_the_service() {
        let mut request = Request::new(crate::body::empty());
        *request.uri_mut() = "/cloudkms.googleapis.com/v1/projects/p/locations?x=1".parse().unwrap();
        assert_eq!(strip_service(&mut request, "127.0.0.1").as_deref(), Some("cloudkms.googleapis.com"));
        assert_eq!(request.uri().to_string(), "/v1/projects/p/locations?x=1");
        assert_eq!(strip_service(&mut request, "127.0.0.1"), None);
    }
}
