//! Where each API is.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Base addresses by API; what is not listed is at Google.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    overrides: BTreeMap<String, String>,
    /// For the registry, which has hosts and no API address.
    registry: Option<String>,
}

/// `CLOUDSDK_API_ENDPOINT_OVERRIDES_<NAME>` and the API it stands for. KMSINVENTORY is ours: gcloud knows no such
/// override.
pub const NAMES: [(&str, &str); 11] = [
    ("STORAGE", "storage.googleapis.com"),
    ("CLOUDKMS", "cloudkms.googleapis.com"),
    ("PUBSUB", "pubsub.googleapis.com"),
    ("ORGPOLICY", "orgpolicy.googleapis.com"),
    ("CLOUDRESOURCEMANAGER", "cloudresourcemanager.googleapis.com"),
    ("SERVICEUSAGE", "serviceusage.googleapis.com"),
    ("ARTIFACTREGISTRY", "artifactregistry.googleapis.com"),
    ("IAM", "iam.googleapis.com"),
    ("STORAGEBATCHOPERATIONS", "storagebatchoperations.googleapis.com"),
    ("CLOUDASSET", "cloudasset.googleapis.com"),
    ("KMSINVENTORY", "kmsinventory.googleapis.com"),
];

/// Overrides that the client honours and an emulator does not serve.
pub const REAL_ONLY: [(&str, &str); 1] = [("IAMCREDENTIALS", "iamcredentials.googleapis.com")];

impl Endpoints {
    pub fn google() -> Self {
        Self::default()
    }

    /// Everything at one address, told apart by a leading segment; Storage at its bare root, where gcloud wants it.
    pub fn emulator(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let overrides = NAMES
            .iter()
            .map(|(_, api)| {
                let address = if *api == "storage.googleapis.com" { base.to_owned() } else { format!("{base}/{api}") };
                ((*api).to_owned(), address)
            })
            .collect();
        Self { overrides, registry: Some(base.to_owned()) }
    }

    /// As gcloud's property or variable of that name sets it; false for a name that is none of ours.
    pub fn set(&mut self, name: &str, address: &str) -> bool {
        let known = NAMES.iter().chain(&REAL_ONLY).find(|(known, _)| known.eq_ignore_ascii_case(name));
        if let Some((_, api)) = known {
            // gcloud's override of Storage may carry the client's own path, which we add ourselves.
            let address = address.trim_end_matches('/').trim_end_matches("/storage/v1");
            self.overrides.insert((*api).to_owned(), address.to_owned());
        }
        known.is_some()
    }

    /// Where the registry hosts answer, if not at themselves.
    pub fn set_registry(&mut self, base: &str) {
        self.registry = Some(base.trim_end_matches('/').to_owned());
    }

    pub fn of(&self, api: &str) -> Cow<'_, str> {
        self.overrides
            .get(api)
            .map_or_else(|| Cow::Owned(format!("https://{api}")), |base| Cow::Borrowed(base.as_str()))
    }

    /// Where a registry host answers: at the emulator with the host in the name, else at itself.
    pub fn registry(&self, host: &str) -> (String, String) {
        match &self.registry {
            Some(base) => (base.clone(), format!("{host}/")),
            None => (format!("https://{host}"), String::new()),
        }
    }

    /// Whether somebody said that this host and port are spoken to in clear.
    pub(crate) fn in_clear(&self, authority: &str) -> bool {
        self.overrides
            .values()
            .chain(&self.registry)
            .any(|base| base.strip_prefix("http://").is_some_and(|rest| rest.split('/').next() == Some(authority)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_tells_services_apart_by_a_segment_and_storage_by_none() {
        let emulator = Endpoints::emulator("http://127.0.0.1:9/");
        assert_eq!(emulator.of("cloudkms.googleapis.com"), "http://127.0.0.1:9/cloudkms.googleapis.com");
        assert_eq!(emulator.of("storage.googleapis.com"), "http://127.0.0.1:9");
        let mut google = Endpoints::google();
        assert_eq!(google.of("pubsub.googleapis.com"), "https://pubsub.googleapis.com");
        assert!(google.set("storage", "http://127.0.0.1:9/storage/v1/"));
        assert_eq!(google.of("storage.googleapis.com"), "http://127.0.0.1:9");
        assert!(google.set("iamcredentials", "https://private.example.com/"));
        assert!(!google.set("compute", "https://private.example.com/"));
    }

    #[test]
    fn clear_text_is_for_addresses_that_were_given_so() {
        let mut endpoints = Endpoints::google();
        endpoints.set("cloudkms", "http://127.0.0.1:9/kms/");
        assert!(endpoints.in_clear("127.0.0.1:9"));
        assert!(!endpoints.in_clear("127.0.0.1"));
        assert!(!endpoints.in_clear("pubsub.googleapis.com"));
    }
}
