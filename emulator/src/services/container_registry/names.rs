//! Which host, repository and resource a Docker Registry path means.

use gcp_names::RegistryHost;
use gcp_names::registry::{is_digest, is_image, is_tag};

use crate::rest::{Request, header, segments};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    pub host: RegistryHost,
    pub project: String,
    /// May be empty: the project's root, for `tags/list`.
    pub image: String,
}

impl Repository {
    pub fn bucket(&self) -> String {
        self.host.bucket(&self.project)
    }

    /// `gcr.io/my-project/web`
    pub fn full(&self) -> String {
        format!("{}/{}/{}", self.host, RegistryHost::image_path(&self.project), self.image)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Ping,
    Token,
    Catalog,
    Blob(String, Name),
    Uploads(Name),
    Upload(String, Name),
    Manifest(String, Name),
    Tags(Name),
}

/// The longest name that Docker's clients know.
const MAX_NAME: usize = 255;

/// The repository's path as given; parsed only when it is needed, so that a bad one gets its own error.
pub type Name = String;

impl Target {
    /// The repository that is meant, if one is.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Blob(_, name)
            | Self::Uploads(name)
            | Self::Upload(_, name)
            | Self::Manifest(_, name)
            | Self::Tags(name) => Some(name),
            Self::Ping | Self::Token | Self::Catalog => None,
        }
    }
}

/// `/v2/…` of the Docker protocol; Organization Policy and Resource Manager have a `/v2` too.
pub fn target(request: &Request) -> Option<Target> {
    let path = request.uri().path();
    if path == "/v2" || path == "/v2/" {
        return Some(Target::Ping);
    }
    let words = segments(path.strip_prefix("/v2/")?)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["projects" | "folders" | "organizations", _, "policies" | "constraints" | "customConstraints", ..] =
        words[..]
    {
        return None;
    }
    let join = |words: &[&str]| words.join("/");
    match words[..] {
        ["token"] => Some(Target::Token),
        ["_catalog"] => Some(Target::Catalog),
        [ref name @ .., "tags", "list"] => Some(Target::Tags(join(name))),
        [ref name @ .., "blobs", "uploads"] | [ref name @ .., "blobs", "uploads", ""] => {
            Some(Target::Uploads(join(name)))
        }
        [ref name @ .., "blobs", "uploads", id] => Some(Target::Upload(id.to_owned(), join(name))),
        [ref name @ .., "blobs", digest] => Some(Target::Blob(digest.to_owned(), join(name))),
        [ref name @ .., "manifests", reference] => Some(Target::Manifest(reference.to_owned(), join(name))),
        _ => None,
    }
}

pub fn host_of(request: &Request) -> Option<RegistryHost> {
    let host = header(request, "host").or_else(|| request.uri().host())?;
    RegistryHost::parse(host.split(':').next().unwrap_or(host)).ok()
}

/// The host of the request, else the one that the name begins with, else gcr.io.
pub fn repository(request: &Request, name: &str) -> Option<Repository> {
    let named = name.split_once('/').and_then(|(first, rest)| Some((RegistryHost::parse(first).ok()?, rest)));
    let (host, rest) = match (host_of(request), named) {
        (Some(host), _) => (host, name),
        (None, Some((host, rest))) => (host, rest),
        (None, None) => (RegistryHost::Gcr, name),
    };
    let (project, image) = split(rest).filter(|_| name.len() <= MAX_NAME)?;
    Some(Repository { host, project, image })
}

/// `PROJECT[/IMAGE…]`, or `example.com/PROJECT[/IMAGE…]` for a project of a domain. Projects may be shorter than real ones.
fn split(path: &str) -> Option<(String, String)> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let (domain, id, image) = if first.contains('.') {
        let (id, image) = rest.split_once('/').unwrap_or((rest, ""));
        (first, id, image)
    } else {
        ("", first, rest)
    };
    let fits =
        |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    let id_fits = id.starts_with(|c: char| c.is_ascii_lowercase()) && !id.contains('.') && fits(id);
    let image_fits = (image.is_empty() && !path.ends_with('/')) || is_image(image);
    let project = if domain.is_empty() { id.to_owned() } else { format!("{domain}:{id}") };
    (id_fits && fits(domain) && image_fits).then(|| (project, image.to_owned()))
}

pub fn is_reference(text: &str) -> bool {
    is_digest(text) || is_tag(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str, path: &str) -> Request {
        let mut request = Request::new(gcp_gateway::empty());
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert("host", host.parse().unwrap());
        request
    }

    #[test]
    fn hosts_come_from_the_header_or_from_the_name() {
        let full = |host: &str, name: &str| repository(&request(host, "/v2/"), name).map(|found| found.full());
        assert_eq!(full("127.0.0.1:80", "my-project/web").as_deref(), Some("gcr.io/my-project/web"));
        assert_eq!(
            full("127.0.0.1:80", "eu.gcr.io/my-project/web/api").as_deref(),
            Some("eu.gcr.io/my-project/web/api")
        );
        assert_eq!(full("eu.gcr.io", "my-project/web").as_deref(), Some("eu.gcr.io/my-project/web"));
        assert_eq!(
            full("127.0.0.1", "example.com/my-project/web").as_deref(),
            Some("gcr.io/example.com/my-project/web")
        );
        assert_eq!(full("127.0.0.1", "example.com/my-project").as_deref(), Some("gcr.io/example.com/my-project/"));
        for bad in ["my-project/../x", "my-project/", "example.com", "-x/y", "my-project//x", "a:b/c"] {
            assert_eq!(full("127.0.0.1", bad), None, "{bad}");
        }
        assert_eq!(full("127.0.0.1", "UPPER/x"), None);
    }

    #[test]
    fn the_other_apis_under_v2_are_left_alone() {
        assert_eq!(target(&request("h", "/v2/projects/p/policies/c")), None);
        assert_eq!(target(&request("h", "/v2/folders")), None);
        assert_eq!(target(&request("h", "/v2/p/img/blobs/uploads/")), Some(Target::Uploads("p/img".into())));
        assert_eq!(
            target(&request("h", "/v2/p/img/manifests/v1")),
            Some(Target::Manifest("v1".into(), "p/img".into()))
        );
        assert_eq!(target(&request("h", "/v2/")), Some(Target::Ping));
    }
}
