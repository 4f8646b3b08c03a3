//! Pushing and pulling as a registry client does.

use bytes::Bytes;
use gcp_client::Error;
use serde_json::{Value, json};

use super::PROJECT;
use crate::cloud::Cloud;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An image of a few layers that no compressor can shrink.
pub struct Image {
    pub name: String,
    pub tag: String,
    pub layers: Vec<Bytes>,
    config: Bytes,
}

/// Bytes that look random and are the same each time.
fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out.into()
}

fn digest(bytes: &[u8]) -> String {
    cmek_emulator::sha256_digest(bytes)
}

impl Image {
    pub fn new(name: &str, tag: &str, layers: &[u64]) -> Self {
        let layers = layers.iter().map(|seed| noise(*seed, 419_430)).collect();
        let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}, "tag": tag});
        Self { name: name.to_owned(), tag: tag.to_owned(), layers, config: config.to_string().into() }
    }

    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.len() as u64).sum()
    }

    fn path(&self) -> String {
        format!("{PROJECT}/{}", self.name)
    }

    fn manifest(&self) -> Bytes {
        let descriptor =
            |kind: &str, bytes: &Bytes| json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()});
        let layers: Vec<Value> =
            self.layers.iter().map(|layer| descriptor("application/vnd.oci.image.layer.v1.tar", layer)).collect();
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor("application/vnd.oci.image.config.v1+json", &self.config), "layers": layers})
            .to_string()
            .into()
    }

    pub async fn push(&self, cloud: &Cloud, host: &str) -> Result<(), Error> {
        for blob in self.layers.iter().chain([&self.config]) {
            let name = digest(blob);
            let path = self.path();
            if cloud.registry(host, "HEAD", &format!("{path}/blobs/{name}"), "", Bytes::new()).await.is_ok() {
                continue;
            }
            let (headers, _) =
                cloud.registry(host, "POST", &format!("{path}/blobs/uploads/"), "", Bytes::new()).await?;
            let location = location(&headers)?;
            let (headers, _) =
                cloud.registry(host, "PATCH", &location, "application/octet-stream", blob.clone()).await?;
            let end = format!("{}&digest={name}", self::location(&headers)?);
            cloud.registry(host, "PUT", &end, "", Bytes::new()).await?;
        }
        cloud
            .registry(host, "PUT", &format!("{}/manifests/{}", self.path(), self.tag), MANIFEST, self.manifest())
            .await
            .map(|_| ())
    }

    /// Fetches everything and compares it bit by bit.
    pub async fn pull(&self, cloud: &Cloud, host: &str) -> Result<(), Error> {
        let (_, manifest) =
            cloud.registry(host, "GET", &format!("{}/manifests/{}", self.path(), self.tag), "", Bytes::new()).await?;
        if manifest != self.manifest() {
            return Err(Error::internal("the manifest is not the one that was pushed"));
        }
        for blob in self.layers.iter().chain([&self.config]) {
            let (_, bytes) = cloud
                .registry(host, "GET", &format!("{}/blobs/{}", self.path(), digest(blob)), "", Bytes::new())
                .await?;
            if bytes != blob {
                return Err(Error::internal("a layer is not the one that was pushed"));
            }
        }
        Ok(())
    }
}

fn location(headers: &http::HeaderMap) -> Result<String, Error> {
    headers
        .get(http::header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .ok_or_else(|| Error::internal("the registry gave no upload location"))
}
