//! What organization policy lets new rings, keys and versions be, and when a version may be destroyed. The two CMEK
//! constraints are not Cloud KMS's concern.

use gcp_names::KeyName;
use gcp_names::constraint::{
    ALLOWED_PROTECTION_LEVELS, DISABLE_BEFORE_DESTROY, MINIMUM_DESTROY_DURATION, RESOURCE_LOCATIONS,
};
use gcp_schema::kms::{CryptoKey, CryptoKeyVersionTemplate, ProtectionLevel};

use crate::doors;
use crate::kernel::{Call, Error, Result};

/// What is asked for, as a refusal names it.
const KEY: &str = "CreateCryptoKey";
const VERSION: &str = "CreateCryptoKeyVersion";

fn violation(constraint: &str, project: &str, method: &str, value: &str) -> Error {
    doors::policy_violation(constraint, project, &format!("google.cloud.kms.v1.KeyManagementService.{method}"), value)
}

fn check(call: &mut Call, constraint: &str, project: &str, method: &str, value: &str) -> Result<()> {
    if doors::constraint_refuses(call, project, constraint, value)? {
        return Err(violation(constraint, project, method, value));
    }
    Ok(())
}

/// `parent`: `projects/P/locations/L`.
pub fn ring(call: &mut Call, parent: &str) -> Result<()> {
    match parent.split('/').collect::<Vec<_>>()[..] {
        [_, project, _, location] => check(call, RESOURCE_LOCATIONS, project, "CreateKeyRing", location),
        _ => Ok(()),
    }
}

pub fn key(call: &mut Call, name: &KeyName, key: &CryptoKey) -> Result<()> {
    place_and_level(call, name, key, KEY)?;
    let seconds = key.destroy_scheduled_duration.as_ref().map_or(0, |duration| duration.seconds);
    check(call, MINIMUM_DESTROY_DURATION, &name.project, KEY, &format!("{seconds}s"))
}

/// Also of the versions that rotation makes.
pub fn version(call: &mut Call, name: &KeyName, key: &CryptoKey) -> Result<()> {
    place_and_level(call, name, key, VERSION)
}

fn place_and_level(call: &mut Call, name: &KeyName, key: &CryptoKey, method: &str) -> Result<()> {
    check(call, RESOURCE_LOCATIONS, &name.project, method, &name.location)?;
    let level =
        key.version_template.as_ref().map_or(ProtectionLevel::Unspecified, CryptoKeyVersionTemplate::protection_level);
    check(call, ALLOWED_PROTECTION_LEVELS, &name.project, method, level.as_str_name())
}

/// A version that is enabled may have to be disabled first.
pub fn destruction(call: &mut Call, project: &str) -> Result<()> {
    if doors::constraint_enforced(call, project, DISABLE_BEFORE_DESTROY)? {
        return Err(violation(DISABLE_BEFORE_DESTROY, project, "DestroyCryptoKeyVersion", "ENABLED"));
    }
    Ok(())
}
