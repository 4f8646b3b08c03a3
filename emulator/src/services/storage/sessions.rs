//! Resumable uploads: sessions that take chunks, answer how far they are, and end in an object.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::draft::Draft;
use super::rows::ObjectRow;
use super::upload::{self, pour};
use crate::kernel::body::Writer;
use crate::kernel::time::DAY;
use crate::kernel::{Code, Error, Kernel, Mode, Result, Spec, Time};
use crate::rest::{self, Answer, Query, Request};

/// A session that nobody ended is given up after a week, as in production.
const LIFETIME: i64 = 7 * DAY;
const MAX_OPEN: usize = 10_000;
/// How many answers are kept for clients that missed theirs.
const MAX_DONE: usize = 256;

/// Uploads on their way, of one emulator. Gone at a restart, as the card says.
#[derive(Default)]
pub struct Sessions(Mutex<Table>);

#[derive(Default)]
struct Table {
    by_id: HashMap<String, (u64, Arc<tokio::sync::Mutex<Session>>)>,
    /// In the order in which they began.
    open: BTreeMap<u64, (String, Time)>,
    done: VecDeque<String>,
    last: u64,
}

struct Session {
    draft: Draft,
    /// Made at the first byte; taken at the end.
    upload: Option<Writer>,
    /// The answer, once there is one.
    done: Option<Box<ObjectRow>>,
}

impl Sessions {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, id: &str, draft: Draft, now: Time) -> Result<()> {
        let mut table = self.table();
        while let Some(oldest) = table.open.first_entry().filter(|entry| entry.get().1.plus_micros(LIFETIME) <= now) {
            let (id, _) = oldest.remove();
            table.by_id.remove(&id);
        }
        if table.open.len() >= MAX_OPEN {
            return Err(
                Error::new(Code::ResourceExhausted, "Too many uploads are open.").with_reason("rateLimitExceeded")
            );
        }
        table.last += 1;
        let number = table.last;
        let session = Session { draft, upload: None, done: None };
        table.open.insert(number, (id.to_owned(), now));
        table.by_id.insert(id.to_owned(), (number, Arc::new(tokio::sync::Mutex::new(session))));
        Ok(())
    }

    fn get(&self, id: &str) -> Option<Arc<tokio::sync::Mutex<Session>>> {
        self.table().by_id.get(id).map(|(_, session)| Arc::clone(session))
    }

    fn remove(&self, id: &str) {
        let mut table = self.table();
        if let Some((number, _)) = table.by_id.remove(id)
            && table.open.remove(&number).is_none()
        {
            table.done.retain(|done| done != id);
        }
    }

    /// From here on the session only repeats its answer, and not for ever.
    fn finish(&self, id: &str) {
        let mut table = self.table();
        let Some(number) = table.by_id.get(id).map(|(number, _)| *number) else { return };
        table.open.remove(&number);
        table.done.push_back(id.to_owned());
        if table.done.len() > MAX_DONE
            && let Some(oldest) = table.done.pop_front()
        {
            table.by_id.remove(&oldest);
        }
    }
}

fn spec(request: &Request, bucket: &str, mode: Mode) -> Spec {
    upload::spec(request, bucket, mode)
}

/// `uploadType=resumable`: the checks now, the bytes later, at the address that the answer names.
pub async fn start(kernel: &Arc<Kernel>, draft: Draft, spec: Spec, query: &str) -> Result<Answer> {
    let base_url = spec.base_url.clone();
    // Refused now, not after gigabytes: the data key itself is made again when the bytes come.
    kernel.run(spec, |call| draft.begin(call).map(|_| ())).await?;
    let mut bytes = [0; 24];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("the system's random source failed"))?;
    let id = URL_SAFE_NO_PAD.encode(bytes);
    let bucket = super::resource::escape(&draft.bucket);
    kernel.local.get::<Sessions>().open(&id, draft, kernel.clock.now())?;
    let mut answer = rest::empty(200);
    let kept: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("upload_id=")).collect();
    let kept = kept.join("&");
    rest::set_header(
        &mut answer,
        "location",
        &format!("{base_url}/upload/storage/v1/b/{bucket}/o?{kept}&upload_id={id}"),
    );
    rest::set_header(&mut answer, "x-guploader-uploadid", &id);
    rest::set_header(&mut answer, "content-length", "0");
    Ok(answer)
}

