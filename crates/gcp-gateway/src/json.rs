//! ProtoJSON to message: as lenient as Google's front end, and as plain about what it refuses.

use std::collections::HashMap;
use std::fmt;

use gcp_schema::{Detail, Error, FieldViolation};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::{Map, Value as Json};

use crate::base64;

/// How much of a wrong value an error repeats.
const QUOTED: usize = 200;

/// Where in the request we are. A chain on the stack: a text is made only for an error.
#[derive(Clone, Copy)]
pub enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Reads values into messages and collects what is wrong with them: Google names all of it at once.
#[derive(Default)]
pub struct Reader {
    problems: Vec<FieldViolation>,
}

impl Reader {
    pub fn message(
        &mut self,
        descriptor: MessageDescriptor,
        map: Map<String, Json>,
        path: &Path<'_>,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for (name, json) in map {
            match field_of(&descriptor, &name) {
                Some(field) => self.field(&mut message, &field, &name, json, path),
                None => self.misplaced(path, &name, "Cannot find field."),
            }
        }
        message
    }

    /// Sets one field from JSON. `name` is what the caller called it.
    pub fn field(
        &mut self,
        message: &mut DynamicMessage,
        field: &FieldDescriptor,
        name: &str,
        json: Json,
        parent: &Path<'_>,
    ) {
        if json.is_null() && !takes_null(&field.kind()) {
            return;
        }
        let path = Path::Field(parent, field.name());
        if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
            && oneof.fields().any(|other| other != *field && message.has_field(&other))
        {
            let description = format!(
                "Invalid value at '{parent}' (oneof), oneof field '{}' is already set. Cannot set '{name}'",
                oneof.name()
            );
            self.problems.push(FieldViolation { field: parent.to_string(), description });
            return;
        }
        let value = if field.is_map() {
            self.map(field, json, &path)
        } else if field.is_list() {
            self.list(field, name, json, parent, &path)
        } else {
            self.single(&field.kind(), name, json, parent, &path)
        };
        if let Some(value) = value {
            self.put(message, field, value);
        }
    }

    /// Sets a field, whose name may be dotted, from a query parameter or a path variable. A name that the message does
    /// not know is a system parameter, or newer than we are. With `yields`, what is set already stays.
    pub fn text(&mut self, message: &mut DynamicMessage, name: &str, text: String, yields: bool, parent: &Path<'_>) {
        use prost_reflect::ReflectMessage as _;
        let (head, rest) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
        let Some(field) = field_of(&message.descriptor(), head) else { return };
        let path = Path::Field(parent, field.name());
        if let Some(rest) = rest {
            if let (Kind::Message(_), false) = (field.kind(), field.is_list() || field.is_map())
                && let Some(inner) = message.get_field_mut(&field).as_message_mut()
            {
                self.text(inner, rest, text, yields, &path);
            }
            return;
        }
        if field.is_map() || (text.is_empty() && !matches!(field.kind(), Kind::String | Kind::Bytes)) {
            return;
        }
        if !field.is_list() && yields && message.has_field(&field) {
            return;
        }
        let Some(value) = self.single(&field.kind(), head, Json::String(text), parent, &path) else { return };
        if field.is_list() {
            if let Some(list) = message.get_field_mut(&field).as_list_mut() {
                list.push(value);
            }
        } else {
            self.put(message, &field, value);
        }
    }

    pub fn finish(self) -> Result<(), Error> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = self.problems.iter().map(|problem| problem.description.as_str()).collect();
        Err(Error::invalid_argument(lines.join("\n")).with_detail(Detail::BadRequest(self.problems)))
    }

    /// A name where it must not be.
    pub fn misplaced(&mut self, path: &Path<'_>, name: &str, why: &str) {
        let field = path.to_string();
        let at = if field.is_empty() { String::new() } else { format!(" at '{field}'") };
        let description = format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: {why}");
        self.problems.push(FieldViolation { field, description });
    }

    fn invalid(&mut self, path: &Path<'_>, kind: &str, given: impl fmt::Display) {
        let description = format!("Invalid value at '{path}' ({kind}), {given}");
        self.problems.push(FieldViolation { field: path.to_string(), description });
    }

    fn put(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, value: Value) {
        if let Err(error) = message.try_set_field(field, value) {
            let description = format!("Invalid value at '{}': {error}", field.name());
            self.problems.push(FieldViolation { field: field.name().to_owned(), description });
        }
    }

    fn map(&mut self, field: &FieldDescriptor, json: Json, path: &Path<'_>) -> Option<Value> {
        let Kind::Message(entry) = field.kind() else { return None };
        let Json::Object(entries) = json else {
            self.invalid(path, "Map", quoted(&json));
            return None;
        };
        let (key_kind, value_kind) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let mut out = HashMap::with_capacity(entries.len());
        for (index, (key, json)) in entries.into_iter().enumerate() {
            let place = Path::Item(path, index);
            if json.is_null() && !takes_null(&value_kind) {
                self.invalid(&place, "Map", "Map value cannot be null.");
                continue;
            }
            let Some(key) = map_key(&key_kind, key) else {
                self.invalid(&Path::Field(&place, "key"), &type_name(&key_kind), "not a key");
                continue;
            };
            let value_path = Path::Field(&place, "value");
            if let Some(value) = self.single(&value_kind, "value", json, &place, &value_path) {
                out.insert(key, value);
            }
        }
        Some(Value::Map(out))
    }

    fn list(
        &mut self,
        field: &FieldDescriptor,
        name: &str,
        json: Json,
        parent: &Path<'_>,
        path: &Path<'_>,
    ) -> Option<Value> {
        let kind = field.kind();
        let items = match json {
            Json::Array(items) => items,
            one => vec![one],
        };
        let mut out = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            if item.is_null() && !takes_null(&kind) {
                continue;
            }
            out.extend(self.single(&kind, name, item, parent, &Path::Item(path, index)));
        }
        Some(Value::List(out))
    }

    fn single(&mut self, kind: &Kind, name: &str, json: Json, parent: &Path<'_>, path: &Path<'_>) -> Option<Value> {
        if let Kind::Message(descriptor) = kind {
            return self.submessage(descriptor, name, json, parent, path);
        }
        match (kind, &json) {
            (_, Json::Array(_)) => self.misplaced(parent, name, "Proto field is not repeating, cannot start list."),
            (_, Json::Object(_)) => self.misplaced(parent, name, "Starting an object on a scalar field."),
            (Kind::Bytes, Json::String(text)) => match base64::decode(text) {
                Some(bytes) => return Some(Value::Bytes(bytes.into())),
                None => self.invalid(path, "TYPE_BYTES", format_args!("Base64 decoding failed for {}", quoted(&json))),
            },
            (Kind::String, Json::String(_)) => {
                let Json::String(text) = json else { return None };
                return Some(Value::String(text));
            }
            _ => match scalar(kind, &json) {
                Some(value) => return Some(value),
                None => self.invalid(path, &type_name(kind), quoted(&json)),
            },
        }
        None
    }

    fn submessage(
        &mut self,
        descriptor: &MessageDescriptor,
        name: &str,
        json: Json,
        parent: &Path<'_>,
        path: &Path<'_>,
    ) -> Option<Value> {
        let full_name = descriptor.full_name();
        let Some(well_known) = full_name.strip_prefix("google.protobuf.") else {
            return match json {
                Json::Object(map) => Some(Value::Message(self.message(descriptor.clone(), map, path))),
                Json::Array(_) => {
                    self.misplaced(parent, name, "Proto field is not repeating, cannot start list.");
                    None
                }
                other => {
                    self.invalid(path, &format!("type.googleapis.com/{full_name}"), quoted(&other));
                    None
                }
            };
        };
        match (well_known, &json) {
            ("FieldMask", Json::String(text)) => {
                let mut message = DynamicMessage::new(descriptor.clone());
                let paths = text.split(',').map(str::trim).filter(|path| !path.is_empty());
                let paths = paths.map(|path| Value::String(snake_case(path))).collect();
                message.try_set_field_by_name("paths", Value::List(paths)).ok()?;
                Some(Value::Message(message))
            }
            (wrapper, _) if wrapper.ends_with("Value") && !matches!(wrapper, "Value" | "ListValue" | "NullValue") => {
                let inner = descriptor.get_field_by_name("value")?;
                let value = self.single(&inner.kind(), name, json, parent, path)?;
                let mut message = DynamicMessage::new(descriptor.clone());
                self.put(&mut message, &inner, value);
                Some(Value::Message(message))
            }
            _ => {
                let given = quoted(&json);
                match DynamicMessage::deserialize(descriptor.clone(), json) {
                    Ok(message) => Some(Value::Message(message)),
                    Err(_) => {
                        let why = match well_known {
                            "Timestamp" => format!(
                                "Field '{name}', Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone offset."
                            ),
                            "Duration" => {
                                format!("Field '{name}', Illegal duration format; duration must end with 's'")
                            }
                            _ => given,
                        };
                        self.invalid(path, &format!("type.googleapis.com/{full_name}"), why);
                        None
                    }
                }
            }
        }
    }
}

