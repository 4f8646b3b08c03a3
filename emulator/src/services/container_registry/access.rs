//! Who may push and pull: the token exchange of the Docker protocol, its challenge and its refusals.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gcp_schema::Detail;
use serde_json::{Value, json};

use super::error::{coded, respond_error};
use super::names::{Repository, repository};
use super::{API, spec};
use crate::doors;
use crate::kernel::settings::IamMode;
use crate::kernel::{Call, Caller, Code, Error, Kernel, Mode, Result};
use crate::rest::{self, Answer, Query, Request};

/// The token of those who show no credentials.
const ANONYMOUS: &str = "anonymous";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Pull,
    Push,
}

/// What every call of a repository begins with: the API may be used, and whoever pushes may see the bucket or make it.
pub fn exchange(call: &mut Call, repository: &Repository, action: Action) -> Result<()> {
    let project = doors::project(call, &repository.project)?;
    doors::require_registry(call, &project, API).map_err(|error| explained(error, &project.id))?;
    if action == Action::Pull {
        return Ok(());
    }
    let bucket = repository.bucket();
    let (permission, resource) = if doors::bucket_exists(call, &bucket)? {
        ("storage.buckets.get", format!("buckets/{bucket}"))
    } else {
        ("storage.buckets.create", format!("projects/{}", project.id))
    };
    let known = !call.caller.member.is_empty();
    doors::require_permission(call, permission, &resource, API).map_err(|error| {
        if !known || !lacks_permission(&error) {
            return error;
        }
        let text = format!(
            "Token exchange failed for project '{}'. Caller does not have permission '{permission}'. To configure permissions, follow instructions at: https://cloud.google.com/container-registry/docs/access-control",
            project.id
        );
        coded(403, "DENIED", text)
    })
}

/// Production says at the token exchange that the API is not enabled.
pub fn explained(error: Error, project: &str) -> Error {
    if !has_reason(&error, "SERVICE_DISABLED") {
        return error;
    }
    let text = format!(
        "Token exchange failed for project '{project}'. Please enable or contact project owners to enable the Google Container Registry API in Cloud Console at https://console.cloud.google.com/apis/api/containerregistry.googleapis.com/overview?project={project} before performing this operation."
    );
    coded(403, "DENIED", text)
}

fn has_reason(error: &Error, wanted: &str) -> bool {
    error.details().iter().any(|detail| matches!(detail, Detail::ErrorInfo { reason, .. } if reason == wanted))
}

fn lacks_permission(error: &Error) -> bool {
    has_reason(error, "IAM_PERMISSION_DENIED")
}

fn unauthorized() -> Error {
    coded(
        401,
        "UNAUTHORIZED",
        "You don't have the needed permissions to perform this operation, and you may have invalid credentials. To authenticate your request, follow the steps in: https://cloud.google.com/container-registry/docs/advanced-authentication",
    )
}

/// Where a token is to be had, and for what.
pub struct Challenge(String);

impl Challenge {
    pub fn of(request: &Request, name: Option<&str>) -> Self {
        let base = rest::base_url(request);
        let host = base.split_once("://").map_or("", |(_, host)| host);
        let scope = name.map(|name| format!(",scope=\"repository:{name}:pull\"")).unwrap_or_default();
        Self(format!("Bearer realm=\"{base}/v2/token\",service=\"{host}\"{scope}"))
    }

    fn answer(&self) -> Answer {
        let mut answer = respond_error(&unauthorized());
        rest::set_header(&mut answer, "www-authenticate", &self.0);
        answer
    }

    /// A refusal as the client reads it: who lacks a permission, or is nobody, is asked for better credentials.
    pub fn refusal(&self, error: &Error) -> Answer {
        if lacks_permission(error) || error.code() == Code::Unauthenticated {
            self.answer()
        } else {
            respond_error(error)
        }
    }
}

/// `GET /v2/`: where callers are checked, those without a token are told to get one.
pub fn ping(kernel: &Kernel, request: &Request) -> Answer {
    let header = rest::header(request, "authorization");
    if kernel.settings.iam == IamMode::Enforce && (header.is_none() || matches!(Basic::of(header), Basic::Nobody)) {
        return Challenge::of(request, None).answer();
    }
    rest::respond(200, "application/json", "{}")
}

pub fn caller(request: &Request) -> Caller {
    let header = rest::header(request, "authorization");
    match Basic::of(header) {
        Basic::Token(token) => Caller::from_authorization(Some(&format!("Bearer {token}"))),
        Basic::Nobody => Caller::default(),
        Basic::Absent if header.and_then(|text| text.strip_prefix("Bearer ")) == Some(ANONYMOUS) => Caller::default(),
        Basic::Absent => Caller::from_authorization(header),
    }
}

/// What Basic credentials stand for.
enum Basic {
    Absent,
    Token(String),
    Nobody,
}

impl Basic {
    fn of(header: Option<&str>) -> Self {
        match header.and_then(|header| header.strip_prefix("Basic ")) {
            None => Self::Absent,
            Some(encoded) => token_of(encoded).filter(|token| !token.is_empty()).map_or(Self::Nobody, Self::Token),
        }
    }
}

fn token_of(encoded: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    let of_key = |json: &[u8]| {
        let key: Value = serde_json::from_slice(json).ok()?;
        key.get("client_email").and_then(Value::as_str).map(str::to_owned)
    };
    match user {
        "oauth2accesstoken" | "_dcgcloud_token" | "_token" => Some(password.to_owned()),
        "_json_key" => of_key(password.as_bytes()),
        "_json_key_base64" => of_key(&STANDARD.decode(password).ok()?),
        _ => None,
    }
}

/// `GET /v2/token?scope=repository:P/IMG:push,pull&service=HOST`: what is asked for is tried, so that a refusal comes
/// before any byte is sent.
pub async fn token(kernel: &Arc<Kernel>, request: Request) -> Result<Answer> {
    let token = match Basic::of(rest::header(&request, "authorization")) {
        Basic::Token(token) => token,
        Basic::Nobody if kernel.settings.iam == IamMode::Enforce => return Err(unauthorized()),
        Basic::Absent | Basic::Nobody => ANONYMOUS.to_owned(),
    };
    let query = Query::of(&request);
    for scope in query.all("scope") {
        let Some((name, actions)) = scope.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':')) else {
            continue;
        };
        let Some(repository) = repository(&request, name) else { continue };
        let action = if actions.split(',').any(|action| action == "push") { Action::Push } else { Action::Pull };
        let spec = spec(&request, "registry.token", "", &repository, Mode::Read);
        kernel.run(spec, |call| exchange(call, &repository, action)).await?;
    }
    Ok(rest::respond(200, "application/json", json!({"token": token, "expires_in": 3600}).to_string()))
}
