//! The registry hosts themselves.

use gcp_client::Error;
use gcp_names::RegistryHost;

use super::Cloud;

impl Cloud {
    /// A call of the Docker Registry protocol: path after `/v2/HOST-OR-NOTHING/`.
    pub async fn registry(
        &self,
        host: &str,
        verb: &str,
        path: &str,
        content_type: &str,
        body: bytes::Bytes,
    ) -> Result<(http::HeaderMap, bytes::Bytes), Error> {
        let (base, prefix) = self.client.endpoints().registry(host);
        let mut headers = http::HeaderMap::new();
        if let (false, Ok(value)) = (content_type.is_empty(), content_type.parse()) {
            headers.insert(http::header::CONTENT_TYPE, value);
        }
        // An upload's Location is already a whole path.
        let url = if path.starts_with("/v2/") { format!("{base}{path}") } else { format!("{base}/v2/{prefix}{path}") };
        self.client.send(verb, &url, headers, body).await
    }

    /// Whether Container Registry itself still serves the host for a project; nothing where it does not tell.
    pub async fn is_served(&self, host: RegistryHost, project: &str) -> Option<bool> {
        let path = format!("{}/tags/list?check_usage_only=true", RegistryHost::image_path(project));
        match self.registry(host.host(), "GET", &path, "", bytes::Bytes::new()).await {
            Ok((_, body)) => {
                let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
                let usage = answer.get("usage").and_then(serde_json::Value::as_str);
                Some(!usage.is_some_and(|usage| usage.starts_with("REDIRECT")))
            }
            Err(error) if error.http_status() == 412 => Some(false),
            Err(_) => None,
        }
    }
}
