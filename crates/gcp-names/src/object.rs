//! What an object in a registry's bucket is, read from its name.

use crate::registry::{blob_object, is_digest, is_image, is_tag, manifest_object, repository_prefix, tag_object};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistryObject {
    /// A layer or a configuration.
    Blob {
        digest: String,
    },
    Manifest {
        image: String,
        digest: String,
    },
    Tag {
        image: String,
        tag: String,
    },
}

impl RegistryObject {
    /// `None`: not an object that the registry wrote.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(digest) = name.strip_prefix("containers/images/") {
            return is_digest(digest).then(|| Self::Blob { digest: digest.to_owned() });
        }
        // Neither tags nor digests hold a slash, so the last one ends the image.
        let (image, leaf) = name.strip_prefix(&repository_prefix(""))?.rsplit_once('/')?;
        if !is_image(image) {
            return None;
        }
        let image = image.to_owned();
        if let Some(digest) = leaf.strip_prefix("manifest_") {
            is_digest(digest).then(|| Self::Manifest { image, digest: digest.to_owned() })
        } else {
            let tag = leaf.strip_prefix("tag_")?;
            is_tag(tag).then(|| Self::Tag { image, tag: tag.to_owned() })
        }
    }

    pub fn name(&self) -> String {
        match self {
            Self::Blob { digest } => blob_object(digest),
            Self::Manifest { image, digest } => manifest_object(image, digest),
            Self::Tag { image, tag } => tag_object(image, tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_of_the_registry_reads_back() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for object in [
            RegistryObject::Blob { digest: digest.clone() },
            RegistryObject::Manifest { image: "team/web".into(), digest },
            // An image may be called like a tag's object.
            RegistryObject::Tag { image: "tag_a/web".into(), tag: "tag_b".into() },
        ] {
            assert_eq!(RegistryObject::parse(&object.name()), Some(object));
        }
    }

    #[test]
    fn what_people_put_there_is_not_the_registrys() {
        for other in [
            "containers/images/sha256:0a",
            "containers/images/upload",
            "containers/repositories/library/tag_v1",
            "containers/repositories/library/web/readme",
            "containers/repositories/library/web/manifest_v1",
            "notes.txt",
            "",
        ] {
            assert_eq!(RegistryObject::parse(other), None, "{other}");
        }
    }
}
