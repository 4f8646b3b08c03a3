//! What a command works with: the project, the client, the user.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cmek_emulator::Emulator;
use gcp_client::{Client, Credentials, Endpoints, HttpTransport, Transport, TransportError};
use gcp_names::{KeyName, KeyVersionName, RegistryHost};
use serde_json::Value;

use crate::cli::{Global, HostArgs, KeyPlace, ListFlags, Scope};
use crate::cloud::{Cloud, Container};
use crate::failure::{Failure, Outcome};
use crate::format;
use crate::ui::Ui;

pub struct Session {
    pub global: Global,
    pub ui: Ui,
    pub seed: u64,
    environment: BTreeMap<String, String>,
    piped: bool,
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
            let answer = self.0.send(request).await;
            if answer.extensions().get::<cmek_emulator::Dropped>().is_some() {
                return Err(TransportError("the connection was closed before an answer came".to_owned()));
            }
            Ok(answer)
        })
    }
}

/// A client of an emulator in this process.
pub fn in_process(emulator: Emulator) -> Cloud {
    let transport: Arc<dyn Transport> = Arc::new(InProcess(emulator));
    Cloud::new(Client::new(transport, Endpoints::emulator("http://127.0.0.1"), Credentials::None))
}

impl Session {
    pub fn new(global: Global, environment: BTreeMap<String, String>, seed: u64, piped: bool, ui: Ui) -> Self {
        Self { global, ui, seed, environment, piped, cloud: None }
    }

    pub fn env(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The format as the user wrote it.
    pub fn format_text(&self) -> Option<&str> {
        self.global.format.as_deref()
    }

    pub fn has_format(&self) -> bool {
        self.global.format.is_some()
    }

    /// With `--explain-permissions`: prints what a command needs, and nothing else is to be done.
    pub fn explains(&mut self, permissions: &[&str]) -> Outcome<bool> {
        if !self.global.explain_permissions {
            return Ok(false);
        }
        let mut sorted = permissions.to_vec();
        sorted.sort_unstable();
        let text: String = sorted.iter().map(|permission| format!("{permission}\n")).collect();
        self.ui.data(&text)?;
        Ok(true)
    }

    /// One resource, in the format asked for or the command's own.
    pub fn print_one(&mut self, value: &Value, own: &str) -> Outcome<()> {
        let text = format::render(&format::parse(self.format_text().unwrap_or(own))?, value)?;
        self.ui.data(&text)
    }

    pub fn print_records(&mut self, rows: Vec<Value>, own: &str) -> Outcome<()> {
        self.print_one(&Value::Array(rows), own)
    }

    /// Records in the format asked for, else as the command's own text.
    pub fn print_list(
        &mut self,
        rows: Vec<Value>,
        own: impl FnOnce(&[Value]) -> String,
        _flags: &ListFlags,
    ) -> Outcome<()> {
        if self.has_format() {
            return self.print_records(rows, "yaml");
        }
        if rows.is_empty() {
            self.ui.say("Listed 0 items.");
            return Ok(());
        }
        let text = own(&rows);
        self.ui.data(&text)
    }

    /// Records in a format that the command chooses.
    pub fn print_as(&mut self, rows: Vec<Value>, format: &str, _flags: &ListFlags) -> Outcome<()> {
        let text = format::render(&format::parse(format)?, &Value::Array(rows))?;
        self.ui.data(&text)
    }

    /// What is piped in; nothing where a person would have to type it.
    pub fn read_piped(&mut self) -> Outcome<Option<String>> {
        if !self.piped {
            return Ok(None);
        }
        let mut text = String::new();
        std::io::Read::read_to_string(&mut self.ui.input, &mut text)?;
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    /// The project, or the folder or organization that the flags name instead.
    pub fn container(&self, scope: &Scope) -> Outcome<Container> {
        let numbered = |kind: &str, text: &str| {
            let number = text.strip_prefix(&format!("{kind}/")).unwrap_or(text);
            if gcp_names::is_project_number(number) {
                Ok(Container(format!("{kind}/{number}")))
            } else {
                Err(Failure::new(format!("'{text}' is not the number of one of the {kind}.")))
            }
        };
        match (&scope.folder, &scope.organization) {
            (Some(folder), _) => numbered("folders", folder),
            (None, Some(organization)) => numbered("organizations", organization),
            (None, None) => Ok(Container(format!("projects/{}", self.project()?))),
        }
    }

    /// The hosts that are named, or all of them; none is a mistake.
    pub fn named_hosts(&self, args: &HostArgs) -> Outcome<Vec<RegistryHost>> {
        if args.all_hosts {
            return Ok(RegistryHost::ALL.to_vec());
        }
        if args.hosts.is_empty() {
            return Err(Failure { code: 2, ..Failure::new("argument HOST…: Must be specified, or --all-hosts.") });
        }
        Self::hosts(&args.hosts)
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
