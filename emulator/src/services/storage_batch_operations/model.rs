//! Jobs: their rows, their names, how they are counted and how they end.

use gcp_schema::storagebatchoperations::bucket_operation::{self, ObjectConfiguration};
use gcp_schema::storagebatchoperations::job::{self, Source, State, Transformation};
use gcp_schema::storagebatchoperations::{
    BucketOperation, Counters, ErrorLogEntry, ErrorSummary, Job, OperationMetadata, bucket_list,
};
use prost::Message;
use prost_types::Any;

use super::{PACKAGE, source};
use crate::doors;
use crate::kernel::operations::{self, any};
use crate::kernel::table::{TextRow, ids};
use crate::kernel::{Call, Code, Error, Result, Table};

pub static JOBS: Table<JobRow> = Table::new(ids::STORAGE_BATCH_OPERATIONS);
/// The names of jobs that go on.
pub static OPEN: Table<TextRow> = Table::new(ids::STORAGE_BATCH_OPERATIONS + 1);
/// `METHOD|NAME|ID` of the requests of the last hour, and the operation that the first of them began.
pub static REQUESTS: Table<TextRow> = Table::new(ids::STORAGE_BATCH_OPERATIONS + 2);

/// How many of the objects that were refused with one code are named.
const NAMED: usize = 5;

#[derive(Clone, PartialEq, Message)]
pub struct JobRow {
    #[prost(message, required, tag = "1")]
    pub job: Job,
    /// The name of its operation.
    #[prost(string, tag = "2")]
    pub operation: String,
    /// Who made it.
    #[prost(string, tag = "3")]
    pub creator: String,
    /// The id of its only bucket operation.
    #[prost(string, tag = "4")]
    pub bucket_operation: String,
    #[prost(message, required, tag = "5")]
    pub place: Place,
    #[prost(bool, tag = "6")]
    pub cancel_requested: bool,
}

/// Where the work goes on.
#[derive(Clone, PartialEq, Message)]
pub struct Place {
    /// Which prefix, or which file of the manifest.
    #[prost(uint32, tag = "1")]
    pub part: u32,
    /// The first object that was not looked at.
    #[prost(string, tag = "2")]
    pub object: String,
    /// The first byte of the file that was not read.
    #[prost(uint64, tag = "3")]
    pub offset: u64,
}

/// `projects/p/locations/global` of a parent; `-` only where a list asks for all locations.
pub fn parent(call: &mut Call, parent: &str, listing: bool) -> Result<String> {
    match parent.split('/').collect::<Vec<_>>()[..] {
        ["projects", project, "locations", location] if !project.is_empty() => {
            let project = doors::project(call, project)?.id;
            if location != "global" && !(listing && location == "-") {
                return Err(Error::not_found(format!(
                    "Location '{location}' is not found: batch operations are in 'global' only."
                )));
            }
            Ok(format!("projects/{project}/locations/global"))
        }
        _ => Err(malformed(parent)),
    }
}

fn malformed(name: &str) -> Error {
    Error::invalid_argument(format!("Resource name '{name}' is malformed."))
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("Resource '{name}' was not found"))
}

/// The row of a job by its name.
pub fn job(call: &mut Call, name: &str) -> Result<JobRow> {
    let (before, id) = name.rsplit_once("/jobs/").filter(|(_, id)| !id.is_empty()).ok_or_else(|| malformed(name))?;
    let name = format!("{}/jobs/{id}", parent(call, before, false)?);
    call.txn.get(&JOBS, &name)?.ok_or_else(|| missing(&name))
}

/// A job that still goes on.
pub fn open(call: &Call, name: &str) -> Result<Option<JobRow>> {
    Ok(call.txn.get(&JOBS, name)?.filter(|row| row.job.state() == State::Running))
}

pub fn bucket_operation(call: &mut Call, name: &str) -> Result<BucketOperation> {
    let (job_name, id) = name.split_once("/bucketOperations/").ok_or_else(|| malformed(name))?;
    let row = job(call, job_name)?;
    if row.bucket_operation == id {
        return Ok(render_bucket_operation(&row));
    }
    Err(missing(&format!("{}/bucketOperations/{id}", row.job.name)))
}

/// The bucket that a job is about.
pub fn bucket(job: &Job) -> Option<&bucket_list::Bucket> {
    let Some(Source::BucketList(list)) = &job.source else { return None };
    list.buckets.first()
}

