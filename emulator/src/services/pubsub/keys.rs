//! A topic's key: what may be set, and what Pub/Sub says when it cannot use it.

use gcp_names::constraint::{RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_names::{KeyName, ServiceAgent};
use gcp_schema::{Detail, Violation};

use crate::doors::{self, KeyRefusal, Project};
use crate::kernel::body::DataKey;
use crate::kernel::{Call, Code, Error, Result};

const SERVICE: &str = "pubsub.googleapis.com";

fn agent(project: &Project) -> String {
    ServiceAgent::PubSub.member(project.number)
}

/// Form, then policy, then a trial use. `operation` is named in a policy's refusal.
pub fn check(call: &mut Call, project: &Project, key: &str, operation: &str) -> Result<()> {
    if key.is_empty() {
        if doors::constraint_refuses(call, &project.id, RESTRICT_NON_CMEK, SERVICE)? {
            return Err(doors::policy_violation(RESTRICT_NON_CMEK, &project.id, operation, SERVICE));
        }
        return Ok(());
    }
    let name = parse(call, key)?;
    let owner = format!("projects/{}", name.project);
    if doors::constraint_refuses(call, &project.id, RESTRICT_KEY_PROJECTS, &owner)? {
        return Err(doors::policy_violation(RESTRICT_KEY_PROJECTS, &project.id, operation, &owner));
    }
    doors::wrap(call, &name, &agent(project)).map_err(|refusal| refused(refusal, project))?;
    call.notes.push(format!("messages are encrypted under {name}"));
    Ok(())
}

fn parse(call: &mut Call, key: &str) -> Result<KeyName> {
    let key = match doors::canonical(call, key) {
        // A project that is not there: as a key that is not, it is one that the agent has no grant for.
        Err(error) if error.code() == Code::PermissionDenied => key.to_owned(),
        other => other?,
    };
    KeyName::parse(&key).map_err(|_| Error::invalid_argument(format!("Invalid Cloud KMS key name given (name={key}).")))
}

/// A data key for what is published now.
pub fn seal_key(call: &mut Call, project: &Project, key: &str) -> Result<DataKey> {
    if key.is_empty() {
        return doors::wrap_google_managed(call);
    }
    let name = parse(call, key)?;
    doors::wrap(call, &name, &agent(project)).map_err(|refusal| refused(refusal, project))
}

pub fn open_key(call: &mut Call, project: &Project, version: &str, wrapped: &[u8]) -> Result<envelope::Key> {
    if version.is_empty() {
        return doors::unwrap_google_managed(call, wrapped);
    }
    doors::unwrap(call, version, wrapped, &agent(project)).map_err(|refusal| refused(refusal, project))
}

fn refused(refusal: KeyRefusal, project: &Project) -> Error {
    match refusal {
        KeyRefusal::Denied { key } => Error::failed_precondition(format!(
            "Cloud Pub/Sub did not have the necessary permissions configured to support this operation. Please verify that the service account {} was granted the Cloud KMS CryptoKey Encrypter/Decrypter role for the project containing the CryptoKey resource {key}.",
            ServiceAgent::PubSub.email(project.number)
        )),
        KeyRefusal::NotFound { key } => Error::invalid_argument(format!("The Cloud KMS key {key} was not found.")),
        KeyRefusal::WrongPurpose { key, purpose } => Error::invalid_argument(format!(
            "The Cloud KMS key {key} has the purpose {purpose}; topics need ENCRYPT_DECRYPT."
        )),
        KeyRefusal::NoPrimary { key } => Error::failed_precondition(format!("{key} does not have a primary version.")),
        KeyRefusal::NotEnabled { version, state } => Error::failed_precondition(format!(
            "{version} is not enabled, current state is: {state}."
        ))
        .with_detail(Detail::PreconditionFailure(vec![Violation {
            kind: format!("KEY_{state}"),
            subject: version,
            description: String::new(),
        }])),
        KeyRefusal::Fault(error) => error,
    }
}
