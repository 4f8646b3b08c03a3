//! prost's output, read back: attributes carry numbers and kinds, client modules carry the methods.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::{Attribute, Expr, Fields, Item, Lit, Meta, Type};

use crate::enums::enumeration;
use crate::rpc::client;
use crate::types::{innermost, last_argument, rust_path, snake, text_path};

#[derive(Default)]
pub struct Schema {
    /// Proto name -> message. Until `resolve`, named kinds hold Rust paths.
    pub messages: BTreeMap<String, Message>,
    pub enums: BTreeMap<String, Enum>,
    pub services: Vec<Service>,
    /// Rust path inside its crate (`google::pubsub::v1::schema::Type`) -> proto name.
    names: BTreeMap<String, String>,
    /// Proto package -> crate.
    pub crates: BTreeMap<String, String>,
}

pub struct Message {
    pub package: String,
    pub fields: Vec<Field>,
    pub oneofs: Vec<String>,
}

pub struct Enum {
    pub package: String,
    pub values: Vec<(String, i32)>,
}

pub struct Field {
    pub name: String,
    pub number: i32,
    pub kind: Kind,
    pub repeated: bool,
    pub optional: bool,
    pub oneof: Option<usize>,
}

pub enum Kind {
    Scalar(String),
    /// A message or enum: a Rust path before `resolve`, a proto name after.
    Named(String),
    Map(Box<Kind>, Box<Kind>),
}

pub struct Service {
    pub package: String,
    pub name: String,
    pub methods: Vec<Rpc>,
}

pub struct Rpc {
    pub path: String,
    pub rust_name: String,
    pub input: String,
    pub output: String,
    pub client_streaming: bool,
    pub server_streaming: bool,
}

/// Where the walk is: Rust modules, and the proto message that encloses them.
#[derive(Clone)]
pub struct Place {
    pub modules: Vec<String>,
    pub package: String,
    pub enclosing: String,
}

pub fn file(schema: &mut Schema, krate: &str, path: &Path) {
    let package = path.file_stem().and_then(|stem| stem.to_str()).expect("a file name").replace("r#", "");
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parsed = syn::parse_file(&source).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    schema.crates.insert(package.clone(), krate.replace('-', "_"));
    let place = Place { modules: package.split('.').map(str::to_owned).collect(), enclosing: package.clone(), package };
    items(schema, &place, &parsed.items);
}

fn items(schema: &mut Schema, place: &Place, items: &[Item]) {
    // Oneof enums belong to the message that encloses their module; collect them first.
    for item in items {
        match item {
            Item::Struct(item) if derives(&item.attrs, "Message") => message(schema, place, item),
            Item::Enum(item) if derives(&item.attrs, "Enumeration") => enumeration(schema, place, item, items),
            _ => {}
        }
    }
    for item in items {
        if let Item::Mod(module) = item
            && let Some((_, inner)) = &module.content
        {
            let name = module.ident.to_string().replace("r#", "");
            if name.ends_with("_client") {
                client(schema, place, inner);
                continue;
            }
            let enclosing = schema
                .names
                .iter()
                .filter(|(path, _)| {
                    path.rsplit_once("::").is_some_and(|(parent, _)| parent == place.modules.join("::"))
                })
                .find(|(path, _)| snake(path.rsplit("::").next().unwrap_or_default()) == name)
                .map(|(_, proto)| proto.clone());
            let Some(enclosing) = enclosing else { continue };
            let mut modules = place.modules.clone();
            modules.push(name);
            let inside = Place { modules, package: place.package.clone(), enclosing: enclosing.clone() };
            for item in inner {
                if let Item::Enum(item) = item
                    && derives(&item.attrs, "Oneof")
                {
                    oneof(schema, &inside, &enclosing, item);
                }
            }
            self::items(schema, &inside, inner);
        }
    }
}

fn derives(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("derive")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string().split([' ', ',', ':']).any(|word| word == name))
    })
}

/// The words of `#[prost(…)]`: bare ones map to "".
fn prost(attributes: &[Attribute]) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("prost")) {
        let parsed = attribute
            .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
            .expect("prost attributes are lists");
        for meta in parsed {
            let key = meta.path().get_ident().expect("one word").to_string();
            let value = match &meta {
                Meta::NameValue(pair) => match &pair.value {
                    Expr::Lit(literal) => match &literal.lit {
                        Lit::Str(text) => text.value(),
                        _ => panic!("a text is expected in #[prost({key} = …)]"),
                    },
                    _ => panic!("a literal is expected in #[prost({key} = …)]"),
                },
                _ => String::new(),
            };
            words.insert(key, value);
        }
    }
    words
}

