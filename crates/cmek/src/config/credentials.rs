//! Which credentials a run uses: gcloud's order first, then that of Application Default Credentials.
//!
//! 1. none, if `auth/disable_credentials`
//! 2. a token: `CLOUDSDK_AUTH_ACCESS_TOKEN`, then `auth/access_token_file`
//! 3. the file of `auth/credential_file_override`
//! 4. with `--account`: what is readable of that account, or nothing
//! 5. the file of `GOOGLE_APPLICATION_CREDENTIALS`, then `application_default_credentials.json` in gcloud's folder
//! 6. what `gcloud auth login` left of `core/account` in `legacy_credentials`; gcloud's own store is not read
//! 7. the metadata server
//!
//! Over any of them `auth/impersonate_service_account` acts as a service account.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gcp_client::{Client, Credentials, LOGIN, Retry};
use serde_json::{Value, json};

use super::configurations::Folder;
use super::properties::{CURRENT_PROJECT, Origin, Properties};
use crate::failure::{Failure, Outcome};

type Environment = BTreeMap<String, String>;

const TOKEN: &str = "auth/access_token";
const ADC_VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// What was chosen, before any call.
pub struct Choice {
    source: Source,
    /// Acts as the last through the others.
    chain: Vec<String>,
    quota_project: Option<String>,
    metadata: Option<String>,
    /// gcloud's store is there, and we do not read it.
    unread: Option<PathBuf>,
}

enum Source {
    Nobody,
    Token { token: String, from: Origin, file: Option<PathBuf> },
    File { content: Value, path: PathBuf, named: Named },
    Metadata,
}

/// Who names a credential file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    Override,
    Variable,
    WellKnown,
    /// gcloud's login of this account.
    Login(String),
}

/// For people: `cmek auth print`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The type of a file, or `none`, `access_token`, `metadata`.
    pub kind: String,
    /// Where it is known without a call.
    pub account: Option<String>,
    pub from: String,
    pub quota_project: Option<String>,
    pub impersonates: Option<String>,
    pub delegates: Vec<String>,
}

impl Choice {
    pub fn make(properties: &Properties, environment: &Environment) -> Outcome<Self> {
        let folder = Folder::of(environment);
        let source = source(properties, environment, folder.as_ref())?;
        let accounts = properties.text("auth/impersonate_service_account").unwrap_or_default();
        let chain = match source {
            Source::Nobody => Vec::new(),
            _ => accounts
                .split(',')
                .map(|account| account.trim().to_owned())
                .filter(|account| !account.is_empty())
                .collect(),
        };
        let quota_project = quota_project(properties, environment, &source);
        let store = folder.map(|folder| folder.path().join("credentials.db"));
        Ok(Self {
            source,
            chain,
            quota_project,
            metadata: properties.switch("core/check_gce_metadata")?.then(|| {
                let host = environment.get("GCE_METADATA_HOST").filter(|host| !host.is_empty());
                host.map_or("169.254.169.254", String::as_str).to_owned()
            }),
            unread: store.filter(|file| file.is_file()),
        })
    }

    /// The client of somebody, made of one that is nobody.
    pub async fn sign_in(&self, client: Client) -> Outcome<Client> {
        let client = client.with_quota_project(self.quota_project.clone());
        let own = match &self.source {
            Source::Nobody => return Ok(client),
            Source::Token { token, .. } => client.with_credentials(Credentials::Token(token.clone())),
            Source::File { content, path, .. } => {
                let credentials =
                    Credentials::of_file(content.clone()).map_err(|error| unloadable(path, error.message()))?;
                client.with_credentials(credentials)
            }
            Source::Metadata => {
                let host = self.probe(&client).await?;
                client.with_credentials(Credentials::metadata(host)?)
            }
        };
        let Some((target, delegates)) = self.chain.split_last() else { return Ok(own) };
        Ok(own.clone().with_credentials(Credentials::impersonated(own, target, delegates)))
    }

    /// Off Google's machines nobody answers there, and that would be learned late and in strange words.
    async fn probe(&self, client: &Client) -> Outcome<&str> {
        if let Some(host) = &self.metadata {
            let patience = Retry {
                attempts: 3,
                deadline: Duration::from_secs(3),
                first: Duration::from_millis(200),
                ..Retry::default()
            };
            let mut headers = http::HeaderMap::new();
            headers.insert("metadata-flavor", http::HeaderValue::from_static("Google"));
            let asked = client
                .clone()
                .with_retry(patience)
                .send("GET", &format!("http://{host}/"), headers, bytes::Bytes::new())
                .await;
            if asked.is_ok_and(|(headers, _)| headers.get("metadata-flavor").is_some_and(|flavor| flavor == "Google")) {
                return Ok(host);
            }
        }
        Err(self.nobody("You do not currently have an active account selected.".to_owned()))
    }

    fn nobody(&self, message: String) -> Failure {
        nobody(message, self.unread.as_deref())
    }

