//! The errors about keys that people meet, by the words that give them away.

use std::collections::BTreeMap;

/// What an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub id: &'static str,
    pub summary: String,
    pub cause: String,
    /// What the text itself tells: the rule, the key, the place.
    pub facts: BTreeMap<String, String>,
    pub ways: Vec<String>,
}

/// One error: its signs, and how to speak of it. `{name}` stands for a fact.
struct Known {
    id: &'static str,
    /// Any of these gives it away; all words of one sign must be there, in order.
    signs: &'static [&'static [&'static str]],
    summary: &'static str,
    cause: &'static str,
    ways: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    Known {
        id: "POLICY_STORAGE_NEEDS_KEY",
        signs: &[&["Request violates constraint", "gcp.restrictNonCmekServices"]],
        summary: "Storage may not create or write this without a customer-managed key.",
        cause: "constraints/gcp.restrictNonCmekServices denies storage.googleapis.com. The first push to a registry host creates its bucket without a key and cannot name one, so it is refused; and so is an object that would lie under no key, and taking a key away.",
        ways: &[
            "gcloud artifacts repositories create HOST --repository-format=docker --location=LOCATION --kms-key=KEY: Artifact Registry serves the host, with its key from the start",
            "lift the rule for this project, push once, cmek configure HOST --kms-key=KEY --rewrite-existing, put the rule back (needs roles/orgpolicy.policyAdmin; the bucket cannot be created by hand)",
            "an existing bucket: cmek configure HOST --kms-key=KEY",
        ],
    },
    Known {
        id: "POLICY_STORAGE_KEY_PROJECT",
        signs: &[&["Request violates constraint", "gcp.restrictCmekCryptoKeyProjects"]],
        summary: "Policy does not allow keys of that project for Storage.",
        cause: "constraints/gcp.restrictCmekCryptoKeyProjects lists the projects or folders whose keys may be used; the bucket's default key, or the key named, is of another project.",
        ways: &[
            "cmek policies describe gcp.restrictCmekCryptoKeyProjects --effective: see whose keys are allowed",
            "cmek configure HOST --kms-key=KEY-OF-AN-ALLOWED-PROJECT --rewrite-existing",
        ],
    },
    Known {
        id: "POLICY_SERVICE_NEEDS_KEY",
        signs: &[
            &["Constraint", "gcp.restrictNonCmekServices", "violated"],
            &["Constraint constraints/gcp.restrictNonCmekServices violated"],
        ],
        summary: "Policy asks for a customer-managed key, and the request names none.",
        cause: "constraints/gcp.restrictNonCmekServices denies the service. That is also why the topic gcr is not created by itself when Container Registry or Artifact Registry is enabled.",
        ways: &[
            "a topic: cmek topics configure gcr --kms-key=KEY",
            "another resource: create it with a key",
            "cmek policies check: see which services need keys in this project, and where that is set",
        ],
    },
    Known {
        id: "POLICY_SERVICE_KEY_PROJECT",
        signs: &[&["Constraint", "gcp.restrictCmekCryptoKeyProjects", "violated"]],
        summary: "Policy does not allow keys of that project.",
        cause: "constraints/gcp.restrictCmekCryptoKeyProjects lists the projects or folders whose keys may be used.",
        ways: &[
            "cmek policies describe gcp.restrictCmekCryptoKeyProjects --effective: see whose keys are allowed",
            "name a key of an allowed project",
        ],
    },
    Known {
        id: "STORAGE_AGENT_NO_GRANT",
        signs: &[&["Permission denied on Cloud KMS key", "Cloud Storage service account"]],
        summary: "Storage's agent may not use the key.",
        cause: "The bucket's project has an agent, service-NUMBER@gs-project-accounts.iam.gserviceaccount.com, that encrypts and decrypts. It lacks roles/cloudkms.cryptoKeyEncrypterDecrypter on the key, or the key does not exist: both read alike.",
        ways: &[
            "cmek service-agents authorize --service=storage --kms-key=KEY",
            "after a grant, wait: it is usually known within a minute, at times after seven",
            "cmek keys describe KEY: see whether the key is there",
        ],
    },
    Known {
        id: "ARTIFACT_AGENT_NO_GRANT",
        signs: &[&["Permission denied on Cloud KMS key", "Artifact Registry service account"]],
        summary: "Artifact Registry's agent may not use the key.",
        cause: "service-NUMBER@gcp-sa-artifactregistry.iam.gserviceaccount.com lacks roles/cloudkms.cryptoKeyEncrypterDecrypter on the key.",
        ways: &[
            "cmek service-agents authorize --service=artifactregistry --kms-key=KEY, then create the repository again",
        ],
    },
    Known {
        id: "PUBSUB_AGENT_NO_GRANT",
        signs: &[&["Cloud Pub/Sub did not have the necessary permissions"]],
        summary: "Pub/Sub's agent may not use the key.",
        cause: "service-NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com lacks roles/cloudkms.cryptoKeyEncrypterDecrypter on the key, or does not exist yet.",
        ways: &[
            "cmek service-agents authorize --service=pubsub --kms-key=KEY",
            "or all of it at once: cmek topics configure gcr --kms-key=KEY",
        ],
    },
    Known {
        id: "KEY_UNUSABLE",
        signs: &[&["Cloud KMS key is disabled, destroyed, or scheduled to be destroyed"], &["CloudKmsDisabledKey"]],
        summary: "A key version that is needed is disabled, scheduled to be destroyed, or destroyed.",
        cause: "A read needs the version that the object was written under; a write needs the primary version of the key. Docker shows it as an XML document or an invalid character '<', because the registry sends it to Storage.",
        ways: &[
            "cmek status HOST: see which versions objects lie under, and the state of each",
            "disabled: cmek keys enable KEY/VERSION",
            "scheduled: cmek keys restore KEY/VERSION, then cmek keys enable KEY/VERSION",
            "destroyed: nobody can read it any more, Google included; push the images again",
            "writes fail and reads work: cmek keys rotate KEY makes a new primary version",
        ],
    },
    Known {
        id: "KEY_MISSING",
        signs: &[&["CryptoKey ", " not found"], &["Cloud KMS encryption key not found"]],
        summary: "There is no such key.",
        cause: "Its name is mistyped, it is in another project, ring or location, or it was never made. Keys and rings cannot be renamed; a ring of the same name in another location is another ring.",
        ways: &[
            "cmek keys list --keyring=RING --location=LOCATION --key-project=PROJECT: see which keys there are",
            "cmek keys create KEY --keyring=RING --location=LOCATION",
        ],
    },
    Known {
        id: "RING_MISSING",
        signs: &[&["KeyRing ", " not found"]],
        summary: "There is no such key ring.",
        cause: "Its name is mistyped, it is in another project or location, or it was never made. A ring of the same name in another location is another ring.",
        ways: &[
            "gcloud kms keyrings list --location=LOCATION: see which rings there are",
            "cmek keys create KEY --keyring=RING --location=LOCATION makes the ring too",
        ],
    },
    Known {
        id: "KMS_LOCATION_UNKNOWN",
        signs: &[&["Cloud KMS resources are not available in"]],
        summary: "Cloud KMS has no such location.",
        cause: "Keys lie in regions (us-central1), in the multi-regions us, europe and asia, in some pairs of regions (nam4, eur4), or in global. The places of buckets are written otherwise: EU is europe, US is us.",
        ways: &["gcloud kms locations list: see which there are", "cmek hosts list: see where the buckets are"],
    },
    Known {
        id: "KEY_LOCATION",
        signs: &[&["Cloud KMS region '", "not available for use with GCS region '"]],
        summary: "The key is in the wrong place for the bucket.",
        cause: "A bucket takes keys of its own location: US takes us, EU takes europe, ASIA takes asia, a region takes itself; global is never taken.",
        ways: &[
            "cmek keys create KEY --keyring=RING --location=LOCATION in the place that fits",
            "cmek hosts list: see where the buckets are",
        ],
    },
    Known {
        id: "KEY_VERSION_STATE",
        signs: &[&["is not enabled, current state is:"]],
        summary: "The key version that is asked for is not enabled.",
        cause: "Only an ENABLED version encrypts and decrypts.",
        ways: &[
            "DISABLED: cmek keys enable KEY/VERSION",
            "DESTROY_SCHEDULED: cmek keys restore KEY/VERSION, then enable it",
            "DESTROYED: nothing brings it back",
        ],
    },
    Known {
        id: "KEY_VERSION_MOVE",
        signs: &[&["The request cannot be fulfilled. Resource", "in field crypto_key_version.state"]],
        summary: "The key version is in a state from which this cannot be done.",
        cause: "A version can be restored only while its destruction is scheduled, and destroyed only while it is enabled or disabled.",
        ways: &["cmek keys describe KEY: see the state of each version"],
    },
    Known {
        id: "KEY_WITH_VERSION",
        signs: &[&["Malformed Cloud KMS crypto key"], &["Invalid KMS key name"]],
        summary: "The key's name has not the form that is wanted.",
        cause: "Storage and gcloud take the name of a key without a version: projects/P/locations/L/keyRings/R/cryptoKeys/K. What an object shows as kmsKeyName has one and cannot be sent back.",
        ways: &["leave /cryptoKeyVersions/N away"],
    },
    Known {
        id: "KMS_CALLER_DENIED",
        signs: &[&["cloudkms.cryptoKeyVersions.useTo", "denied on resource"]],
        summary: "The caller may not use the key, or it does not exist.",
        cause: "KMS says the same of a key that is not there and of one that the caller has no role on.",
        ways: &[
            "yourself: ask for roles/cloudkms.cryptoKeyEncrypterDecrypter on the key",
            "a service: cmek service-agents authorize --kms-key=KEY",
        ],
    },
    Known {
        id: "BUCKET_BY_HAND",
        signs: &[&["domain name owned by another user"], &["Another user owns the domain"]],
        summary: "A registry's bucket cannot be created by hand.",
        cause: "artifacts.PROJECT.appspot.com is a name in a domain of Google's; only the first push creates it.",
        ways: &[
            "push once, then cmek configure HOST --kms-key=KEY --rewrite-existing",
            "or let Artifact Registry serve the host: gcloud artifacts repositories create HOST --repository-format=docker --location=LOCATION --kms-key=KEY",
        ],
    },
    Known {
        id: "API_DISABLED",
        signs: &[&["API has not been used in project", "before or it is disabled"]],
        summary: "The API is not enabled in the project.",
        cause: "Google answers so before it looks at permissions or names.",
        ways: &[
            "cmek configure enables what it needs by itself",
            "or: gcloud services enable SERVICE, and wait a minute",
        ],
    },
    Known {
        id: "REGISTRY_SHUT_DOWN",
        signs: &[&["Container Registry is deprecated and shutting down"]],
        summary: "Container Registry is shut down, and the project's images are not on Artifact Registry yet.",
        cause: "Artifact Registry serves the names of gcr.io where a repository of that name exists.",
        ways: &[
            "gcloud artifacts repositories create gcr.io --repository-format=docker --location=us --kms-key=KEY",
            "what is left in the old bucket: cmek audit shows it",
        ],
    },
    Known {
        id: "REPOSITORY_MISSING",
        signs: &[&["gcr.io repo does not exist", "artifactregistry.repositories.createOnPush"]],
        summary: "The host is served by Artifact Registry, and the repository is not there.",
        cause: "A repository that a push creates has no customer-managed key, and none can be given to it later.",
        ways: &[
            "create it with its key first: gcloud artifacts repositories create HOST --repository-format=docker --location=LOCATION --kms-key=KEY",
        ],
    },
    Known {
        id: "AGENT_MISSING",
        signs: &[&["Service account", "does not exist"]],
        summary: "The service's agent has not been made yet.",
        cause: "IAM takes no member that does not exist; an agent exists from the first use of its service, or when it is asked for.",
        ways: &["cmek service-agents authorize --service=SERVICE --kms-key=KEY makes it and grants it"],
    },
    Known {
        id: "DECRYPTION_FAILED",
        signs: &[&["Decryption failed: verify that 'name' refers to the correct CryptoKey"]],
        summary: "What was to be decrypted was not encrypted with this key.",
        cause: "Another key, other additional data, or bytes that were changed on the way: KMS does not tell these apart.",
        ways: &[
            "name the key that it was encrypted with; the same --additional-authenticated-data-file, if there was one",
        ],
    },
];

/// Every known error that the text shows, in the order of the table.
pub fn find(text: &str) -> Vec<Explanation> {
    // Terminals wrap and quote what they show.
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("\\\"", "\"");
    KNOWN
        .iter()
        .filter(|known| known.signs.iter().any(|words| in_order(&flat, words)))
        .map(|known| Explanation {
            id: known.id,
            summary: known.summary.to_owned(),
            cause: known.cause.to_owned(),
            facts: facts(&flat),
            ways: known.ways.iter().map(|way| filled(way, &flat)).collect(),
        })
        .collect()
}

fn in_order(text: &str, words: &[&str]) -> bool {
    let mut rest = text;
    words.iter().all(|word| match rest.find(word) {
        Some(at) => {
            rest = &rest[at + word.len()..];
            true
        }
        None => false,
    })
}

/// What stands between two marks.
fn between<'a>(text: &'a str, before: &str, after: &[char]) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    let found = &rest[..rest.find(after).unwrap_or(rest.len())];
    (!found.is_empty()).then_some(found)
}