pub fn register(schema: &mut Schema, place: &Place, rust: &str) -> String {
    let proto = format!("{}.{rust}", place.enclosing);
    schema.names.insert(format!("{}::{rust}", place.modules.join("::")), proto.clone());
    proto
}

fn message(schema: &mut Schema, place: &Place, item: &syn::ItemStruct) {
    let name = register(schema, place, &item.ident.to_string());
    let mut found = Message { package: place.package.clone(), fields: Vec::new(), oneofs: Vec::new() };
    for field in &item.fields {
        let words = prost(&field.attrs);
        let field_name = field.ident.as_ref().expect("a named field").to_string().replace("r#", "");
        if words.contains_key("oneof") {
            found.oneofs.push(field_name);
        } else {
            found.fields.push(self::field(place, field_name, &words, &field.ty));
        }
    }
    schema.messages.insert(name, found);
}

fn oneof(schema: &mut Schema, place: &Place, owner: &str, item: &syn::ItemEnum) {
    let name = snake(&item.ident.to_string());
    let message = schema.messages.get_mut(owner).expect("the oneof's message");
    let index =
        message.oneofs.iter().position(|known| *known == name).unwrap_or_else(|| panic!("{owner}: no oneof {name}"));
    for variant in &item.variants {
        let Fields::Unnamed(fields) = &variant.fields else { panic!("a oneof variant holds one value") };
        let words = prost(&variant.attrs);
        let field_name = snake(&variant.ident.to_string());
        let mut field = field(place, field_name, &words, &fields.unnamed[0].ty);
        field.oneof = Some(index);
        message.fields.push(field);
    }
}

const SCALARS: [&str; 14] = [
    "string", "bool", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
    "sfixed64", "double", "float",
];

fn field(place: &Place, name: String, words: &BTreeMap<String, String>, ty: &Type) -> Field {
    let number = words["tag"].parse().expect("a field number");
    let kind = if let Some(pair) = words.get("btree_map") {
        let (key, value) = pair.split_once(',').expect("key and value");
        let value = value.trim();
        let value = if value == "message" {
            Kind::Named(rust_path(place, &last_argument(ty)))
        } else if let Some(inner) = value.strip_prefix("enumeration(") {
            Kind::Named(text_path(place, inner.trim_end_matches(')')))
        } else {
            Kind::Scalar(value.to_owned())
        };
        Kind::Map(Box::new(Kind::Scalar(key.trim().to_owned())), Box::new(value))
    } else if let Some(path) = words.get("enumeration") {
        Kind::Named(text_path(place, path))
    } else if words.contains_key("bytes") {
        Kind::Scalar("bytes".to_owned())
    } else if let Some(scalar) = SCALARS.iter().find(|scalar| words.contains_key(**scalar)) {
        Kind::Scalar((*scalar).to_owned())
    } else {
        Kind::Named(rust_path(place, &innermost(ty)))
    };
    let message = words.contains_key("message");
    Field {
        name,
        number,
        kind,
        repeated: words.contains_key("repeated"),
        optional: words.contains_key("optional") && !message,
        oneof: None,
    }
}

impl Schema {
    /// Puts proto names where Rust paths stand.
    pub fn resolve(&mut self) {
        let names = std::mem::take(&mut self.names);
        for message in self.messages.values_mut() {
            for field in &mut message.fields {
                resolve_kind(&names, &mut field.kind);
            }
        }
        self.names = names;
    }

    /// The proto name of a Rust path.
    pub fn proto_name(&self, rust: &str) -> String {
        lookup(&self.names, rust)
    }
}

fn lookup(names: &BTreeMap<String, String>, rust: &str) -> String {
    match rust.strip_prefix("prost_types::") {
        Some(known) => format!("google.protobuf.{}", known.replace("::", ".")),
        None => names.get(rust).cloned().unwrap_or_else(|| panic!("nothing is known of {rust}")),
    }
}

fn resolve_kind(names: &BTreeMap<String, String>, kind: &mut Kind) {
    match kind {
        Kind::Named(path) => *path = lookup(names, path),
        Kind::Map(_, value) => resolve_kind(names, value),
        Kind::Scalar(_) => {}
    }
}
