//! What may stand in a property, in gcloud's words where it may not.

use crate::failure::{Failure, Outcome};

const ON: [&str; 5] = ["true", "1", "on", "yes", "y"];
const OFF: [&str; 6] = ["false", "0", "off", "no", "n", ""];

/// On, off, or as if it were not set.
pub fn switch(section: &str, name: &str, value: &str) -> Outcome<Option<bool>> {
    let lower = value.to_ascii_lowercase();
    match lower.as_str() {
        "none" => Ok(None),
        word if ON.contains(&word) => Ok(Some(true)),
        word if OFF.contains(&word) => Ok(Some(false)),
        _ => Err(invalid(
            section,
            name,
            &format!(
                "The [{name}] value [{value}] is not valid. Possible values: [true, 1, on, yes, y, false, 0, off, no, n, \
                 '', none]. (See http://yaml.org/type/bool.html)"
            ),
        )),
    }
}

pub fn invalid(section: &str, name: &str, what: &str) -> Failure {
    Failure::new(format!("Invalid value for property [{section}/{name}]: {what}"))
}

/// One of several words.
pub fn choice(section: &str, name: &str, value: &str, words: &[&str]) -> Outcome<()> {
    if words.contains(&value) {
        return Ok(());
    }
    let what = format!("The {name} value [{value}] is not valid. Possible values: [{}].", words.join(", "));
    Err(invalid(section, name, &what))
}

/// A project's id, of which gcloud lets more pass than can be created today.
pub fn project(value: &str) -> Outcome<()> {
    let hint = "gcloud config set project PROJECT_ID, or gcloud config unset project";
    let wrong = |message: String| Err(Failure::new(message).hint(hint));
    if value.is_empty() {
        return wrong("The project property is set to the empty string, which is invalid.".to_owned());
    }
    if is_project(value) {
        return Ok(());
    }
    let looks_like_a_name = value.starts_with(|c: char| c == '-' || c.is_ascii_digit() || c.is_ascii_uppercase())
        || value.contains([' ', '!', '"', '\'']);
    if looks_like_a_name {
        return wrong(format!(
            "The project property must be set to a valid project ID, not the project name [{value}]"
        ));
    }
    wrong(format!("The project property must be set to a valid project ID, [{value}] is not a valid project ID."))
}

/// `[DOMAIN:]ID`
fn is_project(value: &str) -> bool {
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |text: &str| (1..=63).contains(&text.len()) && text.bytes().all(|byte| small(byte) || byte == b'-');
    let closed = |text: &str| label(text) && text.bytes().next_back().is_some_and(small);
    let (domain, id) = value.rsplit_once(':').map_or((None, value), |(domain, id)| (Some(domain), id));
    let domain_fits = domain.is_none_or(|domain| {
        let (parents, top) = domain.rsplit_once('.').map_or((None, domain), |(parents, top)| (Some(parents), top));
        parents.is_none_or(|parents| parents.split('.').all(label))
            && closed(top)
            && top.starts_with(|c: char| c.is_ascii_lowercase())
    });
    domain_fits && closed(id) && id.bytes().next().is_some_and(small)
}

/// A base address: `http(s)://HOST[:PORT]/…/`.
pub fn endpoint(name: &str, value: &str) -> Outcome<()> {
    if is_endpoint(value) {
        return Ok(());
    }
    let what = format!(
        "The endpoint_overrides property must be an absolute URI beginning with http:// or https:// and ending with a \
         trailing '/'. [{value}] is not a valid endpoint override."
    );
    Err(invalid("api_endpoint_overrides", name, &what))
}

fn is_endpoint(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let scheme_fits = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path_fits = path == "/" || (path.len() > 2 && path.ends_with('/') && !path.contains(char::is_whitespace));
    scheme_fits && path_fits && is_host(host)
}

fn is_host(host: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if let Some((address, port)) = bracketed {
        let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(digits);
        return port_fits && address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let (name, port_fits) = match host.split_once(':') {
        Some((name, port)) => (name, digits(port)),
        None => (host, true),
    };
    port_fits
        && name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_words_in_any_case() {
        for on in ["true", "1", "ON", "Yes", "y"] {
            assert_eq!(switch("core", "log_http", on).unwrap(), Some(true), "{on}");
        }
        for off in ["False", "0", "off", "NO", "n", ""] {
            assert_eq!(switch("core", "log_http", off).unwrap(), Some(false), "{off}");
        }
        assert_eq!(switch("core", "log_http", "None").unwrap(), None);
        assert_eq!(
            switch("core", "disable_prompts", "maybe").unwrap_err().message,
            "Invalid value for property [core/disable_prompts]: The [disable_prompts] value [maybe] is not valid. \
             Possible values: [true, 1, on, yes, y, false, 0, off, no, n, '', none]. (See http://yaml.org/type/bool.html)"
        );
    }

    #[test]
    fn project_ids_are_judged_as_gcloud_does() {
        for good in ["waffle-house", "p1", "1project", "123", "google.com:waffle", "example.com:foo", "a.b-c.de:x1"] {
            assert!(project(good).is_ok(), "{good}");
        }
        for (bad, words) in [
            ("", "is set to the empty string, which is invalid."),
            ("My Project", "not the project name [My Project]"),
            ("Foozle", "not the project name [Foozle]"),
            ("-foozle", "not the project name [-foozle]"),
            ("my_project", ", [my_project] is not a valid project ID."),
            ("foozle-", ", [foozle-] is not a valid project ID."),
            ("9.:x", "not the project name [9.:x]"),
            ("a/b", ", [a/b] is not a valid project ID."),
        ] {
            let failure = project(bad).unwrap_err();
            assert!(failure.message.ends_with(words), "{bad}: {}", failure.message);
            assert!(failure.hint.is_some());
        }
        assert!(project(&"a".repeat(63)).is_ok());
        assert!(project(&"a".repeat(64)).is_err());
    }

    #[test]
    fn endpoints_are_absolute_and_end_in_a_slash() {
        for good in [
            "http://127.0.0.1:8787/",
            "https://cloudkms.googleapis.com/",
            "HTTP://localhost/",
            "http://[::1]:80/x/",
            "https://h1/prefix/v1/",
        ] {
            assert!(endpoint("cloudkms", good).is_ok(), "{good}");
        }
        for bad in
            ["http://127.0.0.1:8787", "127.0.0.1:8787/", "ftp://host/", "http:///", "http://h o/", "http://host:x/", ""]
        {
            assert_eq!(
                endpoint("cloudkms", bad).unwrap_err().message,
                format!(
                    "Invalid value for property [api_endpoint_overrides/cloudkms]: The endpoint_overrides property must be \
                     an absolute URI beginning with http:// or https:// and ending with a trailing '/'. [{bad}] is not a \
                     valid endpoint override."
                )
            );
        }
    }
}
