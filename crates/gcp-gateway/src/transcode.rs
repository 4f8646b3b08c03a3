//! REST to message and back: path, query and body merge into one ProtoJSON object, the answer is printed as one.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;
use gcp_schema::{Body, Detail, Error, FieldViolation, Method};
use percent_encoding::percent_decode_str;
use prost::Message as _;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};

use crate::matcher::Matched;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How the caller wants the answer printed.
#[derive(Debug, Default)]
pub struct Style {
    pub pretty: bool,
    pub enum_numbers: bool,
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
            match name.as_str() {
                "prettyPrint" | "$.prettyPrint" => style.pretty = !value.eq_ignore_ascii_case("false"),
                "fields" | "$fields" => style.fields = Some(value.clone()),
                "$alt" | "alt" => style.enum_numbers = value.contains("enum-encoding=int"),
                _ => {}
            }
        }
        style
    }
}

fn invalid(message: String) -> Error {
    Error::invalid_argument(message)
}

fn descriptor(name: &str) -> Result<MessageDescriptor, Error> {
    gcp_schema::pool().get_message_by_name(name).ok_or_else(|| Error::internal(format!("no descriptor of {name}")))
}

/// The encoded request message.
pub fn request(matched: &Matched, query: &[(String, String)], body: &[u8]) -> Result<Bytes, Error> {
    let descriptor = descriptor(matched.method.input)?;
    let mut root = Map::new();
    let body_json =
        match matched.rule.body {
            Body::None => None,
            _ if body.iter().all(u8::is_ascii_whitespace) => None,
            _ => Some(serde_json::from_slice::<Value>(body).map_err(|error| {
                invalid(format!("Invalid JSON payload received. {}", capitalised(&error.to_string())))
            })?),
        };
    match (matched.rule.body, body_json) {
        (Body::Whole, Some(value)) => {
            let Value::Object(map) = value else {
                return Err(invalid("Invalid JSON payload received. The body must be an object.".to_owned()));
            };
            root = normalised(map, &descriptor, "")?;
        }
        (Body::Field(name), Some(value)) => {
            let field =
                descriptor.get_field_by_name(name).ok_or_else(|| Error::internal("a body rule without its field"))?;
            let value = field_value(value, &field, name)?;
            root.insert(field.json_name().to_owned(), value.unwrap_or_else(|| Value::Object(Map::new())));
        }
        (Body::Field(name), None) => {
            if let Some(field) = descriptor.get_field_by_name(name) {
                root.insert(field.json_name().to_owned(), Value::Object(Map::new()));
            }
        }
        _ => {}
    }
    if matched.rule.body != Body::Whole {
        for (name, value) in query {
            // What no field of the request is called is a system parameter, or newer than we are.
            set_from_text(&mut root, &descriptor, name, value, true)?;
        }
    }
    for (name, value) in &matched.variables {
        set_from_text(&mut root, &descriptor, name, value, false)?;
    }
    let message = DynamicMessage::deserialize(descriptor, Value::Object(root))
        .map_err(|error| invalid(format!("Invalid JSON payload received. {}", capitalised(&error.to_string()))))?;
    Ok(message.encode_to_vec().into())
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

fn find(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name))
}

/// Known names in one spelling, bytes in one alphabet, nulls gone; an unknown name is refused as Google does.
fn normalised(
    map: Map<String, Value>,
    descriptor: &MessageDescriptor,
    path: &str,
) -> Result<Map<String, Value>, Error> {
    let mut out = Map::new();
    for (name, value) in map {
        let Some(field) = find(descriptor, &name) else {
            let at = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
            let text = format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.");
            let violation = FieldViolation { field: path.to_owned(), description: text.clone() };
            return Err(invalid(text).with_detail(Detail::BadRequest(vec![violation])));
        };
        let path = if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
        if let Some(value) = field_value(value, &field, &path)? {
            out.insert(field.json_name().to_owned(), value);
        }
    }
    Ok(out)
}

