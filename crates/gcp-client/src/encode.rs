//! A typed request as HTTP: the route table read backwards.

use std::fmt::Write as _;

use gcp_schema::{Body, Error, Method, Rule};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value as Field};
use serde_json::Value;

const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'@');

/// Path with query, and body of a request.
#[derive(Debug, PartialEq)]
pub struct Encoded {
    pub path: String,
    pub body: Option<Value>,
    /// The message names the state that it changes.
    pub has_etag: bool,
}

fn broken(what: impl std::fmt::Display) -> Error {
    Error::internal(format!("a request that cannot be said: {what}"))
}

/// The first rule whose template the request's names fit, of one API if it is given.
pub fn encode(method: &'static Method, api: Option<&str>, request: &[u8]) -> Result<(&'static Rule, Encoded), Error> {
    let descriptor = gcp_schema::message(method.input).ok_or_else(|| broken(method.input))?;
    let message = DynamicMessage::decode(descriptor, request).map_err(broken)?;
    let mut path = String::new();
    for rule in method.http.iter().filter(|rule| api.is_none_or(|api| api == rule.api)) {
        path.clear();
        if address(rule, &message, &mut path).is_some() {
            let json = serde_json::to_value(&message).map_err(broken)?;
            let encoded = with_rule(rule, &message, path, json).ok_or_else(|| broken(method.path))?;
            return Ok((rule, encoded));
        }
    }
    let at = api.map(|api| format!(" at {api}")).unwrap_or_default();
    Err(Error::invalid_argument(format!("The request's names fit no address of {}{at}.", method.path)))
}

/// The template's text and the fields between its braces.
fn variables(template: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    template.split('{').skip(1).filter_map(|part| {
        let (variable, tail) = part.split_once('}')?;
        let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        Some((field, pattern, tail))
    })
}

/// The path, if every name in the message fits.
fn address(rule: &'static Rule, message: &DynamicMessage, path: &mut String) -> Option<()> {
    path.push_str(rule.template.split('{').next().unwrap_or_default());
    for (field, pattern, tail) in variables(rule.template) {
        let value = text_of(message, field)?;
        fits(pattern, &value).then_some(())?;
        for (index, part) in value.split('/').enumerate() {
            if index > 0 {
                path.push('/');
            }
            path.extend(utf8_percent_encode(part, SEGMENT));
        }
        path.push_str(tail);
    }
    Some(())
}

