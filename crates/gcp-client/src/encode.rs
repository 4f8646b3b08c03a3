//! A typed request as HTTP: the route table read backwards.

use gcp_schema::{Body, Error, Method, Rule};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost_reflect::{DynamicMessage, Value as Field};
use serde_json::Value;

const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'@');

/// Path, query and body of a request.
#[derive(Debug, PartialEq)]
pub struct Encoded {
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
}

fn broken(what: impl std::fmt::Display) -> Error {
    Error::internal(format!("a request that cannot be said: {what}"))
}

/// The first rule whose template the request's names fit.
pub fn encode(method: &'static Method, request: &[u8]) -> Result<(&'static Rule, Encoded), Error> {
    let descriptor = gcp_schema::pool().get_message_by_name(method.input).ok_or_else(|| broken(method.input))?;
    let message = DynamicMessage::decode(descriptor, request).map_err(broken)?;
    let json = serde_json::to_value(&message).map_err(broken)?;
    for rule in method.http {
        if let Some(encoded) = with_rule(rule, &message, json.clone()) {
            return Ok((rule, encoded));
        }
    }
    Err(Error::invalid_argument(format!("The request's names fit no address of {}.", method.path)))
}

fn with_rule(rule: &'static Rule, message: &DynamicMessage, mut json: Value) -> Option<Encoded> {
    let mut path = String::new();
    let mut rest = rule.template;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        let (variable, tail) = after.split_once('}')?;
        let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        let value = text_of(message, field)?;
        fits(pattern, &value).then_some(())?;
        path.push_str(
            &value.split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect::<Vec<_>>().join("/"),
        );
        remove(&mut json, message, field);
        rest = tail;
    }
    path.push_str(rest);
    let body = match rule.body {
        Body::None => None,
        Body::Whole => return Some(Encoded { path, query: Vec::new(), body: Some(json) }),
        Body::Field(name) => {
            let key = message.descriptor_field(name)?;
            Some(json.as_object_mut()?.remove(&key).unwrap_or_else(|| Value::Object(serde_json::Map::new())))
        }
    };
    let mut query = Vec::new();
    flatten("", &json, &mut query);
    query.sort_by(|a, b| a.0.cmp(&b.0));
    Some(Encoded { path, query, body })
}

trait JsonNames {
    fn descriptor_field(&self, name: &str) -> Option<String>;
}

impl JsonNames for DynamicMessage {
    fn descriptor_field(&self, name: &str) -> Option<String> {
        use prost_reflect::ReflectMessage as _;
        self.descriptor().get_field_by_name(name).map(|field| field.json_name().to_owned())
    }
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

fn remove(json: &mut Value, message: &DynamicMessage, field: &str) {
    let (head, rest) = field.split_once('.').map_or((field, None), |(head, rest)| (head, Some(rest)));
    let Some(key) = message.descriptor_field(head) else { return };
    let Some(map) = json.as_object_mut() else { return };
    // A nested name stays in its message: services take it there as well.
    if rest.is_none() {
        map.remove(&key);
    }
}

fn fits(pattern: &str, value: &str) -> bool {
    let wanted: Vec<_> = pattern.split('/').collect();
    let given: Vec<_> = value.split('/').collect();
    let open = wanted.last() == Some(&"**");
    let fixed = if open { wanted.len() - 1 } else { wanted.len() };
    (if open { given.len() > fixed } else { given.len() == fixed })
        && wanted[..fixed].iter().zip(&given).all(|(want, have)| (*want == "*" && !have.is_empty()) || want == have)
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
    use gcp_schema::kms::{CreateCryptoKeyRequest, CryptoKey, CryptoKeyVersion, UpdateCryptoKeyVersionRequest};
    use prost::Message as _;

    #[test]
    fn a_create_and_a_patch_are_said_as_google_hears_them() {
        let create = CreateCryptoKeyRequest {
            parent: "projects/p/locations/us/keyRings/r".into(),
            crypto_key_id: "k".into(),
            crypto_key: Some(CryptoKey { purpose: 1, ..CryptoKey::default() }),
            skip_initial_version_creation: true,
        };
        let method = gcp_schema::method("/google.cloud.kms.v1.KeyManagementService/CreateCryptoKey").unwrap();
        let (_, said) = encode(method, &create.encode_to_vec()).unwrap();
        assert_eq!(said.path, "/v1/projects/p/locations/us/keyRings/r/cryptoKeys");
        assert_eq!(said.body, Some(serde_json::json!({"purpose": "ENCRYPT_DECRYPT"})));
        assert_eq!(
            said.query,
            [("cryptoKeyId".into(), "k".into()), ("skipInitialVersionCreation".into(), "true".into())]
        );

        let name = "projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
        let update = UpdateCryptoKeyVersionRequest {
            crypto_key_version: Some(CryptoKeyVersion { name: name.into(), state: 2, ..CryptoKeyVersion::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["state".into()] }),
        };
        let method = gcp_schema::method("/google.cloud.kms.v1.KeyManagementService/UpdateCryptoKeyVersion").unwrap();
        let (_, said) = encode(method, &update.encode_to_vec()).unwrap();
        assert_eq!(said.path, format!("/v1/{name}"));
        assert_eq!(said.query, [("updateMask".into(), "state".into())]);
    }
}
