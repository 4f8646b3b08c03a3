//! Container Registry's four hosts, the bucket of each, and what they keep in it.

use std::fmt;

use crate::NameError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistryHost {
    Gcr,
    UsGcr,
    EuGcr,
    AsiaGcr,
}

impl RegistryHost {
    pub const ALL: [Self; 4] = [Self::Gcr, Self::UsGcr, Self::EuGcr, Self::AsiaGcr];

    pub fn parse(host: &str) -> Result<Self, NameError> {
        Self::ALL.into_iter().find(|known| known.host() == host).ok_or_else(|| NameError {
            what: "a registry host (gcr.io, us.gcr.io, eu.gcr.io, asia.gcr.io)",
            name: host.to_owned(),
        })
    }

    pub fn host(self) -> &'static str {
        match self {
            Self::Gcr => "gcr.io",
            Self::UsGcr => "us.gcr.io",
            Self::EuGcr => "eu.gcr.io",
            Self::AsiaGcr => "asia.gcr.io",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Gcr => "",
            Self::UsGcr => "us.",
            Self::EuGcr => "eu.",
            Self::AsiaGcr => "asia.",
        }
    }

    /// The bucket of a project's images on this host.
    pub fn bucket(self, project: &str) -> String {
        match project.rsplit_once(':') {
            Some((domain, id)) => format!("{}artifacts.{id}.{domain}.a.appspot.com", self.prefix()),
            None => format!("{}artifacts.{project}.appspot.com", self.prefix()),
        }
    }

    /// The host and project whose bucket this is.
    pub fn from_bucket(bucket: &str) -> Option<(Self, String)> {
        Self::ALL.into_iter().find_map(|host| {
            let rest = bucket.strip_prefix(host.prefix())?.strip_prefix("artifacts.")?.strip_suffix(".appspot.com")?;
            match rest.strip_suffix(".a") {
                Some(scoped) => {
                    let (id, domain) =
                        scoped.split_once('.').filter(|(id, domain)| !id.is_empty() && !domain.is_empty())?;
                    Some((host, format!("{domain}:{id}")))
                }
                None => (!rest.is_empty() && !rest.contains('.')).then(|| (host, rest.to_owned())),
            }
        })
    }

    /// Where the first push creates the bucket.
    pub fn location(self) -> &'static str {
        match self {
            Self::Gcr | Self::UsGcr => "US",
            Self::EuGcr => "EU",
            Self::AsiaGcr => "ASIA",
        }
    }

    /// Where a key must be that the bucket can take.
    pub fn key_location(self) -> &'static str {
        match self {
            Self::Gcr | Self::UsGcr => "us",
            Self::EuGcr => "europe",
            Self::AsiaGcr => "asia",
        }
    }

    /// The repository of Artifact Registry that serves this host after the move: its location and its id.
    pub fn artifact_repository(self) -> (&'static str, &'static str) {
        // Both products place these hosts alike; a key fits both.
        (self.key_location(), self.host())
    }

    /// The project's part of an image path: `example.com:p` is written `example.com/p`.
    pub fn image_path(project: &str) -> String {
        project.replacen(':', "/", 1)
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host())
    }
}

/// Splits `PROJECT/IMAGE…` (or `example.com/PROJECT/IMAGE…`) of a repository path.
pub fn split_repository(path: &str) -> Option<(String, String)> {
    let mut segments = path.split('/');
    let first = segments.next()?;
    let project = if first.contains('.') { format!("{first}:{}", segments.next()?) } else { first.to_owned() };
    let image = segments.collect::<Vec<_>>().join("/");
    (is_image(&image) && crate::is_project_id(&project)).then_some((project, image))
}

/// Docker's rule: parts of lower-case letters and digits, within which `.`, `_`, `__` or dashes may separate.
pub fn is_image(image: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    image.split('/').all(|part| {
        part.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'))
            && part.bytes().next().is_some_and(plain)
            && part.bytes().next_back().is_some_and(plain)
            && part
                .split(|c: char| c.is_ascii_alphanumeric())
                .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
    })
}

/// `sha256:` and 64 lower-case hexadecimal digits.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

pub fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The object of a layer or configuration; all repositories of a host share them.
pub fn blob_object(digest: &str) -> String {
    format!("containers/images/{digest}")
}

pub fn manifest_object(image: &str, digest: &str) -> String {
    format!("containers/repositories/library/{image}/manifest_{digest}")
}

pub fn tag_object(image: &str, tag: &str) -> String {
    format!("containers/repositories/library/{image}/tag_{tag}")
}

/// Where an image's manifests and tags begin; with an empty image, where all images begin.
pub fn repository_prefix(image: &str) -> String {
    if image.is_empty() {
        "containers/repositories/library/".to_owned()
    } else {
        format!("containers/repositories/library/{image}/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_its_bucket_and_back() {
        let rows = [
            (RegistryHost::Gcr, "artifacts.my-project.appspot.com"),
            (RegistryHost::UsGcr, "us.artifacts.my-project.appspot.com"),
            (RegistryHost::EuGcr, "eu.artifacts.my-project.appspot.com"),
            (RegistryHost::AsiaGcr, "asia.artifacts.my-project.appspot.com"),
        ];
        for (host, bucket) in rows {
            assert_eq!(host.bucket("my-project"), bucket);
            assert_eq!(RegistryHost::from_bucket(bucket), Some((host, "my-project".to_owned())));
            assert_eq!(RegistryHost::parse(host.host()), Ok(host));
        }
        let scoped = "eu.artifacts.my-project.example.com.a.appspot.com";
        assert_eq!(RegistryHost::EuGcr.bucket("example.com:my-project"), scoped);
        assert_eq!(RegistryHost::from_bucket(scoped), Some((RegistryHost::EuGcr, "example.com:my-project".to_owned())));
        for other in ["my-bucket", "artifacts..appspot.com", "fr.artifacts.my-project.appspot.com"] {
            assert_eq!(RegistryHost::from_bucket(other), None, "{other}");
        }
        assert_eq!(RegistryHost::Gcr.artifact_repository(), ("us", "gcr.io"));
        assert_eq!(RegistryHost::EuGcr.artifact_repository(), ("europe", "eu.gcr.io"));
        assert!(RegistryHost::parse("docker.io").is_err());
    }

    #[test]
    fn repository_paths_split_into_project_and_image() {
        assert_eq!(split_repository("my-project/web/api"), Some(("my-project".into(), "web/api".into())));
        assert_eq!(
            split_repository("example.com/my-project/web"),
            Some(("example.com:my-project".into(), "web".into()))
        );
        assert_eq!(split_repository("my-project"), None);
        assert_eq!(split_repository("my-project/../x"), None);
        assert_eq!(split_repository("my-project/Web"), None);
        for good in ["a", "team/web", "a.b", "a_b", "a__b", "a---b", "0"] {
            assert!(is_image(good), "{good}");
        }
        for bad in ["", "..", "a/", "/a", "a..b", "a___b", "a._b", "-a", "a_", "A", "a:b"] {
            assert!(!is_image(bad), "{bad}");
        }
        assert!(is_digest(&format!("sha256:{}", "a".repeat(64))));
        assert!(!is_digest(&format!("sha256:{}", "A".repeat(64))));
        assert!(is_tag("v1.0-rc_1") && !is_tag("-x") && !is_tag(""));
    }
}
