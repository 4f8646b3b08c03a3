//! Message to ProtoJSON, field by field as `prost-reflect` prints it, which prints the well-known types here too.
//! It writes bytes piece by piece through formatted text; answers of Encrypt, Publish and Pull are mostly bytes.

use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage as _, SerializeOptions, Value};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use crate::base64;

pub struct Printed<'a> {
    pub message: &'a DynamicMessage,
    pub enum_numbers: bool,
}

impl Serialize for Printed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let enum_numbers = self.enum_numbers;
        let mut packed = None;
        if self.message.descriptor().full_name().starts_with("google.protobuf.") {
            packed = unpacked(self.message);
            if packed.is_none() {
                let options = SerializeOptions::new().use_enum_numbers(enum_numbers);
                return self.message.serialize_with_options(serializer, &options);
            }
        }
        let mut map = serializer.serialize_map(None)?;
        if let Some((type_url, _)) = &packed {
            map.serialize_entry("@type", type_url)?;
        }
        for (field, value) in packed.as_ref().map_or(self.message, |(_, message)| message).fields() {
            map.serialize_entry(field.json_name(), &Item { value, kind: &field.kind(), enum_numbers })?;
        }
        map.end()
    }
}

/// What an `Any` holds, unless that is well known or not known at all.
fn unpacked(message: &DynamicMessage) -> Option<(String, DynamicMessage)> {
    if message.descriptor().full_name() != "google.protobuf.Any" {
        return None;
    }
    let any = message.transcode_to::<prost_types::Any>().ok()?;
    let name = any.type_url.rsplit('/').next().filter(|name| !name.starts_with("google.protobuf."))?;
    let packed = message.descriptor().parent_pool().get_message_by_name(name)?;
    Some((any.type_url.clone(), DynamicMessage::decode(packed, any.value.as_slice()).ok()?))
}

struct Item<'a> {
    value: &'a Value,
    kind: &'a Kind,
    enum_numbers: bool,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { kind, enum_numbers, .. } = *self;
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            Value::I64(value) => serializer.collect_str(value),
            Value::U64(value) => serializer.collect_str(value),
            Value::F32(value) if value.is_finite() => serializer.serialize_f32(*value),
            Value::F64(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::F32(value) => serializer.serialize_str(boundless(f64::from(*value))),
            Value::F64(value) => serializer.serialize_str(boundless(*value)),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_str(&base64::encode(value)),
            Value::EnumNumber(number) => match kind {
                Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => serializer.serialize_none(),
                Kind::Enum(of) if !enum_numbers => match of.get_value(*number) {
                    Some(value) => serializer.serialize_str(value.name()),
                    None => serializer.serialize_i32(*number),
                },
                _ => serializer.serialize_i32(*number),
            },
            Value::Message(message) => Printed { message, enum_numbers }.serialize(serializer),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&Self { value, kind, enum_numbers })?;
                }
                list.end()
            }
            Value::Map(values) => {
                let of = kind.as_message().map(|entry| entry.map_entry_value_field().kind());
                let kind = of.as_ref().unwrap_or(kind);
                let mut map = serializer.serialize_map(Some(values.len()))?;
                // In an order of its own, so that the same answer is the same text.
                for (key, value) in std::collections::BTreeMap::from_iter(values) {
                    map.serialize_entry(&name(key), &Item { value, kind, enum_numbers })?;
                }
                map.end()
            }
        }
    }
}

fn boundless(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}

