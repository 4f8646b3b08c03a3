//! What is not as it should be with registry buckets and topics, rule by rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use gcp_names::constraint::{RESTRICT_KEY_PROJECTS, RESTRICT_NON_CMEK};
use gcp_names::{KeyName, KeyVersionName, RegistryHost, location};
use serde::{Deserialize, Serialize};

use crate::facts::{KeyFacts, PolicyFacts, place};
use crate::words::{key_words, renew, revive};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rank {
    Error,
    Warning,
    Note,
}

/// A rule of the audit, as documents list it.
#[derive(Debug)]
pub struct RuleInfo {
    pub id: &'static str,
    pub rank: Rank,
    pub about: &'static str,
}

const RULES: [RuleInfo; 12] = [
    RuleInfo { id: "NO_KEY", rank: Rank::Warning, about: "A bucket or topic has no customer-managed key." },
    RuleInfo {
        id: "POLICY_NO_KEY",
        rank: Rank::Error,
        about: "Policy asks for a customer-managed key and there is none.",
    },
    RuleInfo {
        id: "POLICY_KEY_PROJECT",
        rank: Rank::Error,
        about: "The key is of a project that policy does not allow.",
    },
    RuleInfo { id: "KEY_MISSING", rank: Rank::Error, about: "The key does not exist." },
    RuleInfo { id: "KEY_HIDDEN", rank: Rank::Note, about: "The key could not be looked at." },
    RuleInfo {
        id: "KEY_NOT_ENABLED",
        rank: Rank::Error,
        about: "The key's primary version is not enabled: nothing can be written.",
    },
    RuleInfo {
        id: "LOCATION",
        rank: Rank::Error,
        about: "The key is not in the place that the bucket takes keys from.",
    },
    RuleInfo { id: "AGENT_NO_GRANT", rank: Rank::Error, about: "The service agent may not use the key." },
    RuleInfo { id: "AGENT_BROAD_GRANT", rank: Rank::Warning, about: "The service agent may use more than this key." },
    RuleInfo {
        id: "OBJECTS_LOST",
        rank: Rank::Error,
        about: "Objects lie under key versions that are not enabled and cannot be read.",
    },
    RuleInfo {
        id: "OBJECTS_OLD",
        rank: Rank::Warning,
        about: "Objects lie under another key, an older version or the Google-managed key.",
    },
    RuleInfo {
        id: "LEFTOVER_BUCKET",
        rank: Rank::Note,
        about: "Container Registry no longer serves the bucket, and objects are left in it.",
    },
];

pub fn rules() -> &'static [RuleInfo] {
    &RULES
}

/// A bucket of a registry host, or a topic.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `//storage.googleapis.com/BUCKET`
    pub resource: String,
    pub project: String,
    /// None: a topic.
    pub host: Option<RegistryHost>,
    pub location: String,
    /// Empty: Google-managed.
    pub key: String,
    /// The member that uses the key.
    pub agent: String,
    /// Objects and bytes by key version.
    pub objects: BTreeMap<String, (u64, u64)>,
    pub policy: Arc<PolicyFacts>,
    /// None: nobody knows.
    pub is_served: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    pub severity: Rank,
    pub rule: String,
    pub project: String,
    pub resource: String,
    pub message: String,
    pub mend: String,
    /// The same for the same issue, whatever its numbers are today.
    pub fingerprint: String,
}

