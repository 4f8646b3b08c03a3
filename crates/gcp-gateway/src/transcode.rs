//! REST to message and back: path, query and body meet in one message, the answer is printed as ProtoJSON.

use bytes::Bytes;
use gcp_schema::{Body, Error, Method};
use percent_encoding::percent_decode_str;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use crate::json::{Path, Reader, field_of};
use crate::matcher::Matched;
use crate::print::Printed;

/// How the caller wants the answer printed.
#[derive(Debug, Default, PartialEq)]
pub struct Style {
    pub pretty: bool,
    pub enum_numbers: bool,
    pub proto: bool,
    pub fields: Option<String>,
}

pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

impl Style {
    pub fn of(query: &[(String, String)]) -> Self {
        let mut style = Self { pretty: true, ..Self::default() };
        for (name, value) in query {
            match name.strip_prefix('$').unwrap_or(name) {
                "prettyPrint" | ".prettyPrint" => style.pretty = !value.eq_ignore_ascii_case("false"),
                "fields" => style.fields = Some(value.clone()),
                "alt" => {
                    style.enum_numbers |= value.contains("enum-encoding=int");
                    style.proto |= value == "proto";
                }
                _ => {}
            }
        }
        style
    }

    pub fn content_type(&self) -> &'static str {
        if self.proto { "application/x-protobuf" } else { "application/json; charset=UTF-8" }
    }
}

fn descriptor(name: &str) -> Result<MessageDescriptor, Error> {
    gcp_schema::message(name).ok_or_else(|| Error::internal(format!("no descriptor of {name}")))
}

/// The body as JSON. An empty one is `None`: clients post nothing under `application/json`.
pub fn parse(body: &[u8]) -> Result<Option<Value>, Error> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(body).map(Some).map_err(|error| {
        let reason = error.to_string();
        let mut chars = reason.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        let reason: String = first.into_iter().chain(chars).collect();
        Error::invalid_argument(format!("Invalid JSON payload received. {reason}"))
    })
}

/// The encoded request message.
pub fn request(matched: Matched, query: Vec<(String, String)>, body: &[u8]) -> Result<Bytes, Error> {
    let descriptor = descriptor(matched.method.input)?;
    let mut reader = Reader::default();
    let mut message = DynamicMessage::new(descriptor.clone());
    let mut in_body = None;
    match matched.rule.body {
        Body::None => {}
        Body::Whole => match parse(body)? {
            Some(Value::Object(map)) => message = reader.message(descriptor, map, &Path::Root),
            Some(_) => reader.misplaced(&Path::Root, "", "Root element must be a message."),
            None => {}
        },
        Body::Field(name) => {
            let field =
                descriptor.get_field_by_name(name).ok_or_else(|| Error::internal("a body rule without its field"))?;
            let json = parse(body)?.filter(|json| !json.is_null()).unwrap_or_else(|| Value::Object(Map::new()));
            if matches!(field.kind(), Kind::Message(_)) && !field.is_list() && !json.is_object() {
                reader.misplaced(&Path::Root, "", "Root element must be a message.");
            } else {
                reader.field(&mut message, &field, name, json, &Path::Root);
            }
            in_body = Some(field);
        }
    }
    if matched.rule.body != Body::Whole {
        for (name, value) in query {
            let head = name.split('.').next().unwrap_or_default();
            // What the body holds, the query does not reach into.
            if in_body.is_none() || field_of(&message_descriptor(&message), head) != in_body {
                reader.text(&mut message, &name, value, true, &Path::Root);
            }
        }
    }
    // The address is stronger than a body that repeats it.
    for (name, value) in matched.variables {
        reader.text(&mut message, name, value, false, &Path::Root);
    }
    reader.finish()?;
    Ok(message.encode_to_vec().into())
}

/// A message of its own from JSON, for REST that only wraps one.
pub fn message(full_name: &str, json: Value) -> Result<DynamicMessage, Error> {
    let mut reader = Reader::default();
    let message = match json {
        Value::Object(map) => reader.message(descriptor(full_name)?, map, &Path::Root),
        _ => {
            reader.misplaced(&Path::Root, "", "Root element must be a message.");
            DynamicMessage::new(descriptor(full_name)?)
        }
    };
    reader.finish()?;
    Ok(message)
}

fn message_descriptor(message: &DynamicMessage) -> MessageDescriptor {
    use prost_reflect::ReflectMessage as _;
    message.descriptor()
}

