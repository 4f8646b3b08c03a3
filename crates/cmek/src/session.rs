//! What a command works with: the project, the client, the user.

use std::collections::BTreeMap;
use std::sync::Arc;

use cmek_emulator::Emulator;
use gcp_client::Timer;
use gcp_names::{KeyName, KeyVersionName, RegistryHost};

use crate::cli::{Global, HostArgs, KeyPlace, Scope};
use crate::cloud::{Cloud, Container};
use crate::config::properties::Properties;
use crate::failure::{Failure, Outcome};
use crate::ui::Ui;

pub struct Session {
    pub global: Global,
    pub ui: Ui,
    pub seed: u64,
    pub environment: BTreeMap<String, String>,
    pub properties: Properties,
    pub timer: Arc<dyn Timer>,
    /// An emulator of whoever runs the command.
    pub given: Option<Emulator>,
    pub width: usize,
    /// For formats that show times.
    pub now: crate::process::Now,
    /// As whom calls are made, in gcloud's words: said after a refusal that may be about that.
    pub whose: Option<String>,
    pub piped: bool,
    pub cloud: Option<Cloud>,
}

impl Session {
    pub fn env(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// With `--explain-permissions`: prints what a command needs, and nothing else is to be done.
    pub fn explains(&mut self, permissions: &[&str]) -> Outcome<bool> {
        if !self.global.explain_permissions {
            return Ok(false);
        }
        let mut sorted = permissions.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.push("");
        self.ui.data(sorted.join("\n").trim_start_matches('\n'))?;
        Ok(true)
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
        self.properties.project()
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
        let mut hosts = Vec::new();
        for name in names {
            let host = RegistryHost::parse(name).map_err(|error| Failure::new(format!("{error}.")))?;
            // Named twice is meant once.
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        Ok(hosts)
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
}