/// The first resource name of Cloud KMS.
fn key_in(text: &str) -> Option<String> {
    text.match_indices("projects/").find_map(|(at, _)| {
        let name: String = text[at..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | ':'))
            .collect();
        let name = name.trim_end_matches(['.', ':', '/']).to_owned();
        name.contains("/cryptoKeys/").then_some(name)
    })
}

fn facts(text: &str) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    put("key", key_in(text));
    put("rule", between(text, "constraints/", &['\'', '"', ' ', ',']).map(|name| format!("constraints/{name}")));
    put("state", between(text, "current state is: ", &['.', '"', ' ', '\'']).map(str::to_owned));
    put("key location", between(text, "Cloud KMS region '", &['\'']).map(str::to_owned));
    put("bucket location", between(text, "GCS region '", &['\'']).map(str::to_owned));
    put("project", between(text, "violated for 'projects/", &['\'']).map(str::to_owned));
    put("refused", between(text, "perform the operation '", &['\'']).map(str::to_owned));
    put("value", between(text, "violated value '", &['\'']).map(str::to_owned));
    facts
}

/// The key's own name where the text has told it.
fn filled(way: &str, text: &str) -> String {
    let Some(name) = key_in(text) else { return way.to_owned() };
    let (key, version) = name.split_once("/cryptoKeyVersions/").unwrap_or((&name, "VERSION"));
    way.replace("KEY/VERSION", &format!("{key}/cryptoKeyVersions/{version}"))
        .replace("--kms-key=KEY", &format!("--kms-key={key}"))
        .replace(" KEY", &format!(" {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_known_by_the_words_of_each_tool() {
        let rows = [
            (
                "HTTPError 412: Request violates constraint 'constraints/gcp.restrictNonCmekServices'",
                "POLICY_STORAGE_NEEDS_KEY",
            ),
            (
                "Error: googleapi: Error 412: Request violates constraint 'constraints/gcp.restrictCmekCryptoKeyProjects', conditionNotMet",
                "POLICY_STORAGE_KEY_PROJECT",
            ),
            (
                "ERROR: (gcloud.pubsub.topics.create) FAILED_PRECONDITION: Constraint 'constraints/gcp.restrictNonCmekServices' violated for 'projects/p' attempting to perform the operation 'google.pubsub.v1.Publisher.CreateTopic' with violated value 'pubsub.googleapis.com'.",
                "POLICY_SERVICE_NEEDS_KEY",
            ),
            (
                "error pulling image configuration: error parsing HTTP 400 response body: invalid character '<' looking for beginning of value: \"<?xml version='1.0' encoding='UTF-8'?><Error><Code>CloudKmsDisabledKey</Code>",
                "KEY_UNUSABLE",
            ),
            ("KeyRing projects/p/locations/us/keyRings/r not found.", "RING_MISSING"),
            (
                "NOT_FOUND: The request concerns location 'eu' but was sent to location 'global'. Cloud KMS resources are not available in 'eu'.",
                "KMS_LOCATION_UNKNOWN",
            ),
            ("Cloud KMS region 'global' not available for use with GCS region 'US'.", "KEY_LOCATION"),
            (
                "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service\n account has been authorized to use this key.",
                "STORAGE_AGENT_NO_GRANT",
            ),
            (
                "projects/P/locations/us/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.",
                "KEY_VERSION_STATE",
            ),
        ];
        for (text, id) in rows {
            let found = find(text);
            assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [id], "{text}");
        }
        assert!(find("Connection refused").is_empty());
        assert!(find("").is_empty());
    }

    #[test]
    fn what_the_text_tells_is_told_back() {
        let found = &find(
            "projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2 is not enabled, current state is: DISABLED.",
        )[0];
        assert_eq!(found.facts["state"], "DISABLED");
        assert!(
            found.ways[0]
                .ends_with("cmek keys enable projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2")
        );
        let found = &find("Cloud KMS region 'global' not available for use with GCS region 'US'.")[0];
        assert_eq!((found.facts["key location"].as_str(), found.facts["bucket location"].as_str()), ("global", "US"));
    }
}
