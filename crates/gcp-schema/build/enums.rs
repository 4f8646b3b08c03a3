//! Enums: numbers from the variants, proto names from `as_str_name`.

use std::collections::BTreeMap;

use syn::{Expr, Item, Lit, Type};

use crate::parse::{Enum, Place, Schema, register};

pub fn enumeration(schema: &mut Schema, place: &Place, item: &syn::ItemEnum, siblings: &[Item]) {
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
