//! prost's output, read back: attributes carry numbers and kinds, client modules carry the methods.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, Meta, PathArguments, Type};

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
struct Place {
    modules: Vec<String>,
    package: String,
    enclosing: String,
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

fn register(schema: &mut Schema, place: &Place, rust: &str) -> String {
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

/// `Option<Box<T>>`, `Vec<T>` -> `T`.
fn innermost(ty: &Type) -> Type {
    if let Type::Path(path) = ty {
        let last = path.path.segments.last().expect("a path");
        let wrapper = ["Option", "Vec", "Box"].contains(&last.ident.to_string().as_str());
        if wrapper
            && let PathArguments::AngleBracketed(arguments) = &last.arguments
            && let Some(GenericArgument::Type(inner)) = arguments.args.first()
        {
            return innermost(inner);
        }
    }
    ty.clone()
}

fn last_argument(ty: &Type) -> Type {
    if let Type::Path(path) = ty
        && let PathArguments::AngleBracketed(arguments) = &path.path.segments.last().expect("a path").arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.last()
    {
        return inner.clone();
    }
    panic!("a map has arguments")
}

/// The Rust path of a type, absolute inside the tree of packages; well-known types as `prost_types::X`.
fn rust_path(place: &Place, ty: &Type) -> String {
    match ty {
        Type::Tuple(_) => "prost_types::Empty".to_owned(),
        Type::Path(path) => {
            let words: Vec<_> =
                path.path.segments.iter().map(|segment| segment.ident.to_string().replace("r#", "")).collect();
            match words.last().map(String::as_str) {
                // A bare scalar under `message` is a wrapper.
                Some("String") if words[0] == "prost" => "prost_types::StringValue".to_owned(),
                Some("i32") => "prost_types::Int32Value".to_owned(),
                Some("i64") => "prost_types::Int64Value".to_owned(),
                Some("u32") => "prost_types::UInt32Value".to_owned(),
                Some("u64") => "prost_types::UInt64Value".to_owned(),
                Some("bool") => "prost_types::BoolValue".to_owned(),
                Some("f32") => "prost_types::FloatValue".to_owned(),
                Some("f64") => "prost_types::DoubleValue".to_owned(),
                _ => absolute(place, &words),
            }
        }
        _ => panic!("an unexpected type in prost's output"),
    }
}

fn text_path(place: &Place, text: &str) -> String {
    let words: Vec<_> =
        text.split("::").map(|word| word.trim().replace("r#", "")).filter(|word| !word.is_empty()).collect();
    absolute(place, &words)
}

fn absolute(place: &Place, words: &[String]) -> String {
    if words[0] == "prost_types" {
        return words.join("::");
    }
    let mut modules = place.modules.clone();
    let mut rest = words;
    while rest[0] == "super" {
        modules.pop();
        rest = &rest[1..];
    }
    modules.extend(rest.iter().cloned());
    modules.join("::")
}

fn enumeration(schema: &mut Schema, place: &Place, item: &syn::ItemEnum, siblings: &[Item]) {
    let ident = item.ident.to_string();
    let name = register(schema, place, &ident);
    let texts = proto_names(&ident, siblings);
    let values = item
        .variants
        .iter()
        .map(|variant| {
            let number = match &variant.discriminant {
                Some((_, expr)) => number(expr),
                None => panic!("{name}: a variant without a number"),
            };
            let variant = variant.ident.to_string();
            let text = texts.get(&variant).unwrap_or_else(|| panic!("{name}: no proto name of {variant}"));
            (text.clone(), number)
        })
        .collect();
    schema.enums.insert(name, Enum { package: place.package.clone(), values });
}

fn number(expr: &Expr) -> i32 {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(value) => value.base10_parse().expect("an enum number"),
            _ => panic!("an enum number"),
        },
        Expr::Unary(unary) => -number(&unary.expr),
        _ => panic!("an enum number"),
    }
}

