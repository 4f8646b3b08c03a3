//! gcloud's properties, as far as cmek honours them, each with where it comes from.
//!
//! A flag beats the environment (`CLOUDSDK_SECTION_PROPERTY`), that the active configuration, that the installation's own
//! file, that the default. A value is judged when it is used, as gcloud does: what a command does not need stops none.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::configurations::{Configuration, Folder, installation, named};
use super::ini::Sections;
use super::values;
use crate::failure::{Failure, Outcome};

/// One that is honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    pub section: &'static str,
    pub name: &'static str,
    default: Option<&'static str>,
    /// Not to be shown.
    pub secret: bool,
    /// gcloud takes it from the environment alone.
    environment_only: bool,
}

const fn property(section: &'static str, name: &'static str) -> Property {
    Property { section, name, default: None, secret: false, environment_only: false }
}

const fn with_default(section: &'static str, name: &'static str, default: &'static str) -> Property {
    Property { default: Some(default), ..property(section, name) }
}

const fn secret(section: &'static str, name: &'static str) -> Property {
    Property { secret: true, ..property(section, name) }
}

/// Sorted, as they are listed. Endpoint overrides by gcloud's names.
const KNOWN: [Property; 39] = [
    property("api_endpoint_overrides", "artifactregistry"),
    property("api_endpoint_overrides", "cloudasset"),
    property("api_endpoint_overrides", "cloudkms"),
    property("api_endpoint_overrides", "cloudresourcemanager"),
    property("api_endpoint_overrides", "iam"),
    property("api_endpoint_overrides", "iamcredentials"),
    // gcloud has none for this one.
    property("api_endpoint_overrides", "kmsinventory"),
    property("api_endpoint_overrides", "orgpolicy"),
    property("api_endpoint_overrides", "pubsub"),
    property("api_endpoint_overrides", "serviceusage"),
    property("api_endpoint_overrides", "storage"),
    property("api_endpoint_overrides", "storagebatchoperations"),
    Property { environment_only: true, ..secret("auth", "access_token") },
    property("auth", "access_token_file"),
    property("auth", "credential_file_override"),
    with_default("auth", "disable_credentials", "false"),
    with_default("auth", "disable_ssl_validation", "false"),
    property("auth", "impersonate_service_account"),
    with_default("billing", "quota_project", CURRENT_PROJECT),
    property("core", "account"),
    with_default("core", "check_gce_metadata", "true"),
    property("core", "custom_ca_certs_file"),
    property("core", "default_format"),
    with_default("core", "disable_color", "false"),
    with_default("core", "disable_prompts", "false"),
    property("core", "format"),
    property("core", "http_timeout"),
    with_default("core", "log_http", "false"),
    property("core", "project"),
    property("core", "request_reason"),
    secret("core", "trace_token"),
    with_default("core", "user_output_enabled", "true"),
    with_default("core", "verbosity", "warning"),
    property("proxy", "address"),
    secret("proxy", "password"),
    property("proxy", "port"),
    with_default("proxy", "rdns", "true"),
    property("proxy", "type"),
    property("proxy", "username"),
];

/// Quota counts against the project that is worked on, if a user calls.
pub const CURRENT_PROJECT: &str = "CURRENT_PROJECT";

