//! Names of Google Cloud as plain data: resources, registry hosts and their buckets, locations, service agents,
//! constraints. No I/O, no dependencies.

pub mod agent;
pub mod constraint;
pub mod image;
pub mod key;
pub mod location;
pub mod object;
pub mod pubsub;
pub mod registry;
pub mod storage;

pub use agent::ServiceAgent;
pub use image::{ImageRef, Reference};
pub use key::{KeyName, KeyRingName, KeyVersionName};
pub use object::RegistryObject;
pub use registry::RegistryHost;

/// A name that does not have the form it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    pub what: &'static str,
    pub name: String,
}

impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "'{}' is not the name of {}", self.name, self.what)
    }
}

impl std::error::Error for NameError {}

/// A project id: 6 to 30 characters, lower case, with an optional domain (`example.com:my-project`).
pub fn is_project_id(id: &str) -> bool {
    let (domain, id) = id.rsplit_once(':').map_or((None, id), |(domain, id)| (Some(domain), id));
    let domain_fits = domain.is_none_or(|domain| {
        domain.contains('.')
            && domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
    });
    domain_fits
        && (6..=30).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && !id.ends_with('-')
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A project number as it stands in a name.
pub fn is_project_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_ids_follow_googles_rule() {
        for good in ["my-project", "abc123", "example.com:my-project"] {
            assert!(is_project_id(good), "{good}");
        }
        for bad in ["short", "1project", "My-project", "project-", "a/b-c-d-e", "x:my-project", ""] {
            assert!(!is_project_id(bad), "{bad}");
        }
        assert!(is_project_number("123456789012"));
        assert!(!is_project_number("12a"));
    }
}
