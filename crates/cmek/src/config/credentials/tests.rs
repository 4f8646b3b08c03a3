//! Who a run is, from folders and environments of the test's own, and what is said of it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gcp_client::{Endpoints, ManualTimer, Sending, Stage, Transport, TransportError};

use super::*;
use crate::config::properties::Flag;

struct World {
    _root: tempfile::TempDir,
    path: PathBuf,
    environment: Environment,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().to_owned();
        let environment = Environment::from([("CLOUDSDK_CONFIG".to_owned(), path.display().to_string())]);
        Self { _root: root, path, environment }
    }

    fn file(self, name: &str, content: &Value) -> Self {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.to_string()).unwrap();
        self
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn at(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    fn flagged(&self, flags: &[(&'static str, &str)]) -> Outcome<Choice> {
        let flag =
            |(property, value): &(&'static str, &str)| Flag { property, flag: "--flag", value: (*value).to_owned() };
        let properties = Properties::read(flags.iter().map(flag).collect(), None, &self.environment)?;
        Choice::make(&properties, &self.environment)
    }

    fn choice(&self) -> Choice {
        self.flagged(&[]).unwrap()
    }
}

fn user() -> Value {
    json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "1//r", "account": ""})
}

fn robot() -> Value {
    json!({"type": "service_account", "client_email": "robot@p.iam", "private_key_id": "k", "private_key": "x", "project_id": "p"})
}

#[test]
fn each_source_gives_way_to_the_one_before_it() {
    let adc = "application_default_credentials.json";
    let mut world = World::new();
    let kinds = |world: &World| world.choice().description().kind;
    assert_eq!(kinds(&world), "metadata");
    world = world
        .set("CLOUDSDK_CORE_ACCOUNT", "me@example.com")
        .file("legacy_credentials/me@example.com/adc.json", &user());
    let login = world.choice().description();
    assert_eq!((login.kind.as_str(), login.account.as_deref()), ("authorized_user", Some("me@example.com")));
    assert!(login.from.ends_with("adc.json (gcloud's login of me@example.com)"), "{}", login.from);

    world = world.file(adc, &robot());
    let well_known = world.choice().description();
    assert_eq!(well_known.from, format!("{} (Application Default Credentials)", world.at(adc)));
    assert_eq!(well_known.account.as_deref(), Some("robot@p.iam"));

    world = world.file("mine.json", &user());
    let mine = world.at("mine.json");
    world = world.set("GOOGLE_APPLICATION_CREDENTIALS", &mine);
    assert_eq!(world.choice().description().from, format!("{mine} (environment GOOGLE_APPLICATION_CREDENTIALS)"));
    world = world.file("other.json", &robot());
    let other = world.at("other.json");
    world = world.set("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", &other);
    assert!(world.choice().description().from.starts_with(&other));

    std::fs::write(world.path.join("token"), " ya29.file\n").unwrap();
    let token = world.at("token");
    world = world.set("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", &token);
    assert_eq!(world.choice().description().from, format!("{token} (environment CLOUDSDK_AUTH_ACCESS_TOKEN_FILE)"));
    world = world.set("CLOUDSDK_AUTH_ACCESS_TOKEN", "ya29.env");
    assert_eq!(world.choice().description().from, "environment CLOUDSDK_AUTH_ACCESS_TOKEN");
    world = world.set("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "true");
    assert_eq!(kinds(&world), "none");
}

#[test]
fn an_account_that_a_flag_asks_for_is_that_account_or_none() {
    let world = World::new()
        .file("application_default_credentials.json", &robot())
        .file("legacy_credentials/me@example.com/adc.json", &user())
        .file("credentials.db", &json!({}));
    let account =
        |name: &str| world.flagged(&[("core/account", name)]).map(|choice| choice.description().account.unwrap());
    assert_eq!(account("robot@p.iam").unwrap(), "robot@p.iam");
    assert_eq!(account("me@example.com").unwrap(), "me@example.com");
    let failure = account("you@example.com").unwrap_err();
    assert_eq!(failure.message, "Your current active account [you@example.com] does not have any valid credentials.");
    assert!(failure.hint.unwrap().ends_with("credentials.db, which is not read"));
}

#[test]
fn files_that_are_named_and_not_there_or_broken_are_said_so() {
    let world = World::new();
    let gone = world.at("gone.json");
    let world = world.set("GOOGLE_APPLICATION_CREDENTIALS", &gone);
    let message = |world: &World| world.flagged(&[]).unwrap_err().message;
    assert_eq!(message(&world), format!("Failed to load credential file: [{gone}].  It does not exist."));
    std::fs::write(&gone, "{\"private_key\": \"secret\",").unwrap();
    assert_eq!(
        message(&world),
        format!("Failed to load credential file: [{gone}].  It is no JSON (line 1, column 25).")
    );
    std::fs::write(&gone, "{}").unwrap();
    assert!(message(&world).ends_with("It names no type."));

    let world = World::new();
    let token = world.at("token");
    let world = world.set("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", &token);
    assert!(message(&world).starts_with(&format!("Unable to read file [{token}]: ")));
    std::fs::write(&token, "\n").unwrap();
    assert_eq!(message(&world), format!("The access token file [{token}] is empty."));
}

#[test]
fn who_pays_follows_the_property_the_variable_the_file_and_the_project() {
    let adc = "application_default_credentials.json";
    let pays = |world: &World| world.choice().description().quota_project;
    let mut paying = user();
    paying["quota_project_id"] = json!("from-file");
    let world = World::new().file(adc, &user()).set("CLOUDSDK_CORE_PROJECT", "current");
    assert_eq!(pays(&world).as_deref(), Some("current"));
    let world = world.set("CLOUDSDK_BILLING_QUOTA_PROJECT", "LEGACY");
    assert_eq!(pays(&world), None);
    let world = world.file(adc, &paying);
    assert_eq!(pays(&world).as_deref(), Some("from-file"));
    let world = world.set("GOOGLE_CLOUD_QUOTA_PROJECT", "from-variable");
    assert_eq!(pays(&world).as_deref(), Some("from-variable"));
    let world = world.set("CLOUDSDK_BILLING_QUOTA_PROJECT", "explicit");
    assert_eq!(pays(&world).as_deref(), Some("explicit"));

    let robots = World::new().file(adc, &robot()).set("CLOUDSDK_CORE_PROJECT", "current");
    assert_eq!(pays(&robots), None, "a service account has a project of its own");
    let token = World::new().set("CLOUDSDK_AUTH_ACCESS_TOKEN", "t").set("CLOUDSDK_CORE_PROJECT", "current");
    assert_eq!(pays(&token), None);
}

#[test]
fn the_sentence_after_a_refusal_is_gclouds() {
    let adc = "application_default_credentials.json";
    let nobody = World::new()
        .set("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "1")
        .set("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "a@p");
    assert_eq!(
        nobody.choice().sentence(),
        "This command is unauthenticated because the [auth/disable_credentials] property is True."
    );
    assert_eq!(nobody.choice().warning(), None);
    let token = World::new()
        .set("CLOUDSDK_AUTH_ACCESS_TOKEN", "t")
        .set("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "a@p, b@p,c@p");
    assert_eq!(
        token.choice().sentence(),
        "This command is authenticated with an access token from the CLOUDSDK_AUTH_ACCESS_TOKEN environment variable. \
         Impersonation is used to impersonate c@p via delegate chain: a@p, b@p."
    );
    assert_eq!(
        token.choice().warning().unwrap(),
        "This command is using service account impersonation. All API calls will be executed as [c@p]."
    );
    let world = World::new().file(adc, &robot());
    assert_eq!(
        world.choice().sentence(),
        format!(
            "This command is authenticated as robot@p.iam using the Application Default Credentials in {}.",
            world.at(adc)
        )
    );
    assert_eq!(
        token.choice().description().json(),
        json!({"type": "access_token", "source": "environment CLOUDSDK_AUTH_ACCESS_TOKEN", "impersonates": "c@p",
            "delegates": ["a@p", "b@p"]})
    );
}

/// Answers all the same and keeps what came.
struct Same {
    answer: Option<(&'static str, &'static str)>,
    asked: Mutex<Vec<http::Request<Bytes>>>,
}

impl Transport for Same {
    fn send(&self, request: http::Request<Bytes>) -> Sending<'_> {
        self.asked.lock().unwrap().push(request);
        Box::pin(std::future::ready(match self.answer {
            Some((header, body)) => {
                Ok(http::Response::builder().header(header, "Google").body(Bytes::from(body)).unwrap())
            }
            None => Err(TransportError::at(Stage::Unsent, "no route")),
        }))
    }
}

fn over(answer: Option<(&'static str, &'static str)>) -> (Client, Arc<Same>) {
    let same = Arc::new(Same { answer, asked: Mutex::default() });
    let transport = Arc::clone(&same) as Arc<dyn Transport>;
    let client = Client::new(transport, Endpoints::google(), Credentials::None);
    (client.with_timer(Arc::new(ManualTimer::default())), same)
}

#[tokio::test]
async fn where_no_machine_vouches_for_us_there_is_no_account() {
    let world = World::new().file("credentials.db", &json!({}));
    let (client, same) = over(None);
    let failure = world.choice().sign_in(client).await.err().unwrap();
    assert_eq!(failure.message, "You do not currently have an active account selected.");
    assert!(failure.hint.unwrap().contains("gcloud auth application-default login"));
    assert_eq!(same.asked.lock().unwrap()[0].uri().to_string(), "http://169.254.169.254/");

    // Some networks answer whatever is asked.
    let (client, _) = over(Some(("x-portal", "<html>")));
    assert!(world.choice().sign_in(client).await.is_err());
    let (client, _) = over(Some(("metadata-flavor", "computeMetadata/")));
    assert!(world.choice().sign_in(client).await.is_ok());

    let (client, same) = over(None);
    let world = world.set("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false");
    assert!(world.choice().sign_in(client).await.is_err());
    assert!(same.asked.lock().unwrap().is_empty(), "it was said not to look");
}

#[tokio::test]
async fn a_chain_is_signed_in_over_its_delegates() {
    let world = World::new()
        .set("CLOUDSDK_AUTH_ACCESS_TOKEN", "ya29.own")
        .set("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "a@p.iam,b@p.iam")
        .set("CLOUDSDK_BILLING_QUOTA_PROJECT", "payer");
    let (client, same) = over(Some(("x", r#"{"accessToken": "ya29.acting"}"#)));
    let client = world.choice().sign_in(client).await.unwrap();
    client.json("storage.googleapis.com", "GET", "/x", None).await.unwrap();
    let asked = same.asked.lock().unwrap();
    let header = |index: usize, name: &str| asked[index].headers()[name].to_str().unwrap().to_owned();
    assert!(asked[0].uri().path().ends_with("/b@p.iam:generateAccessToken"));
    assert_eq!(
        (header(0, "authorization"), header(1, "authorization")),
        ("Bearer ya29.own".into(), "Bearer ya29.acting".into())
    );
    assert_eq!(header(1, "x-goog-user-project"), "payer");
}

#[tokio::test]
async fn a_key_that_is_none_is_told_with_its_file() {
    let world = World::new().file("application_default_credentials.json", &json!({"type": "gdch_service_account"}));
    let (client, _) = over(None);
    let failure = world.choice().sign_in(client).await.err().unwrap();
    assert!(failure.message.starts_with("Failed to load credential file: ["), "{}", failure.message);
    assert!(failure.message.ends_with("gdch_service_account are not supported"), "{}", failure.message);
}
