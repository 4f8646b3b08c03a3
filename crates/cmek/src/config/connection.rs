//! What the properties and the environment say about the way to Google: certificates, proxies, addresses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use gcp_client::{Endpoints, Network, Proxies, Trust};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::properties::Properties;
use super::values;
use crate::failure::{Failure, Outcome};

type Environment = BTreeMap<String, String>;

/// Never behind a proxy: the metadata server, and with proxies from the environment this machine itself.
const METADATA: &str = "metadata.google.internal,169.254.169.254";
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

const SECTION: &str = "api_endpoint_overrides";

pub fn network(properties: &Properties, environment: &Environment) -> Outcome<Network> {
    let mut network =
        Network { trust: trust(properties)?, proxies: proxies(properties, environment)?, ..Network::default() };
    if let Some(seconds) = properties.number("core/http_timeout")?.filter(|seconds| *seconds > 0) {
        network.timeout = Duration::from_secs(seconds);
    }
    Ok(network)
}

fn trust(properties: &Properties) -> Outcome<Trust> {
    if properties.switch("auth/disable_ssl_validation")? {
        return Ok(Trust::Anybody);
    }
    let Some(file) = properties.text("core/custom_ca_certs_file").map(PathBuf::from) else { return Ok(Trust::System) };
    let wrong = |what: &str| Err(values::invalid("core", "custom_ca_certs_file", what));
    if !file.is_file() {
        return wrong("The provided path must exist.");
    }
    if !file.is_absolute() {
        return wrong("The provided path must be absolute.");
    }
    Ok(Trust::File(file))
}

/// By `proxy/*`, which then is all; else by the usual variables.
fn proxies(properties: &Properties, environment: &Environment) -> Outcome<Proxies> {
    let (kind, address) = (properties.text("proxy/type"), properties.text("proxy/address"));
    let port = properties.number("proxy/port")?;
    match (kind, address, port) {
        (None, None, None) => Ok(of_environment(environment)),
        (Some(kind), Some(address), Some(port)) => {
            values::choice("proxy", "type", &kind, &["http", "http_no_tunnel", "socks4", "socks5"]).map_err(
                |failure| Failure {
                    message: failure.message.replace("The type value", "The proxy type property value"),
                    ..failure
                },
            )?;
            let scheme = match (kind.as_str(), properties.switch("proxy/rdns")?) {
                ("socks4", true) => "socks4a",
                ("socks5", true) => "socks5h",
                ("socks4" | "socks5", false) => kind.as_str(),
                _ => "http",
            };
            let escaped =
                |path: &str| properties.text(path).map(|text| utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string());
            let user = match (escaped("proxy/username"), escaped("proxy/password")) {
                (None, None) => String::new(),
                (user, password) => format!("{}:{}@", user.unwrap_or_default(), password.unwrap_or_default()),
            };
            let proxy = format!("{scheme}://{user}{address}:{port}");
            Ok(Proxies { https: proxy.clone(), http: proxy, except: METADATA.to_owned() })
        }
        _ => Err(Failure::new(
            "Please set all or none of the following properties: proxy/type, proxy/address and proxy/port",
        )),
    }
}

fn of_environment(environment: &Environment) -> Proxies {
    // As everywhere, the small letters come first.
    let set = |name: &str| {
        [name.to_owned(), name.to_uppercase()]
            .iter()
            .find_map(|name| environment.get(name))
            .filter(|value| !value.is_empty())
            .cloned()
    };
    let all = set("all_proxy");
    let (https, http) = (set("https_proxy").or_else(|| all.clone()), set("http_proxy").or(all));
    let except = [set("no_proxy").unwrap_or_default().as_str(), METADATA, LOOPBACK].join(",");
    Proxies { https: https.unwrap_or_default(), http: http.unwrap_or_default(), except }
}

