//! Google's messages, service traits, descriptors and the route table.
//!
//! Messages come from the published `googleapis-tonic-*` crates. The build script reads their source and derives the
//! rest: a descriptor set, one trait a service, and the table of methods joined with `routes/*.txt`.

pub mod error;
pub mod method;
pub mod registry;

use std::sync::OnceLock;

use prost_reflect::DescriptorPool;

pub use error::{Code, Detail, Error, FieldViolation, HelpLink, Violation};
pub use googleapis_tonic_google_api_serviceusage_v1::google::api::serviceusage::v1 as serviceusage;
pub use googleapis_tonic_google_cloud_kms_v1::google::cloud::kms::v1 as kms;
pub use googleapis_tonic_google_cloud_location::google::cloud::location;
pub use googleapis_tonic_google_cloud_orgpolicy_v2::google::cloud::orgpolicy::v2 as orgpolicy;
pub use googleapis_tonic_google_cloud_resourcemanager_v3::google::cloud::resourcemanager::v3 as resourcemanager;
pub use googleapis_tonic_google_iam_v1::google::iam::v1 as iam;
pub use googleapis_tonic_google_longrunning::google::longrunning;
pub use googleapis_tonic_google_pubsub_v1::google::pubsub::v1 as pubsub;
pub use googleapis_tonic_google_rpc::google::rpc;
pub use googleapis_tonic_google_storage_v2::google::storage::v2 as storage;
pub use googleapis_tonic_google_type::google::r#type as google_type;
pub use method::{Body, Method, Rule, Verb};
pub use registry::Registry;

/// A trait and a registration function for each service, in a module for each package.
#[allow(clippy::pedantic, reason = "generated")]
pub mod services {
    include!(concat!(env!("OUT_DIR"), "/services.rs"));
}

mod table {
    use crate::method::{Body, Method, Rule, Verb};

    include!(concat!(env!("OUT_DIR"), "/methods.rs"));
}

/// A serialised `FileDescriptorSet`, without the well-known types.
pub fn descriptor_set() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"))
}

/// The descriptors, built at the first use: a start that transcodes nothing does not pay for them.
pub fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut pool = DescriptorPool::global();
        pool.decode_file_descriptor_set(descriptor_set())
            .expect("the build script's descriptors are sound: a test loads them");
        pool
    })
}

/// Every method, sorted by path.
pub fn methods() -> &'static [Method] {
    table::METHODS
}

pub fn method(path: &str) -> Option<&'static Method> {
    table::METHODS.binary_search_by(|method| method.path.cmp(path)).ok().map(|index| &table::METHODS[index])
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::*;

    #[test]
    fn a_key_survives_json_with_labels_durations_and_enums() {
        let text = r#"{"name":"k","primary":{"name":"k/1","state":"ENABLED"},"purpose":"ENCRYPT_DECRYPT","nextRotationTime":"2030-01-01T00:00:00Z","rotationPeriod":"7776000s","labels":{"a":"b"}}"#;
        let descriptor = pool().get_message_by_name("google.cloud.kms.v1.CryptoKey").expect("known");
        let mut json = serde_json::Deserializer::from_str(text);
        let message = DynamicMessage::deserialize(descriptor, &mut json).expect("reads");
        let typed: kms::CryptoKey = message.transcode_to().expect("the same message");
        assert_eq!(typed.labels["a"], "b");
        let again: serde_json::Value = serde_json::to_value(&message).expect("prints");
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
    }

    #[test]
    fn encrypt_is_a_read_that_asks_for_a_permission_on_its_name() {
        let method = method("/google.cloud.kms.v1.KeyManagementService/Encrypt").expect("known");
        assert_eq!(method.permission, "cloudkms.cryptoKeyVersions.useToEncrypt");
        assert_eq!((method.resource, method.read_only), (&[1][..], true));
        assert_eq!(method.http[0].template, "/v1/{name=projects/*/locations/*/keyRings/*/cryptoKeys/**}:encrypt");
        let update = super::method("/google.pubsub.v1.Publisher/UpdateTopic").expect("known");
        assert_eq!(update.resource, [1, 1]);
    }

    #[test]
    fn a_field_newer_than_the_crates_is_understood() {
        let descriptor = pool().get_message_by_name("google.cloud.kms.v1.CreateCryptoKeyRequest").expect("known");
        let mut json = serde_json::Deserializer::from_str(r#"{"trustedWrappingEnabled":true}"#);
        assert!(DynamicMessage::deserialize(descriptor, &mut json).is_ok());
    }

    /// What is reachable is counted, so that a new crate version cannot lose or bring methods unseen.
    #[test]
    fn the_surface_is_counted() {
        let services: std::collections::BTreeSet<_> = methods().iter().map(|method| method.service).collect();
        assert_eq!((services.len(), methods().len()), (21, 194));
        assert!(methods().is_sorted_by_key(|method| method.path));
        let bare: Vec<_> = methods()
            .iter()
            .filter(|method| method.http.is_empty() && method.service != "google.storage.v2.Storage")
            .map(|method| method.path)
            .collect();
        assert_eq!(
            bare,
            ["/google.longrunning.Operations/WaitOperation", "/google.pubsub.v1.Subscriber/StreamingPull"]
        );
    }
}