fn field_value(value: Value, field: &FieldDescriptor, path: &str) -> Result<Option<Value>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { return Ok(Some(value)) };
        let Value::Object(map) = value else {
            return Err(invalid(format!("Invalid value at '{path}': it must be an object.")));
        };
        let inner = entry.map_entry_value_field();
        let mut out = Map::new();
        for (key, value) in map {
            let place = format!("{path}[{key}]");
            if let Some(value) = single(value, &inner, &place)? {
                out.insert(key, value);
            }
        }
        return Ok(Some(Value::Object(out)));
    }
    if field.is_list() {
        let Value::Array(items) = value else {
            return Err(invalid(format!("Invalid value at '{path}': it must be a list.")));
        };
        let items: Result<Vec<_>, _> = items
            .into_iter()
            .enumerate()
            .filter_map(|(index, item)| single(item, field, &format!("{path}[{index}]")).transpose())
            .collect();
        return Ok(Some(Value::Array(items?)));
    }
    single(value, field, path)
}

fn single(value: Value, field: &FieldDescriptor, path: &str) -> Result<Option<Value>, Error> {
    Ok(Some(match (field.kind(), value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Bytes, Value::String(text)) => Value::String(bytes_text(&text).ok_or_else(|| {
            invalid(format!("Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for \"{text}\""))
        })?),
        (Kind::Message(message), Value::Object(map)) if !is_special(&message) => {
            Value::Object(normalised(map, &message, path)?)
        }
        (Kind::Message(message), Value::String(text)) if message.full_name() == "google.protobuf.FieldMask" => {
            Value::String(camel_mask(&text))
        }
        (Kind::Message(message), value @ (Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Array(_)))
            if !message.full_name().starts_with("google.protobuf.") =>
        {
            return Err(invalid(format!("Invalid value at '{path}' ({}), {value}", message.full_name())));
        }
        (_, value) => value,
    }))
}

/// Types whose JSON form is their own.
fn is_special(message: &MessageDescriptor) -> bool {
    message.full_name().starts_with("google.protobuf.")
}

/// Both alphabets, padded or not, in the standard one.
fn bytes_text(text: &str) -> Option<String> {
    let standard: String = text
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    LENIENT.decode(standard).ok().map(|bytes| STANDARD.encode(bytes))
}

/// `rotation_period,labels` -> `rotationPeriod,labels`: the form that ProtoJSON reads.
fn camel_mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut upper = false;
    for c in text.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// Puts a path variable or a query parameter, whose name may be dotted, into the object.
fn set_from_text(
    root: &mut Map<String, Value>,
    descriptor: &MessageDescriptor,
    name: &str,
    text: &str,
    lenient: bool,
) -> Result<(), Error> {
    let (head, rest) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
    let Some(field) = find(descriptor, head) else { return Ok(()) };
    let key = field.json_name().to_owned();
    if let Some(rest) = rest {
        let Kind::Message(message) = field.kind() else { return Ok(()) };
        let entry = root.entry(key).or_insert_with(|| Value::Object(Map::new()));
        return match entry {
            Value::Object(map) => set_from_text(map, &message, rest, text, lenient),
            _ => Ok(()),
        };
    }
    let value = match field.kind() {
        Kind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" | "" => Value::Bool(false),
            _ => return Err(invalid(format!("Invalid value at '{head}' (TYPE_BOOL), \"{text}\""))),
        },
        Kind::Enum(_) => text.parse::<i32>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
        Kind::Bytes => Value::String(bytes_text(text).ok_or_else(|| {
            invalid(format!("Invalid value at '{head}' (TYPE_BYTES), Base64 decoding failed for \"{text}\""))
        })?),
        Kind::Message(message) if message.full_name() == "google.protobuf.FieldMask" => Value::String(camel_mask(text)),
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Sint32 | Kind::Sint64 => {
            if text.parse::<i128>().is_err() {
                return Err(invalid(format!("Invalid value at '{head}' (TYPE_INT), \"{text}\"")));
            }
            Value::String(text.to_owned())
        }
        _ => Value::String(text.to_owned()),
    };
    if field.cardinality() == Cardinality::Repeated && !field.is_map() {
        let list = root.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(items) = list {
            items.push(value);
        }
    } else {
        // The path is stronger than a body that repeats it, the body stronger than the query.
        if !lenient || !root.contains_key(&key) {
            root.insert(key, value);
        }
    }
    Ok(())
}

