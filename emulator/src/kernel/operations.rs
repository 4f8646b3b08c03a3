//! Long-running operations: rows that clients poll. Most are done when they are first answered.

use gcp_schema::longrunning::{Operation, operation};
use gcp_schema::rpc::Status;
use prost::Message;
use prost_types::Any;

use super::call::Call;
use super::table::{Table, ids};
use super::{Error, Result};

static OPERATIONS: Table<Operation> = Table::new(ids::OPERATIONS);

/// Packs a message with the type URL that Google's clients expect.
pub fn any<M: Message>(full_name: &str, message: &M) -> Any {
    Any { type_url: format!("type.googleapis.com/{full_name}"), value: message.encode_to_vec() }
}

/// `{parent}/operations/{id}`, or `operations/{id}` without a parent.
pub fn new_name(call: &mut Call, parent: &str) -> Result<String> {
    let number = call.count("operations")?;
    let id = call.kernel.entropy.uuid(&format!("operation:{number}"));
    Ok(if parent.is_empty() { format!("operations/{id}") } else { format!("{parent}/operations/{id}") })
}

fn result(outcome: Result<Any>) -> operation::Result {
    match outcome {
        Ok(response) => operation::Result::Response(response),
        Err(error) => operation::Result::Error(Status {
            code: error.code() as i32,
            message: error.message().to_owned(),
            details: Vec::new(),
        }),
    }
}

/// Stores a finished operation.
pub fn finish(call: &mut Call, parent: &str, metadata: Option<Any>, outcome: Result<Any>) -> Result<Operation> {
    let name = new_name(call, parent)?;
    let operation = Operation { name: name.clone(), metadata, done: true, result: Some(result(outcome)) };
    call.txn.put(&OPERATIONS, &name, &operation)?;
    Ok(operation)
}

/// Stores an operation that goes on after its call.
pub fn begin(call: &mut Call, name: &str, metadata: Any) -> Result<Operation> {
    let operation = Operation { name: name.to_owned(), metadata: Some(metadata), done: false, result: None };
    call.txn.put(&OPERATIONS, name, &operation)?;
    Ok(operation)
}

/// How far an operation has come, or how it ended. One that was deleted meanwhile stays away.
pub fn update(call: &mut Call, name: &str, metadata: Any, outcome: Option<Result<Any>>) -> Result<()> {
    let Some(mut operation) = call.txn.get(&OPERATIONS, name)? else { return Ok(()) };
    operation.metadata = Some(metadata);
    operation.done = outcome.is_some();
    operation.result = outcome.map(result);
    call.txn.put(&OPERATIONS, name, &operation)
}

pub fn get(call: &Call, name: &str) -> Result<Operation> {
    call.txn.get(&OPERATIONS, name)?.ok_or_else(|| Error::not_found(format!("Operation {name} not found.")))
}

pub fn delete(call: &mut Call, name: &str) -> Result<()> {
    get(call, name)?;
    call.txn.delete(&OPERATIONS, name)
}

/// All operations under `{parent}/operations/`, with the token of the next page.
pub fn list(call: &Call, parent: &str, size: usize, token: &str) -> Result<super::paging::Page<Operation>> {
    let prefix = if parent.is_empty() { "operations/".to_owned() } else { format!("{parent}/operations/") };
    super::paging::page(&call.txn, &OPERATIONS, &prefix, size, token, |_, row| Ok(Some(row)))
}
