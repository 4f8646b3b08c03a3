//! Properties from flags, environment and files in a folder of the test's own.

use super::*;

/// A folder of gcloud's with a configuration `default`, and an installation beside it.
fn world(default: &str, installed: &str) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    std::fs::create_dir_all(at("config/configurations")).unwrap();
    std::fs::create_dir_all(at("sdk")).unwrap();
    std::fs::write(at("config/configurations/config_default"), default).unwrap();
    std::fs::write(at("config/configurations/config_dev"), "[core]\nproject = dev-1\n").unwrap();
    std::fs::write(at("sdk/properties"), installed).unwrap();
    let environment = [("CLOUDSDK_CONFIG", "config"), ("CLOUDSDK_ROOT_DIR", "sdk")]
        .map(|(name, path)| (name.to_owned(), at(path).display().to_string()));
    (root, environment.into())
}

fn flag(property: &'static str, flag: &'static str, value: &str) -> Flag {
    Flag { property, flag, value: value.to_owned() }
}

fn read(flags: Vec<Flag>, environment: &BTreeMap<String, String>) -> Properties {
    Properties::read(flags, None, environment).unwrap()
}

fn only(property: &str, value: &str) -> Properties {
    let variable = format!("CLOUDSDK_{}", property.to_uppercase().replace('/', "_"));
    read(Vec::new(), &BTreeMap::from([(variable, value.to_owned())]))
}

#[test]
fn a_flag_beats_the_environment_that_the_configuration_that_the_installation() {
    let (root, mut environment) =
        world("[core]\nproject = from-file\n", "[core]\nproject = from-sdk\naccount = sdk@x\n");
    let installed = read(Vec::new(), &environment);
    let origin = |properties: &Properties, path: &str| {
        let setting = properties.get(path).unwrap();
        (setting.value, setting.origin.to_string())
    };
    let sdk = root.path().join("sdk/properties").display().to_string();
    assert_eq!(origin(&installed, "core/account"), ("sdk@x".to_owned(), format!("installation [{sdk}]")));
    assert_eq!(origin(&installed, "core/project"), ("from-file".to_owned(), "configuration [default]".to_owned()));
    assert_eq!(origin(&installed, "core/verbosity"), ("warning".to_owned(), "default".to_owned()));

    environment.insert("CLOUDSDK_CORE_PROJECT".to_owned(), "from-env".to_owned());
    let variable = read(Vec::new(), &environment);
    assert_eq!(
        origin(&variable, "core/project"),
        ("from-env".to_owned(), "environment CLOUDSDK_CORE_PROJECT".to_owned())
    );
    let flagged = read(vec![flag("core/project", "--project", "from-flag")], &environment);
    assert_eq!(origin(&flagged, "core/project"), ("from-flag".to_owned(), "flag --project".to_owned()));

    let named = Properties::read(Vec::new(), Some("dev"), &BTreeMap::from([environment.pop_first().unwrap()])).unwrap();
    assert_eq!((named.configuration().name.as_str(), named.project().unwrap()), ("dev", "dev-1".to_owned()));
}

#[test]
fn without_a_home_there_are_flags_and_environment() {
    let properties = only("core/project", "p1");
    assert_eq!((properties.project().unwrap(), properties.configuration().name.as_str()), ("p1".to_owned(), "default"));
    let nothing = read(Vec::new(), &BTreeMap::new());
    let failure = nothing.project().unwrap_err();
    assert_eq!(failure.message, "The required property [project] is not currently set.");
    assert!(failure.hint.unwrap().contains("CLOUDSDK_CORE_PROJECT"));
    assert_eq!(nothing.project_if_set().unwrap(), None);
}

