//! Who we are to Google: nobody, a token, or Application Default Credentials.

use google_cloud_auth::credentials::{Builder, CacheableResource};
use http::HeaderMap;

use crate::TransportError;

pub enum Credentials {
    /// For emulators.
    None,
    Token(String),
    /// User, service account, impersonation, workload identity or metadata server, as the environment has it.
    Default(google_cloud_auth::credentials::Credentials),
}

impl Credentials {
    pub fn application_default() -> Result<Self, TransportError> {
        Builder::default()
            .with_scopes(["https://www.googleapis.com/auth/cloud-platform"])
            .build()
            .map(Self::Default)
            .map_err(|error| TransportError(format!("no Application Default Credentials: {error}")))
    }

    pub async fn add_to(&self, headers: &mut HeaderMap) -> Result<(), TransportError> {
        match self {
            Self::None => Ok(()),
            Self::Token(token) => {
                let value = format!("Bearer {token}")
                    .parse()
                    .map_err(|_| TransportError("the access token holds characters that no header can".to_owned()))?;
                headers.insert(http::header::AUTHORIZATION, value);
                Ok(())
            }
            Self::Default(credentials) => {
                let found = credentials
                    .headers(http::Extensions::new())
                    .await
                    .map_err(|error| TransportError(format!("no credentials: {error}")))?;
                if let CacheableResource::New { data, .. } = found {
                    headers.extend(data);
                }
                Ok(())
            }
        }
    }
}
