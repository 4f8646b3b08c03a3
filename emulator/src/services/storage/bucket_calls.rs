//! The calls on buckets: metadata, lists, what is fixed here, policies.

use std::sync::Arc;

use gcp_names::ServiceAgent;
use gcp_schema::iam::Policy;
use serde_json::{Value, json};

use super::preconditions::{Preconditions, unmet};
use super::rest::{no_such_path, spec, unimplemented};
use super::rows::{BUCKETS, BucketRow, bucket};
use super::{buckets, lists, resource};
use crate::doors;
use crate::kernel::{Call, Error, Kernel, Mode, Result, etag, paging};
use crate::rest::{self, Answer, Query, Request};

const MAX_PERMISSIONS: usize = 84;

/// A bucket as the answer. Lists of who may do what are shown to those who ask for them or bring them along.
fn shown(row: &BucketRow, query: &Query, body: &Value, base_url: &str) -> Answer {
    let full = match query.get("projection") {
        Some(projection) => projection == "full",
        None => body.get("acl").is_some() || body.get("defaultObjectAcl").is_some(),
    };
    rest::json(200, resource::bucket(row, full, base_url), query)
}

pub async fn handle(kernel: &Arc<Kernel>, verb: &str, words: &[&str], request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let name = words.first().copied().unwrap_or_default().to_owned();
    let resource_name = format!("buckets/{name}");
    match (verb, words) {
        ("GET", []) => list(kernel, request).await,
        ("POST", []) => {
            let project = project_of(&query)?;
            let resource = format!("projects/{project}");
            let spec = spec(&request, "storage.buckets.insert", "storage.buckets.create", resource, Mode::Write);
            let body = rest::read_json(request.into_body()).await?;
            let row = kernel.run(spec, |call| buckets::insert(call, &project, &body)).await?;
            Ok(shown(&row, &query, &body, &base_url))
        }
        ("GET", [_]) => {
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.buckets.get", "storage.buckets.get", resource_name, Mode::Read);
            let row = kernel
                .run(spec, |call| {
                    let row = bucket(call, &name)?;
                    if query.flag("softDeleted") {
                        // A bucket that was deleted is gone.
                        return Err(super::rows::no_such_bucket());
                    }
                    conditions.check_bucket(row.metageneration, true)?;
                    Ok(row)
                })
                .await?;
            Ok(shown(&row, &query, &Value::Null, &base_url))
        }
        ("PATCH" | "PUT", [_]) => {
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.buckets.patch", "storage.buckets.update", resource_name, Mode::Write);
            let body = rest::read_json(request.into_body()).await?;
            let row = kernel.run(spec, |call| buckets::update(call, &name, &body, conditions, verb == "PUT")).await?;
            Ok(shown(&row, &query, &body, &base_url))
        }
        ("DELETE", [_]) => {
            let conditions = Preconditions::of(&query, false)?;
            let spec = spec(&request, "storage.buckets.delete", "storage.buckets.delete", resource_name, Mode::Write);
            kernel.run(spec, |call| buckets::delete(call, &name, conditions)).await?;
            Ok(rest::empty(204))
        }
        (_, [_, "iam", ..]) => policy_call(kernel, verb, words, request).await,
        ("GET", [_, what]) => fixed(kernel, &name, what, request).await,
        (_, [_, what, ..]) => Err(unimplemented(&format!("storage.buckets.{what}"))),
        _ => Err(no_such_path()),
    }
}

fn project_of(query: &Query) -> Result<String> {
    let project = query.get("project").filter(|project| !project.is_empty());
    project
        .map(str::to_owned)
        .ok_or_else(|| Error::invalid_argument("Required parameter: project").with_reason("required"))
}

async fn list(kernel: &Arc<Kernel>, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let project = project_of(&query)?;
    let resource = format!("projects/{project}");
    let spec = spec(&request, "storage.buckets.list", "storage.buckets.list", resource, Mode::Read);
    let prefix = query.get("prefix").unwrap_or_default();
    let token = query.get("pageToken").unwrap_or_default();
    let size = lists::page_size(&query)?;
    let page = kernel
        .run(spec, |call| {
            let project = doors::project(call, &project)?.id;
            let live = !query.flag("softDeleted");
            paging::page(&call.txn, &BUCKETS, prefix, size, token, |_, row| {
                Ok((live && row.project == project).then_some(row))
            })
            .map_err(|error| lists::bad_token(error, token))
        })
        .await?;
    let full = query.get("projection") == Some("full");
    let mut answer = json!({"kind": "storage#buckets"});
    if !page.items.is_empty() {
        answer["items"] = page.items.iter().map(|row| resource::bucket(row, full, &base_url)).collect();
    }
    if !page.next_token.is_empty() {
        answer["nextPageToken"] = json!(page.next_token);
    }
    Ok(rest::json(200, answer, &query))
}

