//! Blobs: uploads in pieces, then one object that all repositories of the host share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gcp_names::registry::{blob_object, is_digest};
use http::Method;
use http_body_util::BodyExt as _;

use super::access::{Action, exchange};
use super::error::coded;
use super::names::Repository;
use super::{bucket_for_push, spec};
use crate::doors;
use crate::kernel::body::{Opened, Writer};
use crate::kernel::time::DAY;
use crate::kernel::{Error, Kernel, Mode, Result, Time};
use crate::rest::{self, Answer, Query, Request, Wanted};

/// Uploads on their way. Gone at a restart: clients start again.
#[derive(Default)]
pub struct Uploads(Mutex<HashMap<String, Slot>>);

struct Slot {
    started: Time,
    /// Empty once the upload is being finished.
    upload: Arc<tokio::sync::Mutex<Option<Upload>>>,
}

struct Upload {
    bucket: String,
    writer: Writer,
}

const MAX_UPLOADS: usize = 10_000;
/// A name for a blob whose digest is not known yet.
const ANY_BLOB: &str = "containers/images/upload";

fn digest_text(sha256: Option<[u8; 32]>) -> String {
    use std::fmt::Write as _;
    sha256.unwrap_or_default().iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bad_digest(digest: &str) -> Error {
    coded(400, "DIGEST_INVALID", format!("Invalid digest '{digest}'."))
}

pub async fn get(kernel: &Arc<Kernel>, repository: &Repository, digest: &str, request: Request) -> Result<Answer> {
    if !is_digest(digest) {
        return Err(bad_digest(digest));
    }
    let head = request.method() == Method::HEAD;
    let spec = spec(&request, "registry.blobs.get", "storage.objects.get", repository, Mode::Read);
    let object = blob_object(digest);
    let bucket = repository.bucket();
    let range = rest::header(&request, "range").map(str::to_owned);
    let found = kernel
        .run(spec, |call| {
            exchange(call, repository, Action::Pull)?;
            if !doors::bucket_exists(call, &bucket)? {
                return Ok(None);
            }
            if head {
                return Ok(doors::find_object(call, &bucket, &object)?.map(|info| (info.size, None)));
            }
            match doors::open_object(call, &bucket, &object) {
                Ok((info, opened)) => Ok(Some((info.size, Some(opened)))),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await;
    let found = match found {
        // Where production redirects to Storage, what Storage says about the key reaches the client as it is.
        Err(error) if is_about_the_key(&error) => return Ok(doors::object_refusal(&error)),
        found => found?,
    };
    let Some((size, opened)) = found else {
        return Err(coded(404, "BLOB_UNKNOWN", format!("Failed to fetch \"{digest}\"")));
    };
    let mut answer = match opened {
        None => rest::empty(200),
        Some(opened) => stream(opened, range.as_deref(), size)?,
    };
    if !answer.headers().contains_key("content-length") {
        rest::set_header(&mut answer, "content-length", &size.to_string());
    }
    rest::set_header(&mut answer, "content-type", "application/octet-stream");
    rest::set_header(&mut answer, "docker-content-digest", digest);
    Ok(answer)
}

fn is_about_the_key(error: &Error) -> bool {
    error.reason().is_some_and(|reason| reason == "forbidden" || reason.starts_with("cloudKms"))
}

/// Served directly: Container Registry redirects to Storage, which on loopback would only cost a round trip.
fn stream(opened: Opened, range: Option<&str>, size: u64) -> Result<Answer> {
    let (status, from, to) = match rest::wanted(range, size) {
        Wanted::All => (200, 0, size),
        Wanted::Part(from, to) => (206, from, to),
        Wanted::Unsatisfiable => return Err(coded(416, "UNSUPPORTED", "The requested range cannot be satisfied.")),
    };
    let body = match opened.inline() {
        Some(bytes) => gcp_gateway::full(bytes?.slice(from as usize..to as usize)),
        None => gcp_gateway::stream(opened.stream(from, to)),
    };
    let mut answer = Answer::new(body);
    if status == 206 {
        *answer.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        rest::set_header(&mut answer, "content-range", &format!("bytes {from}-{}/{size}", to.saturating_sub(1)));
    }
    rest::set_header(&mut answer, "content-length", &(to - from).to_string());
    Ok(answer)
}

/// `POST …/blobs/uploads/`: a session, or at once with `mount` or `digest`.
pub async fn start(kernel: &Arc<Kernel>, repository: &Repository, name: &str, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let bucket = repository.bucket();
    let whole = query.get("digest").map(str::to_owned);
    if let Some(digest) = whole.as_ref().filter(|digest| !is_digest(digest)) {
        return Err(bad_digest(digest));
    }
    bucket_for_push(kernel, repository, &request).await?;
    if let Some(digest) = query.get("mount").filter(|digest| is_digest(digest)) {
        let spec = spec(&request, "registry.blobs.mount", "storage.objects.get", repository, Mode::Read);
        let object = blob_object(digest);
        // Blobs are shared within a host: what is there need not come again.
        if kernel.run(spec, |call| doors::find_object(call, &bucket, &object)).await?.is_some() {
            return Ok(created(name, digest));
        }
    }
    let spec = spec(&request, "registry.blobs.start", "storage.objects.create", repository, Mode::Read);
    let data_key = kernel.run(spec, |call| doors::begin_object(call, &bucket, ANY_BLOB)).await?;
    let mut upload = Upload { bucket, writer: Writer::new(Arc::clone(kernel), data_key, true) };
    if let Some(digest) = whole {
        let finish = spec_for_finish(&request, repository);
        receive(request, &mut upload).await?;
        return finish_upload(kernel, finish, repository, name, &digest, upload).await;
    }
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("the system's random source failed"))?;
    let id = format!("{:032x}", u128::from_be_bytes(bytes));
    let uploads = kernel.local.get::<Uploads>();
    {
        let mut map = uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = kernel.clock.now();
        map.retain(|_, slot| slot.started.plus_micros(DAY) > now);
        if map.len() >= MAX_UPLOADS {
            return Err(coded(429, "TOOMANYREQUESTS", "Too many uploads are open."));
        }
        map.insert(id.clone(), Slot { started: now, upload: Arc::new(tokio::sync::Mutex::new(Some(upload))) });
    }
    Ok(accepted(name, &id, 0))
}

fn spec_for_finish(request: &Request, repository: &Repository) -> crate::kernel::Spec {
    spec(request, "registry.blobs.put", "storage.objects.create", repository, Mode::Write)
}

fn created(name: &str, digest: &str) -> Answer {
    let mut answer = rest::empty(201);
    rest::set_header(&mut answer, "location", &format!("/v2/{name}/blobs/{digest}"));
    rest::set_header(&mut answer, "docker-content-digest", digest);
    rest::set_header(&mut answer, "content-length", "0");
    answer
}

fn accepted(name: &str, id: &str, size: u64) -> Answer {
    let mut answer = rest::empty(202);
    // A new Location each time, as the real one gives: what counts is the id.
    rest::set_header(&mut answer, "location", &format!("/v2/{name}/blobs/uploads/{id}?state={size}"));
    rest::set_header(&mut answer, "range", &format!("0-{}", size.saturating_sub(1)));
    rest::set_header(&mut answer, "docker-upload-uuid", id);
    rest::set_header(&mut answer, "content-length", "0");
    answer
}

async fn receive(request: Request, upload: &mut Upload) -> Result<()> {
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            coded(400, "BLOB_UPLOAD_INVALID", "The upload was cut off.").with_log(error.to_string())
        })?;
        if let Ok(data) = frame.into_data() {
            upload.writer.write(data).await?;
        }
    }
    Ok(())
}

