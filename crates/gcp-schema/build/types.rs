//! Rust types and paths as prost writes them.

use syn::{GenericArgument, PathArguments, Type};

use crate::parse::Place;

/// `Option<Box<T>>`, `Vec<T>` -> `T`.
pub fn innermost(ty: &Type) -> Type {
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

pub fn last_argument(ty: &Type) -> Type {
    if let Type::Path(path) = ty
        && let PathArguments::AngleBracketed(arguments) = &path.path.segments.last().expect("a path").arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.last()
    {
        return inner.clone();
    }
    panic!("a map has arguments")
}

/// The Rust path of a type, absolute inside the tree of packages; well-known types as `prost_types::X`.
pub fn rust_path(place: &Place, ty: &Type) -> String {
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

pub fn text_path(place: &Place, text: &str) -> String {
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
