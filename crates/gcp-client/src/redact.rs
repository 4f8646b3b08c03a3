//! What may be shown of a request or an answer: all but secrets.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;

pub const TOKEN: &str = "--- Token Redacted ---";
const SECRET: &str = "--- Secret Redacted ---";

/// Header fields that carry tokens or keys.
const HEADERS: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "x-goog-iam-authorization-token",
    "x-goog-encryption-key",
    "x-goog-copy-source-encryption-key",
    "cookie",
    "set-cookie",
];

/// JSON fields, in lower case and without underscores, whose value is a secret whatever holds it.
const FIELDS: [&str; 14] = [
    "accesstoken",
    "assertion",
    "clientsecret",
    "idtoken",
    "password",
    "plaintext",
    "privatekey",
    "privatekeydata",
    "refreshtoken",
    "rewrappedkey",
    "sharedsecret",
    "subjecttoken",
    "token",
    "wrappedkey",
];

/// Query parameters.
const PARAMETERS: [&str; 8] = [
    "access_token",
    "googleaccessid",
    "key",
    "signature",
    "upload_id",
    "x-goog-credential",
    "x-goog-signature",
    "x-goog-security-token",
];

pub fn of_header(name: &HeaderName, value: &HeaderValue) -> Option<&'static str> {
    (value.is_sensitive() || HEADERS.contains(&name.as_str())).then_some(TOKEN)
}

/// An address without a name and password before its host, and with the values of telling parameters taken out.
pub fn address(address: &str) -> String {
    let (path, query) = address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query)));
    let path = match path.split_once("://") {
        Some((scheme, rest)) => {
            let (host, tail) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
            format!("{scheme}://{}{tail}", host.rsplit('@').next().unwrap_or(host))
        }
        None => path.to_owned(),
    };
    let Some(query) = query else { return path };
    let telling = |name: &str| {
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let parts: Vec<String> = query
        .split('&')
        .map(|part| match part.split_once('=') {
            Some((name, _)) if telling(name) => format!("{name}=REDACTED"),
            _ => part.to_owned(),
        })
        .collect();
    format!("{path}?{}", parts.join("&"))
}

/// A body as it may be printed. `uri` is what was asked: where tokens and random secrets are made, nothing is shown.
pub fn body(uri: &str, headers: &HeaderMap, body: &Bytes) -> String {
    if body.is_empty() {
        return String::new();
    }
    let path = uri.split('?').next().unwrap_or_default();
    if [":generateAccessToken", ":generateIdToken", ":signJwt", "/token", ":generateRandomBytes"]
        .iter()
        .any(|ending| path.ends_with(ending))
    {
        return format!("Body redacted: {} bytes that hold a token or a secret.", body.len());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
        // What holds no secret is shown as it came.
        return if hide(&mut value) { value.to_string() } else { String::from_utf8_lossy(body).into_owned() };
    }
    match std::str::from_utf8(body) {
        Ok(text) if kind.starts_with("text/") => text.to_owned(),
        _ => format!("<{} bytes>", body.len()),
    }
}

/// Whether there was something to hide.
fn hide(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            let mut hidden = false;
            for (name, inner) in map.iter_mut() {
                let plain: String = name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
                if inner.is_string() && FIELDS.contains(&plain.as_str()) {
                    *inner = SECRET.into();
                    hidden = true;
                } else {
                    hidden |= hide(inner);
                }
            }
            hidden
        }
        // No short circuit: every item is looked at.
        Value::Array(items) => items.iter_mut().fold(false, |hidden, item| hide(item) | hidden),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(uri: &str, kind: &str, text: &str) -> String {
        let headers = crate::scripted::headers(&[("content-type", kind)]);
        body(uri, &headers, &Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn secrets_are_hidden_however_deep_and_the_rest_is_shown_as_it_came() {
        let json = "application/json";
        assert_eq!(shown("/v1/k", json, "{ \"name\" : \"k\" }"), "{ \"name\" : \"k\" }");
        assert_eq!(
            shown("/v1/k:encrypt", json, r#"{"plaintext":"c2VjcmV0","plaintextCrc32c":"1"}"#),
            r#"{"plaintext":"--- Secret Redacted ---","plaintextCrc32c":"1"}"#
        );
        let deep = shown("/x", json, r#"{"a":[{"private_key":"-----BEGIN"},{"accessToken":"ya29"}],"token":7}"#);
        assert!(!deep.contains("BEGIN") && !deep.contains("ya29") && deep.contains("\"token\":7"), "{deep}");
    }

    #[test]
    fn what_makes_tokens_or_is_data_is_not_shown_at_all() {
        let form = shown("https://oauth2.googleapis.com/token", "application/x-www-form-urlencoded", "refresh_token=x");
        assert_eq!(form, "Body redacted: 15 bytes that hold a token or a secret.");
        let minted = shown("/v1/projects/-/serviceAccounts/a@b:generateAccessToken?x", "application/json", "{}");
        assert!(minted.starts_with("Body redacted"), "{minted}");
        assert_eq!(shown("/o/x?alt=media", "application/octet-stream", "my data"), "<7 bytes>");
        assert_eq!(shown("/x", "text/html", "<h1>no</h1>"), "<h1>no</h1>");
        assert_eq!(shown("/x", "", ""), "");
    }

    #[test]
    fn addresses_lose_what_opens_doors() {
        assert_eq!(
            address("https://h/p?alt=json&access_token=ya29&X-Goog-Signature=ab&pageToken=n"),
            "https://h/p?alt=json&access_token=REDACTED&X-Goog-Signature=REDACTED&pageToken=n"
        );
        assert_eq!(address("https://h/p"), "https://h/p");
        assert_eq!(
            address("https://ann:secret@h:1/a@b?GoogleAccessId=x&Expires=1&Signature=y&upload%5Fid=z"),
            "https://h:1/a@b?GoogleAccessId=REDACTED&Expires=1&Signature=REDACTED&upload%5Fid=REDACTED"
        );
    }
}
