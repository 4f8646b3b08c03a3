//! The only place where services meet. Each verb here is an edge between two services; there are no others.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use envelope::Key;
use gcp_names::{KeyName, ServiceAgent};

use crate::kernel::assets::{self, Asset, Lineage, Scope};
use crate::kernel::body::{DataKey, Finished, Opened};
use crate::kernel::due::Due;
use crate::kernel::paging::Page;
use crate::kernel::settings::IamMode;
use crate::kernel::{Call, Error, Kernel, Result, Spec};
use crate::services::{
    iam, kms, org_policy, pubsub, resource_manager, service_usage, storage, storage_batch_operations,
};

pub use kms::door::KeyRefusal;
pub use resource_manager::door::Project;
pub use storage::door::{Change, Found, NewObject, ObjectInfo, Rewriting, Rewritten};

/// The pipeline's second to fourth step: is the API enabled, may this caller do this.
pub fn admit(call: &mut Call, spec: &Spec) -> Result<()> {
    let asks = !spec.permission.is_empty() && call.kernel.settings.iam == IamMode::Enforce;
    if service_usage::door::is_checked(spec.api) {
        let project = project_of(call, &spec.resource)?;
        if let Some(project) = &project {
            service_usage::door::require_enabled(call, project, spec.api)?;
        }
        // That a bucket is not there every known caller may learn: its handler says so.
        if asks && project.is_none() && spec.resource.starts_with("buckets/") && !call.caller.member.is_empty() {
            return Ok(());
        }
    }
    if asks {
        let member = call.caller.member.clone();
        iam::door::require(call, &member, spec.permission, &spec.resource, spec.api)?;
    }
    Ok(())
}

/// Carries out what fell due.
pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    match due.kind.split_once('.') {
        Some(("kms", _)) => kms::door::settle(call, due),
        Some(("pubsub", _)) => pubsub::door::settle(call, due),
        Some(("storage", _)) => storage::door::settle(call, due),
        Some(("storagebatchoperations", _)) => storage_batch_operations::door::settle(call, due),
        _ => Err(Error::internal(format!("nobody knows what is due: {}", due.kind))),
    }
}

/// What a service wants checked when a data directory is opened; a refusal names the file.
pub fn check_at_start(call: &mut Call) -> Result<()> {
    kms::door::check_at_start(call)
}

/// One round of the work that goes on between calls. False: there is none.
pub async fn work(kernel: &Arc<Kernel>) -> Result<bool> {
    storage_batch_operations::door::work(kernel).await
}

/// Whether an earlier run left work behind.
pub fn has_work(call: &Call) -> Result<bool> {
    storage_batch_operations::door::has_work(call)
}

/// Ends the work of an operation that is not done.
pub fn cancel_operation(call: &mut Call, operation: &str) -> Result<()> {
    storage_batch_operations::door::cancel_operation(call, operation)
}

// Resource Manager

