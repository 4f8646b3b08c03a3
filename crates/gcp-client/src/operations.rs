//! Long-running operations: asked about ever more rarely, until they are done or we have waited long enough.

use std::time::Duration;

use gcp_schema::longrunning::{GetOperationRequest, Operation, operation};
use gcp_schema::rpc::Status;
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::Value;

use crate::error::{Error, from_answer};
use crate::{Client, Code};

const GET: &str = "/google.longrunning.Operations/GetOperation";

/// How long an operation is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Before the first question; each later pause is half as long again.
    pub first: Duration,
    pub most: Duration,
    pub deadline: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), most: Duration::from_secs(30), deadline: Duration::from_mins(30) }
    }
}

impl Client {
    /// Waits until an API's operation is done, and gives what it made. `Res` is the message that the method promises; an
    /// operation that gives nothing gives an empty one.
    pub async fn wait<Res: Message + Default>(
        &self,
        api: &str,
        mut operation: Operation,
        patience: &Patience,
    ) -> Result<Res, Error> {
        let begun = self.timer().now();
        let mut pause = patience.first;
        while !operation.done {
            if self.timer().now() + pause > begun + patience.deadline {
                let seconds = self.timer().now().saturating_sub(begun).as_secs();
                let text = format!("Operation [{}] is not done after {seconds} s; it goes on.", operation.name);
                return Err(Error::new(Code::DeadlineExceeded, text));
            }
            self.timer().sleep(pause).await;
            pause = (pause + pause / 2).min(patience.most);
            let request = GetOperationRequest { name: operation.name.clone() };
            operation = self.call_at(Some(api), GET, &request).await?;
        }
        result(operation)
    }
}

/// What a finished operation says.
fn result<Res: Message + Default>(operation: Operation) -> Result<Res, Error> {
    match operation.result {
        None => Ok(Res::default()),
        Some(operation::Result::Error(status)) => Err(failure(&status)),
        Some(operation::Result::Response(any)) => Res::decode(&any.value[..]).map_err(|error| {
            Error::internal(format!(
                "Operation [{}] gave a {} that cannot be read: {error}",
                operation.name, any.type_url
            ))
        }),
    }
}

/// A status as the answer of a call would have said it, details included.
fn failure(status: &Status) -> Error {
    let code = Code::from_i32(status.code);
    let details: Vec<Value> = status.details.iter().filter_map(detail).collect();
    let body = serde_json::json!({"error": {"message": status.message, "status": code.name(), "details": details}});
    from_answer(code.http(), &http::HeaderMap::new(), body.to_string().as_bytes())
}

fn detail(any: &prost_types::Any) -> Option<Value> {
    let name = any.type_url.rsplit('/').next()?;
    let descriptor = gcp_schema::message(name)?;
    let mut value = serde_json::to_value(DynamicMessage::decode(descriptor, &any.value[..]).ok()?).ok()?;
    value.as_object_mut()?.insert("@type".to_owned(), any.type_url.clone().into());
    Some(value)
}

#[cfg(test)]
mod tests {
    use gcp_schema::serviceusage::EnableServiceResponse;

    use super::*;
    use crate::scripted::client;

    const API: &str = "serviceusage.googleapis.com";

    fn begun() -> Operation {
        Operation { name: "operations/acat.1".to_owned(), ..Operation::default() }
    }

    #[tokio::test]
    async fn an_operation_is_asked_for_until_it_gives_its_message() {
        let done = r#"{"name": "operations/acat.1", "done": true, "response": {
            "@type": "type.googleapis.com/google.api.serviceusage.v1.EnableServiceResponse",
            "service": {"name": "projects/1/services/x"}}}"#;
        let pending = r#"{"name": "operations/acat.1"}"#;
        let (client, script) = client(&[(200, pending), (503, ""), (200, pending), (200, done)]);
        let answer: EnableServiceResponse = client.wait(API, begun(), &Patience::default()).await.unwrap();
        assert_eq!(answer.service.unwrap().name, "projects/1/services/x");
        assert_eq!(script.asked()[0], "GET https://serviceusage.googleapis.com/v1/operations/acat.1");
        let waits = script.waits();
        assert_eq!([waits[0], waits[1], waits[3]], [1000, 1500, 2250].map(Duration::from_millis));
    }

    #[tokio::test]
    async fn a_failed_operation_is_an_error_like_any_other() {
        let failed = r#"{"name": "operations/acat.1", "done": true, "error": {"code": 7, "message": "no",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "AUTH_PERMISSION_DENIED"}]}}"#;
        let (client, _) = client(&[(200, failed)]);
        let error = client.wait::<EnableServiceResponse>(API, begun(), &Patience::default()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::PermissionDenied, "no"));
        assert_eq!(error.info().map(|(reason, _)| reason), Some("AUTH_PERMISSION_DENIED"));
    }

    #[tokio::test]
    async fn one_that_never_ends_is_left_to_itself() {
        let (client, script) = client(&[(200, r#"{"name": "operations/acat.1"}"#); 40]);
        let patience = Patience { deadline: Duration::from_mins(1), ..Patience::default() };
        let error = client.wait::<EnableServiceResponse>(API, begun(), &patience).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert!(error.message().contains("[operations/acat.1] is not done after"), "{error}");
        assert!((5..20).contains(&script.asked().len()), "{}", script.asked().len());
    }

    #[tokio::test]
    async fn one_that_is_done_at_once_is_not_asked_about() {
        let (client, script) = client(&[]);
        let done = Operation { done: true, ..begun() };
        let nothing: EnableServiceResponse = client.wait(API, done, &Patience::default()).await.unwrap();
        assert_eq!(nothing, EnableServiceResponse::default());
        assert!(script.asked().is_empty());
    }
}