pub fn field_of(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name))
}

/// For these `null` is a value.
fn takes_null(kind: &Kind) -> bool {
    match kind {
        Kind::Message(message) => message.full_name() == "google.protobuf.Value",
        Kind::Enum(of) => of.full_name() == "google.protobuf.NullValue",
        _ => false,
    }
}

fn quoted(json: &Json) -> String {
    let text = match json {
        // Only what is shown is copied: a wrong value may be megabytes long.
        Json::String(text) => Json::String(text.chars().take(QUOTED + 1).collect()).to_string(),
        Json::Array(_) => return "[…]".to_owned(),
        Json::Object(_) => return "{…}".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= QUOTED + 2 { text } else { text.chars().take(QUOTED).collect::<String>() + "…\"" }
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Enum(of) => format!("type.googleapis.com/{}", of.full_name()),
        Kind::Message(message) => format!("type.googleapis.com/{}", message.full_name()),
        other => format!("TYPE_{}", format!("{other:?}").to_uppercase()),
    }
}

fn scalar(kind: &Kind, json: &Json) -> Option<Value> {
    Some(match kind {
        Kind::Bool => Value::Bool(boolean(json)?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(integer(json)?.try_into().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(json)?.try_into().ok()?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(integer(json)?.try_into().ok()?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(integer(json)?.try_into().ok()?),
        Kind::Float => Value::F32(float(json)? as f32),
        Kind::Double => Value::F64(float(json)?),
        Kind::Enum(_) if json.is_null() => Value::EnumNumber(0),
        Kind::Enum(of) => {
            let named = json.as_str().and_then(|name| of.get_value_by_name(name)).map(|value| value.number());
            Value::EnumNumber(named.or_else(|| integer(json)?.try_into().ok())?)
        }
        Kind::String | Kind::Bytes | Kind::Message(_) => return None,
    })
}

/// gcloud writes `True` in queries, others `true`.
fn boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(value) => Some(*value),
        Json::String(text) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
        Json::String(text) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
        _ => None,
    }
}

/// A whole number, as a number or as text: JavaScript has no 64 bits. `1.0` and `1e3` are whole.
fn integer(json: &Json) -> Option<i128> {
    let exact = match json {
        Json::Number(number) => number.as_i128(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    exact.or_else(|| float(json).filter(|value| value.fract() == 0.0 && value.abs() < 9e15).map(|value| value as i128))
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn map_key(kind: &Kind, key: String) -> Option<MapKey> {
    Some(match kind {
        Kind::String => MapKey::String(key),
        other => match scalar(other, &Json::String(key))? {
            Value::Bool(value) => MapKey::Bool(value),
            Value::I32(value) => MapKey::I32(value),
            Value::I64(value) => MapKey::I64(value),
            Value::U32(value) => MapKey::U32(value),
            Value::U64(value) => MapKey::U64(value),
            _ => return None,
        },
    })
}

/// A mask's path in the spelling of the messages: `rotationPeriod` and `rotation_period` are one.
fn snake_case(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