/// The answer as JSON text.
pub fn response(method: &Method, bytes: Bytes, style: &Style) -> Result<Vec<u8>, Error> {
    let message = DynamicMessage::decode(descriptor(method.output)?, bytes)
        .map_err(|error| Error::internal(format!("an answer that does not decode: {error}")))?;
    let options = SerializeOptions::new().use_enum_numbers(style.enum_numbers);
    let failed = |error: serde_json::Error| Error::internal(format!("an answer that does not print: {error}"));
    if let Some(fields) = &style.fields {
        let mut value = message.serialize_with_options(serde_json::value::Serializer, &options).map_err(failed)?;
        crate::fields::partial(&mut value, fields);
        return if style.pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }
            .map_err(failed);
    }
    let mut out = Vec::with_capacity(256);
    if style.pretty {
        let mut serializer = serde_json::Serializer::pretty(&mut out);
        message.serialize_with_options(&mut serializer, &options).map_err(failed)?;
        out.push(b'\n');
    } else {
        message.serialize_with_options(&mut serde_json::Serializer::new(&mut out), &options).map_err(failed)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Matcher;
    use gcp_schema::Verb;
    use gcp_schema::kms::{CreateCryptoKeyRequest, EncryptRequest, UpdateCryptoKeyRequest};

    const KEY: &str = "projects/p/locations/us/keyRings/r/cryptoKeys/k";

    fn read(verb: Verb, url: &str, body: &str) -> Result<Bytes, Error> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let matched = Matcher::new(gcp_schema::methods()).find(verb, path, None).expect("a route");
        request(&matched, &query_pairs(query), body.as_bytes())
    }

    #[test]
    fn both_base64_alphabets_are_read_padded_or_not() {
        for text in ["-_8=", "-_8", "+/8=", "+/8"] {
            let bytes =
                read(Verb::Post, &format!("/v1/{KEY}:encrypt"), &format!(r#"{{"plaintext":"{text}"}}"#)).unwrap();
            let request = EncryptRequest::decode(bytes).unwrap();
            assert_eq!((request.name.as_str(), request.plaintext.as_ref()), (KEY, &[0xfb, 0xff][..]));
        }
    }

    #[test]
    fn path_query_and_body_meet_in_one_message() {
        let url = "/v1/projects/p/locations/us/keyRings/r/cryptoKeys?cryptoKeyId=k&skipInitialVersionCreation=True&alt=json&trustedFuture=1";
        let bytes = read(
            Verb::Post,
            url,
            r#"{"purpose": 1, "version_template": {"protectionLevel": "SOFTWARE"}, "labels": null}"#,
        )
        .unwrap();
        let request = CreateCryptoKeyRequest::decode(bytes).unwrap();
        assert_eq!(request.crypto_key_id, "k");
        assert!(request.skip_initial_version_creation);
        assert_eq!(request.crypto_key.unwrap().purpose, 1);
        for mask in ["rotationPeriod,nextRotationTime", "rotation_period,next_rotation_time"] {
            let bytes = read(Verb::Patch, &format!("/v1/{KEY}?updateMask={mask}"), "{}").unwrap();
            let request = UpdateCryptoKeyRequest::decode(bytes).unwrap();
            assert_eq!(request.update_mask.unwrap().paths, ["rotation_period", "next_rotation_time"]);
            assert_eq!(request.crypto_key.unwrap().name, KEY);
        }
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said() {
        let url = format!("/v1/{KEY}:encrypt");
        let say = |body: &str| read(Verb::Post, &url, body).unwrap_err().message().to_owned();
        assert_eq!(
            say(r#"{"plainText":"x"}"#),
            "Invalid JSON payload received. Unknown name \"plainText\": Cannot find field."
        );
        assert!(say("{").starts_with("Invalid JSON payload received. EOF"));
        assert!(say("[]").contains("must be an object"));
        assert!(say(r#"{"plaintext":"!"}"#).contains("Base64 decoding failed"));
        assert!(say(r#"{"plaintextCrc32c":{"x":1}}"#).starts_with("Invalid "));
        assert!(say(r#"{} x"#).contains("Trailing"));
    }
}