    pub fn description(&self) -> Description {
        let (kind, account, from) = match &self.source {
            Source::Nobody => ("none", None, "property auth/disable_credentials".to_owned()),
            Source::Token { from, file, .. } => (
                "access_token",
                None,
                match file {
                    Some(file) => format!("{} ({from})", file.display()),
                    None => from.to_string(),
                },
            ),
            Source::File { content, path, named } => {
                let kind = content.get("type").and_then(Value::as_str).unwrap_or_default();
                let by = match named {
                    Named::Override => "property auth/credential_file_override".to_owned(),
                    Named::Variable => format!("environment {ADC_VARIABLE}"),
                    Named::WellKnown => "Application Default Credentials".to_owned(),
                    Named::Login(account) => format!("gcloud's login of {account}"),
                };
                (kind, self.account(), format!("{} ({by})", path.display()))
            }
            Source::Metadata => ("metadata", None, "the metadata server".to_owned()),
        };
        let (target, delegates) =
            self.chain.split_last().map_or((None, &[][..]), |(last, others)| (Some(last), others));
        Description {
            kind: kind.to_owned(),
            account,
            from,
            quota_project: self.quota_project.clone(),
            impersonates: target.cloned(),
            delegates: delegates.to_vec(),
        }
    }

    fn account(&self) -> Option<String> {
        match &self.source {
            Source::File { named: Named::Login(account), .. } => Some(account.clone()),
            Source::File { content, .. } => account_of(content),
            _ => None,
        }
    }

    /// What gcloud says after a 401, 403 or 404: as whom the call was made.
    pub fn sentence(&self) -> String {
        let account = self.account().unwrap_or_else(|| "an unnamed account".to_owned());
        let sentence = match &self.source {
            Source::Nobody => {
                return "This command is unauthenticated because the [auth/disable_credentials] property is True."
                    .to_owned();
            }
            Source::Token { file: None, .. } => {
                "This command is authenticated with an access token from the CLOUDSDK_AUTH_ACCESS_TOKEN environment \
                 variable."
                    .to_owned()
            }
            Source::Token { file: Some(file), .. } => format!(
                "This command is authenticated with an access token from {} specified by the [auth/access_token_file] \
                 property.",
                file.display()
            ),
            Source::File { path, named: Named::Override, .. } => format!(
                "This command is authenticated as {account} using the credentials in {}, specified by the \
                 [auth/credential_file_override] property.",
                path.display()
            ),
            Source::File { path, named: Named::Variable, .. } => format!(
                "This command is authenticated as {account} using the credentials in {}, specified by the {ADC_VARIABLE} \
                 environment variable.",
                path.display()
            ),
            Source::File { path, named: Named::WellKnown, .. } => format!(
                "This command is authenticated as {account} using the Application Default Credentials in {}.",
                path.display()
            ),
            Source::File { named: Named::Login(_), .. } => format!(
                "This command is authenticated as {account} which is the active account specified by the [core/account] \
                 property."
            ),
            Source::Metadata => "This command is authenticated as the service account of this machine.".to_owned(),
        };
        match self.chain.split_last() {
            None => sentence,
            Some((target, [])) => format!("{sentence} Impersonation is used to impersonate {target}."),
            Some((target, delegates)) => format!(
                "{sentence} Impersonation is used to impersonate {target} via delegate chain: {}.",
                delegates.join(", ")
            ),
        }
    }

    /// Said once, before the first call.
    pub fn warning(&self) -> Option<String> {
        self.chain.last().map(|target| {
            format!(
                "This command is using service account impersonation. All API calls will be executed as [{target}]."
            )
        })
    }
}

/// Without the secrets.
impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.description().fmt(f)
    }
}

impl Description {
    pub fn json(&self) -> Value {
        let mut value = json!({"type": self.kind, "account": self.account, "source": self.from,
            "quotaProject": self.quota_project, "impersonates": self.impersonates, "delegates": self.delegates});
        if let Some(map) = value.as_object_mut() {
            map.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()));
        }
        value
    }
}

fn source(properties: &Properties, environment: &Environment, folder: Option<&Folder>) -> Outcome<Source> {
    if properties.switch("auth/disable_credentials")? {
        return Ok(Source::Nobody);
    }
    if let Some(setting) = properties.get(TOKEN) {
        let token = setting.value.trim().to_owned();
        return Ok(Source::Token { token, from: setting.origin, file: None });
    }
    if let Some(setting) = properties.get("auth/access_token_file") {
        let path = PathBuf::from(&setting.value);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::new(format!("Unable to read file [{}]: {error}", path.display())))?;
        let token = text.trim().to_owned();
        if token.is_empty() {
            return Err(Failure::new(format!("The access token file [{}] is empty.", path.display())));
        }
        return Ok(Source::Token { token, from: setting.origin, file: Some(path) });
    }
    if let Some(path) = properties.text("auth/credential_file_override") {
        return demanded(path.into(), Named::Override);
    }
    let account = properties.get("core/account");
    if let Some(setting) = account.as_ref().filter(|setting| matches!(setting.origin, Origin::Flag(_))) {
        return of_account(&setting.value, environment, folder);
    }
    if let Some(path) = environment.get(ADC_VARIABLE).filter(|path| !path.is_empty()) {
        return demanded(path.into(), Named::Variable);
    }
    if let Some(folder) = folder {
        if let Some(found) = at(well_known(folder), Named::WellKnown)? {
            return Ok(found);
        }
        if let Some(account) = account
            && let Some(found) = at(login(folder, &account.value), Named::Login(account.value))?
        {
            return Ok(found);
        }
    }
    Ok(Source::Metadata)
}

