//! Storage Batch Operations v1.

use std::cmp::Ordering;

use gcp_schema::longrunning::Operation;
use gcp_schema::services::storagebatchoperations::StorageBatchOperations;
use gcp_schema::storagebatchoperations::job::State;
use gcp_schema::storagebatchoperations::{
    BucketOperation, CancelJobRequest, CancelJobResponse, CreateJobRequest, DeleteJobRequest,
    GetBucketOperationRequest, GetJobRequest, Job, ListBucketOperationsRequest, ListBucketOperationsResponse,
    ListJobsRequest, ListJobsResponse,
};
use prost::Message;
use prost_types::Timestamp;

use super::model::{self, JOBS, JobRow, OPEN, Place, REQUESTS};
use super::{BatchOperations, PACKAGE, check};
use crate::kernel::filter::Filter;
use crate::kernel::paging::{parse_token, size, token};
use crate::kernel::table::TextRow;
use crate::kernel::time::SECOND;
use crate::kernel::{Call, Error, Result, due, operations};

/// A request's id is forgotten when this falls due.
const FORGET: &str = "storagebatchoperations.forget";
/// How long a repeated request is known.
const REMEMBERED: i64 = 3600 * SECOND;

/// What the first request with this id answered, if there was one; `None` for a request without an id.
fn repeated(call: &Call, method: &str, name: &str, id: &str) -> Result<Option<String>> {
    if id.is_empty() {
        return Ok(None);
    }
    check::request_id(id)?;
    Ok(call.txn.get(&REQUESTS, &request_key(method, name, id))?.map(|row| row.text))
}

fn remember(call: &mut Call, method: &str, name: &str, id: &str, answer: &str) -> Result<()> {
    if id.is_empty() {
        return Ok(());
    }
    let key = request_key(method, name, id);
    call.txn.put(&REQUESTS, &key, &TextRow { text: answer.to_owned() })?;
    due::schedule(call, call.now.plus_micros(REMEMBERED), FORGET, &key)
}

fn request_key(method: &str, name: &str, id: &str) -> String {
    format!("{method}|{name}|{}", id.to_ascii_lowercase())
}

/// One page of what a filter keeps, in the order asked for. A token names the last that was shown.
fn page<T: Message>(
    rows: Vec<T>,
    kind: &str,
    query: (&str, &str, i32, &str),
    place: impl Fn(&T) -> (Option<Timestamp>, &str),
) -> Result<(Vec<T>, String)> {
    let (filter, order, page_size, page_token) = query;
    let size = size(page_size, 100, 1000)?;
    let (by_time, descending) = match order.split_whitespace().collect::<Vec<_>>()[..] {
        [] | ["name"] | ["name", "asc"] => (false, false),
        ["name", "desc"] => (false, true),
        ["create_time" | "createTime"] | ["create_time" | "createTime", "asc"] => (true, false),
        ["create_time" | "createTime", "desc"] => (true, true),
        _ => {
            return Err(Error::invalid_argument(format!(
                "Invalid order_by '{order}': only name and create_time are supported, each with desc or without."
            )));
        }
    };
    let kind = format!("{PACKAGE}.{kind}");
    let filter = if filter.trim().is_empty() { None } else { Some(Filter::parse(filter, &kind)?) };
    let mut kept = Vec::new();
    for row in rows {
        if match &filter {
            Some(filter) => filter.matches(&crate::rest::to_json(&kind, &row)?),
            None => true,
        } {
            kept.push(row);
        }
    }
    let compare = |one: &T, other: &T| {
        let ((time, name), (other_time, other_name)) = (place(one), place(other));
        let times = if by_time { nanos(time).cmp(&nanos(other_time)) } else { Ordering::Equal };
        let order = times.then_with(|| name.cmp(other_name));
        if descending { order.reverse() } else { order }
    };
    kept.sort_by(compare);
    let last = parse_token(page_token)?;
    let start = match kept.iter().position(|row| place(row).1 == last) {
        Some(at) => at + 1,
        None if last.is_empty() => 0,
        None => return Err(Error::invalid_argument("Invalid page_token: what it stands for is gone; list again.")),
    };
    let mut rest = kept.split_off(start);
    let more = rest.len() > size;
    rest.truncate(size);
    let next = rest.last().filter(|_| more).map(|row| token(place(row).1)).unwrap_or_default();
    Ok((rest, next))
}

