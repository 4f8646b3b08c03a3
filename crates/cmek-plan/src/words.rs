//! How keys are named in commands that people are told to run: so that they work as they stand.

use gcp_names::{KeyName, KeyVersionName};

/// `images --keyring=registry --location=us --key-project=sec`
pub fn key_words(key: &KeyName) -> String {
    format!("{} {}", key.key, flags(key))
}

/// `images/1 --keyring=registry --location=us --key-project=sec`
pub fn version_words(version: &KeyVersionName) -> String {
    format!("{}/{} {}", version.key.key, version.version, flags(&version.key))
}

fn flags(key: &KeyName) -> String {
    format!("--keyring={} --location={} --key-project={}", key.ring, key.location, key.project)
}

/// What makes a version usable again that is in this state; `None`: nothing does.
pub fn revive(version: &KeyVersionName, state: &str) -> Option<String> {
    match state {
        "DISABLED" => Some(format!("cmek keys enable {}", version_words(version))),
        "DESTROY_SCHEDULED" => Some(format!("cmek keys restore {}, then enable it", version_words(version))),
        _ => None,
    }
}

/// What makes writing under a key possible again whose primary version is in this state.
pub fn renew(primary: &KeyVersionName, state: &str) -> String {
    revive(primary, state).unwrap_or_else(|| format!("cmek keys rotate {}", key_words(&primary.key)))
}
