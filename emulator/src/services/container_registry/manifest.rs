//! What a manifest says of itself: its type, what must be there before it, how large the image is.

use gcp_names::registry::is_digest;
use serde_json::Value;

use super::error::coded;
use crate::kernel::{Error, Result};

/// Docker's schemas 1 and 2 and its list, OCI's manifest and index.
const TYPES: [(&str, u64); 6] = [
    ("application/vnd.docker.distribution.manifest.v1+json", 1),
    ("application/vnd.docker.distribution.manifest.v1+prettyjws", 1),
    ("application/vnd.docker.distribution.manifest.v2+json", 2),
    ("application/vnd.docker.distribution.manifest.list.v2+json", 2),
    ("application/vnd.oci.image.manifest.v1+json", 2),
    ("application/vnd.oci.image.index.v1+json", 2),
];

#[derive(Debug, Default)]
pub struct Manifest {
    pub media_type: String,
    /// Layers and configuration.
    pub blobs: Vec<String>,
    /// The manifests of an index.
    pub children: Vec<String>,
    pub size: u64,
}

pub fn invalid(what: impl Into<String>) -> Error {
    coded(400, "MANIFEST_INVALID", what)
}

impl Manifest {
    pub fn read(bytes: &[u8], content_type: &str) -> Result<Self> {
        let json: Value =
            serde_json::from_slice(bytes).map_err(|error| invalid(format!("The manifest is no JSON: {error}.")))?;
        if !json.is_object() {
            return Err(invalid("The manifest is no JSON object."));
        }
        let stated = content_type.split(';').next().unwrap_or_default().trim();
        let media_type = json.get("mediaType").and_then(Value::as_str).unwrap_or(stated);
        let (_, schema) = TYPES
            .into_iter()
            .find(|(known, _)| *known == media_type)
            .ok_or_else(|| invalid(format!("The manifest's media type '{media_type}' is not supported.")))?;
        if json.get("schemaVersion").and_then(Value::as_u64) != Some(schema) {
            return Err(invalid(format!("The manifest's schemaVersion must be {schema}.")));
        }
        let mut manifest = Self { media_type: media_type.to_owned(), ..Self::default() };
        for layer in list(&json, "layers")? {
            let digest = manifest.part(layer, "digest")?;
            // Foreign layers are fetched from elsewhere and never pushed.
            if layer.get("urls").is_none() {
                manifest.blobs.push(digest);
            }
        }
        for layer in list(&json, "fsLayers")? {
            let digest = manifest.part(layer, "blobSum")?;
            manifest.blobs.push(digest);
        }
        if let Some(config) = json.get("config") {
            let digest = manifest.part(config, "digest")?;
            manifest.blobs.push(digest);
        }
        for child in list(&json, "manifests")? {
            // The index is as large as its images, which count themselves.
            manifest.children.push(Self::default().part(child, "digest")?);
        }
        Ok(manifest)
    }

    /// The digest of a part, whose size is added.
    fn part(&mut self, part: &Value, name: &str) -> Result<String> {
        let digest = part.get(name).and_then(Value::as_str).filter(|digest| is_digest(digest));
        let digest = digest.ok_or_else(|| invalid(format!("A part of the manifest has no valid {name}: {part}.")))?;
        let size = match part.get("size") {
            None => 0,
            Some(size) => size.as_u64().ok_or_else(|| invalid(format!("{digest} has no valid size: {size}.")))?,
        };
        self.size = self.size.checked_add(size).ok_or_else(|| invalid("The manifest's sizes are too large."))?;
        Ok(digest.to_owned())
    }
}

fn list<'m>(manifest: &'m Value, name: &str) -> Result<&'m [Value]> {
    match manifest.get(name) {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(invalid(format!("The manifest's {name} is no list."))),
    }
}
