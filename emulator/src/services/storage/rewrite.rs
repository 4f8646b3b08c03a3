//! Copies: rewrite and copy. Bytes are opened under the source's key and sealed again under the destination's.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::draft::Draft;
use super::objects::{self, Metadata};
use super::preconditions::{Preconditions, generation};
use super::rows::{BucketRow, ObjectRow, bucket, object};
use super::supplied::SuppliedKey;
use super::{API, download, upload};
use crate::doors;
use crate::kernel::body::{DataKey, Opened, Writer};
use crate::kernel::{Error, Kernel, Mode, Result, Spec};
use crate::rest::{self, Answer, Query, Request};

const MIB: u64 = 1 << 20;
/// How many rewrites may wait for their next call; the oldest is given up for a newer one.
const MAX_PENDING: usize = 256;

/// From where to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub source_bucket: String,
    pub source: String,
    pub bucket: String,
    pub name: String,
}

/// Rewrites between two calls, of one emulator. A token is good for one call; each call gives a new one.
#[derive(Default)]
pub struct Rewrites(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    by_token: HashMap<String, Pending>,
    order: VecDeque<String>,
}

struct Pending {
    /// What later calls must repeat.
    asked: Asked,
    generation: i64,
    writer: Writer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    route: Route,
    kms_key: Option<String>,
    generation: Option<i64>,
    limit: Option<u64>,
    supplied_sha256: Option<String>,
}

impl Rewrites {
    fn take(&self, token: &str, asked: &Asked) -> Result<Pending> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.by_token.get(token) {
            None => Err(Error::not_found("The rewrite token is not valid any more; start again.")
                .with_http(410)
                .with_reason("gone")),
            Some(pending) if pending.asked != *asked => Err(Error::invalid_argument(
                "The rewrite token belongs to other parameters: each call of a rewrite must repeat those of the first.",
            )
            .with_reason("invalid")),
            Some(_) => {
                waiting.order.retain(|known| known != token);
                waiting.by_token.remove(token).ok_or_else(|| Error::internal("a rewrite that went away"))
            }
        }
    }

    fn keep(&self, pending: Pending) -> Result<String> {
        let mut bytes = [0; 24];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("the system's random source failed"))?;
        let token = URL_SAFE_NO_PAD.encode(bytes);
        self.put(&token, pending);
        Ok(token)
    }

    fn put(&self, token: &str, pending: Pending) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.order.len() >= MAX_PENDING
            && let Some(oldest) = waiting.order.pop_front()
        {
            waiting.by_token.remove(&oldest);
        }
        waiting.order.push_back(token.to_owned());
        waiting.by_token.insert(token.to_owned(), pending);
    }
}

/// Bytes of an open body, from `from` up to `to`.
pub async fn copy_bytes(opened: Opened, from: u64, to: u64, writer: &mut Writer) -> Result<()> {
    if let Some(bytes) = opened.inline() {
        return writer.write(bytes?.slice(from as usize..to as usize)).await;
    }
    let mut stream = opened.stream(from, to);
    while let Some(bytes) = stream.next().await {
        writer.write(bytes?).await?;
    }
    Ok(())
}

/// How much a call may copy: whole mebibytes, at least one.
fn limit(query: &Query) -> Result<Option<u64>> {
    match query.number::<u64>("maxBytesRewrittenPerCall")? {
        Some(limit) if limit == 0 || limit % MIB != 0 => {
            Err(Error::invalid_argument("maxBytesRewrittenPerCall must be an integral multiple of 1 MiB (1048576).")
                .with_reason("invalid"))
        }
        limit => Ok(limit),
    }
}

/// Whether the bytes could stay where they are, were they not sealed for each object anew: then no limit applies.
fn stays_as_it_is(source: &ObjectRow, from: &BucketRow, to: &BucketRow, draft: &Draft, data_key: &DataKey) -> bool {
    let class = &draft.metadata.storage_class;
    from.location == to.location
        && (class.is_empty() || *class == source.storage_class)
        && draft.supplied.is_none()
        && source.customer_key_sha256.is_empty()
        && data_key.version == source.body.key_version
}