/// Of the account that a flag asks for and of no other.
fn of_account(account: &str, environment: &Environment, folder: Option<&Folder>) -> Outcome<Source> {
    let variable = environment.get(ADC_VARIABLE).filter(|path| !path.is_empty());
    let files = [
        variable.map(|path| (path.into(), Named::Variable)),
        folder.map(|folder| (well_known(folder), Named::WellKnown)),
        folder.map(|folder| (login(folder, account), Named::Login(account.to_owned()))),
    ];
    for (path, named) in files.into_iter().flatten() {
        match at(path, named)? {
            Some(found @ Source::File { named: Named::Login(_), .. }) => return Ok(found),
            Some(Source::File { content, path, named }) if account_of(&content).as_deref() == Some(account) => {
                return Ok(Source::File { content, path, named });
            }
            _ => {}
        }
    }
    let store = folder.map(|folder| folder.path().join("credentials.db")).filter(|file| file.is_file());
    let message = format!("Your current active account [{account}] does not have any valid credentials.");
    Err(nobody(message, store.as_deref()))
}

fn well_known(folder: &Folder) -> PathBuf {
    folder.path().join("application_default_credentials.json")
}

/// What gcloud leaves for older programs.
fn login(folder: &Folder, account: &str) -> PathBuf {
    // gcloud leaves colons out; whatever else stands there, no other folder is looked into.
    let account = account.replace(':', "").replace(['/', '\\'], "_");
    folder.path().join("legacy_credentials").join(account).join("adc.json")
}

fn nobody(message: String, unread: Option<&Path>) -> Failure {
    let mut hint = format!("{LOGIN}, or --access-token-file=FILE, or --emulator to work without an account");
    if let Some(file) = unread {
        hint = format!("{hint}; gcloud's own logins lie in {}, which is not read", file.display());
    }
    Failure::new(message).hint(hint)
}

fn unloadable(path: &Path, what: &str) -> Failure {
    Failure::new(format!("Failed to load credential file: [{}].  {what}", path.display()))
}

/// A file that somebody named must be there.
fn demanded(path: PathBuf, named: Named) -> Outcome<Source> {
    let missing = unloadable(&path, "It does not exist.");
    at(path, named)?.ok_or(missing)
}

fn at(path: PathBuf, named: Named) -> Outcome<Option<Source>> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unloadable(&path, &error.to_string())),
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(content) if content.get("type").is_some_and(Value::is_string) => {
            Ok(Some(Source::File { content, path, named }))
        }
        Ok(_) => Err(unloadable(&path, "It names no type.")),
        // The text around the place may be a secret.
        Err(error) => {
            Err(unloadable(&path, &format!("It is no JSON (line {}, column {}).", error.line(), error.column())))
        }
    }
}

/// Whom a file is about, as far as it says so.
fn account_of(content: &Value) -> Option<String> {
    let text = |name: &str| content.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    // `…/serviceAccounts/NAME:generateAccessToken`
    let acted_as = || {
        let name = text("service_account_impersonation_url")?.rsplit('/').next()?;
        Some(name.split(':').next().unwrap_or(name))
    };
    text("client_email").or_else(|| text("account")).or_else(acted_as).or_else(|| text("audience")).map(str::to_owned)
}

/// A person, whom Google wants to know a project for.
fn is_user(source: &Source) -> bool {
    let Source::File { content, .. } = source else { return false };
    match content.get("type").and_then(Value::as_str) {
        Some("authorized_user") => true,
        // A workforce, unless it acts as a service account.
        Some("external_account") => {
            let audience = content.get("audience").and_then(Value::as_str).unwrap_or_default();
            audience.contains("/workforcePools/") && content.get("service_account_impersonation_url").is_none()
        }
        _ => false,
    }
}

/// Whose quota calls count against: the property, the variable of client libraries, the file, a user's current project.
fn quota_project(properties: &Properties, environment: &Environment, source: &Source) -> Option<String> {
    if matches!(source, Source::Nobody) {
        return None;
    }
    let named = properties.text("billing/quota_project").unwrap_or_default();
    let current = match named.as_str() {
        "LEGACY" => false,
        CURRENT_PROJECT | "CURRENT_PROJECT_WITH_FALLBACK" | "" => true,
        project => return Some(project.to_owned()),
    };
    let variable = environment.get("GOOGLE_CLOUD_QUOTA_PROJECT").filter(|project| !project.is_empty()).cloned();
    variable
        .or_else(|| match source {
            Source::File { content, .. } => content.get("quota_project_id").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        })
        .or_else(|| properties.text("core/project").filter(|_| current && is_user(source)))
}

#[cfg(test)]
mod tests;
