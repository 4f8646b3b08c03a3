//! How a job goes on: in rounds, of which each changes some objects of every job in one call a job.

use std::sync::Arc;

use gcp_schema::storagebatchoperations::job::State;

use super::check;
use super::model::{self, JobRow, OPEN, Place, bucket};
use super::source::{self, Item, Manifest, unless_broken};
use crate::doors::{self, Change, Found};
use crate::kernel::{Call, Caller, Code, Error, Kernel, Mode, Result, Spec};

/// How many objects one call changes: a job must not keep the store from others for long.
const OBJECTS: usize = 64;
/// The longest body for which somebody who looks at a job waits.
const LONG: u64 = 64 << 20;
/// How long a job waits that was told to come again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// A round of all jobs. False: there are none.
pub async fn round(kernel: &Arc<Kernel>) -> Result<bool> {
    let open = kernel.store.read()?.list(&OPEN, "")?;
    for (name, _) in &open {
        if kernel.worker.stopping() {
            return Ok(false);
        }
        let Some(row) = kernel.store.read()?.get(&model::JOBS, name)? else { continue };
        let spec = spec(&row);
        match step(kernel, &row, &spec).await {
            Ok(()) => {}
            Err(error) if is_passing(error.code()) => tokio::time::sleep(PAUSE).await,
            Err(error) => fail(kernel, name, &spec, error).await?,
        }
    }
    Ok(!open.is_empty())
}

/// Whether a fault may be over when it is tried again.
fn is_passing(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::Aborted | Code::DeadlineExceeded | Code::ResourceExhausted)
}

/// The objects are changed in the name of whoever made the job.
fn spec(row: &JobRow) -> Spec {
    Spec {
        method: "storagebatchoperations.jobs.run",
        api: "",
        permission: "",
        resource: row.job.name.clone(),
        mode: Mode::Write,
        caller: Caller { member: row.creator.clone() },
        base_url: String::new(),
    }
}

async fn fail(kernel: &Arc<Kernel>, name: &str, spec: &Spec, error: Error) -> Result<()> {
    kernel
        .run(spec.clone(), |call| {
            let Some(mut row) = model::open(call, name)? else { return Ok(()) };
            call.notes.push(error.message().to_owned());
            row.end(call, State::Failed, Err(error))
        })
        .await
}

/// The next objects of one job.
async fn step(kernel: &Arc<Kernel>, row: &JobRow, spec: &Spec) -> Result<()> {
    let name = &row.job.name;
    let manifest = source::manifest(kernel, &row.job, spec).await?;
    let large = kernel.run(spec.clone(), |call| small(call, name, manifest.as_deref())).await?;
    match large {
        Some(large) => stream(kernel, name, spec, large).await,
        None => Ok(()),
    }
}

/// An object that one call cannot rewrite.
struct Large {
    found: Found,
    key: String,
    uri: String,
    after: Place,
}

/// Changes what can be changed at once, up to the first object that must be streamed.
fn small(call: &mut Call, name: &str, manifest: Option<&Manifest>) -> Result<Option<Large>> {
    let Some(mut row) = model::open(call, name)? else { return Ok(None) };
    let bucket = bucket(&row.job).map(|bucket| bucket.bucket.clone()).unwrap_or_default();
    if !doors::bucket_exists(call, &bucket)? {
        return Err(Error::not_found(format!("The bucket {bucket} does not exist.")));
    }
    let change = check::change(&row.job)?;
    let next = source::next(call, &row.job, manifest, &row.place, OBJECTS)?;
    for Item { uri, object, after } in next.items {
        let found = unless_broken(object.find(call, &bucket))?;
        let outcome = match &found {
            Err(error) => Err(error.clone()),
            Ok(_) if row.job.dry_run => Ok(None),
            Ok(found) => unless_broken(doors::change_object(call, found, &change))?.map(Some),
        };
        if let (Ok(Some(false)), Ok(found), Change::Rewrite { key }) = (&outcome, &found, &change) {
            row.save(call)?;
            return Ok(Some(Large { found: found.clone(), key: key.clone(), uri, after }));
        }
        row.found(found.map_or(0, |found| found.size()));
        match outcome {
            Ok(Some(_)) => row.succeeded(),
            Ok(None) => {}
            Err(error) => row.refused(uri, &error),
        }
        row.place = after;
    }
    row.place = next.place;
    let kept = if next.done { row.end(call, State::Succeeded, Ok(())) } else { row.save(call) };
    kept.map(|()| None)
}

/// Rewrites an object whose body is streamed: begin, copy, finish.
async fn stream(kernel: &Arc<Kernel>, name: &str, spec: &Spec, large: Large) -> Result<()> {
    let Large { found, key, uri, after } = large;
    if found.size() > LONG {
        kernel.worker.is_long();
    }
    let reading = Spec { mode: Mode::Read, ..spec.clone() };
    let begun = unless_broken(kernel.run(reading, |call| doors::begin_rewrite(call, &found, &key)).await)?;
    let copied = match begun {
        Ok(Some(rewriting)) => unless_broken(rewriting.copy(kernel, || kernel.worker.stopping()).await)?,
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    // The object has changed, and the next round looks again; or the emulator goes, and the next one does.
    let Some(copied) = copied.transpose() else { return Ok(()) };
    kernel
        .run(spec.clone(), |call| {
            let Some(mut row) = model::open(call, name)? else { return Ok(()) };
            match copied.and_then(|rewritten| doors::finish_rewrite(call, rewritten)) {
                Ok(true) => row.succeeded(),
                Ok(false) => return Ok(()),
                Err(error) if error.code() == Code::Internal => return Err(error),
                Err(error) => row.refused(uri, &error),
            }
            row.found(found.size());
            row.place = after;
            row.save(call)
        })
        .await
}