/// `rewriteTo` and `copyTo`. The key is the request's, else the destination's default: never the source's.
pub async fn rewrite(kernel: &Arc<Kernel>, route: Route, as_copy: bool, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let method = if as_copy { "storage.objects.copy" } else { "storage.objects.rewrite" };
    let source_name = format!("buckets/{}/objects/{}", route.source_bucket, route.source);
    let read = rest::spec(&request, method, API, "storage.objects.get", source_name, Mode::Read);
    let write = Spec {
        permission: "storage.objects.create",
        resource: format!("buckets/{}", route.bucket),
        mode: Mode::Write,
        ..read.clone()
    };
    let source_conditions = Preconditions::of(&query, true)?;
    let source_key = SuppliedKey::of_source(&request)?;
    let supplied = SuppliedKey::of(&request)?;
    let asked = Asked {
        kms_key: query.get("destinationKmsKeyName").filter(|key| !key.is_empty()).map(str::to_owned),
        generation: generation(&query, "sourceGeneration")?,
        limit: if as_copy { None } else { limit(&query)? },
        supplied_sha256: supplied.as_ref().map(|key| key.sha256.clone()),
        route,
    };
    let mut draft = Draft {
        bucket: asked.route.bucket.clone(),
        conditions: Preconditions::of(&query, false)?,
        kms_key: asked.kms_key.clone(),
        supplied,
        ..Draft::default()
    };
    let given = Given::of(&rest::read_json(request.into_body()).await?)?;
    objects::check_name(&asked.route.name)?;
    let rewrites = kernel.local.get::<Rewrites>();
    let token = query.get("rewriteToken").filter(|token| !token.is_empty());
    let mut before = token.map(|token| rewrites.take(token, &asked)).transpose()?;
    let wanted = before.as_ref().map(|pending| pending.generation).or(asked.generation);
    let Route { source_bucket, source, bucket: target, name } = &asked.route;
    let admit = Spec { mode: Mode::Read, ..write.clone() };
    let looked = kernel
        .run(read, |call| {
            let row = object(call, source_bucket, source, wanted)?;
            source_conditions.check(Some(&row), false)?;
            // Each call reads, so each call asks the source's key again.
            let opened = download::open(call, &row, source_key.as_ref())?;
            Ok((row, opened, bucket(call, source_bucket)?))
        })
        .await;
    let (row, opened, from) = match (looked, before) {
        (Ok(found), pending) => {
            before = pending;
            found
        }
        (Err(error), pending) => {
            // Nothing was copied: the token is good for another try.
            if let (Some(token), Some(pending)) = (token, pending) {
                rewrites.put(token, pending);
            }
            return Err(error);
        }
    };
    draft.metadata = merged(&row, given, name);
    draft.components = row.components;
    let (mut writer, limit) = match before {
        Some(pending) => (pending.writer, asked.limit),
        // No limit is so low, and what stands in the way of so little is found as soon at its end.
        None if row.body.size <= envelope::CHUNK as u64 => {
            (Writer::new(Arc::clone(kernel), doors::fresh_data_key()?, false), None)
        }
        None => {
            let (to, data_key) = kernel.run(admit, |call| draft.begin(call)).await?;
            let free = stays_as_it_is(&row, &from, &to, &draft, &data_key);
            let writer = Writer::new(Arc::clone(kernel), data_key.key, false);
            (writer, asked.limit.filter(|_| !free))
        }
    };
    let size = row.body.size;
    let done = writer.size();
    let end = limit.map_or(size, |limit| size.min(done.saturating_add(limit)));
    copy_bytes(opened, done, end, &mut writer).await?;
    if end < size {
        let pending = Pending { asked, generation: row.generation, writer };
        let token = rewrites.keep(pending)?;
        let answer = json!({"kind": "storage#rewriteResponse", "totalBytesRewritten": end.to_string(),
            "objectSize": size.to_string(), "done": false, "rewriteToken": token});
        return Ok(rest::json(200, answer, &query));
    }
    debug_assert_eq!(*target, draft.bucket);
    let written = draft.commit(kernel, write, writer, row.components == 0).await?;
    if as_copy {
        return Ok(upload::render(&written, &base_url, &query));
    }
    // Who asks for other fields only, as those who rewrite thousands do, pays for no resource.
    let asked = query.get("fields").is_none_or(|fields| fields.contains("resource") || fields.contains('*'));
    let resource = if asked { upload::shown(&written, &base_url, &query).value() } else { Value::Null };
    let answer = json!({"kind": "storage#rewriteResponse", "totalBytesRewritten": size.to_string(),
        "objectSize": size.to_string(), "done": true, "resource": resource});
    Ok(rest::json(200, answer, &query))
}

/// The metadata of a body, and which of it was said at all.
struct Given {
    metadata: Metadata,
    said: BTreeSet<String>,
}

impl Given {
    fn of(body: &Value) -> Result<Self> {
        let said = body.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        Ok(Self { metadata: Metadata::from_json(body)?, said: said.map(|(name, _)| name.clone()).collect() })
    }
}

/// The source's metadata where the body is silent. Hashes in the body are the source's and say nothing that is not so.
fn merged(source: &ObjectRow, given: Given, name: &str) -> Metadata {
    let mut metadata = Metadata::of(source);
    let Given { metadata: new, said } = given;
    for (field, name, value) in [
        (&mut metadata.content_type, "contentType", new.content_type),
        (&mut metadata.content_encoding, "contentEncoding", new.content_encoding),
        (&mut metadata.cache_control, "cacheControl", new.cache_control),
        (&mut metadata.content_disposition, "contentDisposition", new.content_disposition),
        (&mut metadata.content_language, "contentLanguage", new.content_language),
        (&mut metadata.storage_class, "storageClass", new.storage_class),
        (&mut metadata.custom_time, "customTime", new.custom_time),
    ] {
        if said.contains(name) {
            *field = value;
        }
    }
    if said.contains("metadata") {
        metadata.metadata = new.metadata;
    }
    name.clone_into(&mut metadata.name);
    metadata
}
