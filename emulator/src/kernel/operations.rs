//! Long-running operations: rows that clients poll. Ours are done when they are first answered.

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

/// Stores a finished operation under `{parent}/operations/{id}` (or `operations/{id}` without a parent).
pub fn finish(call: &mut Call, parent: &str, metadata: Option<Any>, outcome: Result<Any>) -> Result<Operation> {
    let number = call.count("operations")?;
    let id = call.kernel.entropy.uuid(&format!("operation:{number}"));
    let name = if parent.is_empty() { format!("operations/{id}") } else { format!("{parent}/operations/{id}") };
    let result = match outcome {
        Ok(response) => operation::Result::Response(response),
        Err(error) => operation::Result::Error(Status {
            code: error.code() as i32,
            message: error.message().to_owned(),
            details: Vec::new(),
        }),
    };
    let operation = Operation { name: name.clone(), metadata, done: true, result: Some(result) };
    call.txn.put(&OPERATIONS, &name, &operation)?;
    Ok(operation)
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
