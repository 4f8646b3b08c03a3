//! Where each API is.

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

    /// As gcloud's property or variable of that name sets it.
    pub fn set(&mut self, name: &str, address: &str) {
        if let Some((_, api)) = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            // gcloud's override of Storage may carry the client's own path, which we add ourselves.
            let address = address.trim_end_matches('/').trim_end_matches("/storage/v1");
            self.overrides.insert((*api).to_owned(), address.to_owned());
        }
    }

    /// Where the registry hosts answer, if not at themselves.
    pub fn set_registry(&mut self, base: &str) {
        self.registry = Some(base.trim_end_matches('/').to_owned());
    }

    pub fn of(&self, api: &str) -> String {
        self.overrides.get(api).cloned().unwrap_or_else(|| format!("https://{api}"))
    }

    /// Where a registry host answers: at the emulator with the host in the name, else at itself.
    pub fn registry(&self, host: &str) -> (String, String) {
        match &self.registry {
            Some(base) => (base.clone(), format!("{host}/")),
            None => (format!("https://{host}"), String::new()),
        }
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
        google.set("storage", "http://127.0.0.1:9/storage/v1/");
        assert_eq!(google.of("storage.googleapis.com"), "http://127.0.0.1:9");
    }
}