#[test]
fn a_project_that_is_none_is_refused_in_gclouds_words() {
    let project = |value: &str| only("core/project", value).project().unwrap_err().message;
    assert_eq!(project(""), "The project property is set to the empty string, which is invalid.");
    assert_eq!(project("123"), "[123] is a project number (environment CLOUDSDK_CORE_PROJECT).");
    assert!(project("My Project").ends_with("not the project name [My Project]"));
    let flagged = read(vec![flag("core/project", "--project", "123")], &BTreeMap::new());
    assert_eq!(
        flagged.project().unwrap_err().message,
        "The value of ``--project'' flag was set to Project number.To use this command, set it to PROJECT ID instead."
    );
}

#[test]
fn switches_have_defaults_and_none_is_the_default() {
    assert!(!only("x", "").switch("core/disable_prompts").unwrap());
    assert!(only("core/disable_prompts", "1").switch("core/disable_prompts").unwrap());
    assert!(only("x", "").switch("core/user_output_enabled").unwrap());
    assert!(only("core/user_output_enabled", "none").switch("core/user_output_enabled").unwrap());
    assert!(!only("core/user_output_enabled", "").switch("core/user_output_enabled").unwrap());
    assert!(only("core/log_http", "perhaps").switch("core/log_http").is_err());
}

#[test]
fn levels_formats_and_numbers_are_of_their_kind() {
    assert_eq!(only("x", "").verbosity().unwrap(), Verbosity::Warning);
    assert_eq!(only("core/verbosity", "DEBUG").verbosity().unwrap(), Verbosity::Debug);
    let failure = only("core/verbosity", "loud").verbosity().unwrap_err();
    assert!(failure.message.contains("[loud] is not valid. Possible values: [debug, info,"), "{}", failure.message);
    assert!(Verbosity::Debug < Verbosity::Warning);

    assert_eq!(only("core/default_format", "json").formats().unwrap(), (None, Some("json".to_owned())));
    let failure = only("core/format", "yaml").formats().unwrap_err();
    assert!(failure.message.starts_with("Format must be one of config, default, disable,"), "{}", failure.message);

    assert_eq!(only("proxy/port", "8080").number("proxy/port").unwrap(), Some(8080));
    let failure = only("proxy/port", "http").number("proxy/port").unwrap_err();
    assert_eq!(failure.message, "The property [proxy/port] must have an integer value: [http]");
}

#[test]
fn what_is_asked_for_by_name_is_there_or_is_said_not_to_be() {
    assert_eq!(Properties::find("project").unwrap().name, "project");
    assert_eq!(Properties::find("auth/access_token_file").unwrap().section, "auth");
    assert_eq!(Properties::find("core/bogus").unwrap_err().message, "Section [core] has no property [bogus].");
    assert_eq!(Properties::find("bogus/x").unwrap_err().message, "Section \"bogus\" does not exist.");
}

#[test]
fn what_is_set_is_listed_in_order_with_the_environment_and_without_defaults() {
    let file =
        "[core]\nproject = p1\n[auth]\naccess_token = from-file\n[compute]\nregion = us\n[proxy]\npassword = s\n";
    let (_root, mut environment) = world(file, "");
    environment.insert("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS".to_owned(), "http://127.0.0.1:9/".to_owned());
    let properties = read(Vec::new(), &environment);
    let listed: Vec<_> = properties
        .all()
        .map(|(property, setting)| (property.section, property.name, property.secret, setting.value))
        .collect();
    assert_eq!(
        listed,
        [
            ("api_endpoint_overrides", "cloudkms", false, "http://127.0.0.1:9/".to_owned()),
            ("core", "project", false, "p1".to_owned()),
            ("proxy", "password", true, "s".to_owned()),
        ],
        "a token in a file is none of gcloud's properties"
    );
}

#[test]
fn the_known_ones_are_sorted_and_every_endpoint_name_of_the_client_is_there() {
    let paths: Vec<_> = KNOWN.iter().map(|property| (property.section, property.name)).collect();
    assert!(paths.is_sorted());
    for (name, _) in gcp_client::ENDPOINT_NAMES.iter().chain(&gcp_client::REAL_ENDPOINT_NAMES) {
        assert!(Properties::find(&format!("api_endpoint_overrides/{}", name.to_lowercase())).is_ok(), "{name}");
    }
}