fn nanos(time: Option<Timestamp>) -> (i64, i32) {
    time.map_or((0, 0), |time| (time.seconds, time.nanos))
}

impl StorageBatchOperations<Call> for BatchOperations {
    fn list_jobs(&self, call: &mut Call, request: ListJobsRequest) -> Result<ListJobsResponse> {
        let parent = model::parent(call, &request.parent, true)?;
        let rows = call.txn.list(&JOBS, &format!("{parent}/jobs/"))?;
        let jobs: Vec<Job> = rows.into_iter().map(|(_, row)| row.job).collect();
        let query =
            (request.filter.as_str(), request.order_by.as_str(), request.page_size, request.page_token.as_str());
        let (jobs, next_page_token) = page(jobs, "Job", query, |job| (job.create_time, &job.name))?;
        Ok(ListJobsResponse { jobs, next_page_token, unreachable: Vec::new() })
    }

    fn get_job(&self, call: &mut Call, request: GetJobRequest) -> Result<Job> {
        Ok(model::job(call, &request.name)?.job)
    }

    fn create_job(&self, call: &mut Call, request: CreateJobRequest) -> Result<Operation> {
        let parent = model::parent(call, &request.parent, false)?;
        if let Some(operation) = repeated(call, "create", &parent, &request.request_id)? {
            return operations::get(call, &operation);
        }
        let number = call.count("batch-jobs")?;
        let entropy = call.kernel.entropy;
        let id = if request.job_id.is_empty() { entropy.uuid(&format!("job:{number}")) } else { request.job_id };
        check::id(&id)?;
        let name = format!("{parent}/jobs/{id}");
        let job = check::new_job(call, request.job)?;
        if call.txn.has(&JOBS, &name)? {
            return Err(Error::already_exists(format!("Resource '{name}' already exists")));
        }
        let now = Some(call.now.to_proto());
        let job = Job { name: name.clone(), create_time: now, schedule_time: now, state: State::Running as i32, ..job };
        let row = JobRow {
            job,
            operation: operations::new_name(call, &parent)?,
            creator: call.caller.member.clone(),
            bucket_operation: entropy.uuid(&format!("bucket-operation:{number}")),
            place: Place::default(),
            cancel_requested: false,
        };
        call.txn.put(&JOBS, &name, &row)?;
        call.txn.put(&OPEN, &name, &TextRow::default())?;
        remember(call, "create", &parent, &request.request_id, &row.operation)?;
        call.after_commit(|kernel| kernel.worker.start());
        operations::begin(call, &row.operation, model::metadata(&row))
    }

    fn delete_job(&self, call: &mut Call, request: DeleteJobRequest) -> Result<()> {
        if repeated(call, "delete", &request.name, &request.request_id)?.is_some() {
            return Ok(());
        }
        let row = model::job(call, &request.name)?;
        if row.job.state() == State::Running {
            return Err(Error::failed_precondition(format!(
                "{} is RUNNING: cancel it before you delete it.",
                row.job.name
            )));
        }
        call.txn.delete(&JOBS, &row.job.name)?;
        remember(call, "delete", &request.name, &request.request_id, "")
    }

    fn cancel_job(&self, call: &mut Call, request: CancelJobRequest) -> Result<CancelJobResponse> {
        if repeated(call, "cancel", &request.name, &request.request_id)?.is_none() {
            model::job(call, &request.name)?.cancel(call)?;
            remember(call, "cancel", &request.name, &request.request_id, "")?;
        }
        Ok(CancelJobResponse {})
    }

    fn list_bucket_operations(
        &self,
        call: &mut Call,
        request: ListBucketOperationsRequest,
    ) -> Result<ListBucketOperationsResponse> {
        let row = model::job(call, &request.parent)?;
        let query =
            (request.filter.as_str(), request.order_by.as_str(), request.page_size, request.page_token.as_str());
        let rows = vec![model::render_bucket_operation(&row)];
        let (bucket_operations, next_page_token) =
            page(rows, "BucketOperation", query, |operation| (operation.create_time, &operation.name))?;
        Ok(ListBucketOperationsResponse { bucket_operations, next_page_token, unreachable: Vec::new() })
    }

    fn get_bucket_operation(&self, call: &mut Call, request: GetBucketOperationRequest) -> Result<BucketOperation> {
        model::bucket_operation(call, &request.name)
    }
}
