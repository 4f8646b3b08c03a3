//! Routing of the JSON API: metadata, uploads, downloads, batch, and the aliases that client libraries use.

use std::sync::Arc;

use gcp_gateway::ApiHint;
use http::Method;
use serde_json::json;

use super::download::Surface;
use super::preconditions::{Preconditions, generation};
use super::rewrite::Route;
use super::rows::{ObjectRow, bucket, object};
use super::supplied::SuppliedKey;
use super::{
    API, batch, bucket_calls, compose, download, keys, lists, objects, refusal, resource, rewrite, sessions,
    soft_delete, upload, xml,
};
use crate::kernel::{Error, Kernel, Mode, Result, Spec};
use crate::rest::{self, Answer, Query, Request, segments};

/// The path behind whichever prefix a client used, and whether it is an upload or a download.
fn route(path: &str) -> Option<(Kind, &str)> {
    const PREFIXES: [(&str, Kind); 6] = [
        ("/storage/v1/upload/storage/v1/", Kind::Upload),
        ("/resumable/upload/storage/v1/", Kind::Upload),
        ("/upload/storage/v1/", Kind::Upload),
        ("/download/storage/v1/", Kind::Download),
        ("/storage/v1/", Kind::Json),
        ("/b/", Kind::Bare),
    ];
    if path == "/batch/storage/v1" || path == "/batch" {
        return Some((Kind::Batch, ""));
    }
    if path == "/b" {
        return Some((Kind::Json, "b"));
    }
    PREFIXES.iter().find_map(|(prefix, kind)| {
        let rest = path.strip_prefix(prefix)?;
        Some(if *kind == Kind::Bare { (Kind::Json, &path[1..]) } else { (*kind, rest) })
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Bare,
    Upload,
    Download,
    Batch,
}

/// What names the service is Storage's: what the JSON API does not know there is the XML API's.
pub fn claims(request: &Request) -> bool {
    match request.extensions().get::<ApiHint>().and_then(|hint| hint.0.as_deref()) {
        None | Some("www.googleapis.com") => route(request.uri().path()).is_some(),
        Some(api) => api == API,
    }
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let media = is_media(&request);
    match dispatch(kernel, request).await {
        Ok(answer) => answer,
        Err(error) if error.http_status() == 304 => rest::empty(304),
        // On a download the body is the plain sentence.
        Err(error) if media => {
            rest::respond(error.http_status(), "text/html; charset=UTF-8", error.message().to_owned())
        }
        Err(error) => rest::error(&refusal::older(error)),
    }
}

/// Media and batches within batches are no part of a batch.
pub fn may_be_batched(request: &Request) -> bool {
    matches!(route(request.uri().path()), Some((Kind::Json | Kind::Bare, _))) && !is_media(request)
}

fn is_media(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::GET
        && (request.uri().path().starts_with("/download/")
            // Asked of every call: what has no such word needs no reading.
            || (query.contains("alt") && Query::parse(query).get("alt") == Some("media")))
}

async fn dispatch(kernel: &Arc<Kernel>, request: Request) -> Result<Answer> {
    let path = request.uri().path().to_owned();
    let Some((kind, rest_path)) = route(&path) else { return Ok(xml::handle(kernel, request).await) };
    if !rest::is_text(request.uri().query().unwrap_or_default()) {
        return Err(Error::invalid_argument("The query is not valid UTF-8.").with_reason("invalid"));
    }
    if kind == Kind::Batch {
        return batch::handle(Arc::clone(kernel), request).await;
    }
    let words = segments(rest_path)
        .ok_or_else(|| Error::invalid_argument("The path is not valid UTF-8.").with_reason("invalid"))?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if kind == Kind::Upload {
        return match words[..] {
            ["b", bucket, "o"] if request.method() == Method::POST => upload::start(kernel, bucket, request).await,
            ["b", _, "o"] => match Query::of(&request).get("upload_id") {
                Some(id) => {
                    let id = id.to_owned();
                    sessions::resume(kernel, &id, request).await
                }
                None => Err(no_such_path()),
            },
            _ => Err(no_such_path()),
        };
    }
    let method = request.method().clone();
    let verb = request
        .headers()
        .get("x-http-method-override")
        .filter(|_| method == Method::POST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or(method.as_str())
        .to_owned();
    match words[..] {
        ["b", bucket, "o", ref name @ ..] if !name.is_empty() => {
            object_call(kernel, &verb, bucket, name, request).await
        }
        ["b", bucket, "o"] if verb == "GET" => list(kernel, bucket, request).await,
        ["b", bucket, "o"] if verb == "POST" => upload::start(kernel, bucket, request).await,
        ["b", ref rest @ ..] => bucket_calls::handle(kernel, &verb, rest, request).await,
        ["projects", project, "serviceAccount"] if verb == "GET" => {
            bucket_calls::service_account(kernel, project, request).await
        }
        ["projects", _, "hmacKeys", ..] => Err(unimplemented("storage.projects.hmacKeys")),
        ["channels", ..] => Err(unimplemented("storage.channels.stop")),
        _ => Err(no_such_path()),
    }
}

pub fn no_such_path() -> Error {
    Error::not_found("Not Found").with_reason("notFound")
}

pub fn unimplemented(what: &str) -> Error {
    Error::unimplemented(what).with_reason("notImplemented")
}

pub fn spec(request: &Request, method: &'static str, permission: &'static str, resource: String, mode: Mode) -> Spec {
    rest::spec(request, method, API, permission, resource, mode)
}

async fn list(kernel: &Arc<Kernel>, bucket_name: &str, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let spec =
        spec(&request, "storage.objects.list", "storage.objects.list", format!("buckets/{bucket_name}"), Mode::Read);
    let found = kernel.run(spec, |call| lists::list(call, bucket_name, &query)).await?;
    let full = query.get("projection") == Some("full");
    let mut answer = json!({"kind": "storage#objects"});
    if !found.next.is_empty() {
        answer["nextPageToken"] = json!(found.next);
    }
    if !found.prefixes.is_empty() {
        answer["prefixes"] = json!(found.prefixes);
    }
    if !found.items.is_empty() {
        let show = |row| resource::Object { row, full, hashes: row.has_open_hashes(), base_url: &base_url }.value();
        answer["items"] = found.items.iter().map(show).collect();
    }
    Ok(rest::json(200, answer, &query))
}

/// Names may come with their slashes unescaped: the words that are verbs end the name.
fn split_name<'w>(words: &'w [&'w str]) -> (String, &'w [&'w str]) {
    const VERBS: [&str; 4] = ["compose", "restore", "acl", "iam"];
    let goes_on = |at: usize| {
        matches!(words[at..], ["rewriteTo" | "copyTo", "b", _, "o", _, ..] | ["moveTo", "o", _, ..])
            || (at == 1 && VERBS.contains(&words[at]))
            || (at == words.len() - 1 && VERBS.contains(&words[at]))
    };
    let end = (1..words.len()).find(|at| goes_on(*at)).unwrap_or(words.len());
    (words[..end].join("/"), &words[end..])
}

async fn object_call(
    kernel: &Arc<Kernel>,
    verb: &str,
    bucket_name: &str,
    words: &[&str],
    request: Request,
) -> Result<Answer> {
    let query = Query::of(&request);
    let (name, tail) = split_name(words);
    let base_url = rest::base_url(&request);
    let resource_name = format!("buckets/{bucket_name}/objects/{name}");
    let full = query.get("projection") == Some("full");
    let shown = |row: &ObjectRow| {
        rest::print(200, &resource::Object { row, full, hashes: row.has_open_hashes(), base_url: &base_url }, &query)
    };
    match (verb, tail) {
        ("GET" | "HEAD", []) if verb == "HEAD" || is_media(&request) => {
            download::media(kernel, bucket_name, &name, request, Surface::Json).await
        }
        ("GET", []) => {
            let (row, hashes) = get(kernel, bucket_name, &name, request).await?;
            Ok(rest::print(200, &resource::Object { row: &row, full, hashes, base_url: &base_url }, &query))
        }
        ("PATCH" | "PUT", []) => {
            let generation = generation(&query, "generation")?;
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.objects.patch", "storage.objects.update", resource_name, Mode::Write);
            let body = rest::read_json(request.into_body()).await?;
            let replace = verb == "PUT";
            let row = kernel
                .run(spec, |call| objects::update(call, bucket_name, &name, generation, &body, conditions, replace))
                .await?;
            Ok(shown(&row))
        }
        ("DELETE", []) => {
            let generation = generation(&query, "generation")?;
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.objects.delete", "storage.objects.delete", resource_name, Mode::Write);
            kernel.run(spec, |call| objects::delete(call, bucket_name, &name, generation, conditions)).await?;
            Ok(rest::empty(204))
        }
        ("POST", ["rewriteTo" | "copyTo", "b", target, "o", rest_name @ ..]) => {
            let route = Route {
                source_bucket: bucket_name.to_owned(),
                source: name,
                bucket: (*target).to_owned(),
                name: rest_name.join("/"),
            };
            rewrite::rewrite(kernel, route, tail[0] == "copyTo", request).await
        }
        ("POST", ["moveTo", "o", rest_name @ ..]) => {
            let to = rest_name.join("/");
            let (from, conditions) = (Preconditions::of(&query, true)?, Preconditions::of(&query, false)?);
            let resource_name = format!("buckets/{bucket_name}");
            let spec = spec(&request, "storage.objects.move", "storage.objects.create", resource_name, Mode::Write);
            let row = kernel.run(spec, |call| objects::rename(call, bucket_name, &name, &to, from, conditions)).await?;
            Ok(shown(&row))
        }
        ("POST", ["compose"]) => compose::compose(kernel, bucket_name, &name, request).await,
        ("POST", ["restore"]) => {
            let generation = required_generation(&query)?;
            let conditions = Preconditions::of(&query, false)?;
            let permission = "storage.objects.restore";
            let spec = spec(&request, "storage.objects.restore", permission, resource_name, Mode::Write);
            let row =
                kernel.run(spec, |call| soft_delete::restore(call, bucket_name, &name, generation, conditions)).await?;
            Ok(shown(&row))
        }
        ("GET", ["acl"]) => {
            let spec = spec(&request, "storage.objects.get", "storage.objects.getIamPolicy", resource_name, Mode::Read);
            let row = kernel.run(spec, |call| object(call, bucket_name, &name, None)).await?;
            let shown = resource::Object { row: &row, full: true, hashes: false, base_url: &base_url };
            let acl = shown.value()["acl"].take();
            Ok(rest::json(200, json!({"kind": "storage#objectAccessControls", "items": acl}), &query))
        }
        (_, [what, ..]) => Err(unimplemented(&format!("storage.objects.{what}"))),
        ("POST", []) if ["watch", "bulkRestore"].contains(&name.as_str()) => {
            Err(unimplemented(&format!("storage.objects.{name}")))
        }
        _ => Err(no_such_path()),
    }
}

fn required_generation(query: &Query) -> Result<i64> {
    generation(query, "generation")?
        .ok_or_else(|| Error::invalid_argument("Required parameter: generation").with_reason("required"))
}

/// An object's row, and whether its hashes may be shown. They lie under the key, so a full answer is a read.
async fn get(kernel: &Arc<Kernel>, bucket_name: &str, name: &str, request: Request) -> Result<(ObjectRow, bool)> {
    let query = Query::of(&request);
    let generation = generation(&query, "generation")?;
    let conditions = Preconditions::of(&query, false)?;
    let supplied = SuppliedKey::of(&request)?;
    let asked = query
        .get("fields")
        .filter(|fields| !fields.trim().is_empty())
        .is_none_or(|fields| ["crc32c", "md5Hash", "*"].iter().any(|field| fields.contains(field)));
    let resource = format!("buckets/{bucket_name}/objects/{name}");
    let spec = spec(&request, "storage.objects.get", "storage.objects.get", resource, Mode::Read);
    kernel
        .run(spec, |call| {
            if query.flag("softDeleted") {
                let row = soft_delete::find(call, bucket_name, name, required_generation(&query)?)?;
                conditions.check(Some(&row), true)?;
                let open = row.has_open_hashes();
                return Ok((row, open));
            }
            let row = object(call, bucket_name, name, generation)?;
            conditions.check(Some(&row), true)?;
            let keyless = !row.customer_key_sha256.is_empty() && supplied.is_none();
            if supplied.is_some() || (asked && !keyless && !row.has_open_hashes()) {
                let bucket_row = bucket(call, bucket_name)?;
                keys::unwrap(call, &bucket_row, &row, supplied.as_ref())?;
            }
            Ok((row, asked && !keyless))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_where_a_verb_begins() {
        for (path, name, tail) in [
            ("a", "a", 0),
            ("a/b/c", "a/b/c", 0),
            ("compose", "compose", 0),
            ("a/compose", "a", 1),
            ("a/b/compose", "a/b", 1),
            ("a/acl/entity", "a", 2),
            ("a/rewriteTo/b/x/o/y/z", "a", 6),
            ("a/b/copyTo/b/x/o/y", "a/b", 5),
            ("a/b/moveTo/o/y", "a/b", 3),
            ("a/rewriteTo/elsewhere", "a/rewriteTo/elsewhere", 0),
        ] {
            let words: Vec<&str> = path.split('/').collect();
            let found = split_name(&words);
            assert_eq!((found.0.as_str(), found.1.len()), (name, tail), "{path}");
        }
    }
}
