//! What a command works with: the project, the client, the user.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cmek_emulator::Emulator;
use gcp_client::{Client, Credentials, Endpoints, HttpTransport, Transport, TransportError};
use gcp_names::{KeyName, KeyVersionName, RegistryHost};

use crate::cli::{Global, KeyPlace};
use crate::cloud::Cloud;
use crate::failure::{Failure, Outcome};
use crate::format::{self, Format};
use crate::ui::Ui;

pub struct Session {
    pub global: Global,
    pub ui: Ui,
    pub seed: u64,
    environment: BTreeMap<String, String>,
    cloud: Option<Cloud>,
}

/// Calls an emulator in the same process, without a port.
pub struct InProcess(pub Emulator);

impl Transport for InProcess {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let mut request = request;
            let host = request.uri().authority().and_then(|authority| authority.as_str().parse().ok());
            if let Some(host) = host {
                request.headers_mut().entry(http::header::HOST).or_insert(host);
            }
            // A server sees the path alone.
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            *request.uri_mut() = path.parse().map_err(|_| TransportError(format!("no path {path}")))?;
            Ok(self.0.send(request).await)
        })
    }
}

/// A client of an emulator in this process.
pub fn in_process(emulator: Emulator) -> Cloud {
    let transport: Arc<dyn Transport> = Arc::new(InProcess(emulator));
    Cloud::new(Client::new(transport, Endpoints::emulator("http://127.0.0.1"), Credentials::None))
}

impl Session {
    pub fn new(global: Global, environment: BTreeMap<String, String>, seed: u64, ui: Ui) -> Self {
        Self { global, ui, seed, environment, cloud: None }
    }

    pub fn env(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn format(&self) -> Outcome<Option<Format>> {
        self.global.format.as_deref().map(format::parse).transpose()
    }

    pub fn project(&self) -> Outcome<String> {
        let project = self.global.project.clone().or_else(|| self.env("CLOUDSDK_CORE_PROJECT").map(str::to_owned));
        let project = project.ok_or_else(|| {
            Failure::new("The required property [project] is not currently set.")
                .hint("add --project=ID, or set CLOUDSDK_CORE_PROJECT")
        })?;
        if gcp_names::is_project_number(&project) {
            return Err(Failure::new(format!(
                "[{project}] is a project number; the bucket's name needs the project ID."
            )));
        }
        Ok(project)
    }

    /// A key by its full name, or by its id and flags.
    pub fn key(&self, key: &str, place: &KeyPlace) -> Outcome<KeyName> {
        if key.contains('/') {
            return KeyName::parse(key).map_err(|error| {
                Failure::new(format!("{error}.")).hint("projects/P/locations/L/keyRings/R/cryptoKeys/K")
            });
        }
        let missing = |flag: &str| {
            Failure::new(format!("Failed to find attribute [{flag}] of key [{key}]."))
                .hint(format!("add --{flag}, or give the key's full name"))
        };
        let ring = place.keyring.clone().ok_or_else(|| missing("keyring"))?;
        let location = place.location.clone().ok_or_else(|| missing("location"))?;
        let project = place.key_project.clone().map_or_else(|| self.project(), Ok)?;
        let name = format!("projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}");
        KeyName::parse(&name).map_err(|error| Failure::new(format!("{error}.")))
    }

    /// `KEY/VERSION` or a full version name.
    pub fn version(&self, text: &str, place: &KeyPlace) -> Outcome<KeyVersionName> {
        if text.contains("/cryptoKeyVersions/") {
            return KeyVersionName::parse(text).map_err(|error| Failure::new(format!("{error}.")));
        }
        let missing =
            || Failure::new(format!("[{text}] names no version.")).hint(format!("write {text}/1 for version 1"));
        let (key, version) = text.rsplit_once('/').ok_or_else(missing)?;
        let number = version.parse().ok().filter(|number| *number > 0).ok_or_else(missing)?;
        Ok(self.key(key, place)?.version(number))
    }

    pub fn hosts(names: &[String]) -> Outcome<Vec<RegistryHost>> {
        names.iter().map(|name| RegistryHost::parse(name).map_err(|error| Failure::new(format!("{error}.")))).collect()
    }

    /// The cloud that the command speaks to, made at the first need.
    pub async fn cloud(&mut self) -> Outcome<Cloud> {
        if let Some(cloud) = &self.cloud {
            return Ok(cloud.clone());
        }
        let cloud = self.connect().await?;
        self.cloud = Some(cloud.clone());
        Ok(cloud)
    }

    async fn connect(&self) -> Outcome<Cloud> {
        if let Some(folder) = self.global.emulator.as_deref().or_else(|| self.env("CMEK_EMULATOR")) {
            let mut builder = Emulator::builder().seed(self.seed).data_dir(folder);
            if let Some(time) = self.env("CMEK_EMULATOR_CLOCK") {
                builder = builder.frozen_at(time);
            }
            let emulator = builder.build().await.map_err(|error| Failure::new(error.to_string()))?;
            return Ok(in_process(emulator));
        }
        let mut endpoints = Endpoints::google();
        for (name, address) in &self.environment {
            if let Some(api) = name.strip_prefix("CLOUDSDK_API_ENDPOINT_OVERRIDES_") {
                endpoints.set(api, address);
            }
        }
        if let Some(base) = self.env("CMEK_REGISTRY_ENDPOINT") {
            endpoints.set_registry(base);
        }
        let credentials = self.credentials()?;
        let transport: Arc<dyn Transport> =
            Arc::new(HttpTransport::new().map_err(|error| Failure::new(error.to_string()))?);
        let quota = self.env("CLOUDSDK_BILLING_QUOTA_PROJECT").map(str::to_owned);
        Ok(Cloud::new(Client::new(transport, endpoints, credentials).with_quota_project(quota)))
    }

    fn credentials(&self) -> Outcome<Credentials> {
        let on = |value: &str| value == "1" || value.eq_ignore_ascii_case("true");
        if self.env("CLOUDSDK_AUTH_DISABLE_CREDENTIALS").is_some_and(on) {
            return Ok(Credentials::None);
        }
        if let Some(token) = self.env("CLOUDSDK_AUTH_ACCESS_TOKEN") {
            return Ok(Credentials::Token(token.to_owned()));
        }
        if let Some(path) = self.env("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE") {
            let token = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
            return Ok(Credentials::Token(token.trim().to_owned()));
        }
        Credentials::application_default().map_err(|error| {
            Failure::new(error.to_string())
                .hint("gcloud auth application-default login, or --emulator to work without an account")
        })
    }
}
