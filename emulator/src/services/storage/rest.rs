//! Routing of the JSON API: metadata, uploads, downloads, batch, and the aliases that client libraries use.

use std::sync::Arc;

use gcp_gateway::ApiHint;
use gcp_names::ServiceAgent;
use gcp_schema::iam::Policy;
use http::Method;
use serde_json::{Value, json};

use super::preconditions::{Preconditions, unmet};
use super::rewrite::Route;
use super::rows::{BUCKETS, bucket, object};
use super::supplied::SuppliedKey;
use super::{API, batch, buckets, compose, download, keys, lists, objects, resource, rewrite, sessions, upload, xml};
use crate::doors;
use crate::kernel::{Call, Code, Error, Kernel, Mode, Result, Spec, paging};
use crate::rest::{self, Answer, Query, Request, segments};

const MAX_PERMISSIONS: usize = 84;

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

pub fn claims(request: &Request) -> bool {
    match request.extensions().get::<ApiHint>().and_then(|hint| hint.0.as_deref()) {
        None | Some("www.googleapis.com") => route(request.uri().path()).is_some(),
        Some(api) => api == API && (route(request.uri().path()).is_some() || is_xml(request)),
    }
}

/// Only an address that names the service can mean an object by `/BUCKET/OBJECT`.
fn is_xml(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && xml::address(request.uri().path()).is_some()
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
        Err(error) => rest::error(&error),
    }
}

/// Media and batches within batches are no part of a batch.
pub fn may_be_batched(request: &Request) -> bool {
    matches!(route(request.uri().path()), Some((Kind::Json | Kind::Bare, _))) && !is_media(request)
}

fn is_media(request: &Request) -> bool {
    request.method() == Method::GET
        && (request.uri().path().starts_with("/download/") || Query::of(request).get("alt") == Some("media"))
}

async fn dispatch(kernel: &Arc<Kernel>, request: Request) -> Result<Answer> {
    let path = request.uri().path().to_owned();
    let Some((kind, rest_path)) = route(&path) else {
        let (bucket, object) = xml::address(&path).ok_or_else(no_such_path)?;
        let decode = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
        return Ok(xml::read(kernel, &decode(bucket), &decode(object), request).await);
    };
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
        ["b", ref rest @ ..] => bucket_call(kernel, &verb, rest, request).await,
        ["projects", project, "serviceAccount"] if verb == "GET" => service_account(kernel, project, request).await,
        ["projects", _, "hmacKeys", ..] => Err(unimplemented("storage.projects.hmacKeys")),
        ["channels", ..] => Err(unimplemented("storage.channels.stop")),
        _ => Err(no_such_path()),
    }
}

fn no_such_path() -> Error {
    Error::not_found("Not Found").with_reason("notFound")
}

fn unimplemented(what: &str) -> Error {
    Error::unimplemented(what).with_reason("notImplemented")
}

fn spec(request: &Request, method: &'static str, permission: &'static str, resource: String, mode: Mode) -> Spec {
    rest::spec(request, method, API, permission, resource, mode)
}

async fn service_account(kernel: &Arc<Kernel>, project: &str, request: Request) -> Result<Answer> {
    let spec = spec(&request, "storage.projects.serviceAccount.get", "", format!("projects/{project}"), Mode::Write);
    let query = Query::of(&request);
    let email = kernel
        .run(spec, |call| {
            let project = doors::project(call, project)?;
            doors::create_agent(call, &project, ServiceAgent::Storage)?;
            Ok(ServiceAgent::Storage.email(project.number))
        })
        .await?;
    Ok(rest::json(200, json!({"kind": "storage#serviceAccount", "email_address": email}), &query))
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
        let items = found.items.iter().map(|row| resource::object(row, full, row.has_open_hashes(), &base_url));
        answer["items"] = items.collect();
    }
    Ok(rest::json(200, answer, &query))
}