/// PATCH, PUT, GET and DELETE of a session.
pub async fn resume(
    kernel: &Arc<Kernel>,
    repository: &Repository,
    name: &str,
    id: &str,
    request: Request,
) -> Result<Answer> {
    let unknown = || coded(404, "BLOB_UPLOAD_UNKNOWN", "The upload is not known to the registry.");
    let uploads = kernel.local.get::<Uploads>();
    let slot = {
        let map = uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&map.get(id).ok_or_else(unknown)?.upload)
    };
    let forget = || {
        uploads.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    };
    let mut slot =
        slot.try_lock_owned().map_err(|_| coded(409, "UNKNOWN", "Another request is writing to this upload."))?;
    if slot.as_ref().is_none_or(|upload| upload.bucket != repository.bucket()) {
        return Err(unknown());
    }
    let method = request.method().clone();
    match method {
        Method::PATCH => {
            let upload = slot.as_mut().ok_or_else(unknown)?;
            let length = piece(&request, upload.writer.size())?;
            let spec = spec(&request, "registry.blobs.patch", "storage.objects.create", repository, Mode::Read);
            let bucket = repository.bucket();
            kernel
                .run(spec, |call| {
                    exchange(call, repository, Action::Push)?;
                    doors::begin_object(call, &bucket, ANY_BLOB)
                })
                .await?;
            let before = upload.writer.size();
            let mut received = receive(request, upload).await;
            if length.is_some_and(|length| before.saturating_add(length) != upload.writer.size()) {
                let text = "The piece has not as many bytes as its Content-Range says.";
                received = received.and(Err(coded(400, "BLOB_UPLOAD_INVALID", text)));
            }
            if let Err(error) = received {
                // A docker client does not resume within a piece: it starts the blob again.
                forget();
                return Err(error);
            }
            Ok(accepted(name, id, upload.writer.size()))
        }
        Method::PUT => {
            let digest = Query::of(&request).get("digest").unwrap_or_default().to_owned();
            if !is_digest(&digest) {
                return Err(bad_digest(&digest));
            }
            let finish = spec_for_finish(&request, repository);
            let mut upload = slot.take().ok_or_else(unknown)?;
            forget();
            receive(request, &mut upload).await?;
            finish_upload(kernel, finish, repository, name, &digest, upload).await
        }
        Method::GET => {
            let size = slot.as_ref().ok_or_else(unknown)?.writer.size();
            let mut answer = accepted(name, id, size);
            *answer.status_mut() = http::StatusCode::NO_CONTENT;
            Ok(answer)
        }
        Method::DELETE => {
            forget();
            Ok(rest::empty(204))
        }
        _ => Err(coded(405, "UNSUPPORTED", "The operation is unsupported.")),
    }
}

