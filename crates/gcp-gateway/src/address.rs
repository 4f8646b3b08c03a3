//! Who is called, under which name, and whether the caller may call it so.

use gcp_schema::Error;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Request, Uri};

use crate::body::Body;

const GOOGLE: &str = ".googleapis.com";

/// The host as the client gave it: in `Host`, `:authority` or an absolute URI.
pub fn host_of<B>(request: &Request<B>) -> String {
    request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default()
        .to_owned()
}

/// A page in a browser must not reach an emulator on loopback under a name of its own.
pub fn check_caller(host: &str, headers: &HeaderMap, extra: &[String]) -> Result<(), Error> {
    let refused = |what: &str, value: &str| {
        Err(Error::permission_denied(format!(
            "{what} '{value}' is not one that this emulator serves: call it by a loopback address or by the name of a Google service."
        )))
    };
    let known = |host: &str| {
        let name = without_port(host);
        extra.iter().any(|extra| extra.eq_ignore_ascii_case(name))
    };
    if !host.is_empty() && !is_known_host(host) && !known(host) {
        return refused("Host", host);
    }
    match headers.get(ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes())) {
        Some(origin) => {
            let name = origin.split_once("://").map_or("", |(_, name)| name);
            if is_loopback(name) || known(name) { Ok(()) } else { refused("Origin", &origin) }
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
    is_loopback(host) || name == "gcr.io" || [GOOGLE, ".gcr.io", ".pkg.dev"].iter().any(|ending| name.ends_with(ending))
}

/// The API behind a host: also behind a bucket's own host, a regional or an mTLS one. `www` serves many: none.
pub fn api_of(host: &str) -> Option<String> {
    let name = without_port(host).to_ascii_lowercase();
    let labels = name.strip_suffix(GOOGLE)?;
    let service = if labels == "storage" || labels.ends_with(".storage") {
        "storage"
    } else if let Some(regional) = labels.strip_suffix(".rep") {
        regional.split('.').next().unwrap_or(regional)
    } else {
        // `us-central1-pubsub`: the location's own hyphens come before the last one.
        let plain = labels.strip_suffix(".mtls").unwrap_or(labels);
        plain.rsplit('-').next().unwrap_or(plain)
    };
    (service != "www").then(|| format!("{service}{GOOGLE}"))
}

/// Takes `/SERVICE.googleapis.com` off the path, or reads the service from the host.
pub fn strip_service(request: &mut Request<Body>, host: &str) -> Option<String> {
    let path = request.uri().path();
    let Some((first, _)) = path.get(1..).and_then(|rest| rest.split_once('/')) else { return api_of(host) };
    if !first.ends_with(GOOGLE) {
        return api_of(host);
    }
    let api = api_of(first);
    let cut = 1 + first.len();
    let rest = request.uri().path_and_query().and_then(|whole| whole.as_str().get(cut..)).unwrap_or("/");
    if let Ok(uri) = rest.parse::<Uri>() {
        *request.uri_mut() = uri;
        keep_host(request, host);
    }
    api
}

/// `POST` with `X-HTTP-Method-Override` means the verb it names; a `GET` said so has its query in a form body.
pub fn overridden(request: &Request<Body>) -> Option<http::Method> {
    if request.method() != http::Method::POST {
        return None;
    }
    request.headers().get("x-http-method-override")?.to_str().ok()?.to_ascii_uppercase().parse().ok()
}

pub fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

/// Replaces the query, keeps the path.
pub fn set_query(request: &mut Request<Body>, query: &[u8], host: &str) {
    let Ok(query) = std::str::from_utf8(query) else { return };
    if let Ok(uri) = format!("{}?{}", request.uri().path(), query.trim()).parse::<Uri>() {
        *request.uri_mut() = uri;
        keep_host(request, host);
    }
}

/// A URI that was cut has lost the authority of HTTP/2; URLs in answers are built from it.
fn keep_host(request: &mut Request<Body>, host: &str) {
    if let (false, Ok(value)) = (host.is_empty(), HeaderValue::from_str(host)) {
        request.headers_mut().insert(HOST, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_kept_out_by_host_and_origin() {
        let none = HeaderMap::new();
        let served = [
            "127.0.0.1:80",
            "127.8.8.8",
            "localhost",
            "LOCALHOST:1",
            "[::1]:9",
            "storage.googleapis.com:443",
            "bucket.storage.googleapis.com",
            "eu.gcr.io",
            "gcr.io",
            "us-docker.pkg.dev",
            "",
        ];
        for host in served {
            assert!(check_caller(host, &none, &[]).is_ok(), "{host}");
        }
        let strangers =
            ["evil.example", "127.0.0.1.evil.example:80", "gcr.io.evil.example", "10.0.0.1", "xgcr.io", "pkg.dev.a"];
        for host in strangers {
            let error = check_caller(host, &none, &[]).expect_err(host);
            assert!(error.message().contains(host), "{error}");
        }
        assert!(check_caller("emulator:8080", &none, &["emulator".to_owned()]).is_ok());

        for (origin, served) in [
            ("https://evil.example", false),
            ("null", false),
            ("http://localhost.evil.example", false),
            ("http://localhost:3000", true),
            ("http://[::1]:1", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
            assert_eq!(check_caller("127.0.0.1", &headers, &[]).is_ok(), served, "{origin}");
        }
    }

    #[test]
    fn a_host_tells_its_api() {
        for (host, api) in [
            ("cloudkms.googleapis.com:443", Some("cloudkms.googleapis.com")),
            ("us-central1-pubsub.googleapis.com", Some("pubsub.googleapis.com")),
            ("cloudkms.us-east1.rep.googleapis.com", Some("cloudkms.googleapis.com")),
            ("storage.mtls.googleapis.com", Some("storage.googleapis.com")),
            ("my-bucket.storage.googleapis.com", Some("storage.googleapis.com")),
            ("www.googleapis.com", None),
            ("127.0.0.1:80", None),
            ("gcr.io", None),
        ] {
            assert_eq!(api_of(host).as_deref(), api, "{host}");
        }
    }

    #[test]
    fn a_leading_segment_names_the_service_and_the_host_survives() {
        let mut request = Request::new(crate::body::empty());
        *request.uri_mut() = "http://[::1]:7/cloudkms.googleapis.com/v1/projects/p/a%2Fb?x=1".parse().unwrap();
        let host = host_of(&request);
        assert_eq!(strip_service(&mut request, &host).as_deref(), Some("cloudkms.googleapis.com"));
        assert_eq!(request.uri().to_string(), "/v1/projects/p/a%2Fb?x=1");
        assert_eq!(host_of(&request), "[::1]:7");
        assert_eq!(strip_service(&mut request, "127.0.0.1"), None);
    }
}