async fn bucket_call(kernel: &Arc<Kernel>, verb: &str, rest_words: &[&str], request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let full = query.get("projection") == Some("full");
    let name = rest_words.first().copied().unwrap_or_default().to_owned();
    let resource_name = format!("buckets/{name}");
    match (verb, rest_words) {
        ("GET", []) => {
            let project = query
                .get("project")
                .ok_or_else(|| Error::invalid_argument("Required parameter: project").with_reason("required"))?
                .to_owned();
            let spec = spec(
                &request,
                "storage.buckets.list",
                "storage.buckets.list",
                format!("projects/{project}"),
                Mode::Read,
            );
            let prefix = query.get("prefix").unwrap_or_default().to_owned();
            let size = query.number::<i32>("maxResults")?.unwrap_or(1000);
            let page = kernel
                .run(spec, |call| {
                    let project = doors::project(call, &project)?.id;
                    let size = paging::size(size, 1000, 1000)?;
                    paging::page(
                        &call.txn,
                        &BUCKETS,
                        &prefix,
                        size,
                        query.get("pageToken").unwrap_or_default(),
                        |_, row| Ok((row.project == project).then_some(row)),
                    )
                })
                .await?;
            let mut answer = json!({"kind": "storage#buckets"});
            if !page.items.is_empty() {
                answer["items"] = page.items.iter().map(|row| resource::bucket(row, full, &base_url)).collect();
            }
            if !page.next_token.is_empty() {
                answer["nextPageToken"] = json!(page.next_token);
            }
            Ok(rest::json(200, answer, &query))
        }
        ("POST", []) => {
            let project = query
                .get("project")
                .ok_or_else(|| Error::invalid_argument("Required parameter: project").with_reason("required"))?
                .to_owned();
            let spec = spec(
                &request,
                "storage.buckets.insert",
                "storage.buckets.create",
                format!("projects/{project}"),
                Mode::Write,
            );
            let body = rest::read_json(request.into_body()).await?;
            let row = kernel.run(spec, |call| buckets::insert(call, &project, &body)).await?;
            Ok(rest::json(200, resource::bucket(&row, full, &base_url), &query))
        }
        ("GET", [_]) => {
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.buckets.get", "storage.buckets.get", resource_name, Mode::Read);
            let row = kernel
                .run(spec, |call| {
                    let row = bucket(call, &name)?;
                    conditions.check_bucket(row.metageneration, true)?;
                    Ok(row)
                })
                .await?;
            Ok(rest::json(200, resource::bucket(&row, full, &base_url), &query))
        }
        ("PATCH" | "PUT", [_]) => {
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.buckets.patch", "storage.buckets.update", resource_name, Mode::Write);
            let body = rest::read_json(request.into_body()).await?;
            let row = kernel.run(spec, |call| buckets::update(call, &name, &body, conditions, verb == "PUT")).await?;
            Ok(rest::json(200, resource::bucket(&row, full, &base_url), &query))
        }
        ("DELETE", [_]) => {
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.buckets.delete", "storage.buckets.delete", resource_name, Mode::Write);
            kernel.run(spec, |call| buckets::delete(call, &name, conditions)).await?;
            Ok(rest::empty(204))
        }
        (_, [_, "iam", ..]) => iam_call(kernel, verb, rest_words, request).await,
        ("GET", [_, "storageLayout"]) => {
            let spec =
                spec(&request, "storage.buckets.getStorageLayout", "storage.objects.list", resource_name, Mode::Read);
            let row = kernel.run(spec, |call| bucket(call, &name)).await?;
            let shown = resource::bucket(&row, false, &base_url);
            let layout = json!({"kind": "storage#storageLayout", "bucket": row.name, "location": row.location,
                "locationType": shown["locationType"], "hierarchicalNamespace": {"enabled": false}});
            Ok(rest::json(200, layout, &query))
        }
        ("GET", [_, "managedFolders" | "notificationConfigs" | "anywhereCaches"]) => {
            let spec = spec(&request, "storage.buckets.get", "storage.buckets.get", resource_name, Mode::Read);
            kernel.run(spec, |call| bucket(call, &name)).await?;
            Ok(rest::json(200, json!({}), &query))
        }
        ("GET", [_, "acl" | "defaultObjectAcl"]) => {
            let spec = spec(&request, "storage.buckets.get", "storage.buckets.getIamPolicy", resource_name, Mode::Read);
            let row = kernel.run(spec, |call| bucket(call, &name)).await?;
            let acl = resource::bucket(&row, true, &base_url).get("acl").cloned().unwrap_or_else(|| json!([]));
            Ok(rest::json(200, json!({"kind": "storage#bucketAccessControls", "items": acl}), &query))
        }
        (_, [_, what, ..]) => Err(unimplemented(&format!("storage.buckets.{what}"))),
        _ => Err(no_such_path()),
    }
}

async fn iam_call(kernel: &Arc<Kernel>, verb: &str, words: &[&str], request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let name = words.first().copied().unwrap_or_default().to_owned();
    let resource_name = format!("buckets/{name}");
    let policy_json = move |call: &mut Call, policy: &Policy| -> Result<Value> {
        let _ = call;
        let mut value = rest::to_json("google.iam.v1.Policy", policy)?;
        value["kind"] = json!("storage#policy");
        value["resourceId"] = json!(format!("projects/_/buckets/{name}"));
        Ok(value)
    };
    let bucket_name = words.first().copied().unwrap_or_default().to_owned();
    let value = match (verb, words) {
        ("GET", [_, "iam"]) => {
            let spec = spec(
                &request,
                "storage.buckets.getIamPolicy",
                "storage.buckets.getIamPolicy",
                resource_name.clone(),
                Mode::Read,
            );
            kernel
                .run(spec, |call| {
                    bucket(call, &bucket_name)?;
                    let policy = doors::policy(call, &resource_name)?;
                    policy_json(call, &policy)
                })
                .await?
        }
        ("PUT" | "POST", [_, "iam"]) => {
            let spec = spec(
                &request,
                "storage.buckets.setIamPolicy",
                "storage.buckets.setIamPolicy",
                resource_name.clone(),
                Mode::Write,
            );
            let body = rest::read_json(request.into_body()).await?;
            kernel
                .run(spec, |call| {
                    bucket(call, &bucket_name)?;
                    let policy: Policy = rest::from_json("google.iam.v1.Policy", body)?;
                    let policy = doors::replace_policy(call, &resource_name, policy).map_err(stale_etag)?;
                    policy_json(call, &policy)
                })
                .await?
        }
        ("GET", [_, "iam", "testPermissions"]) => {
            let asked: Vec<String> = query.all("permissions").map(str::to_owned).collect();
            if asked.len() > MAX_PERMISSIONS {
                let text = format!("At most {MAX_PERMISSIONS} permissions can be tested at once.");
                return Err(Error::invalid_argument(text).with_reason("invalid"));
            }
            if asked.is_empty() {
                return Err(Error::invalid_argument("Required parameter: permissions").with_reason("required"));
            }
            let spec = spec(&request, "storage.buckets.testIamPermissions", "", resource_name.clone(), Mode::Read);
            let held = kernel
                .run(spec, |call| {
                    bucket(call, &bucket_name)?;
                    doors::held_permissions(call, &resource_name, &asked)
                })
                .await?;
            json!({"kind": "storage#testIamPermissionsResponse", "permissions": held})
        }
        _ => return Err(no_such_path()),
    };
    Ok(rest::json(200, value, &query))
}

