//! What other services ask of Storage Batch Operations, and the work that it does between calls.

use std::sync::Arc;

use super::model::{self, OPEN, REQUESTS};
use super::work;
use crate::kernel::due::Due;
use crate::kernel::{Call, Kernel, Result};

pub async fn work(kernel: &Arc<Kernel>) -> Result<bool> {
    work::round(kernel).await
}

/// Whether a job was left in the middle.
pub fn has_work(call: &Call) -> Result<bool> {
    Ok(!call.txn.list(&OPEN, "")?.is_empty())
}

/// A request's id is forgotten.
pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    call.txn.delete(&REQUESTS, &due.name)
}

/// Cancels the job whose operation this is.
pub fn cancel_operation(call: &mut Call, operation: &str) -> Result<()> {
    for (name, _) in call.txn.list(&OPEN, "")? {
        if let Some(mut row) = model::open(call, &name)?
            && row.operation == operation
        {
            row.cancel(call)?;
        }
    }
    Ok(())
}