/// `keys`: what is known of each key; a key that could not be looked at is not among them.
pub fn audit(subject: &Subject, keys: &BTreeMap<String, Arc<KeyFacts>>) -> Vec<Issue> {
    let mut found = Vec::new();
    let mut say = |rule: &str, message: String, mend: String| {
        let rank = RULES.iter().find(|known| known.id == rule).map_or(Rank::Error, |known| known.rank);
        found.push(Issue {
            severity: rank,
            rule: rule.to_owned(),
            project: subject.project.clone(),
            resource: subject.resource.clone(),
            message,
            mend,
            fingerprint: format!("{rule} {}", subject.resource),
        });
    };
    let (service, what, again) = match subject.host {
        Some(host) => ("storage.googleapis.com", format!("the bucket of {host}"), format!("cmek configure {host}")),
        None => ("pubsub.googleapis.com", "topic gcr".to_owned(), "cmek configure --topic".to_owned()),
    };
    let project = format!("--project={}", subject.project);
    let total: u64 = subject.objects.values().map(|(count, _)| count).sum();
    if subject.is_served == Some(false) && total > 0 {
        say(
            "LEFTOVER_BUCKET",
            format!("Container Registry no longer serves {what}; {total} objects are left in it."),
            "move the images to Artifact Registry, then delete the bucket".to_owned(),
        );
    }
    let lost: Vec<_> = subject
        .objects
        .iter()
        .filter_map(|(version, (count, _))| {
            let name = KeyVersionName::parse(version).ok()?;
            let state = keys.get(&name.key.to_string())?.versions.get(&name.version)?;
            (state != "ENABLED").then(|| (name, state.clone(), *count))
        })
        .collect();
    for (version, state, count) in &lost {
        let mend =
            revive(version, state).unwrap_or_else(|| "nothing brings them back; push the images again".to_owned());
        say(
            "OBJECTS_LOST",
            format!(
                "{count} of {total} objects of {what} cannot be read: version {} of {} is {state}.",
                version.version,
                version.key.short()
            ),
            mend,
        );
    }
    let Ok(key) = KeyName::parse(&subject.key) else {
        match subject.policy.denies(service) {
            Some(rule) => say(
                "POLICY_NO_KEY",
                format!("{what} has no key, and constraints/{RESTRICT_NON_CMEK}{} asks for one.", place(&rule.set_at)),
                format!("{again} --kms-key=KEY {project}"),
            ),
            None => {
                say(
                    "NO_KEY",
                    format!("{what} has no key: Google-managed."),
                    format!("{again} --kms-key=KEY {project}"),
                );
            }
        }
        return found;
    };
    if !subject.policy.allows_key_of(&key.project) {
        let set_at = subject.policy.allowed_keys.first().map_or("", |rule| rule.set_at.as_str());
        say(
            "POLICY_KEY_PROJECT",
            format!("constraints/{RESTRICT_KEY_PROJECTS}{} does not allow keys of {}.", place(set_at), key.project),
            format!("{again} --kms-key=KEY-OF-AN-ALLOWED-PROJECT --rewrite-existing {project}"),
        );
    }
    if subject.host.is_some() && !location::key_fits_bucket(&key.location, &subject.location) {
        say(
            "LOCATION",
            format!("{what} is in {}, its key in {}.", subject.location, key.location),
            format!("{again} --kms-key=KEY-IN-{} {project}", location::key_location_for_bucket(&subject.location)),
        );
    }
    let Some(facts) = keys.get(&subject.key) else {
        say(
            "KEY_HIDDEN",
            format!("{} could not be looked at.", key.short()),
            format!("ask for roles/cloudkms.viewer on {}", key.project),
        );
        return found;
    };
    if !facts.exists {
        say("KEY_MISSING", format!("{} does not exist.", key.short()), format!("{again} --kms-key=KEY {project}"));
        return found;
    }
    match &facts.primary {
        Some(version) if version.state == "ENABLED" => {}
        Some(version) => say(
            "KEY_NOT_ENABLED",
            format!("Version {} of {}, its primary, is {}.", version.number, key.short(), version.state),
            renew(&key.version(version.number), &version.state),
        ),
        None => say(
            "KEY_NOT_ENABLED",
            format!("{} has no primary version.", key.short()),
            format!("cmek keys rotate {}", key_words(&key)),
        ),
    }
    match facts.users.get(&subject.agent) {
        None => say(
            "AGENT_NO_GRANT",
            format!("{} may not use {}.", subject.agent.trim_start_matches("serviceAccount:"), key.short()),
            format!("cmek service-agents authorize --kms-key={key} {project}"),
        ),
        Some(grants) => {
            let broad = grants.iter().find(|grant| {
                grant.resource != subject.key || grant.role != "roles/cloudkms.cryptoKeyEncrypterDecrypter"
            });
            if let Some(grant) = broad {
                say(
                    "AGENT_BROAD_GRANT",
                    format!(
                        "{} has {} on {}: more than the use of this key.",
                        subject.agent.trim_start_matches("serviceAccount:"),
                        grant.role,
                        grant.resource
                    ),
                    format!("cmek service-agents authorize --kms-key={key} {project}, then take the broad role away"),
                );
            }
        }
    }
    if let Some(primary) = &facts.primary {
        let current = key.version(primary.number).to_string();
        // What cannot be read cannot be rewritten either.
        let gone: Vec<_> = lost.iter().map(|(version, ..)| version.to_string()).collect();
        let old: u64 = subject
            .objects
            .iter()
            .filter(|(name, _)| **name != current && !gone.contains(name))
            .map(|(_, (count, _))| count)
            .sum();
        if let (Some(host), 1..) = (subject.host, old) {
            let google: u64 = subject.objects.get("").map_or(0, |(count, _)| *count);
            let how = if google == old { "under the Google-managed key" } else { "under other keys or older versions" };
            say(
                "OBJECTS_OLD",
                format!("{old} of {total} objects of {what} lie {how}."),
                format!("cmek rewrite {host} {project}"),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Grant, Rule, VersionFacts};

    const KEY: &str = "projects/sec/locations/us/keyRings/r/cryptoKeys/k";

    fn healthy() -> (Subject, KeyFacts) {
        let facts = KeyFacts {
            ring_exists: true,
            exists: true,
            purpose: "ENCRYPT_DECRYPT".into(),
            primary: Some(VersionFacts { number: 2, state: "ENABLED".into() }),
            versions: [(1, "ENABLED".into()), (2, "ENABLED".into())].into(),
            users: [(
                "serviceAccount:a".to_owned(),
                vec![Grant { role: "roles/cloudkms.cryptoKeyEncrypterDecrypter".into(), resource: KEY.into() }],
            )]
            .into(),
            etag: String::new(),
        };
        let subject = Subject {
            resource: "//storage.googleapis.com/artifacts.p.appspot.com".into(),
            project: "p".into(),
            host: Some(RegistryHost::Gcr),
            location: "US".into(),
            key: KEY.into(),
            agent: "serviceAccount:a".into(),
            objects: [(format!("{KEY}/cryptoKeyVersions/2"), (5, 50))].into(),
            policy: Arc::default(),
            is_served: Some(true),
        };
        (subject, facts)
    }

    fn codes(subject: &Subject, facts: KeyFacts) -> Vec<String> {
        let keys = [(KEY.to_owned(), Arc::new(facts))].into();
        audit(subject, &keys).into_iter().map(|issue| issue.rule).collect()
    }

    /// Each row spoils one thing of a healthy bucket.
    #[test]
    fn each_rule_finds_its_case_and_a_healthy_bucket_has_none() {
        type Spoil = fn(&mut Subject, &mut KeyFacts);
        let rows: [(&[&str], Spoil); 12] = [
            (&[], |_, _| {}),
            (&["NO_KEY"], |subject, _| subject.key.clear()),
            (&["POLICY_NO_KEY"], |subject, _| {
                subject.key.clear();
                subject.policy = Arc::new(PolicyFacts {
                    denied_services: vec![Rule { value: "storage.googleapis.com".into(), set_at: "folders/7".into() }],
                    ..PolicyFacts::default()
                });
            }),
            (&["POLICY_KEY_PROJECT"], |subject, _| {
                subject.policy = Arc::new(PolicyFacts {
                    allowed_keys: vec![Rule { value: "projects/other".into(), set_at: String::new() }],
                    ..PolicyFacts::default()
                });
            }),
            (&["KEY_MISSING"], |_, facts| facts.exists = false),
            (&["KEY_NOT_ENABLED"], |_, facts| facts.primary = None),
            (&["LOCATION"], |subject, _| subject.location = "EU".into()),
            (&["AGENT_NO_GRANT"], |_, facts| facts.users.clear()),
            (&["AGENT_BROAD_GRANT"], |_, facts| {
                for grants in facts.users.values_mut() {
                    grants[0].resource = "projects/sec".into();
                }
            }),
            (&["OBJECTS_LOST"], |subject, facts| {
                subject.objects.insert(format!("{KEY}/cryptoKeyVersions/1"), (1, 1));
                facts.versions.insert(1, "DESTROYED".into());
            }),
            (&["OBJECTS_OLD"], |subject, _| {
                subject.objects.insert(String::new(), (3, 3));
            }),
            (&["LEFTOVER_BUCKET"], |subject, _| subject.is_served = Some(false)),
        ];
        for (expected, spoil) in rows {
            let (mut subject, mut facts) = healthy();
            spoil(&mut subject, &mut facts);
            assert_eq!(codes(&subject, facts), expected);
        }
        let (subject, _) = healthy();
        assert_eq!(audit(&subject, &BTreeMap::new())[0].rule, "KEY_HIDDEN");
    }

    #[test]
    fn an_issue_keeps_its_fingerprint_while_its_numbers_change() {
        let (mut subject, facts) = healthy();
        let keys: BTreeMap<_, _> = [(KEY.to_owned(), Arc::new(facts))].into();
        subject.objects.insert(String::new(), (3, 3));
        let three = audit(&subject, &keys);
        subject.objects.insert(String::new(), (4, 3));
        let four = audit(&subject, &keys);
        assert_ne!(three[0].message, four[0].message);
        assert_eq!(three[0].fingerprint, four[0].fingerprint);
    }
}