/// The answer as the caller wants it printed.
pub fn response(method: &Method, bytes: Bytes, style: &Style) -> Result<Bytes, Error> {
    if style.proto {
        return Ok(bytes);
    }
    let message = DynamicMessage::decode(descriptor(method.output)?, bytes)
        .map_err(|error| Error::internal(format!("an answer that does not decode: {error}")))?;
    let printed = Printed { message: &message, enum_numbers: style.enum_numbers };
    let mut out = Vec::with_capacity(256);
    // Only operations pack messages; what is packed there needs a second look.
    let printed = if style.fields.is_some() || method.output.starts_with("google.longrunning.") {
        serde_json::to_value(&printed).and_then(|mut value| {
            unpack_empty(&mut value);
            if let Some(fields) = &style.fields {
                crate::fields::partial(&mut value, fields);
            }
            if style.pretty {
                serde_json::to_writer_pretty(&mut out, &value)
            } else {
                serde_json::to_writer(&mut out, &value)
            }
        })
    } else if style.pretty {
        serde_json::to_writer_pretty(&mut out, &printed)
    } else {
        serde_json::to_writer(&mut out, &printed)
    };
    printed.map_err(|error| Error::internal(format!("an answer that does not print: {error}")))?;
    if style.pretty {
        out.push(b'\n');
    }
    Ok(out.into())
}