/// The project that a resource belongs to; `None` for folders, organizations and unknown buckets.
pub fn project_of(call: &mut Call, resource: &str) -> Result<Option<Project>> {
    let mut segments = resource.split('/');
    match (segments.next(), segments.next()) {
        (Some("projects"), Some(id)) if id != "_" => project(call, id).map(Some),
        (Some("buckets"), Some(bucket)) => match storage::door::project_of_bucket(call, bucket)? {
            Some(id) => project(call, &id).map(Some),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// By id or number. In the default mode a project that nobody created exists from now on.
pub fn project(call: &mut Call, id_or_number: &str) -> Result<Project> {
    resource_manager::door::project(call, id_or_number)
}

/// `projects/ID`, then its folders, then its organization.
pub fn ancestry(call: &mut Call, resource: &str) -> Result<Vec<String>> {
    resource_manager::door::ancestry(call, resource)
}

/// Puts the project's id where a caller wrote its number: `projects/123/topics/t` -> `projects/my-project/topics/t`.
pub fn canonical(call: &mut Call, name: &str) -> Result<String> {
    let Some(rest) = name.strip_prefix("projects/") else { return Ok(name.to_owned()) };
    let (project_part, tail) = rest.split_once('/').map_or((rest, None), |(id, tail)| (id, Some(tail)));
    if project_part.is_empty() || !project_part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(name.to_owned());
    }
    let id = project(call, project_part)?.id;
    Ok(tail.map_or_else(|| format!("projects/{id}"), |tail| format!("projects/{id}/{tail}")))
}

/// Whether a folder or organization is there.
pub fn container_exists(call: &mut Call, name: &str) -> Result<bool> {
    resource_manager::door::container_exists(call, name)
}

// Service Usage

/// Whether there is such a service.
pub fn is_service(service: &str) -> bool {
    service_usage::door::is_known(service)
}

/// Whether the agent of a service exists in a project (its service is enabled, or its identity was generated).
pub fn agent_exists(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<bool> {
    service_usage::door::agent_exists(call, project, agent)
}

/// Storage makes its agent at the first question about it.
pub fn create_agent(call: &mut Call, project: &Project, agent: ServiceAgent) -> Result<()> {
    service_usage::door::create_agent(call, project, agent)
}

/// A registry's first use in the default mode: enables the API, tries topic `gcr`.
pub fn activate_registry(call: &mut Call, project: &Project, api: &'static str) -> Result<()> {
    service_usage::door::activate(call, project, api)
}

/// Refuses where not even a first use would enable the API.
pub fn require_registry(call: &mut Call, project: &Project, api: &str) -> Result<()> {
    service_usage::door::require_usable(call, project, api)
}

// IAM

/// Whether `member` holds `permission` on `resource` or on anything above it.
pub fn allowed(call: &mut Call, member: &str, permission: &str, resource: &str) -> Result<bool> {
    iam::door::allowed(call, member, permission, resource)
}

/// Refuses a caller who lacks the permission: for calls whose resource the route table cannot name.
pub fn require_permission(call: &mut Call, permission: &str, resource: &str, api: &str) -> Result<()> {
    if call.kernel.settings.iam == IamMode::Enforce {
        let member = call.caller.member.clone();
        iam::door::require(call, &member, permission, resource, api)?;
    }
    Ok(())
}

/// Removes a deleted resource's policy, so that a namesake does not inherit it.
pub fn forget_policy(call: &mut Call, resource: &str) -> Result<()> {
    iam::door::forget(call, resource)
}

/// The policy's etag in Storage's way needs a hook: buckets start with a policy of their own.
pub fn set_initial_policy(call: &mut Call, resource: &str, policy: gcp_schema::iam::Policy) -> Result<()> {
    iam::door::set_initial(call, resource, policy)
}

pub fn policy(call: &mut Call, resource: &str) -> Result<gcp_schema::iam::Policy> {
    iam::door::policy(call, resource)
}

/// As a caller may see it who asked for a version: conditions only from version 3 on.
pub fn policy_for(call: &mut Call, resource: &str, requested_version: i32) -> Result<gcp_schema::iam::Policy> {
    iam::door::policy_for(call, resource, requested_version)
}

/// As `replace_policy`, of what a mask names.
pub fn set_policy(
    call: &mut Call,
    resource: &str,
    policy: gcp_schema::iam::Policy,
    mask: Option<&prost_types::FieldMask>,
) -> Result<gcp_schema::iam::Policy> {
    iam::door::set(call, resource, policy, mask)
}

/// Checks the etag, bumps it, and returns what is stored now.
pub fn replace_policy(
    call: &mut Call,
    resource: &str,
    policy: gcp_schema::iam::Policy,
) -> Result<gcp_schema::iam::Policy> {
    iam::door::replace(call, resource, policy)
}

pub fn held_permissions(call: &mut Call, resource: &str, permissions: &[String]) -> Result<Vec<String>> {
    iam::door::held(call, resource, permissions)
}

/// 404 in the owner's words unless the resource of a policy is there.
pub fn require_exists(call: &mut Call, resource: &str) -> Result<()> {
    if resource.contains("/keyRings/") {
        kms::door::require_exists(call, resource)
    } else {
        pubsub::door::require_exists(call, resource)
    }
}

// Organization Policy

/// Whether the list constraint refuses `value` for resources of `project` (its id). For
/// `gcp.restrictNonCmekServices` the value is a service (`storage.googleapis.com`); for
/// `gcp.restrictCmekCryptoKeyProjects` it is `projects/KEY_PROJECT`, and `under:` looks at that project's ancestry; for
/// `cloudkms.minimumDestroyScheduledDuration` a duration in seconds (`86400s`), refused when it is too short.
pub fn constraint_refuses(call: &mut Call, project: &str, constraint: &str, value: &str) -> Result<bool> {
    org_policy::door::refuses(call, project, constraint, value)
}

/// The regions that `gcp.resourceLocations` leaves to a project; `None` where it says nothing.
pub fn allowed_regions(call: &mut Call, project: &str) -> Result<Option<Vec<String>>> {
    org_policy::door::regions(call, project)
}

/// Whether a boolean constraint is enforced for a project.
pub fn constraint_enforced(call: &mut Call, project: &str, constraint: &str) -> Result<bool> {
    org_policy::door::enforced(call, project, constraint)
}

/// The policy refusal of protobuf services: 400 FAILED_PRECONDITION with the violation. `operation` is the RPC's full
/// name (`google.pubsub.v1.Publisher.CreateTopic`).
pub fn policy_violation(constraint: &str, project: &str, operation: &str, value: &str) -> Error {
    org_policy::door::violation(constraint, project, operation, value)
}

// Cloud KMS, on behalf of a service agent

/// Makes a data key and wraps it under the key's primary version, as `agent` (an IAM member).
pub fn wrap(call: &mut Call, key: &KeyName, agent: &str) -> std::result::Result<DataKey, KeyRefusal> {
    kms::door::wrap(call, key, agent, fresh_data_key()?)
}

/// As `wrap`, for a data key that bytes are sealed with already.
pub fn wrap_given(
    call: &mut Call,
    key: &KeyName,
    agent: &str,
    data_key: Key,
) -> std::result::Result<DataKey, KeyRefusal> {
    kms::door::wrap(call, key, agent, data_key)
}

pub fn fresh_data_key() -> Result<Key> {
    Key::generate().map_err(|error| Error::internal(error.to_string()))
}

/// Gets a data key back. `version` and `wrapped` are what `wrap` returned.
pub fn unwrap(call: &mut Call, version: &str, wrapped: &[u8], agent: &str) -> std::result::Result<Key, KeyRefusal> {
    kms::door::unwrap(call, version, wrapped, agent)
}

/// A data key under the emulator's own key: what Google calls Google-managed encryption.
pub fn wrap_google_managed(call: &Call) -> Result<DataKey> {
    wrap_given_google_managed(call, fresh_data_key()?)
}

pub fn wrap_given_google_managed(call: &Call, key: Key) -> Result<DataKey> {
    let managed = call.kernel.vault.google_managed()?;
    let wrapped = envelope::seal(&managed, b"google-managed", key.as_bytes())
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(DataKey { key, wrapped: wrapped.into(), version: String::new() })
}

pub fn unwrap_google_managed(call: &Call, wrapped: &[u8]) -> Result<Key> {
    let managed = call.kernel.vault.google_managed()?;
    envelope::open(&managed, b"google-managed", wrapped)
        .and_then(|bytes| Key::from_slice(&bytes))
        .map_err(|error| Error::internal(format!("a data key does not open: {error}")))
}

// Inventories

/// What a search is limited to. It must be there.
pub fn scope(call: &mut Call, name: &str) -> Result<Scope> {
    match name.split_once('/') {
        Some(("projects", id)) if !id.is_empty() && !id.contains('/') => {
            Ok(Scope { name: format!("projects/{}", project(call, id)?.id) })
        }
        Some(("folders" | "organizations", number)) if gcp_names::is_project_number(number) => {
            if container_exists(call, name)? {
                Ok(Scope { name: name.to_owned() })
            } else {
                Err(Error::permission_denied("The caller does not have permission"))
            }
        }
        _ => Err(Error::invalid_argument(format!(
            "Invalid scope '{name}': write projects/ID, folders/NUMBER or organizations/NUMBER."
        ))),
    }
}

/// The lineages that one search has asked for.
#[derive(Default)]
pub struct Lineages(HashMap<String, Option<Lineage>>);

impl Lineages {
    /// Of a resource's project, or of a folder or organization itself. `None` when its project is not there.
    pub fn of(&mut self, call: &Call, asset: &Asset) -> Result<Option<&Lineage>> {
        let of = if asset.project.is_empty() { &asset.place } else { &asset.project };
        if !self.0.contains_key(of) {
            let found = if asset.project.is_empty() {
                Some(resource_manager::door::above(call, of)?)
            } else {
                resource_manager::door::lineage(call, of)?
            };
            self.0.insert(of.clone(), found);
        }
        Ok(self.0.get(of).and_then(Option::as_ref))
    }
}

/// How many resources are asked for at a time.
const CHUNK: usize = 512;

/// Walks the resources of these types, type after type, from a place of one of them on, until told to stop. One
/// project's, or all.
pub fn each_asset(
    call: &mut Call,
    kinds: &[&'static str],
    project: Option<&str>,
    from: &str,
    mut visit: impl FnMut(&mut Call, Asset) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut from = from.to_owned();
    for &kind in kinds {
        loop {
            let chunk = assets_of(call, kind, project, &from)?;
            let more = chunk.len() == CHUNK;
            from.clear();
            if let Some(last) = chunk.last().filter(|_| more) {
                from = format!("{}\0", last.place);
            }
            for asset in chunk {
                if visit(call, asset)?.is_break() {
                    return Ok(());
                }
            }
            if !more {
                break;
            }
        }
    }
    Ok(())
}

fn assets_of(call: &Call, kind: &'static str, project: Option<&str>, from: &str) -> Result<Vec<Asset>> {
    match kind {
        assets::BUCKET => storage::door::assets(call, project, from, CHUNK),
        assets::TOPIC | assets::SUBSCRIPTION => pubsub::door::assets(call, kind, project, from, CHUNK),
        assets::KEY_RING | assets::CRYPTO_KEY | assets::CRYPTO_KEY_VERSION => {
            kms::door::assets(call, kind, project, from, CHUNK)
        }
        _ => resource_manager::door::assets(call, kind, project, from, CHUNK),
    }
}

/// A page of a project's keys, of all locations.
pub fn keys_of_project(
    call: &Call,
    project: &str,
    size: usize,
    token: &str,
) -> Result<Page<gcp_schema::kms::CryptoKey>> {
    kms::door::keys_of(call, project, size, token)
}

// Cloud Storage, for Storage Batch Operations

/// Up to `limit` objects whose names start with `prefix`, from a place on; live ones or noncurrent ones.
pub fn find_objects(
    call: &Call,
    bucket: &str,
    prefix: &str,
    from: &str,
    noncurrent: bool,
    limit: usize,
) -> Result<Vec<Found>> {
    storage::door::find(call, bucket, prefix, from, noncurrent, limit)
}

/// The live object of a name, or the generation asked for.
pub fn find_generation(call: &Call, bucket: &str, object: &str, generation: Option<i64>) -> Result<Found> {
    storage::door::find_one(call, bucket, object, generation)
}

/// Changes an object in the caller's name. False: it is to be rewritten and too large for one call.
pub fn change_object(call: &mut Call, found: &Found, change: &Change) -> Result<bool> {
    storage::door::change(call, found, change)
}

/// First half of the rewrite of a large object: both keys have their say, and its bytes are copied outside the call.
/// `None`: another generation has taken its place.
pub fn begin_rewrite(call: &mut Call, found: &Found, key: &str) -> Result<Option<Rewriting>> {
    storage::door::begin_rewrite(call, found, key)
}

/// Second half: the copy takes the object's place. False: another generation has.
pub fn finish_rewrite(call: &mut Call, rewritten: Rewritten) -> Result<bool> {
    storage::door::finish_rewrite(call, rewritten)
}

// Cloud Storage, for Container Registry

pub fn bucket_names(call: &mut Call) -> Result<Vec<String>> {
    storage::door::bucket_names(call)
}

pub fn bucket_exists(call: &mut Call, bucket: &str) -> Result<bool> {
    storage::door::bucket_exists(call, bucket)
}

/// Creates a host's bucket as Google does at the first push: in its location, without a key. Policy may refuse.
pub fn create_registry_bucket(call: &mut Call, project: &Project, bucket: &str, location: &str) -> Result<()> {
    storage::door::create_registry_bucket(call, project, bucket, location)
}

/// First half of a write: the checks and the data key. The body is streamed outside the call.
pub fn begin_object(call: &mut Call, bucket: &str, object: &str) -> Result<Key> {
    storage::door::begin_object(call, bucket, object)
}

/// Second half: the checks again, and the object's row.
pub fn finish_object(
    call: &mut Call,
    bucket: &str,
    object: &NewObject,
    body: Finished,
    data_key: Key,
) -> Result<ObjectInfo> {
    storage::door::finish_object(call, bucket, object, body, data_key)
}

pub fn find_object(call: &mut Call, bucket: &str, object: &str) -> Result<Option<ObjectInfo>> {
    storage::door::find_object(call, bucket, object)
}

/// Opens the body for reading: this is where a disabled or destroyed key refuses.
pub fn open_object(call: &mut Call, bucket: &str, object: &str) -> Result<(ObjectInfo, Opened)> {
    storage::door::open_object(call, bucket, object)
}

/// What somebody reads whom Storage itself refuses an object.
pub fn object_refusal(error: &Error) -> crate::rest::Answer {
    storage::door::refusal(error)
}

/// Live objects under a prefix, in order.
pub fn list_objects(call: &mut Call, bucket: &str, prefix: &str) -> Result<Vec<ObjectInfo>> {
    storage::door::list_objects(call, bucket, prefix)
}

pub fn delete_object(call: &mut Call, bucket: &str, object: &str) -> Result<()> {
    storage::door::delete_object(call, bucket, object)
}

// Pub/Sub, for the registries

/// Creates a topic without a key if it is not there; policy's refusal comes back as the error.
pub fn create_topic(call: &mut Call, project: &Project, topic: &str) -> Result<()> {
    pubsub::door::create_topic(call, project, topic)
}

/// Publishes if the topic exists. A refusal (its key is disabled) becomes a note: the push itself has succeeded.
pub fn announce(call: &mut Call, project: &Project, topic: &str, data: Vec<u8>) -> Result<()> {
    pubsub::door::announce(call, project, topic, data)
}
