//! Client modules: the methods of a service, their paths, messages and streams.

use syn::{GenericArgument, Item, PathArguments, Type};

use crate::parse::{Place, Rpc, Schema, Service};
use crate::types::rust_path;

pub fn client(schema: &mut Schema, place: &Place, items: &[Item]) {
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