fn name(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::{FieldDescriptor, MessageDescriptor};
    use std::collections::{BTreeSet, HashMap};

    /// A message with something in every field; `turn` chooses among the ends of each type and the fields of a `oneof`.
    fn filled(descriptor: &MessageDescriptor, turn: usize, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        match descriptor.full_name() {
            "google.protobuf.Any" => {
                let name = ["google.cloud.kms.v1.CryptoKey", "google.protobuf.Duration"][turn % 2];
                let packed = descriptor.parent_pool().get_message_by_name(name).expect(name);
                let packed = filled(&packed, turn, depth);
                message.set_field_by_name("type_url", Value::String(format!("type.googleapis.com/{name}")));
                message.set_field_by_name("value", Value::Bytes(prost::Message::encode_to_vec(&packed).into()));
                return message;
            }
            "google.protobuf.Duration" => {
                message.set_field_by_name("seconds", Value::I64(86_400 + turn as i64));
                message.set_field_by_name("nanos", Value::I32(1_500_000));
                return message;
            }
            "google.protobuf.Value" => {
                message.set_field_by_name("string_value", Value::String("x".into()));
                return message;
            }
            _ => {}
        }
        for (index, field) in descriptor.fields().enumerate() {
            let chosen = field.containing_oneof().is_none_or(|of| index % of.fields().len().max(1) == turn);
            let deep = matches!(field.kind(), Kind::Message(_)) && depth == 0;
            if !chosen || deep || field.full_name() == "google.protobuf.Struct.fields" {
                continue;
            }
            let value = value(&field, turn, depth);
            message.set_field(&field, value);
        }
        message
    }

    fn value(field: &FieldDescriptor, turn: usize, depth: usize) -> Value {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { panic!("{field:?}") };
            let of = single(&entry.map_entry_value_field().kind(), turn, depth);
            let keys: Vec<MapKey> = match entry.map_entry_key_field().kind() {
                Kind::String => vec![MapKey::String("b\"".into()), MapKey::String("a".into())],
                Kind::Int32 => vec![MapKey::I32(-3), MapKey::I32(7)],
                other => panic!("a map by {other:?}"),
            };
            return Value::Map(keys.into_iter().map(|key| (key, of.clone())).collect::<HashMap<_, _>>());
        }
        let one = single(&field.kind(), turn, depth);
        if field.is_list() { Value::List(vec![one.clone(), one]) } else { one }
    }

    fn single(kind: &Kind, turn: usize, depth: usize) -> Value {
        let even = turn.is_multiple_of(2);
        match kind {
            Kind::Double => Value::F64([1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY][turn % 4]),
            Kind::Float => Value::F32([0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY][turn % 4]),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(if even { i32::MIN } else { 7 }),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(if even { i64::MAX } else { -7 }),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(if even { u32::MAX } else { 7 }),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(if even { u64::MAX } else { 7 }),
            Kind::Bool => Value::Bool(true),
            Kind::String => Value::String("\u{e9} \"\\\n\u{1}".into()),
            Kind::Bytes => Value::Bytes((0..=200).collect::<Vec<u8>>()[..if even { 200 } else { 2 }].to_vec().into()),
            Kind::Enum(of) => {
                Value::EnumNumber(if even { 12_345 } else { of.values().last().map_or(0, |value| value.number()) })
            }
            Kind::Message(of) => {
                let mut message = filled(of, turn, depth.saturating_sub(1));
                if of.full_name() == "google.protobuf.Timestamp" {
                    message.set_field_by_name("seconds", Value::I64(86_400 + turn as i64));
                    message.set_field_by_name("nanos", Value::I32(1_500_000));
                } else if of.full_name() == "google.protobuf.FieldMask" {
                    let paths = ["a_b", "c"].map(|path| Value::String(path.into()));
                    message.set_field_by_name("paths", Value::List(paths.into()));
                }
                Value::Message(message)
            }
        }
    }

    #[test]
    fn every_message_is_printed_as_prost_reflect_prints_it() {
        let names: BTreeSet<_> =
            gcp_schema::methods().iter().flat_map(|method| [method.input, method.output]).collect();
        let (mut bytes, mut any) = (0, 0);
        for name in names {
            let descriptor = gcp_schema::message(name).expect(name);
            for (turn, enum_numbers) in (0..6).flat_map(|turn| [(turn, false), (turn, true)]) {
                let message = filled(&descriptor, turn, 3);
                let options = SerializeOptions::new().use_enum_numbers(enum_numbers);
                let usual = message.serialize_with_options(serde_json::value::Serializer, &options).expect(name);
                let ours = serde_json::to_value(Printed { message: &message, enum_numbers }).expect(name);
                assert_eq!(ours, usual, "{name}");
                let order = |value: &serde_json::Value| {
                    value.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>())
                };
                assert_eq!(order(&ours), order(&usual), "{name}");
                bytes += usize::from(usual.to_string().contains("AAECAwQF"));
                any += usize::from(usual.to_string().contains("type.googleapis.com/google.cloud.kms.v1.CryptoKey"));
            }
        }
        assert!(bytes > 10 && any > 10, "messages with bytes and packed ones were among them");
    }

    #[test]
    fn an_answer_with_a_map_is_the_same_text_every_time() {
        let mut key = gcp_schema::kms::CryptoKey::default();
        for label in ["b", "a", "d", "c"] {
            key.labels.insert(label.into(), "1".into());
        }
        let descriptor = gcp_schema::message("google.cloud.kms.v1.CryptoKey").unwrap();
        let message = DynamicMessage::decode(descriptor, prost::Message::encode_to_vec(&key).as_slice()).unwrap();
        let text = serde_json::to_string(&Printed { message: &message, enum_numbers: false }).unwrap();
        assert_eq!(text, r#"{"labels":{"a":"1","b":"1","c":"1","d":"1"}}"#);
    }
}
