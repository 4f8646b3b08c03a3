//! Every method of the descriptors answers, on both wires alike: done, or UNIMPLEMENTED and on its card's gap list.

use bytes::Bytes;
use gcp_schema::{Body, Method};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};

use crate::bench::{call, call_with, emulator};

/// The request that a rule's path says with `x` for each star, and that path.
pub fn sample(method: &'static Method) -> (String, Bytes) {
    let descriptor = gcp_schema::message(method.input).expect("its message");
    let mut message = DynamicMessage::new(descriptor);
    let mut path = String::new();
    if let Some(rule) = method.http.first() {
        let mut rest = rule.template;
        while let Some((before, after)) = rest.split_once('{') {
            path.push_str(before);
            let (variable, tail) = after.split_once('}').expect("a closed variable");
            let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
            let value: Vec<_> = pattern
                .split('/')
                .enumerate()
                .map(|(index, word)| match word {
                    "*" | "**" if index == 1 => "my-project",
                    "*" | "**" if pattern.contains("locations/*") && index == 3 => "us",
                    "*" | "**" => "xyz",
                    other => other,
                })
                .collect();
            path.push_str(&value.join("/"));
            set(&mut message, field, &value.join("/"));
            rest = tail;
        }
        path.push_str(rest);
        if let Body::Field(name) = rule.body {
            let field = message.descriptor().get_field_by_name(name).expect("the body's field");
            if !message.has_field(&field) {
                let inner = field.kind().as_message().expect("a message").clone();
                message.set_field(&field, Value::Message(DynamicMessage::new(inner)));
            }
        }
    }
    (path, message.encode_to_vec().into())
}

fn set(message: &mut DynamicMessage, field: &str, text: &str) {
    let (head, rest) = field.split_once('.').map_or((field, None), |(head, rest)| (head, Some(rest)));
    let descriptor = message.descriptor().get_field_by_name(head).expect("a field");
    match rest {
        None => message.set_field(&descriptor, Value::String(text.to_owned())),
        Some(rest) => {
            if let Value::Message(inner) = message.get_field_mut(&descriptor) {
                set(inner, rest, text);
            }
        }
    }
}

use prost_reflect::ReflectMessage as _;

#[tokio::test]
async fn every_method_answers_alike_on_both_wires() {
    let gaps = cmek_emulator::gaps();
    let mut wrong = Vec::new();
    let mut done = 0;
    for method in gcp_schema::methods() {
        if method.path == "/google.pubsub.v1.Subscriber/StreamingPull" {
            continue;
        }
        let (path, message) = sample(method);
        // Each wire meets a fresh world, so that a create does not find what the other wire made.
        let mut framed = vec![0];
        framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
        framed.extend_from_slice(&message);
        let answer =
            call_with(&emulator().await, "POST", method.path, &[("content-type", "application/grpc")], framed).await;
        let status: i32 = answer
            .headers
            .get("grpc-status")
            .map_or(0, |value| value.to_str().expect("digits").parse().expect("a status"));
        let code = gcp_schema::Code::from_i32(status);
        let listed = gaps.iter().any(|gap| method.path.starts_with(gap));
        if (code == gcp_schema::Code::Unimplemented) != listed {
            wrong.push(format!(
                "{}: {} and {}",
                method.path,
                code.name(),
                if listed { "on the gap list" } else { "not on the gap list" }
            ));
        }
        done += usize::from(!listed);
        let Some(rule) = method.http.first() else { continue };
        let body = if rule.body == Body::None { "" } else { "{}" };
        let rest = call(&emulator().await, rule.verb.as_str(), &format!("/{}{path}", rule.api), body).await;
        if rest.status != code.http() {
            wrong.push(format!(
                "{}: gRPC says {} ({}), REST {} {}",
                method.path,
                code.name(),
                answer.headers.get("grpc-message").map_or("", |value| value.to_str().unwrap_or_default()),
                rest.status,
                rest.message()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(done >= 60, "only {done} methods are done");
}