/// A job's share of one bucket, which is all of it.
pub fn render_bucket_operation(row: &JobRow) -> BucketOperation {
    use bucket_list::bucket::ObjectConfiguration as Chosen;
    use bucket_operation::Transformation as Done;

    let job = &row.job;
    let bucket = bucket(job).cloned().unwrap_or_default();
    let state = match job.state() {
        State::Unspecified => bucket_operation::State::Unspecified,
        State::Running => bucket_operation::State::Running,
        State::Succeeded => bucket_operation::State::Succeeded,
        State::Canceled => bucket_operation::State::Canceled,
        State::Failed => bucket_operation::State::Failed,
        State::Queued => bucket_operation::State::Queued,
    };
    BucketOperation {
        name: format!("{}/bucketOperations/{}", job.name, row.bucket_operation),
        bucket_name: bucket.bucket,
        object_configuration: bucket.object_configuration.map(|chosen| match chosen {
            Chosen::PrefixList(list) => ObjectConfiguration::PrefixList(list),
            Chosen::Manifest(manifest) => ObjectConfiguration::Manifest(manifest),
        }),
        transformation: job.transformation.clone().map(|transformation| match transformation {
            Transformation::PutObjectHold(hold) => Done::PutObjectHold(hold),
            Transformation::DeleteObject(delete) => Done::DeleteObject(delete),
            Transformation::PutMetadata(metadata) => Done::PutMetadata(metadata),
            Transformation::RewriteObject(rewrite) => Done::RewriteObject(rewrite),
            Transformation::UpdateObjectCustomContext(context) => Done::UpdateObjectCustomContext(context),
        }),
        create_time: job.create_time,
        start_time: job.schedule_time,
        complete_time: job.complete_time,
        counters: job.counters,
        error_summaries: job.error_summaries.clone(),
        state: state as i32,
    }
}

pub fn metadata(row: &JobRow) -> Any {
    let metadata = OperationMetadata {
        operation: row.operation.clone(),
        create_time: row.job.create_time,
        end_time: row.job.complete_time,
        requested_cancellation: row.cancel_requested,
        api_version: "v1".to_owned(),
        job: Some(row.job.clone()),
    };
    any(&format!("{PACKAGE}.OperationMetadata"), &metadata)
}

impl JobRow {
    /// An object was found.
    pub fn found(&mut self, size: u64) {
        let counters = self.counters();
        counters.total_object_count += 1;
        if let Some(bytes) = &mut counters.total_bytes_found {
            *bytes += size as i64;
        }
    }

    pub fn succeeded(&mut self) {
        self.counters().succeeded_object_count += 1;
    }

    /// An object was refused. Its name is kept if it is among the first with this code.
    pub fn refused(&mut self, uri: String, error: &Error) {
        self.counters().failed_object_count += 1;
        let code = error.code() as i32;
        let summaries = &mut self.job.error_summaries;
        let at = summaries.binary_search_by_key(&code, |summary| summary.error_code).unwrap_or_else(|at| {
            summaries.insert(at, ErrorSummary { error_code: code, ..ErrorSummary::default() });
            at
        });
        let summary = &mut summaries[at];
        summary.error_count += 1;
        if summary.error_log_entries.len() < NAMED {
            let error_details = vec![error.message().to_owned()];
            summary.error_log_entries.push(ErrorLogEntry { object_uri: uri, error_details });
        }
    }

    fn counters(&mut self) -> &mut Counters {
        self.job.counters.get_or_insert_default()
    }

    /// Stores how far the job has come.
    pub fn save(&self, call: &mut Call) -> Result<()> {
        call.txn.put(&JOBS, &self.job.name, self)?;
        operations::update(call, &self.operation, metadata(self), None)
    }

    /// Ends the job.
    pub fn end(&mut self, call: &mut Call, state: job::State, outcome: Result<()>) -> Result<()> {
        self.job.set_state(state);
        self.job.complete_time = Some(call.now.to_proto());
        call.txn.put(&JOBS, &self.job.name, self)?;
        call.txn.delete(&OPEN, &self.job.name)?;
        source::forget(call, &self.job.name);
        let outcome = outcome.map(|()| any(&format!("{PACKAGE}.Job"), &self.job));
        operations::update(call, &self.operation, metadata(self), Some(outcome))
    }

    pub fn cancel(&mut self, call: &mut Call) -> Result<()> {
        if self.job.state() != State::Running {
            return Ok(());
        }
        self.cancel_requested = true;
        let said = Error::new(Code::Cancelled, format!("{} was cancelled.", self.job.name));
        self.end(call, State::Canceled, Err(said))
    }
}