/// Google prints a packed `Empty` as its type alone, not with a `value` as it does other well-known types.
fn unpack_empty(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("@type").and_then(Value::as_str) == Some("type.googleapis.com/google.protobuf.Empty") {
                map.remove("value");
            }
            map.values_mut().for_each(unpack_empty);
        }
        Value::Array(items) => items.iter_mut().for_each(unpack_empty),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Matcher;
    use gcp_schema::Verb;
    use gcp_schema::kms::{
        CreateCryptoKeyRequest, CryptoKey, EncryptRequest, ListCryptoKeysRequest, UpdateCryptoKeyRequest,
    };
    use gcp_schema::orgpolicy::CreatePolicyRequest;
    use gcp_schema::pubsub::UpdateTopicRequest;
    use serde_json::json;

    const KEY: &str = "projects/p/locations/us/keyRings/r/cryptoKeys/k";
    const KEYS: &str = "/v1/projects/p/locations/us/keyRings/r/cryptoKeys";

    fn read(verb: Verb, url: &str, body: &str) -> Result<Bytes, Error> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let matched = Matcher::new(gcp_schema::methods()).find(verb, path, None).expect("a route");
        request(matched, query_pairs(query), body.as_bytes())
    }

    fn message<M: prost::Message + Default>(verb: Verb, url: &str, body: &str) -> M {
        M::decode(read(verb, url, body).expect(body)).expect("the message of this route")
    }

    fn create(body: &str) -> CryptoKey {
        message::<CreateCryptoKeyRequest>(Verb::Post, KEYS, body).crypto_key.expect("a body is a key")
    }

    fn refusal(verb: Verb, url: &str, body: &str) -> Error {
        read(verb, url, body).expect_err(body)
    }

    #[test]
    fn both_base64_alphabets_are_read_padded_or_not() {
        for text in ["-_8=", "-_8", "+/8=", "+/8"] {
            let body = format!(r#"{{"plaintext":"{text}"}}"#);
            let request: EncryptRequest = message(Verb::Post, &format!("/v1/{KEY}:encrypt"), &body);
            assert_eq!((request.name.as_str(), request.plaintext.as_ref()), (KEY, &[0xfb, 0xff][..]));
        }
        // Long enough for the processor's vectors.
        for text in ["-_8-", "+/8+"] {
            let body = format!(r#"{{"plaintext":"{}"}}"#, text.repeat(100));
            let request: EncryptRequest = message(Verb::Post, &format!("/v1/{KEY}:encrypt"), &body);
            assert_eq!(request.plaintext, [0xfb, 0xff, 0x3e].repeat(100));
        }
    }

    #[test]
    fn path_query_and_body_meet_in_one_message() {
        let url = format!("{KEYS}?cryptoKeyId=k&skipInitialVersionCreation=True&alt=json&trustedFuture=1&key=AIza");
        let body = r#"{"purpose": 1, "version_template": {"protectionLevel": "SOFTWARE"}, "labels": null}"#;
        let request: CreateCryptoKeyRequest = message(Verb::Post, &url, body);
        assert_eq!((request.crypto_key_id.as_str(), request.skip_initial_version_creation), ("k", true));
        let key = request.crypto_key.unwrap();
        assert_eq!((key.purpose, key.version_template.unwrap().protection_level), (1, 1));

        for mask in ["rotationPeriod,nextRotationTime", "rotation_period,%20next_rotation_time"] {
            let request: UpdateCryptoKeyRequest = message(Verb::Patch, &format!("/v1/{KEY}?updateMask={mask}"), "");
            assert_eq!(request.update_mask.unwrap().paths, ["rotation_period", "next_rotation_time"]);
            assert_eq!(request.crypto_key.unwrap().name, KEY);
        }
        // `topic.name` lies inside what the body sends, and the address wins.
        let request: UpdateTopicRequest = message(
            Verb::Patch,
            "/v1/projects/p/topics/gcr",
            r#"{"topic": {"name": "other", "kmsKeyName": "k"}, "updateMask": "kmsKeyName"}"#,
        );
        let topic = request.topic.unwrap();
        assert_eq!((topic.name.as_str(), topic.kms_key_name.as_str()), ("projects/p/topics/gcr", "k"));
    }

    #[test]
    fn every_spelling_of_a_value_that_clients_send_is_read() {
        for purpose in [r#""ENCRYPT_DECRYPT""#, "1", r#""1""#, "1.0"] {
            assert_eq!(create(&format!(r#"{{"purpose": {purpose}}}"#)).purpose, 1, "{purpose}");
        }
        let key = create(
            r#"{"rotationPeriod": "86400.5s", "nextRotationTime": "2030-01-01T01:00:00+01:00", "labels": {"a": "b"},
                "primary": {"externalProtectionLevelOptions": {}}, "importOnly": true, "destroyScheduledDuration": null}"#,
        );
        assert_eq!(key.next_rotation_time.unwrap().seconds, 1_893_456_000);
        assert_eq!((key.labels["a"].as_str(), key.import_only), ("b", true));
        assert!(key.primary.unwrap().external_protection_level_options.is_some());

        let list: ListCryptoKeysRequest =
            message(Verb::Get, &format!("{KEYS}?page_size=7&versionView=FULL&orderBy=a+b%2Bc"), "");
        assert_eq!((list.page_size, list.version_view, list.order_by.as_str()), (7, 1, "a b+c"));
        let crc: EncryptRequest =
            message(Verb::Post, &format!("/v1/{KEY}:encrypt"), r#"{"plaintextCrc32c": "4294967295", "plaintext": ""}"#);
        assert_eq!(crc.plaintext_crc32c, Some(4_294_967_295));
        let policy: CreatePolicyRequest = message(
            Verb::Post,
            "/v2/projects/p/policies",
            r#"{"name": "projects/p/policies/c", "spec": {"rules": [{"values": {"deniedValues": ["a", "b"]}}]}}"#,
        );
        let rules = policy.policy.unwrap().spec.unwrap().rules;
        assert_eq!(rules.len(), 1);
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_in_googles_words() {
        let encrypt = format!("/v1/{KEY}:encrypt");
        let table = [
            (
                encrypt.as_str(),
                r#"{"plainText":"x"}"#,
                "Invalid JSON payload received. Unknown name \"plainText\": Cannot find field.",
                "",
            ),
            (
                KEYS,
                r#"{"labels":{},"x":1}"#,
                "Invalid JSON payload received. Unknown name \"x\" at 'crypto_key': Cannot find field.",
                "crypto_key",
            ),
            (
                KEYS,
                r#"{"versionTemplate":{"y":1}}"#,
                "Invalid JSON payload received. Unknown name \"y\" at 'crypto_key.version_template': Cannot find field.",
                "crypto_key.version_template",
            ),
            (
                KEYS,
                r#"{"purpose":"FOO"}"#,
                "Invalid value at 'crypto_key.purpose' (type.googleapis.com/google.cloud.kms.v1.CryptoKey.CryptoKeyPurpose), \"FOO\"",
                "crypto_key.purpose",
            ),
            (
                KEYS,
                r#"{"labels":{"a":5}}"#,
                "Invalid value at 'crypto_key.labels[0].value' (TYPE_STRING), 5",
                "crypto_key.labels[0].value",
            ),
            (
                KEYS,
                r#"{"importOnly":"maybe"}"#,
                "Invalid value at 'crypto_key.import_only' (TYPE_BOOL), \"maybe\"",
                "crypto_key.import_only",
            ),
            (
                KEYS,
                r#"{"rotationPeriod":"1 day"}"#,
                "Invalid value at 'crypto_key.rotation_period' (type.googleapis.com/google.protobuf.Duration), Field 'rotationPeriod', Illegal duration format; duration must end with 's'",
                "crypto_key.rotation_period",
            ),
            (
                KEYS,
                r#"{"primary":"v1"}"#,
                "Invalid value at 'crypto_key.primary' (type.googleapis.com/google.cloud.kms.v1.CryptoKeyVersion), \"v1\"",
                "crypto_key.primary",
            ),
            (
                encrypt.as_str(),
                r#"{"plaintext":"!"}"#,
                "Invalid value at 'plaintext' (TYPE_BYTES), Base64 decoding failed for \"!\"",
                "plaintext",
            ),
            (
                encrypt.as_str(),
                r#"{"name":["k"]}"#,
                "Invalid JSON payload received. Unknown name \"name\": Proto field is not repeating, cannot start list.",
                "",
            ),
            (
                encrypt.as_str(),
                "[]",
                "Invalid JSON payload received. Unknown name \"\": Root element must be a message.",
                "",
            ),
        ];
        for (url, body, text, field) in table {
            let error = refusal(Verb::Post, url, body);
            assert_eq!(error.message(), text);
            let violation = gcp_schema::FieldViolation { field: field.to_owned(), description: text.to_owned() };
            assert_eq!(error.details(), [gcp_schema::Detail::BadRequest(vec![violation])], "{body}");
        }
        let both = refusal(Verb::Post, &encrypt, r#"{"a":1,"b":2}"#);
        assert_eq!(both.message().lines().count(), 2, "all that is wrong is named at once: {both}");
        assert_eq!(
            refusal(Verb::Get, &format!("{KEYS}?pageSize=many"), "").message(),
            "Invalid value at 'page_size' (TYPE_INT32), \"many\""
        );
    }

    #[test]
    fn a_body_that_is_no_json_is_refused_and_nothing_panics() {
        let url = format!("/v1/{KEY}:encrypt");
        for body in ["{", "{} x", r#"{"plaintext":}"#, "nul", &"[".repeat(100_000)] {
            let error = refusal(Verb::Post, &url, body);
            assert!(error.message().starts_with("Invalid JSON payload received. "), "{error}");
        }
        let matched = Matcher::new(gcp_schema::methods()).find(Verb::Post, &url, None).unwrap();
        assert_eq!(request(matched, vec![], b"{\"plaintext\":\"\xff\"}").unwrap_err().http_status(), 400);
        let long = refusal(Verb::Post, &url, &format!(r#"{{"plaintext":"{}"}}"#, "é".repeat(5000)));
        assert!(long.message().len() < 1000, "an error does not echo the whole body");
    }

    #[test]
    fn an_answer_is_printed_as_asked() {
        let method = gcp_schema::method("/google.cloud.kms.v1.KeyManagementService/GetCryptoKey").unwrap();
        let key = CryptoKey { name: KEY.into(), purpose: 1, ..CryptoKey::default() };
        let say = |query: &str| {
            let style = Style::of(&query_pairs(query));
            String::from_utf8(response(method, key.encode_to_vec().into(), &style).unwrap().to_vec()).unwrap()
        };
        assert_eq!(say(""), format!("{{\n  \"name\": \"{KEY}\",\n  \"purpose\": \"ENCRYPT_DECRYPT\"\n}}\n"));
        assert_eq!(say("prettyPrint=false"), format!(r#"{{"name":"{KEY}","purpose":"ENCRYPT_DECRYPT"}}"#));
        for alt in
            ["$alt=json;enum-encoding=int", "%24alt=json%3Benum-encoding%3Dint", "$alt=json;enum-encoding=int&alt=json"]
        {
            let value: Value = serde_json::from_str(&say(alt)).unwrap();
            assert_eq!(value["purpose"], json!(1), "{alt}");
        }
        assert_eq!(say("fields=purpose&prettyPrint=False"), r#"{"purpose":"ENCRYPT_DECRYPT"}"#);
        let style = Style::of(&query_pairs("alt=proto"));
        assert_eq!(response(method, key.encode_to_vec().into(), &style).unwrap(), key.encode_to_vec());
        assert_eq!(style.content_type(), "application/x-protobuf");
    }
}