fn with_rule(rule: &'static Rule, message: &DynamicMessage, mut path: String, mut json: Value) -> Option<Encoded> {
    let map = json.as_object_mut()?;
    let has_etag = etag(map) || map.values().filter_map(Value::as_object).any(etag);
    for (field, _, _) in variables(rule.template) {
        // A nested name stays in its message: services take it there as well.
        if let (false, Some(key)) = (field.contains('.'), json_name(message, field)) {
            map.remove(&key);
        }
    }
    let body = match rule.body {
        Body::None => None,
        Body::Whole => return Some(Encoded { path, body: Some(json), has_etag }),
        Body::Field(name) => {
            let key = json_name(message, name)?;
            Some(map.remove(&key).unwrap_or_else(|| Value::Object(serde_json::Map::new())))
        }
    };
    let mut query = Vec::new();
    flatten("", &json, &mut query);
    query.sort_by(|a, b| a.0.cmp(&b.0));
    for (index, (name, value)) in query.iter().enumerate() {
        let before = if index == 0 { '?' } else { '&' };
        let _ = write!(path, "{before}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    }
    Some(Encoded { path, body, has_etag })
}

fn etag(map: &serde_json::Map<String, Value>) -> bool {
    map.get("etag").and_then(Value::as_str).is_some_and(|etag| !etag.is_empty())
}

fn json_name(message: &DynamicMessage, field: &str) -> Option<String> {
    message.descriptor().get_field_by_name(field).map(|field| field.json_name().to_owned())
}

fn text_of(message: &DynamicMessage, field: &str) -> Option<String> {
    let (head, rest) = field.split_once('.').map_or((field, None), |(head, rest)| (head, Some(rest)));
    let value = message.get_field_by_name(head)?;
    match (value.as_ref(), rest) {
        (Field::Message(inner), Some(rest)) => text_of(inner, rest),
        (Field::String(text), None) => Some(text.clone()),
        _ => None,
    }
}

fn fits(pattern: &str, value: &str) -> bool {
    let mut given = value.split('/');
    for want in pattern.split('/') {
        match (want, given.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(have)) if !have.is_empty() => {}
            (want, Some(have)) if want == have => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

fn flatten(prefix: &str, value: &Value, query: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, inner, query);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| flatten(prefix, item, query)),
        Value::String(text) => query.push((prefix.to_owned(), text.clone())),
        Value::Null => {}
        other => query.push((prefix.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gcp_schema::iam::{Policy, SetIamPolicyRequest};
    use gcp_schema::kms::{CreateCryptoKeyRequest, CryptoKey, CryptoKeyVersion, UpdateCryptoKeyVersionRequest};
    use gcp_schema::longrunning::GetOperationRequest;
    use prost::Message as _;

    fn said(path: &str, api: Option<&str>, request: &impl prost::Message) -> (&'static str, Encoded) {
        let (rule, said) = encode(gcp_schema::method(path).unwrap(), api, &request.encode_to_vec()).unwrap();
        (rule.api, said)
    }

    #[test]
    fn a_create_and_a_patch_are_said_as_google_hears_them() {
        let create = CreateCryptoKeyRequest {
            parent: "projects/p/locations/us/keyRings/r".into(),
            crypto_key_id: "k e".into(),
            crypto_key: Some(CryptoKey { purpose: 1, ..CryptoKey::default() }),
            skip_initial_version_creation: true,
        };
        let (_, create) = said("/google.cloud.kms.v1.KeyManagementService/CreateCryptoKey", None, &create);
        assert_eq!(
            create.path,
            "/v1/projects/p/locations/us/keyRings/r/cryptoKeys?cryptoKeyId=k%20e&skipInitialVersionCreation=true"
        );
        assert_eq!(create.body, Some(serde_json::json!({"purpose": "ENCRYPT_DECRYPT"})));

        let name = "projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
        let update = UpdateCryptoKeyVersionRequest {
            crypto_key_version: Some(CryptoKeyVersion { name: name.into(), state: 2, ..CryptoKeyVersion::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["state".into()] }),
        };
        let (_, update) = said("/google.cloud.kms.v1.KeyManagementService/UpdateCryptoKeyVersion", None, &update);
        assert_eq!(update.path, format!("/v1/{name}?updateMask=state"));
        assert!(!update.has_etag);
    }

    #[test]
    fn an_etag_in_the_message_is_seen() {
        let mut request = SetIamPolicyRequest {
            resource: "projects/p/locations/us/keyRings/r".into(),
            policy: Some(Policy { etag: b"abc".to_vec().into(), ..Policy::default() }),
            ..SetIamPolicyRequest::default()
        };
        let path = "/google.iam.v1.IAMPolicy/SetIamPolicy";
        assert!(said(path, None, &request).1.has_etag);
        request.policy = Some(Policy::default());
        assert!(!said(path, None, &request).1.has_etag);
    }

    #[test]
    fn a_method_of_many_apis_is_said_to_the_one_that_is_meant() {
        let path = "/google.longrunning.Operations/GetOperation";
        let request = GetOperationRequest { name: "operations/acat.1".into() };
        let (api, said_) = said(path, Some("serviceusage.googleapis.com"), &request);
        assert_eq!((api, said_.path.as_str()), ("serviceusage.googleapis.com", "/v1/operations/acat.1"));
        let (api, said_) = said(path, Some("cloudresourcemanager.googleapis.com"), &request);
        assert_eq!((api, said_.path.as_str()), ("cloudresourcemanager.googleapis.com", "/v3/operations/acat.1"));
        let method = gcp_schema::method(path).unwrap();
        assert!(encode(method, Some("cloudkms.googleapis.com"), &request.encode_to_vec()).is_err());
    }

    #[test]
    fn patterns_bind_whole_segments() {
        assert!(fits("projects/*/topics/*", "projects/p/topics/t"));
        assert!(fits("projects/*/keys/**", "projects/p/keys/k/versions/1"));
        for bad in ["projects/p/topics", "projects//topics/t", "projects/p/topics/t/x", "folders/p/topics/t"] {
            assert!(!fits("projects/*/topics/*", bad), "{bad}");
        }
        assert!(!fits("projects/*/keys/**", "projects/p/keys"));
    }
}