/// Storage says of an etag that is no longer current what it says of any precondition.
fn stale_etag(error: Error) -> Error {
    if error.code() == Code::Aborted { unmet() } else { error }
}

async fn object_call(
    kernel: &Arc<Kernel>,
    verb: &str,
    bucket_name: &str,
    words: &[&str],
    request: Request,
) -> Result<Answer> {
    // Names may come with their slashes unescaped: the words that are verbs end the name.
    let query = Query::of(&request);
    let (name, tail) = match words {
        [name, tail @ ..] if tail.is_empty() || is_tail(tail[0]) => ((*name).to_owned(), tail),
        [.., last] if ["compose", "restore", "acl", "iam"].contains(last) => {
            (words[..words.len() - 1].join("/"), &words[words.len() - 1..])
        }
        _ => (words.join("/"), &words[..0]),
    };
    let base_url = rest::base_url(&request);
    let resource_name = format!("buckets/{bucket_name}/objects/{name}");
    let full = query.get("projection") == Some("full");
    match (verb, tail) {
        ("GET" | "HEAD", []) if verb == "HEAD" || is_media(&request) => {
            download::media(kernel, bucket_name, &name, request).await
        }
        ("GET", []) => {
            let generation = query.number("generation")?;
            let conditions = Preconditions::of(&query, false)?;
            let supplied = SuppliedKey::of(&request)?;
            let asked = query
                .get("fields")
                .is_none_or(|fields| ["crc32c", "md5Hash", "*"].iter().any(|field| fields.contains(field)));
            let spec = spec(&request, "storage.objects.get", "storage.objects.get", resource_name, Mode::Read);
            let (row, hashes) = kernel
                .run(spec, |call| {
                    let row = object(call, bucket_name, &name, generation)?;
                    conditions.check(Some(&row), true)?;
                    let keyless = !row.customer_key_sha256.is_empty() && supplied.is_none();
                    if asked && !keyless && !row.has_open_hashes() {
                        // The hashes lie under the key: a full answer is a read.
                        let bucket_row = bucket(call, bucket_name)?;
                        keys::unwrap(call, &bucket_row, &row, supplied.as_ref())?;
                    }
                    Ok((row, asked && !keyless))
                })
                .await?;
            Ok(rest::json(200, resource::object(&row, full, hashes, &base_url), &query))
        }
        ("PATCH" | "PUT", []) => {
            let generation = query.number("generation")?;
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.objects.patch", "storage.objects.update", resource_name, Mode::Write);
            let body = rest::read_json(request.into_body()).await?;
            let replace = verb == "PUT";
            let row = kernel
                .run(spec, |call| objects::update(call, bucket_name, &name, generation, &body, conditions, replace))
                .await?;
            Ok(rest::json(200, resource::object(&row, full, row.has_open_hashes(), &base_url), &query))
        }
        ("DELETE", []) => {
            let generation = query.number("generation")?;
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
            Ok(rest::json(200, resource::object(&row, full, row.has_open_hashes(), &base_url), &query))
        }
        ("POST", ["compose"]) => compose::compose(kernel, bucket_name, &name, request).await,
        ("GET", ["acl"]) => {
            let spec = spec(&request, "storage.objects.get", "storage.objects.getIamPolicy", resource_name, Mode::Read);
            let row = kernel.run(spec, |call| object(call, bucket_name, &name, None)).await?;
            let acl = resource::object(&row, true, false, &base_url)["acl"].clone();
            Ok(rest::json(200, json!({"kind": "storage#objectAccessControls", "items": acl}), &query))
        }
        (_, [what, ..]) => Err(unimplemented(&format!("storage.objects.{what}"))),
        ("POST", []) if ["watch", "bulkRestore"].contains(&name.as_str()) => {
            Err(unimplemented(&format!("storage.objects.{name}")))
        }
        _ => Err(no_such_path()),
    }
}

fn is_tail(word: &str) -> bool {
    ["rewriteTo", "copyTo", "moveTo", "compose", "restore", "acl", "iam"].contains(&word)
}
