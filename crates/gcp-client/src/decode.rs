//! An answer as a typed message.

use gcp_schema::{Method, pool};
use prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use crate::error::Error;

pub fn decode<Res: Message + Default>(method: &Method, answer: &[u8]) -> Result<Res, Error> {
    let broken = |error: String| Error::internal(format!("an answer of {} that cannot be read: {error}", method.path));
    let descriptor = gcp_schema::message(method.output).ok_or_else(|| broken("no descriptor".to_owned()))?;
    let answer = if answer.is_empty() { b"{}" } else { answer };
    let message = match read(descriptor.clone(), answer) {
        Ok(message) => message,
        Err(first) => {
            // It may be an `Any` of a type that we do not know: metadata of operations, details of errors.
            let mut value: Value = serde_json::from_slice(answer).map_err(|error| broken(error.to_string()))?;
            if !drop_unknown(&mut value) {
                return Err(broken(first.to_string()));
            }
            read(descriptor, value.to_string().as_bytes()).map_err(|error| broken(error.to_string()))?
        }
    };
    message.transcode_to().map_err(|error| broken(error.to_string()))
}

/// Google adds fields before we know of them.
fn read(descriptor: MessageDescriptor, json: &[u8]) -> Result<DynamicMessage, serde_json::Error> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let mut json = serde_json::Deserializer::from_slice(json);
    let message = DynamicMessage::deserialize_with_options(descriptor, &mut json, &options)?;
    json.end().map(|()| message)
}

/// Takes out what names a type that is in no pool; false when there was nothing.
fn drop_unknown(value: &mut Value) -> bool {
    let unknown = |value: &Value| {
        value
            .get("@type")
            .and_then(Value::as_str)
            .is_some_and(|url| pool().get_message_by_name(url.rsplit('/').next().unwrap_or_default()).is_none())
    };
    match value {
        Value::Object(map) => {
            let before = map.len();
            map.retain(|_, inner| !unknown(inner));
            let mut dropped = map.len() < before;
            for inner in map.values_mut() {
                dropped |= drop_unknown(inner);
            }
            dropped
        }
        Value::Array(items) => {
            let before = items.len();
            items.retain(|inner| !unknown(inner));
            let mut dropped = items.len() < before;
            for inner in items.iter_mut() {
                dropped |= drop_unknown(inner);
            }
            dropped
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use gcp_schema::longrunning::{Operation, operation};

    use super::*;

    fn operation(answer: &str) -> Result<Operation, Error> {
        decode(gcp_schema::method("/google.longrunning.Operations/GetOperation").unwrap(), answer.as_bytes())
    }

    #[test]
    fn what_we_do_not_know_is_left_out_and_what_is_wrong_is_refused() {
        let answer = r#"{"name": "operations/1", "brandNew": 1, "done": true,
            "metadata": {"@type": "type.googleapis.com/google.of.Tomorrow", "x": 1},
            "response": {"@type": "type.googleapis.com/google.pubsub.v1.Topic", "name": "t", "newer": []}}"#;
        let read = operation(answer).unwrap();
        assert_eq!(read.metadata, None);
        let Some(operation::Result::Response(any)) = read.result else { panic!("no response") };
        assert_eq!(gcp_schema::pubsub::Topic::decode(&any.value[..]).unwrap().name, "t");

        assert_eq!(operation("").unwrap(), Operation::default());
        for wrong in ["[]", "<html>", r#"{"name": 1}"#, r#"{"done": "perhaps"}"#] {
            let error = operation(wrong).unwrap_err();
            assert!(error.message().contains("GetOperation that cannot be read"), "{error}");
        }
    }
}
