//! Which objects a job is about: those under its prefixes, or those that its manifest lists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gcp_schema::storagebatchoperations::Job;
use gcp_schema::storagebatchoperations::bucket_list::bucket::ObjectConfiguration;
use gcp_schema::storagebatchoperations::job::Transformation;

use super::csv;
use super::model::{Place, bucket};
use crate::doors::{self, Found};
use crate::kernel::{Call, Error, Kernel, Mode, Result, Spec};

/// The longest manifest taken, all files together.
const MAX_MANIFEST: u64 = 512 << 20;
/// How many rows of a manifest one call reads: most may be of other buckets.
const ROWS: usize = 4096;

/// What comes next, and where it goes on behind each.
pub struct Next {
    pub items: Vec<Item>,
    /// Behind everything that was looked at.
    pub place: Place,
    pub done: bool,
}

pub struct Item {
    pub uri: String,
    pub object: Object,
    pub after: Place,
}

pub enum Object {
    Found(Box<Found>),
    /// A manifest may list an object twice: it is looked for when its turn comes.
    Named {
        name: String,
        generation: Option<i64>,
    },
    /// A row of a manifest that names none.
    None(Error),
}

impl Object {
    pub fn find(self, call: &Call, bucket: &str) -> Result<Found> {
        match self {
            Self::Found(found) => Ok(*found),
            Self::Named { name, generation } => doors::find_generation(call, bucket, &name, generation),
            Self::None(error) => Err(error),
        }
    }
}

/// At most `limit` objects from a place on.
pub fn next(call: &Call, job: &Job, manifest: Option<&Manifest>, place: &Place, limit: usize) -> Result<Next> {
    match manifest {
        Some(manifest) => Ok(manifest.next(job, place, limit)),
        None => under_prefixes(call, job, place, limit),
    }
}

/// A job's prefixes in order, those under others left out; each once for live objects and, where those go for good too,
/// once for noncurrent ones.
fn parts(job: &Job) -> Vec<(String, bool)> {
    let Some(ObjectConfiguration::PrefixList(list)) =
        bucket(job).and_then(|bucket| bucket.object_configuration.as_ref())
    else {
        return Vec::new();
    };
    let mut prefixes = list.included_object_prefixes.clone();
    if prefixes.is_empty() {
        prefixes.push(String::new());
    }
    prefixes.sort();
    let mut kept: Vec<String> = Vec::new();
    for prefix in prefixes {
        if kept.last().is_none_or(|last| !prefix.starts_with(last.as_str())) {
            kept.push(prefix);
        }
    }
    let for_good = matches!(&job.transformation, Some(Transformation::DeleteObject(delete))
        if delete.permanent_object_deletion_enabled);
    let noncurrent = kept.iter().filter(|_| for_good).map(|prefix| (prefix.clone(), true)).collect::<Vec<_>>();
    kept.into_iter().map(|prefix| (prefix, false)).chain(noncurrent).collect()
}

fn under_prefixes(call: &Call, job: &Job, place: &Place, limit: usize) -> Result<Next> {
    let parts = parts(job);
    let name = bucket(job).map(|bucket| bucket.bucket.as_str()).unwrap_or_default();
    let mut next = Next { items: Vec::new(), place: place.clone(), done: false };
    loop {
        let Some((prefix, noncurrent)) = parts.get(next.place.part as usize) else {
            next.done = true;
            return Ok(next);
        };
        let wanted = limit - next.items.len();
        if wanted == 0 {
            return Ok(next);
        }
        let found = doors::find_objects(call, name, prefix, &next.place.object, *noncurrent, wanted)?;
        let all = found.len() < wanted;
        for found in found {
            let after = Place { part: next.place.part, object: found.after(), offset: 0 };
            next.place = after.clone();
            let uri = format!("gs://{name}/{}", found.name());
            next.items.push(Item { uri, object: Object::Found(Box::new(found)), after });
        }
        if all {
            next.place = Place { part: next.place.part + 1, ..Place::default() };
        }
    }
}

/// A manifest in memory while its job goes on.
pub struct Manifest {
    files: Vec<File>,
}

struct File {
    uri: String,
    text: Bytes,
    bucket: usize,
    name: usize,
    generation: Option<usize>,
    /// Behind the header, if there is one.
    first: usize,
}

impl File {
    /// A first record that names the columns is a header. Without one they are bucket, name and generation.
    fn new(uri: String, text: Bytes) -> Self {
        let start = if text.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        if let Some((header, first)) = csv::record(&text, start) {
            let column = |name: &str| header.iter().position(|field| field.trim().eq_ignore_ascii_case(name));
            if let (Some(bucket), Some(name)) = (column("bucket"), column("name")) {
                return Self { uri, text, bucket, name, generation: column("generation"), first };
            }
        }
        Self { uri, text, bucket: 0, name: 1, generation: Some(2), first: start }
    }
}