/// What gcloud takes for a format of all commands.
const FORMATS: [&str; 9] = ["config", "default", "disable", "flattened", "json", "list", "none", "object", "text"];

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--project`
    Flag(String),
    /// `CLOUDSDK_CORE_PROJECT`
    Environment(String),
    Configuration(String),
    Installation(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Configuration(name) => write!(f, "configuration [{name}]"),
            Self::Installation(file) => write!(f, "installation [{}]", file.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub value: String,
    pub origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    Debug,
    Info,
    Warning,
    Error,
    Critical,
    None,
}

const LEVELS: [(&str, Verbosity); 6] = [
    ("debug", Verbosity::Debug),
    ("info", Verbosity::Info),
    ("warning", Verbosity::Warning),
    ("error", Verbosity::Error),
    ("critical", Verbosity::Critical),
    ("none", Verbosity::None),
];

/// A flag of the command line that stands for a property: `core/project`, `--project`, its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub property: &'static str,
    pub flag: &'static str,
    pub value: String,
}

#[derive(Clone, Default)]
pub struct Properties {
    flags: BTreeMap<&'static str, (&'static str, String)>,
    environment: BTreeMap<String, String>,
    configuration: Configuration,
    installation: Option<(PathBuf, Sections)>,
}

impl Properties {
    /// Reads gcloud's files once. `configuration` is the flag of that name.
    pub fn read(
        flags: Vec<Flag>,
        configuration: Option<&str>,
        environment: &BTreeMap<String, String>,
    ) -> Outcome<Self> {
        let configuration = match Folder::of(environment) {
            Some(folder) => folder.configuration(&folder.active(configuration, environment)?)?,
            None => {
                let name = named(configuration, environment).unwrap_or_else(|| "default".to_owned());
                Configuration { name, ..Configuration::default() }
            }
        };
        Ok(Self {
            flags: flags.into_iter().map(|flag| (flag.property, (flag.flag, flag.value))).collect(),
            environment: environment
                .iter()
                .filter(|(name, _)| name.starts_with("CLOUDSDK_"))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            configuration,
            installation: installation(environment)?,
        })
    }

    /// The active configuration.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    fn known(path: &str) -> Option<&'static Property> {
        let (section, name) = path.split_once('/')?;
        KNOWN.iter().find(|property| property.section == section && property.name == name)
    }

    /// The property of a command line, `core/` left out or not, in gcloud's words if there is none.
    pub fn find(text: &str) -> Outcome<&'static Property> {
        let (section, name) = text.split_once('/').unwrap_or(("core", text));
        if !KNOWN.iter().any(|property| property.section == section) {
            return Err(Failure::new(format!("Section \"{section}\" does not exist.")));
        }
        KNOWN
            .iter()
            .find(|property| property.section == section && property.name == name)
            .ok_or_else(|| Failure::new(format!("Section [{section}] has no property [{name}].")))
    }

    /// What is set, whatever it is; a default too.
    pub fn setting(&self, property: &Property) -> Option<Setting> {
        self.explicit(property).or_else(|| {
            let value = property.default?.to_owned();
            Some(Setting { value, origin: Origin::Default })
        })
    }

    fn explicit(&self, property: &Property) -> Option<Setting> {
        let &Property { section, name, .. } = property;
        if let Some((flag, value)) = self.flags.get(format!("{section}/{name}").as_str()) {
            return Some(Setting { value: value.clone(), origin: Origin::Flag((*flag).to_owned()) });
        }
        let variable = variable(property);
        if let Some(value) = self.environment.get(&variable) {
            return Some(Setting { value: value.clone(), origin: Origin::Environment(variable) });
        }
        if property.environment_only {
            return None;
        }
        let of = |sections: &Sections| sections.get(section).and_then(|values| values.get(name)).cloned();
        if let Some(value) = of(&self.configuration.values) {
            return Some(Setting { value, origin: Origin::Configuration(self.configuration.name.clone()) });
        }
        let (file, sections) = self.installation.as_ref()?;
        of(sections).map(|value| Setting { value, origin: Origin::Installation(file.clone()) })
    }

    /// All that somebody set, sorted.
    pub fn all(&self) -> impl Iterator<Item = (&'static Property, Setting)> {
        KNOWN.iter().filter_map(|property| self.explicit(property).map(|setting| (property, setting)))
    }

    /// `section/name`, of a property that is known; empty is as if it were not set.
    pub fn get(&self, path: &str) -> Option<Setting> {
        self.setting(Self::known(path)?).filter(|setting| !setting.value.is_empty())
    }

    pub fn text(&self, path: &str) -> Option<String> {
        self.get(path).map(|setting| setting.value)
    }

    /// A switch that neither is set nor has a default is off.
    pub fn switch(&self, path: &str) -> Outcome<bool> {
        let Some(property) = Self::known(path) else { return Ok(false) };
        let default = property.default == Some("true");
        match self.setting(property) {
            Some(setting) => Ok(values::switch(property.section, property.name, &setting.value)?.unwrap_or(default)),
            None => Ok(default),
        }
    }

    pub fn number(&self, path: &str) -> Outcome<Option<u64>> {
        let wrong = |value: &str| Failure::new(format!("The property [{path}] must have an integer value: [{value}]"));
        self.text(path).map(|value| value.parse().map_err(|_| wrong(&value))).transpose()
    }

    /// The project, if one is set and can be one.
    pub fn project_if_set(&self) -> Outcome<Option<String>> {
        let Some(setting) = Self::known("core/project").and_then(|property| self.setting(property)) else {
            return Ok(None);
        };
        if gcp_names::is_project_number(&setting.value) {
            let hint = "give the project's ID: buckets have it in their names";
            return Err(match &setting.origin {
                // The quotes and the missing blank are gcloud's.
                Origin::Flag(_) => Failure::new(
                    "The value of ``--project'' flag was set to Project number.To use this command, set it to PROJECT ID \
                     instead.",
                ),
                origin => Failure::new(format!("[{}] is a project number ({origin}).", setting.value)),
            }
            .hint(hint));
        }
        values::project(&setting.value)?;
        Ok(Some(setting.value))
    }

    pub fn project(&self) -> Outcome<String> {
        self.project_if_set()?.ok_or_else(|| {
            Failure::new("The required property [project] is not currently set.").hint(
                "add --project=ID, run gcloud config set project ID, or set the environment variable CLOUDSDK_CORE_PROJECT",
            )
        })
    }

    /// What of our own talk is said.
    pub fn verbosity(&self) -> Outcome<Verbosity> {
        let word = self.text("core/verbosity").unwrap_or_default().to_ascii_lowercase();
        if let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == word) {
            return Ok(*level);
        }
        let words: Vec<_> = LEVELS.iter().map(|(name, _)| *name).collect();
        values::choice("core", "verbosity", &word, &words).map(|()| Verbosity::Warning)
    }

    /// The format of every command (`core/format`), and that of those without their own (`core/default_format`).
    pub fn formats(&self) -> Outcome<(Option<String>, Option<String>)> {
        let checked = |path: &str| {
            let word = self.text(path);
            match &word {
                Some(word) if !FORMATS.contains(&word.as_str()) => Err(Failure::new(format!(
                    "Format must be one of {}; received [{word}].\n\nFor information on output formats:\n  $ gcloud topic \
                     formats",
                    FORMATS.join(", ")
                ))),
                _ => Ok(word),
            }
        };
        Ok((checked("core/format")?, checked("core/default_format")?))
    }
}

/// `CLOUDSDK_CORE_PROJECT`
fn variable(property: &Property) -> String {
    format!("CLOUDSDK_{}_{}", property.section.to_uppercase(), property.name.to_uppercase())
}

#[cfg(test)]
mod tests;