/// What a bucket has below it that does not change here.
async fn fixed(kernel: &Arc<Kernel>, name: &str, what: &str, request: Request) -> Result<Answer> {
    let (method, permission) = match what {
        "storageLayout" => ("storage.buckets.getStorageLayout", "storage.objects.list"),
        "acl" | "defaultObjectAcl" => ("storage.buckets.getAcl", "storage.buckets.getIamPolicy"),
        "managedFolders" | "notificationConfigs" | "anywhereCaches" => ("storage.buckets.get", "storage.buckets.get"),
        _ => return Err(unimplemented(&format!("storage.buckets.{what}"))),
    };
    let query = Query::of(&request);
    let base_url = rest::base_url(&request);
    let spec = spec(&request, method, permission, format!("buckets/{name}"), Mode::Read);
    let row = kernel.run(spec, |call| bucket(call, name)).await?;
    let answer = match what {
        "storageLayout" => json!({"kind": "storage#storageLayout", "bucket": row.name, "location": row.location,
            "locationType": resource::bucket(&row, false, &base_url)["locationType"],
            "hierarchicalNamespace": {"enabled": false}}),
        "acl" => {
            let acl = resource::bucket(&row, true, &base_url).get("acl").cloned().unwrap_or_else(|| json!([]));
            json!({"kind": "storage#bucketAccessControls", "items": acl})
        }
        "defaultObjectAcl" => json!({"kind": "storage#objectAccessControls", "items": []}),
        "notificationConfigs" => json!({"kind": "storage#notifications"}),
        _ => json!({}),
    };
    Ok(rest::json(200, answer, &query))
}

async fn policy_call(kernel: &Arc<Kernel>, verb: &str, words: &[&str], request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let name = words.first().copied().unwrap_or_default().to_owned();
    let resource = format!("buckets/{name}");
    let value = match (verb, words) {
        ("GET", [_, "iam"]) => {
            let permission = "storage.buckets.getIamPolicy";
            let spec = spec(&request, "storage.buckets.getIamPolicy", permission, resource, Mode::Read);
            kernel.run(spec, |call| read_policy(call, &name)).await?
        }
        ("PUT" | "POST", [_, "iam"]) => {
            let permission = "storage.buckets.setIamPolicy";
            let spec = spec(&request, "storage.buckets.setIamPolicy", permission, resource, Mode::Write);
            let body = rest::read_json(request.into_body()).await?;
            kernel.run(spec, |call| write_policy(call, &name, body)).await?
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
            let spec = spec(&request, "storage.buckets.testIamPermissions", "", resource.clone(), Mode::Read);
            let held = kernel
                .run(spec, |call| {
                    bucket(call, &name)?;
                    doors::held_permissions(call, &resource, &asked)
                })
                .await?;
            json!({"kind": "storage#testIamPermissionsResponse", "permissions": held})
        }
        _ => return Err(no_such_path()),
    };
    Ok(rest::json(200, value, &query))
}

/// A policy has the tag of its bucket: both move with the metageneration.
fn policy_json(row: &BucketRow, policy: Policy) -> Result<Value> {
    let policy = Policy { etag: etag::metageneration(row.metageneration).into(), ..policy };
    let mut value = rest::to_json("google.iam.v1.Policy", &policy)?;
    value["kind"] = json!("storage#policy");
    value["resourceId"] = json!(format!("projects/_/buckets/{}", row.name));
    Ok(value)
}

fn read_policy(call: &mut Call, name: &str) -> Result<Value> {
    let row = bucket(call, name)?;
    let policy = doors::policy(call, &format!("buckets/{name}"))?;
    policy_json(&row, policy)
}

fn write_policy(call: &mut Call, name: &str, body: Value) -> Result<Value> {
    let mut row = bucket(call, name)?;
    let mut policy: Policy = rest::from_json("google.iam.v1.Policy", body)?;
    if !policy.etag.is_empty() && policy.etag != etag::metageneration(row.metageneration) {
        return Err(unmet());
    }
    policy.etag.clear();
    let policy = doors::replace_policy(call, &format!("buckets/{name}"), policy)?;
    row.metageneration += 1;
    row.updated = call.now.0;
    call.txn.put(&BUCKETS, name, &row)?;
    policy_json(&row, policy)
}

pub async fn service_account(kernel: &Arc<Kernel>, project: &str, request: Request) -> Result<Answer> {
    let resource = format!("projects/{project}");
    let spec = spec(&request, "storage.projects.serviceAccount.get", "", resource, Mode::Write);
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
