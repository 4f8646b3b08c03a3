//! From a request to an answer: which wire, which service, which method.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt as _;
use gcp_schema::{Error, Verb};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};

use crate::address::{api_of, check_caller, host_of, is_form, overridden, set_query, strip_service};
use crate::body::{Body, ReadError, empty, full, read};
use crate::error::{error_response, grpc_status_response};
use crate::matcher::Matcher;
use crate::transcode::{Style, query_pairs, request, response};
use crate::{ApiHint, Backend, Claimed, Meta, Rpc, Wire, grpc};

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
        // Google's own limit on a request.
        Self { max_message: 10 << 20, max_headers: 64 << 10 }
    }
}

pub struct Router<B> {
    backend: Arc<B>,
    limits: Limits,
    hosts: Vec<String>,
    matcher: OnceLock<Matcher>,
}

impl<B: Backend> Router<B> {
    pub fn new(backend: Arc<B>, limits: Limits) -> Self {
        Self { backend, limits, hosts: Vec::new(), matcher: OnceLock::new() }
    }

    /// Names (without a port) to be served beside loopback and Google's: that of a container, say.
    #[must_use]
    pub fn with_hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.hosts.extend(hosts);
        self
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Answers a request. A panic below becomes a 500 of this request alone.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let wire = wire_of(request.headers());
        let outcome = AssertUnwindSafe(self.dispatch(wire, request)).catch_unwind().await;
        match outcome.unwrap_or_else(|_| Err(Error::internal("a handler panicked"))) {
            Ok(answer) => answer,
            Err(error) if wire == Wire::Grpc => grpc_status_response(&error),
            Err(error) => error_response(&error),
        }
    }

    async fn dispatch(&self, wire: Wire, mut request: Request<Body>) -> Result<Response<Body>, Error> {
        let host = host_of(&request);
        check_caller(&host, request.headers(), &self.hosts)?;
        if wire == Wire::Grpc {
            return self.grpc(host, request).await;
        }
        if let Some(verb) = overridden(&request) {
            if is_form(request.headers()) {
                let form = self.whole(std::mem::replace(request.body_mut(), empty())).await?;
                set_query(&mut request, &form, &host);
            }
            *request.method_mut() = verb;
        }
        let api = strip_service(&mut request, &host);
        request.extensions_mut().insert(ApiHint(api.clone()));
        match Arc::clone(&self.backend).bespoke(request) {
            Claimed::Yes(answer) => Ok(answer.await),
            Claimed::No(request) => self.transcoded(host, api, *request).await,
        }
    }

    async fn grpc(&self, host: String, request: Request<Body>) -> Result<Response<Body>, Error> {
        let path = request.uri().path();
        let method = gcp_schema::method(path).ok_or_else(|| Error::unimplemented(path))?;
        let api = api_of(&host);
        if method.client_streaming || method.server_streaming {
            let headers = request.headers().clone();
            let meta = Meta { method: "POST", host, scheme: "http", headers, wire: Wire::Grpc, api };
            return Ok(Arc::clone(&self.backend).streaming(method, meta, request).await);
        }
        let (parts, body) = request.into_parts();
        let meta = Meta { method: "POST", host, scheme: "http", headers: parts.headers, wire: Wire::Grpc, api };
        let message = grpc::unary_message(body, self.limits.max_message).await?;
        let answer = Arc::clone(&self.backend).unary(Rpc { method, request: message, meta }).await?;
        Ok(grpc::unary_response(&answer))
    }

    async fn transcoded(
        &self,
        host: String,
        api: Option<String>,
        http: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let path = http.uri().path();
        let matcher = self.matcher.get_or_init(|| Matcher::new(gcp_schema::methods()));
        let matched = verb_of(http.method())
            .and_then(|verb| matcher.find(verb, path, api.as_deref()))
            .ok_or_else(|| Error::not_found(format!("The requested URL {path} was not found on this server.")))?;
        let query = query_pairs(http.uri().query().unwrap_or_default());
        let style = Style::of(&query);
        let (parts, body) = http.into_parts();
        let body = self.whole(body).await?;
        let (method, rule) = (matched.method, matched.rule);
        let message = request(matched, query, &body)?;
        let meta = Meta {
            method: rule.verb.as_str(),
            host,
            scheme: "http",
            headers: parts.headers,
            wire: Wire::Rest,
            api: Some(api.unwrap_or_else(|| rule.api.to_owned())),
        };
        let answer = Arc::clone(&self.backend).unary(Rpc { method, request: message, meta }).await?;
        let mut printed = Response::new(full(response(method, answer, &style)?));
        printed.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(style.content_type()));
        Ok(printed)
    }

    async fn whole(&self, body: Body) -> Result<bytes::Bytes, Error> {
        let limit = self.limits.max_message;
        read(body, limit).await.map_err(|error| match error {
            ReadError::TooLarge => {
                Error::invalid_argument(format!("Request payload size exceeds the limit: {limit} bytes."))
            }
            ReadError::Broken => Error::invalid_argument("The request ended before its body was complete."),
        })
    }
}

fn wire_of(headers: &HeaderMap) -> Wire {
    match headers.get(CONTENT_TYPE) {
        Some(kind) if kind.as_bytes().starts_with(b"application/grpc") => Wire::Grpc,
        _ => Wire::Rest,
    }
}

fn verb_of(method: &http::Method) -> Option<Verb> {
    match method.as_str() {
        "GET" => Some(Verb::Get),
        "PUT" => Some(Verb::Put),
        "POST" => Some(Verb::Post),
        "PATCH" => Some(Verb::Patch),
        "DELETE" => Some(Verb::Delete),
        _ => None,
    }
}
