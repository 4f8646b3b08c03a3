//! References to images: `HOST/PROJECT/IMAGE[:TAG|@DIGEST]`.

use std::fmt;

use crate::registry::{is_digest, is_tag, split_repository};
use crate::{NameError, RegistryHost};

/// What of an image is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    Tag(String),
    Digest(String),
}

impl Reference {
    /// A tag or a digest, as it stands at the end of a manifest's path.
    pub fn parse(text: &str) -> Option<Self> {
        if is_digest(text) {
            Some(Self::Digest(text.to_owned()))
        } else {
            is_tag(text).then(|| Self::Tag(text.to_owned()))
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(text) | Self::Digest(text) => text,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    pub host: RegistryHost,
    pub project: String,
    pub image: String,
    pub reference: Reference,
}

impl ImageRef {
    /// Without tag and digest, the tag `latest` is meant, as Docker has it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let parsed = || {
            let (host, rest) = text.split_once('/')?;
            let (path, reference) = if let Some((path, digest)) = rest.split_once('@') {
                (path, is_digest(digest).then(|| Reference::Digest(digest.to_owned()))?)
            } else if let Some((path, tag)) = rest.split_once(':') {
                (path, is_tag(tag).then(|| Reference::Tag(tag.to_owned()))?)
            } else {
                (rest, Reference::Tag("latest".to_owned()))
            };
            let host = RegistryHost::parse(host).ok()?;
            let (project, image) = split_repository(path)?;
            Some(Self { host, project, image, reference })
        };
        parsed().ok_or_else(|| NameError { what: "an image", name: text.to_owned() })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.host, RegistryHost::image_path(&self.project), self.image)?;
        match &self.reference {
            Reference::Tag(tag) => write!(f, ":{tag}"),
            Reference::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_back() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for text in [
            "gcr.io/my-project/web:v1".to_owned(),
            "eu.gcr.io/example.com/my-project/team/web:v1".to_owned(),
            format!("asia.gcr.io/my-project/web@{digest}"),
        ] {
            assert_eq!(ImageRef::parse(&text).unwrap().to_string(), text);
        }
        assert_eq!(ImageRef::parse("gcr.io/my-project/web").unwrap().reference, Reference::Tag("latest".to_owned()));
        assert_eq!(Reference::parse(&digest), Some(Reference::Digest(digest.clone())));
        assert_eq!(Reference::parse("v1").as_ref().map(Reference::as_str), Some("v1"));
    }

    #[test]
    fn what_docker_would_refuse_is_refused() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for bad in [
            "docker.io/my-project/web".to_owned(),
            "gcr.io/my-project".to_owned(),
            "gcr.io/my-project/web:".to_owned(),
            "gcr.io/my-project/web@sha256:0a".to_owned(),
            "gcr.io/my-project/Web".to_owned(),
            format!("gcr.io/my-project/web:v1@{digest}"),
            String::new(),
        ] {
            assert!(ImageRef::parse(&bad).is_err(), "{bad}");
        }
    }
}
