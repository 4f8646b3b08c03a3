//! Acting as a service account: short-lived tokens from IAM Credentials, held until they are nearly over.

use std::pin::Pin;
use std::time::Duration;

use http::HeaderValue;
use serde_json::json;
use tokio::sync::Mutex;

use crate::client::escape;
use crate::credentials::{SCOPE, bearer};
use crate::error::{Error, Stage};
use crate::{Client, Code};

const API: &str = "iamcredentials.googleapis.com";
/// What we ask for, and gcloud too.
const LIFETIME: Duration = Duration::from_hours(1);
/// How long a token is used: calls take their time, and it must not end in the middle of one.
const USE: Duration = Duration::from_mins(55);

pub struct Impersonated {
    /// Calls as whoever impersonates.
    client: Client,
    target: String,
    delegates: Vec<String>,
    /// One caller fetches, the others wait for his.
    held: Mutex<Option<(HeaderValue, Duration)>>,
}

impl Impersonated {
    pub(crate) fn new(client: Client, target: &str, delegates: &[String]) -> Self {
        Self { client, target: target.to_owned(), delegates: delegates.to_vec(), held: Mutex::new(None) }
    }

    /// Boxed: the call that fetches it needs credentials itself, and may lead here again.
    pub(crate) fn token(&self) -> Pin<Box<dyn Future<Output = Result<HeaderValue, Error>> + Send + '_>> {
        Box::pin(async move {
            let mut held = self.held.lock().await;
            let now = self.client.timer().now();
            if let Some((token, until)) = &*held
                && now < *until
            {
                return Ok(token.clone());
            }
            let token = self.fetch().await?;
            *held = Some((token.clone(), now + USE));
            Ok(token)
        })
    }

    async fn fetch(&self) -> Result<HeaderValue, Error> {
        let path = format!("/v1/projects/-/serviceAccounts/{}:generateAccessToken", escape(&self.target));
        let delegates: Vec<_> =
            self.delegates.iter().map(|account| format!("projects/-/serviceAccounts/{account}")).collect();
        let body = json!({"scope": [SCOPE], "lifetime": format!("{}s", LIFETIME.as_secs()), "delegates": delegates});
        // A token more does no harm.
        let answer = self.client.json_harmless(API, "POST", &path, &body).await.map_err(|error| {
            let message = format!(
                "Failed to impersonate [{}]. Make sure the account that's trying to impersonate it has access to the \
                 service account itself and the \"roles/iam.serviceAccountTokenCreator\" role. {}",
                self.target,
                error.message()
            );
            // It has been tried as often as it may.
            error.with_message(message).at(Stage::Local)
        })?;
        match answer.get("accessToken").and_then(serde_json::Value::as_str) {
            Some(token) => bearer(token),
            None => Err(Error::new(Code::Unauthenticated, format!("{API} answered without a token"))),
        }
    }
}