/// What a `Content-Range` says: where the bytes go, and the whole length if it is known.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// `bytes */T` or `bytes */*`: a question, or the end of an upload whose length was not known.
    Status { total: Option<u64> },
    /// `bytes A-B/T`, `bytes A-B/*`, and Node's `bytes A-*/*` (`to` absent): all that follows.
    Bytes { from: u64, to: Option<u64>, total: Option<u64> },
}

fn bad_range(text: &str) -> Error {
    Error::invalid_argument(format!("Invalid Content-Range: '{text}'.")).with_reason("invalid")
}

fn parse_range(header: Option<&str>) -> Result<Range> {
    let Some(text) = header else { return Ok(Range::Bytes { from: 0, to: None, total: None }) };
    let bad = || bad_range(text);
    let (range, total) =
        text.trim().strip_prefix("bytes").map(str::trim_start).and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
    let total = if total == "*" { None } else { Some(total.parse().map_err(|_| bad())?) };
    if range == "*" {
        return Ok(Range::Status { total });
    }
    let (from, to) = range.split_once('-').ok_or_else(bad)?;
    let from = from.parse().map_err(|_| bad())?;
    if to == "*" {
        return Ok(Range::Bytes { from, to: None, total });
    }
    let to: u64 = to.parse().map_err(|_| bad())?;
    if to < from || to == u64::MAX || total.is_some_and(|total| to >= total) {
        return Err(bad());
    }
    Ok(Range::Bytes { from, to: Some(to), total })
}

/// A chunk, a question about progress, or the end.
pub async fn resume(kernel: &Arc<Kernel>, id: &str, request: Request) -> Result<Answer> {
    let sessions = kernel.local.get::<Sessions>();
    let session = sessions.get(id).ok_or_else(|| {
        Error::not_found("Upload session not found or expired; start again.").with_http(410).with_reason("notFound")
    })?;
    let mut session = session.try_lock_owned().map_err(|_| {
        Error::unavailable("Another request is writing to this upload session.").with_reason("backendError")
    })?;
    if request.method() == http::Method::DELETE {
        sessions.remove(id);
        return Ok(rest::empty(499));
    }
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    if let Some(row) = &session.done {
        return Ok(upload::render(row, &base_url, &query));
    }
    let spec = spec(&request, &session.draft.bucket, Mode::Write);
    upload::x_goog_hash(&request, &mut session.draft.metadata);
    let complete = match parse_range(rest::header(&request, "content-range"))? {
        Range::Status { total: Some(total) } if total < session.size() => {
            let have = session.size();
            let text = format!("Invalid request. The upload has {have} bytes and cannot end at {total}.");
            return Err(Error::invalid_argument(text).with_reason("invalid"));
        }
        Range::Status { total } => total == Some(session.size()),
        Range::Bytes { from, to, total } => session.take(kernel, &spec, from, to, total, request).await?,
    };
    if !complete {
        return Ok(incomplete(session.size()));
    }
    // An empty object has no first byte: its end is the first thing that comes.
    let writer = session.writer(kernel, &spec).await?;
    match session.draft.clone().commit(kernel, spec, writer, true).await {
        Ok(row) => {
            let answer = upload::render(&row, &base_url, &query);
            session.done = Some(Box::new(row));
            sessions.finish(id);
            Ok(answer)
        }
        Err(error) => {
            sessions.remove(id);
            Err(error)
        }
    }
}

impl Session {
    fn size(&self) -> u64 {
        self.upload.as_ref().map_or(0, Writer::size)
    }

    async fn writer(&mut self, kernel: &Arc<Kernel>, spec: &Spec) -> Result<Writer> {
        if let Some(upload) = self.upload.take() {
            return Ok(upload);
        }
        let spec = Spec { mode: Mode::Read, ..spec.clone() };
        let (_, data_key) = kernel.run(spec, |call| self.draft.begin(call)).await?;
        Ok(Writer::new(Arc::clone(kernel), data_key.key, false))
    }