/// How long a piece is that says where it goes (`0-1023`, also with `bytes` before it): to the end of what is there.
fn piece(request: &Request, have: u64) -> Result<Option<u64>> {
    let Some(text) = rest::header(request, "content-range") else { return Ok(None) };
    let range = text.strip_prefix("bytes").unwrap_or(text).trim_start();
    let range = range.split('/').next().unwrap_or(range);
    let ends = range.split_once('-').and_then(|(from, to)| Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?)));
    match ends {
        Some((from, to)) if from == have && to >= from && to < u64::MAX => Ok(Some(to + 1 - from)),
        Some(_) => {
            let text = format!("The upload has {have} bytes; a piece at {range} does not follow.");
            Err(coded(416, "BLOB_UPLOAD_INVALID", text))
        }
        None => Err(coded(400, "BLOB_UPLOAD_INVALID", format!("Invalid Content-Range: '{text}'."))),
    }
}

async fn finish_upload(
    kernel: &Arc<Kernel>,
    spec: crate::kernel::Spec,
    repository: &Repository,
    name: &str,
    digest: &str,
    upload: Upload,
) -> Result<Answer> {
    let data_key = upload.writer.key().clone();
    let finished = upload.writer.finish().await?;
    let computed = digest_text(finished.sha256);
    if computed != digest {
        return Err(coded(400, "DIGEST_INVALID", format!("The uploaded bytes are {computed}, not {digest}.")));
    }
    let object = doors::NewObject {
        name: blob_object(digest),
        content_type: "application/octet-stream".to_owned(),
        ..doors::NewObject::default()
    };
    let bucket = repository.bucket();
    kernel
        .run(spec, |call| {
            exchange(call, repository, Action::Push)?;
            // What is there already stays as it is, its encryption too.
            if doors::find_object(call, &bucket, &object.name)?.is_none() {
                doors::finish_object(call, &bucket, &object, finished, data_key)?;
            }
            Ok(())
        })
        .await?;
    Ok(created(name, digest))
}