/// Where the APIs are, and the registry hosts, for which gcloud has no property.
pub fn endpoints(properties: &Properties, environment: &Environment) -> Outcome<Endpoints> {
    let mut endpoints = Endpoints::google();
    for (property, setting) in properties.all().filter(|(property, _)| property.section == SECTION) {
        values::endpoint(property.name, &setting.value)?;
        endpoints.set(property.name, &setting.value);
    }
    if let Some(base) = environment.get("CMEK_REGISTRY_ENDPOINT").filter(|base| !base.is_empty()) {
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Failure::new(format!("CMEK_REGISTRY_ENDPOINT is no address: [{base}]."))
                .hint("it begins with http:// or https://"));
        }
        endpoints.set_registry(base);
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn made(pairs: &[(&str, &str)]) -> Outcome<Network> {
        let environment = environment(pairs);
        network(&Properties::read(Vec::new(), None, &environment)?, &environment)
    }

    #[test]
    fn proxies_are_gclouds_properties_or_the_usual_variables() {
        let properties = [
            ("CLOUDSDK_PROXY_TYPE", "http"),
            ("CLOUDSDK_PROXY_ADDRESS", "proxy.example.com"),
            ("CLOUDSDK_PROXY_PORT", "8080"),
        ];
        let network = made(&properties).unwrap();
        assert_eq!(network.proxies.https, "http://proxy.example.com:8080");
        assert_eq!(network.proxies.http, network.proxies.https);

        let socks =
            [("CLOUDSDK_PROXY_TYPE", "socks5"), ("CLOUDSDK_PROXY_USERNAME", "me"), ("CLOUDSDK_PROXY_PASSWORD", "p@w")];
        let mut all = properties[1..].to_vec();
        all.extend(socks);
        all.push(("HTTPS_PROXY", "http://other:1"));
        assert_eq!(made(&all).unwrap().proxies.https, "socks5h://me:p%40w@proxy.example.com:8080");
        all.push(("CLOUDSDK_PROXY_RDNS", "false"));
        assert_eq!(made(&all).unwrap().proxies.https, "socks5://me:p%40w@proxy.example.com:8080");

        let network = made(&[
            ("HTTPS_PROXY", "http://up:1"),
            ("https_proxy", "http://low:1"),
            ("ALL_PROXY", "http://all:1"),
            ("NO_PROXY", "corp"),
        ])
        .unwrap();
        assert_eq!((network.proxies.https.as_str(), network.proxies.http.as_str()), ("http://low:1", "http://all:1"));
        assert!(network.proxies.except.starts_with("corp,metadata.google.internal"), "{}", network.proxies.except);
        assert!(made(&[]).unwrap().proxies.https.is_empty());
    }

    #[test]
    fn half_a_proxy_is_none() {
        assert_eq!(
            made(&[("CLOUDSDK_PROXY_TYPE", "http")]).unwrap_err().message,
            "Please set all or none of the following properties: proxy/type, proxy/address and proxy/port"
        );
        let wrong = [("CLOUDSDK_PROXY_TYPE", "bogus"), ("CLOUDSDK_PROXY_ADDRESS", "h"), ("CLOUDSDK_PROXY_PORT", "1")];
        assert_eq!(
            made(&wrong).unwrap_err().message,
            "Invalid value for property [proxy/type]: The proxy type property value [bogus] is not valid. Possible values: \
             [http, http_no_tunnel, socks4, socks5]."
        );
    }

    #[test]
    fn certificates_are_a_file_that_is_there_or_nobody_is_asked() {
        let wrong = |path: &str| made(&[("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", path)]).unwrap_err().message;
        assert_eq!(
            wrong("/nope.pem"),
            "Invalid value for property [core/custom_ca_certs_file]: The provided path must exist."
        );
        assert!(wrong("Cargo.toml").ends_with("The provided path must be absolute."));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "").unwrap();
        let path = file.display().to_string();
        assert_eq!(made(&[("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", &path)]).unwrap().trust, Trust::File(file.clone()));
        let both =
            [("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", path.as_str()), ("CLOUDSDK_AUTH_DISABLE_SSL_VALIDATION", "true")];
        assert_eq!(made(&both).unwrap().trust, Trust::Anybody);
        assert_eq!(made(&[]).unwrap().trust, Trust::System);
        assert_eq!(made(&[("CLOUDSDK_CORE_HTTP_TIMEOUT", "7")]).unwrap().timeout, Duration::from_secs(7));
    }

    #[test]
    fn endpoints_are_checked_before_any_call() {
        let made = |pairs: &[(&str, &str)]| {
            let environment = environment(pairs);
            endpoints(&Properties::read(Vec::new(), None, &environment)?, &environment)
        };
        let set = made(&[
            ("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "http://127.0.0.1:9/kms/"),
            ("CLOUDSDK_API_ENDPOINT_OVERRIDES_BOGUS", "nonsense"),
            ("CMEK_REGISTRY_ENDPOINT", "http://127.0.0.1:9"),
        ])
        .unwrap();
        assert_eq!(set.of("cloudkms.googleapis.com"), "http://127.0.0.1:9/kms");
        assert_eq!(set.registry("gcr.io").0, "http://127.0.0.1:9");
        let failure = made(&[("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "http://127.0.0.1:9")]).unwrap_err();
        assert!(failure.message.contains("ending with a trailing '/'"), "{}", failure.message);
        assert!(made(&[("CMEK_REGISTRY_ENDPOINT", "127.0.0.1:9")]).is_err());
    }
}