/// Variant -> proto name, from `as_str_name`.
fn proto_names(ident: &str, siblings: &[Item]) -> BTreeMap<String, String> {
    struct Arms(BTreeMap<String, String>);
    impl<'ast> syn::visit::Visit<'ast> for Arms {
        fn visit_arm(&mut self, arm: &'ast syn::Arm) {
            struct Text(Option<String>);
            impl<'ast> syn::visit::Visit<'ast> for Text {
                fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
                    self.0 = Some(text.value());
                }
            }
            if let syn::Pat::Path(path) = &arm.pat {
                let mut text = Text(None);
                syn::visit::visit_expr(&mut text, &arm.body);
                let variant = path.path.segments.last().expect("a variant").ident.to_string();
                self.0.insert(variant, text.0.expect("a proto name"));
            }
        }
    }
    for item in siblings {
        if let Item::Impl(item) = item
            && matches!(&*item.self_ty, Type::Path(path) if path.path.is_ident(ident))
        {
            for member in &item.items {
                if let syn::ImplItem::Fn(function) = member
                    && function.sig.ident == "as_str_name"
                {
                    let mut arms = Arms(BTreeMap::new());
                    syn::visit::visit_impl_item_fn(&mut arms, function);
                    return arms.0;
                }
            }
        }
    }
    panic!("{ident}: no as_str_name")
}

fn client(schema: &mut Schema, place: &Place, items: &[Item]) {
    struct Paths(Option<String>);
    impl<'ast> syn::visit::Visit<'ast> for Paths {
        fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
            if text.value().starts_with('/') {
                self.0 = Some(text.value());
            }
        }
    }
    let mut inside = place.clone();
    inside.modules.push("client".to_owned());
    let mut methods = Vec::new();
    for item in items {
        let Item::Impl(item) = item else { continue };
        for member in &item.items {
            let syn::ImplItem::Fn(function) = member else { continue };
            let mut path = Paths(None);
            syn::visit::visit_impl_item_fn(&mut path, function);
            let Some(path) = path.0 else { continue };
            let Some(syn::FnArg::Typed(argument)) = function.sig.inputs.iter().nth(1) else { continue };
            let (client_streaming, input) = request_type(&argument.ty);
            let syn::ReturnType::Type(_, output) = &function.sig.output else { continue };
            let (server_streaming, output) = response_type(output);
            methods.push(Rpc {
                path,
                rust_name: function.sig.ident.to_string(),
                input: rust_path(&inside, &input),
                output: rust_path(&inside, &output),
                client_streaming,
                server_streaming,
            });
        }
    }
    if let Some(first) = methods.first() {
        let service = first.path.trim_start_matches('/').split('/').next().expect("a service");
        let name = service.rsplit('.').next().expect("a name").to_owned();
        schema.services.push(Service { package: place.package.clone(), name, methods });
    }
}

fn request_type(ty: &Type) -> (bool, Type) {
    let Type::ImplTrait(bound) = ty else { panic!("impl IntoRequest is expected") };
    let syn::TypeParamBound::Trait(bound) = &bound.bounds[0] else { panic!("a trait bound") };
    let last = bound.path.segments.last().expect("a path");
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { panic!("arguments") };
    match &arguments.args[0] {
        GenericArgument::Type(inner) => (false, inner.clone()),
        GenericArgument::AssocType(message) => (true, message.ty.clone()),
        _ => panic!("a request type"),
    }
}

/// `Result<tonic::Response<T>, Status>` or with `Streaming<T>`.
fn response_type(ty: &Type) -> (bool, Type) {
    let mut ty = ty.clone();
    let mut streaming = false;
    loop {
        let Type::Path(path) = &ty else { return (streaming, ty) };
        let last = path.path.segments.last().expect("a path");
        let name = last.ident.to_string();
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return (streaming, ty) };
        if !["Result", "Response", "Streaming"].contains(&name.as_str()) {
            return (streaming, ty);
        }
        streaming |= name == "Streaming";
        let GenericArgument::Type(inner) = &arguments.args[0] else { panic!("a response type") };
        ty = inner.clone();
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

/// As prost makes module and field names of type names.
pub fn snake(name: &str) -> String {
    let name = name.replace("r#", "");
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(i + 1);
        let boundary = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if boundary {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
