//! Who we are to Google: nobody, a token, what a credential file or the metadata server makes us, or a service account
//! that we may act as.
//!
//! Files and the metadata server are google-cloud-auth's part, token cache and refresh included. Its token calls go out
//! by its own HTTP client, which follows the process's `HTTPS_PROXY` and the system's certificates.

use google_cloud_auth::credentials::{
    CacheableResource, external_account, impersonated, mds, service_account, user_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;

use crate::error::{Error, Stage};
use crate::impersonate::Impersonated;
use crate::transport::chain;
use crate::{Client, Code};

pub const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Helps where credentials are missing or refused.
pub const LOGIN: &str = "gcloud auth application-default login";

pub enum Credentials {
    /// For emulators.
    None,
    Token(String),
    Google(google_cloud_auth::credentials::Credentials),
    Impersonated(Box<Impersonated>),
}

impl Credentials {
    /// Of a credential file's content.
    pub fn of_file(content: Value) -> Result<Self, Error> {
        let kind = content.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let built = match kind.as_str() {
            "authorized_user" => user_account::Builder::new(content).with_scopes([SCOPE]).build(),
            "service_account" => service_account::Builder::new(content)
                .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
                .build(),
            "impersonated_service_account" => impersonated::Builder::new(content).with_scopes([SCOPE]).build(),
            "external_account" => external_account::Builder::new(content).with_scopes([SCOPE]).build(),
            "" => return Err(unauthenticated("the credentials name no type")),
            other => return Err(unauthenticated(format!("credentials of type {other} are not supported"))),
        };
        built.map(Self::Google).map_err(|error| unusable(&error))
    }

    /// Of the machine that we run on, by its metadata server's host.
    pub fn metadata(host: &str) -> Result<Self, Error> {
        let builder = mds::Builder::default().with_endpoint(format!("http://{host}")).with_scopes([SCOPE]);
        builder.build().map(Self::Google).map_err(|error| unusable(&error))
    }

    /// The service account at the end of a chain: whoever `client` is may act as the first delegate, each delegate as the
    /// next, the last as the target.
    pub fn impersonated(client: Client, target: &str, delegates: &[String]) -> Self {
        Self::Impersonated(Box::new(Impersonated::new(client, target, delegates)))
    }

    pub async fn add_to(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        match self {
            Self::None => {}
            Self::Token(token) => {
                headers.insert(AUTHORIZATION, bearer(token)?);
            }
            Self::Google(credentials) => {
                let found = credentials.headers(http::Extensions::new()).await.map_err(|error| refused(&error))?;
                if let CacheableResource::New { data, .. } = found {
                    headers.extend(data);
                }
            }
            Self::Impersonated(account) => {
                headers.insert(AUTHORIZATION, account.token().await?);
            }
        }
        Ok(())
    }
}

pub(crate) fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value: HeaderValue = format!("Bearer {token}")
        .parse()
        .map_err(|_| unauthenticated("the access token holds characters that no header can"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn unauthenticated(text: impl Into<String>) -> Error {
    Error::new(Code::Unauthenticated, text)
}

fn unusable(error: &google_cloud_auth::build_errors::Error) -> Error {
    unauthenticated(format!("the credentials cannot be used: {}", chain(error)))
}

fn refused(error: &CredentialsError) -> Error {
    let stage = if error.is_transient() { Stage::Unsent } else { Stage::Local };
    unauthenticated(format!("no access token: {}", chain(error))).at(stage)
}

#[cfg(test)]
mod tests;
