//! The descriptor set: one file a proto package. Well-known types are left to the reader's pool.

use std::collections::BTreeMap;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, MessageOptions, MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};

use crate::parse::{Field, Kind, Message, Schema};

const WELL_KNOWN: [&str; 10] =
    ["any", "api", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers"];

pub fn file_name(package: &str) -> String {
    format!("{}.proto", package.replace('.', "/"))
}

pub fn build(schema: &Schema) -> FileDescriptorSet {
    let mut files: BTreeMap<&str, FileDescriptorProto> = BTreeMap::new();
    for package in schema.crates.keys() {
        let mut dependency: Vec<_> = WELL_KNOWN.iter().map(|name| format!("google/protobuf/{name}.proto")).collect();
        dependency.extend(referenced(schema, package).into_iter().map(|package| file_name(&package)));
        files.insert(
            package,
            FileDescriptorProto {
                name: Some(file_name(package)),
                package: Some(package.clone()),
                dependency,
                syntax: Some("proto3".to_owned()),
                ..Default::default()
            },
        );
    }
    for (name, message) in &schema.messages {
        if is_top_level(name, &message.package) {
            let file = files.get_mut(message.package.as_str()).expect("its package");
            file.message_type.push(describe(schema, name, message));
        }
    }
    for (name, found) in &schema.enums {
        if is_top_level(name, &found.package) {
            files.get_mut(found.package.as_str()).expect("its package").enum_type.push(describe_enum(schema, name));
        }
    }
    for service in &schema.services {
        let method = service
            .methods
            .iter()
            .map(|rpc| MethodDescriptorProto {
                name: rpc.path.rsplit('/').next().map(str::to_owned),
                input_type: Some(format!(".{}", schema.proto_name(&rpc.input))),
                output_type: Some(format!(".{}", schema.proto_name(&rpc.output))),
                client_streaming: Some(rpc.client_streaming),
                server_streaming: Some(rpc.server_streaming),
                ..Default::default()
            })
            .collect();
        files.get_mut(service.package.as_str()).expect("its package").service.push(ServiceDescriptorProto {
            name: Some(service.name.clone()),
            method,
            ..Default::default()
        });
    }
    FileDescriptorSet { file: in_order(files.into_values().collect()) }
}

/// The file of a package and those that it needs, in their order.
pub fn needed(all: &FileDescriptorSet, package: &str) -> FileDescriptorSet {
    let mut names = vec![file_name(package)];
    // Backwards, those that need come before what they need.
    let mut file: Vec<_> = all
        .file
        .iter()
        .rev()
        .filter(|file| {
            let is_needed = names.iter().any(|name| name == file.name());
            if is_needed {
                names.extend(file.dependency.iter().cloned());
            }
            is_needed
        })
        .cloned()
        .collect();
    file.reverse();
    FileDescriptorSet { file }
}

/// Dependencies before those that need them.
fn in_order(mut files: Vec<FileDescriptorProto>) -> Vec<FileDescriptorProto> {
    let mut ordered: Vec<FileDescriptorProto> = Vec::new();
    while !files.is_empty() {
        let ready = files
            .iter()
            .position(|file| file.dependency.iter().all(|needed| files.iter().all(|other| other.name() != needed)))
            .expect("packages do not need each other in a circle");
        ordered.push(files.remove(ready));
    }
    ordered
}

fn is_top_level(name: &str, package: &str) -> bool {
    name.strip_prefix(package).is_some_and(|rest| rest.matches('.').count() == 1)
}

fn is_child(name: &str, parent: &str) -> bool {
    name.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.') && rest.matches('.').count() == 1)
}

fn package_of(schema: &Schema, name: &str) -> Option<String> {
    schema
        .messages
        .get(name)
        .map(|message| message.package.clone())
        .or_else(|| schema.enums.get(name).map(|found| found.package.clone()))
}

fn referenced(schema: &Schema, package: &str) -> Vec<String> {
    fn named(kind: &Kind) -> Option<&str> {
        match kind {
            Kind::Named(name) => Some(name),
            Kind::Map(_, value) => named(value),
            Kind::Scalar(_) => None,
        }
    }
    let mut names: Vec<String> = Vec::new();
    for message in schema.messages.values().filter(|message| message.package == package) {
        names.extend(message.fields.iter().filter_map(|field| named(&field.kind)).map(str::to_owned));
    }
    for service in schema.services.iter().filter(|service| service.package == package) {
        for rpc in &service.methods {
            names.extend([schema.proto_name(&rpc.input), schema.proto_name(&rpc.output)]);
        }
    }
    let mut packages: Vec<_> =
        names.iter().filter_map(|name| package_of(schema, name)).filter(|other| other != package).collect();
    packages.sort();
    packages.dedup();
    packages
}

fn describe(schema: &Schema, name: &str, message: &Message) -> DescriptorProto {
    let mut made = DescriptorProto { name: name.rsplit('.').next().map(str::to_owned), ..Default::default() };
    made.oneof_decl =
        message.oneofs.iter().map(|name| OneofDescriptorProto { name: Some(name.clone()), options: None }).collect();
    let mut fields: Vec<_> = message.fields.iter().collect();
    fields.sort_by_key(|field| field.number);
    for field in fields {
        let mut described = describe_field(schema, name, field, &mut made.nested_type);
        if field.optional {
            // Proto3 optional scalars live in a oneof of their own, after the real ones.
            described.proto3_optional = Some(true);
            described.oneof_index = Some(made.oneof_decl.len() as i32);
            made.oneof_decl.push(OneofDescriptorProto { name: Some(format!("_{}", field.name)), options: None });
        }
        made.field.push(described);
    }
    for (child, nested) in &schema.messages {
        if is_child(child, name) {
            made.nested_type.push(describe(schema, child, nested));
        }
    }
    for child in schema.enums.keys() {
        if is_child(child, name) {
            made.enum_type.push(describe_enum(schema, child));
        }
    }
    made
}

fn describe_field(
    schema: &Schema,
    owner: &str,
    field: &Field,
    nested: &mut Vec<DescriptorProto>,
) -> FieldDescriptorProto {
    let mut made = FieldDescriptorProto {
        name: Some(field.name.clone()),
        number: Some(field.number),
        oneof_index: field.oneof.map(|index| index as i32),
        ..Default::default()
    };
    made.set_label(if field.repeated { Label::Repeated } else { Label::Optional });
    match &field.kind {
        Kind::Map(key, value) => {
            let entry = format!("{}Entry", upper_camel(&field.name));
            let part = |name: &str, number, kind: &Kind| {
                let mut made =
                    FieldDescriptorProto { name: Some(name.to_owned()), number: Some(number), ..Default::default() };
                made.set_label(Label::Optional);
                set_type(schema, &mut made, kind);
                made
            };
            nested.push(DescriptorProto {
                name: Some(entry.clone()),
                field: vec![part("key", 1, key), part("value", 2, value)],
                options: Some(MessageOptions { map_entry: Some(true), ..Default::default() }),
                ..Default::default()
            });
            made.set_label(Label::Repeated);
            made.set_type(Type::Message);
            made.type_name = Some(format!(".{owner}.{entry}"));
        }
        kind => set_type(schema, &mut made, kind),
    }
    made
}

fn set_type(schema: &Schema, field: &mut FieldDescriptorProto, kind: &Kind) {
    let ty = match kind {
        Kind::Named(name) => {
            field.type_name = Some(format!(".{name}"));
            if schema.enums.contains_key(name) || name == "google.protobuf.NullValue" {
                Type::Enum
            } else {
                Type::Message
            }
        }
        Kind::Scalar(name) => match name.as_str() {
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "bool" => Type::Bool,
            "int32" => Type::Int32,
            "int64" => Type::Int64,
            "uint32" => Type::Uint32,
            "uint64" => Type::Uint64,
            "sint32" => Type::Sint32,
            "sint64" => Type::Sint64,
            "fixed32" => Type::Fixed32,
            "fixed64" => Type::Fixed64,
            "sfixed32" => Type::Sfixed32,
            "sfixed64" => Type::Sfixed64,
            "double" => Type::Double,
            "float" => Type::Float,
            other => panic!("an unknown scalar {other}"),
        },
        Kind::Map(..) => panic!("a map in a map"),
    };
    field.set_type(ty);
}

fn describe_enum(schema: &Schema, name: &str) -> EnumDescriptorProto {
    let found = &schema.enums[name];
    EnumDescriptorProto {
        name: name.rsplit('.').next().map(str::to_owned),
        value: found
            .values
            .iter()
            .map(|(text, number)| EnumValueDescriptorProto {
                name: Some(text.clone()),
                number: Some(*number),
                options: None,
            })
            .collect(),
        ..Default::default()
    }
}

fn upper_camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
        })
        .collect()
}