    /// Takes a chunk; whether the upload is complete with it.
    async fn take(
        &mut self,
        kernel: &Arc<Kernel>,
        spec: &Spec,
        from: u64,
        to: Option<u64>,
        total: Option<u64>,
        request: Request,
    ) -> Result<bool> {
        let have = self.size();
        let invalid = |message: String| Error::invalid_argument(message).with_reason("invalid");
        if from != have {
            // Behind what is there: the client has lost count. Ahead of it: it asks and goes on from there.
            return Err(invalid(format!("Invalid request. The upload has {have} bytes; this chunk starts at {from}."))
                .with_http(if from > have { 503 } else { 400 }));
        }
        let declared = rest::header(&request, "content-length").and_then(|text| text.parse::<u64>().ok());
        let announced = to.map(|to| to + 1 - from);
        if let (Some(announced), Some(declared)) = (announced, declared)
            && announced != declared
        {
            return Err(invalid(format!("The chunk has {declared} bytes; its Content-Range says {announced}.")));
        }
        self.upload = Some(self.writer(kernel, spec).await?);
        let Some(writer) = self.upload.as_mut() else { return Err(Error::internal("an upload without a writer")) };
        let end = to.map(|to| to + 1).or(total);
        pour(request.into_body(), writer, end).await?;
        let size = writer.size();
        // Fewer bytes than announced count all the same, and the client goes on from there.
        Ok(match total {
            Some(total) => size == total,
            None => to.is_none() && declared.is_none_or(|length| size == from + length),
        })
    }
}

fn incomplete(have: u64) -> Answer {
    let mut answer = rest::empty(308);
    if have > 0 {
        rest::set_header(&mut answer, "range", &format!("bytes=0-{}", have - 1));
    }
    rest::set_header(&mut answer, "content-length", "0");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_content_range_that_clients_send_is_read() {
        let bytes = |from, to, total| Range::Bytes { from, to, total };
        assert_eq!(parse_range(Some("bytes 0-9/10")).unwrap(), bytes(0, Some(9), Some(10)));
        assert_eq!(parse_range(Some("bytes 5-9/*")).unwrap(), bytes(5, Some(9), None));
        assert_eq!(parse_range(Some("bytes 0-*/*")).unwrap(), bytes(0, None, None));
        assert_eq!(parse_range(None).unwrap(), bytes(0, None, None));
        assert_eq!(parse_range(Some("bytes */10")).unwrap(), Range::Status { total: Some(10) });
        assert_eq!(parse_range(Some("bytes */*")).unwrap(), Range::Status { total: None });
        let huge = format!("bytes 0-{}/*", u64::MAX);
        for bad in ["bytes 9-0/10", "bytes 0-10/10", "bites 0-1/2", "bytes a-b/c", "", &huge] {
            assert!(parse_range(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn finished_uploads_are_forgotten_before_they_crowd_out_new_ones() {
        let sessions = Sessions::default();
        for number in 0..=MAX_DONE {
            sessions.open(&number.to_string(), Draft::default(), Time(0)).unwrap();
            sessions.finish(&number.to_string());
        }
        assert!(sessions.get("0").is_none() && sessions.get("1").is_some());
        assert_eq!(sessions.table().open.len(), 0);
        assert_eq!(sessions.table().by_id.len(), MAX_DONE);
        sessions.remove("1");
        assert_eq!(sessions.table().done.len(), MAX_DONE - 1);
    }

    #[test]
    fn an_upload_is_given_up_after_a_week() {
        let sessions = Sessions::default();
        sessions.open("old", Draft::default(), Time(0)).unwrap();
        sessions.open("new", Draft::default(), Time(LIFETIME - 1)).unwrap();
        assert!(sessions.get("old").is_some());
        sessions.open("newer", Draft::default(), Time(LIFETIME)).unwrap();
        assert!(sessions.get("old").is_none() && sessions.get("new").is_some());
    }
}