impl Manifest {
    fn next(&self, job: &Job, place: &Place, limit: usize) -> Next {
        let wanted = bucket(job).map(|bucket| bucket.bucket.as_str()).unwrap_or_default();
        let mut next = Next { items: Vec::new(), place: place.clone(), done: false };
        for _ in 0..ROWS {
            let Some(file) = self.files.get(next.place.part as usize) else {
                next.done = true;
                break;
            };
            if next.items.len() == limit {
                break;
            }
            let from = (next.place.offset as usize).max(file.first);
            let Some((row, end)) = csv::record(&file.text, from) else {
                next.place = Place { part: next.place.part + 1, ..Place::default() };
                continue;
            };
            let after = Place { offset: end as u64, ..next.place.clone() };
            next.place = after.clone();
            if let Some((uri, object)) = file.object(&row, wanted, from) {
                next.items.push(Item { uri, object, after });
            }
        }
        next
    }
}

impl File {
    /// What a row names, if it is of this bucket.
    fn object(&self, row: &[String], wanted: &str, from: usize) -> Option<(String, Object)> {
        if row == [""] {
            return None;
        }
        let at = |column: usize| row.get(column).map(String::as_str).filter(|text| !text.is_empty());
        let generation = self.generation.and_then(at).map(str::parse).transpose();
        match (at(self.bucket), at(self.name), generation) {
            (Some(bucket), ..) if bucket != wanted => None,
            (Some(bucket), Some(name), Ok(generation)) => {
                Some((format!("gs://{bucket}/{name}"), Object::Named { name: name.to_owned(), generation }))
            }
            _ => {
                let row: String = row.join(",").chars().take(100).collect();
                let error = format!("The row at byte {from} is not bucket,name[,generation]: {row}");
                Some((self.uri.clone(), Object::None(Error::invalid_argument(error))))
            }
        }
    }
}

/// A refusal belongs to its object, a fault of the emulator to nobody.
pub fn unless_broken<T>(outcome: Result<T>) -> Result<Result<T>> {
    match outcome {
        Err(error) if error.code() == crate::kernel::Code::Internal => Err(error),
        outcome => Ok(outcome),
    }
}

#[derive(Default)]
struct Manifests(Mutex<HashMap<String, Arc<Manifest>>>);

impl Manifests {
    fn of(kernel: &Kernel) -> Arc<Self> {
        kernel.local.get()
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Manifest>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of an ended job's manifest.
pub fn forget(call: &mut Call, job: &str) {
    let job = job.to_owned();
    call.after_commit(move |kernel| {
        Manifests::of(kernel).map().remove(&job);
    });
}

/// `gs://bucket/name`, where the last part of the name may hold one `*`.
pub fn location(location: &str) -> Option<(&str, &str)> {
    let (bucket, name) = location.strip_prefix("gs://")?.split_once('/')?;
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let fits = !bucket.is_empty() && !name.is_empty() && name.matches('*').count() < 2 && !folder.contains('*');
    fits.then_some((bucket, name))
}

/// The manifest of a job that has one, read in the name of whoever made the job.
pub async fn manifest(kernel: &Arc<Kernel>, job: &Job, spec: &Spec) -> Result<Option<Arc<Manifest>>> {
    let Some(ObjectConfiguration::Manifest(manifest)) =
        bucket(job).and_then(|bucket| bucket.object_configuration.as_ref())
    else {
        return Ok(None);
    };
    if let Some(known) = Manifests::of(kernel).map().get(&job.name) {
        return Ok(Some(Arc::clone(known)));
    }
    let (bucket, name) = location(&manifest.manifest_location)
        .ok_or_else(|| Error::invalid_argument(format!("{} is no manifest.", manifest.manifest_location)))?;
    let spec = Spec { mode: Mode::Read, ..spec.clone() };
    let opened = kernel.run(spec, |call| open(call, bucket, name)).await?;
    let mut files = Vec::new();
    for (name, body) in opened {
        files.push(File::new(format!("gs://{bucket}/{name}"), body.bytes().await?));
    }
    let read = Arc::new(Manifest { files });
    Manifests::of(kernel).map().insert(job.name.clone(), Arc::clone(&read));
    Ok(Some(read))
}

fn open(call: &mut Call, bucket: &str, name: &str) -> Result<Vec<(String, crate::kernel::body::Opened)>> {
    let names = match name.split_once('*') {
        None => vec![name.to_owned()],
        Some((head, tail)) => {
            let fits = |found: &str| {
                let middle = found.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
                middle.is_some_and(|middle| !middle.contains('/'))
            };
            let listed = doors::list_objects(call, bucket, head)?;
            listed.into_iter().map(|found| found.name).filter(|found| fits(found)).collect()
        }
    };
    if names.is_empty() {
        return Err(Error::not_found(format!("No manifest fits gs://{bucket}/{name}.")));
    }
    let mut size = 0;
    let mut opened = Vec::new();
    for name in names {
        let resource = format!("buckets/{bucket}/objects/{name}");
        doors::require_permission(call, "storage.objects.get", &resource, "storage.googleapis.com")?;
        let (info, body) = doors::open_object(call, bucket, &name)?;
        size += info.size;
        if size > MAX_MANIFEST {
            return Err(Error::invalid_argument(format!(
                "The manifest gs://{bucket}/{name} is longer than {MAX_MANIFEST} bytes."
            )));
        }
        opened.push((name, body));
    }
    Ok(opened)
}
