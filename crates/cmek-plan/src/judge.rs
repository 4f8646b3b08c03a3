//! What stands in the way, and what is worth knowing.

use gcp_names::{KeyName, KeyVersionName, location};

use crate::desired::Desired;
use crate::finding::{Code, Finding};
use crate::observed::{Found, HostFacts, KeyDetails, ObjectCounts, Observed, Tally};

pub(crate) fn findings(desired: &Desired, observed: &Observed) -> Vec<Finding> {
    let mut out = Vec::new();
    if desired.hosts.is_empty() && !desired.topic {
        return out;
    }
    judge_key(desired, observed, &mut out);
    for host in &desired.hosts {
        match observed.hosts.iter().find(|facts| facts.host == *host) {
            Some(facts) => judge_host(desired, observed, facts, &mut out),
            None => out.push(Finding::blocker(
                Code::NotObserved,
                host.host(),
                format!("Nothing is known of {host}: it was not looked at."),
            )),
        }
    }
    judge_key_project(desired, observed, &mut out);
    judge_topic(desired, observed, &mut out);
    out
}

/// Flags that name the key's ring in a command.
fn ring_flags(key: &KeyName, location: &str) -> String {
    format!("--keyring={} --location={location} --project={}", key.ring, key.project)
}

fn judge_key(desired: &Desired, observed: &Observed, out: &mut Vec<Finding>) {
    let key = &desired.key;
    let subject = key.to_string();
    if observed.key.name != *key {
        let what = format!("The key that was looked at is {}, not {}.", observed.key.name.short(), key.short());
        return out.push(Finding::blocker(Code::NotObserved, subject, what));
    }
    let flags = ring_flags(key, &key.location);
    let details = match &observed.key.found {
        Found::Key(details) => details,
        Found::NoRing | Found::NoKey if desired.create_key => {
            if !location::is_key_location(&key.location) {
                let what = format!("There is no location {} for keys.", key.location);
                out.push(Finding::blocker(Code::KeyLocation, subject, what));
            }
            return;
        }
        Found::NoRing | Found::NoKey => {
            let what = match observed.key.found {
                Found::NoRing => format!("The key ring {} does not exist, so neither does the key.", key.ring_name()),
                _ => format!("The key {} does not exist.", key.short()),
            };
            let mend = format!("cmek keys create {} {flags}", key.key);
            return out.push(Finding::blocker(Code::KeyMissing, subject, what).mend(mend));
        }
    };
    if details.purpose != "ENCRYPT_DECRYPT" {
        let what = format!("The key is for {}; services take keys for ENCRYPT_DECRYPT only.", details.purpose);
        let mend = format!("cmek keys create NAME {flags}");
        return out.push(Finding::blocker(Code::KeyWrongPurpose, subject, what).mend(mend));
    }
    match &details.primary {
        None => {
            let mend = format!("cmek keys rotate {} {flags}", key.key);
            let what = "The key has no primary version, so nothing can be encrypted with it.";
            out.push(Finding::blocker(Code::KeyNoPrimary, &subject, what).mend(mend));
        }
        Some(primary) if !primary.is_enabled() => {
            let what =
                format!("The key's primary version {} is {}, so nothing can use it.", primary.number, primary.state);
            let version = format!("{}/{}", key.key, primary.number);
            let mend = match primary.state.as_str() {
                "DISABLED" => format!("cmek keys enable {version} {flags}"),
                "DESTROY_SCHEDULED" => {
                    format!("cmek keys restore {version} {flags} && cmek keys enable {version} {flags}")
                }
                _ => format!("cmek keys rotate {} {flags}", key.key),
            };
            out.push(Finding::blocker(Code::KeyNotEnabled, &subject, what).mend(mend));
        }
        Some(_) => {}
    }
    if details.policy.is_none() {
        let what = "You may not read the key's policy: whether the agents may use the key shows only when they try.";
        let mend = format!("ask an administrator of {} for roles/cloudkms.admin on the key", key.project);
        out.push(Finding::warning(Code::KeyPolicyUnreadable, subject, what).mend(mend));
    }
}

fn judge_host(desired: &Desired, observed: &Observed, facts: &HostFacts, out: &mut Vec<Finding>) {
    let key = &desired.key;
    let subject = format!("gs://{}", facts.bucket);
    let place = if facts.exists { facts.location.as_str() } else { facts.host.location() };
    if !location::key_fits_bucket(&key.location, place) {
        let fitting = location::key_location_for_bucket(place);
        let what = format!(
            "The key is in {}; the bucket {} is in {place} and takes keys in {fitting}.",
            key.location, facts.bucket
        );
        let mend = format!("cmek keys create {} {}", key.key, ring_flags(key, &fitting));
        out.push(Finding::blocker(Code::KeyLocation, &subject, what).mend(mend));
    }
    if !facts.exists {
        return out.push(absent(desired, observed, facts));
    }
    if let Some(old) = facts.default_key.as_ref().filter(|old| **old != key.to_string()) {
        let what = format!("The bucket has the default key {old}; objects under it need it until they are rewritten.");
        out.push(Finding::note(Code::DefaultKeyReplaced, &subject, what));
    }
    let sorted = sort_objects(key, &observed.key.found, &facts.objects);
    judge_objects(desired, facts, &sorted, &subject, out);
}

/// The bucket cannot be made by hand (its name is Google's domain), so the first push must come first.
fn absent(desired: &Desired, observed: &Observed, facts: &HostFacts) -> Finding {
    let (host, project) = (facts.host, &desired.project);
    let subject = format!("gs://{}", facts.bucket);
    match observed.constraints.denies("storage.googleapis.com") {
        Some(rule) => {
            let what = format!(
                "{host} has no bucket in {project}. The first push creates it without a key, and \
                 constraints/gcp.restrictNonCmekServices ({}) refuses that.",
                rule.where_set
            );
            Finding::blocker(Code::BucketAbsent, subject, what).set_at(&rule.where_set).mend(format!(
                "cmek repositories create {host} --kms-key={}, or lift the rule for {project}, push once, configure, put \
                 the rule back",
                desired.key
            ))
        }
        None => {
            let what = format!("{host} has no bucket in {project} yet: the first push creates it, without a key.");
            let image = gcp_names::RegistryHost::image_path(project);
            let mend = format!("docker push {host}/{image}/IMAGE, then configure again");
            Finding::blocker(Code::BucketAbsent, subject, what).mend(mend)
        }
    }
}

/// A bucket's objects by what a rewrite can do for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sorted {
    pub current: Tally,
    pub google_managed: Tally,
    pub earlier_versions: Tally,
    pub other_keys: Tally,
    /// Under versions of the key that are not enabled.
    pub unreadable: Tally,
    pub customer_supplied: Tally,
}

impl Sorted {
    pub fn to_rewrite(&self) -> Tally {
        let mut all = self.google_managed;
        all += self.earlier_versions;
        all += self.other_keys;
        all
    }
}

pub(crate) fn sort_objects(key: &KeyName, found: &Found, objects: &ObjectCounts) -> Sorted {
    let details = match found {
        Found::Key(details) => Some(details),
        Found::NoRing | Found::NoKey => None,
    };
    let mut sorted = Sorted {
        google_managed: objects.google_managed,
        customer_supplied: objects.customer_supplied,
        ..Sorted::default()
    };
    for (name, tally) in &objects.by_version {
        *match KeyVersionName::parse(name) {
            Ok(version) if version.key == *key => sort_version(details, version.version, &mut sorted),
            _ => &mut sorted.other_keys,
        } += *tally;
    }
    sorted
}

fn sort_version<'a>(details: Option<&KeyDetails>, number: u64, sorted: &'a mut Sorted) -> &'a mut Tally {
    let enabled = details
        .is_some_and(|details| details.versions.iter().any(|version| version.number == number && version.is_enabled()));
    let primary = details.and_then(|details| details.primary.as_ref()).map(|primary| primary.number);
    match (enabled, primary == Some(number)) {
        (false, _) => &mut sorted.unreadable,
        (true, true) => &mut sorted.current,
        (true, false) => &mut sorted.earlier_versions,
    }
}

fn judge_objects(desired: &Desired, facts: &HostFacts, sorted: &Sorted, subject: &str, out: &mut Vec<Finding>) {
    let host = facts.host;
    if !desired.rewrite_existing {
        let rewrite = format!("cmek rewrite {host}");
        let rows = [
            (sorted.google_managed, "still under the Google-managed key", true),
            (sorted.other_keys, "under other keys", true),
            (sorted.earlier_versions, "under earlier versions of the key", false),
        ];
        for (tally, place, is_warning) in rows.into_iter().filter(|(tally, ..)| !tally.is_empty()) {
            let what = format!("{} {place}.", are(tally.objects));
            let make = if is_warning { Finding::warning } else { Finding::note };
            out.push(make(Code::ObjectsNotRewritten, subject.to_owned(), what).mend(&rewrite));
        }
    }
    if !sorted.unreadable.is_empty() {
        let what = format!(
            "{} under versions of the key that are not enabled: neither read nor rewritten.",
            are(sorted.unreadable.objects)
        );
        let mend = format!(
            "cmek keys versions list --key={} {}",
            desired.key.key,
            ring_flags(&desired.key, &desired.key.location)
        );
        out.push(Finding::warning(Code::ObjectsUnreadable, subject, what).mend(mend));
    }
    if !sorted.customer_supplied.is_empty() {
        let what = format!(
            "{} under keys that callers supply with each request: only their holders can rewrite them.",
            are(sorted.customer_supplied.objects)
        );
        out.push(Finding::warning(Code::ObjectsCustomerSupplied, subject, what));
    }
}

/// `1 object is`, `17 objects are`
fn are(count: u64) -> String {
    if count == 1 { "1 object is".to_owned() } else { format!("{count} objects are") }
}

fn judge_key_project(desired: &Desired, observed: &Observed, out: &mut Vec<Finding>) {
    let Some(rule) = &observed.constraints.key_projects else { return };
    let project = &desired.key.project;
    if rule.allows(project, &observed.key.project_ancestors) {
        return;
    }
    let place = match observed.key.project_ancestors.first() {
        Some(parent) => format!("{project} is in {parent}"),
        None => format!("{project} is not among them"),
    };
    let spoken = rule.spoken();
    let what = format!(
        "constraints/gcp.restrictCmekCryptoKeyProjects ({}) allows keys of {spoken} only; {place}.",
        rule.where_set
    );
    let under = if rule.allowed.iter().all(|value| value.starts_with("under:")) {
        format!("a project under {spoken}")
    } else {
        spoken
    };
    out.push(
        Finding::blocker(Code::KeyProjectNotAllowed, desired.key.to_string(), what)
            .set_at(&rule.where_set)
            .mend(format!("take a key of {under}, or ask an administrator of {}", rule.where_set)),
    );
}

fn judge_topic(desired: &Desired, observed: &Observed, out: &mut Vec<Finding>) {
    let Some(topic) = &observed.topic else {
        if desired.topic {
            let what = "Nothing is known of the topic: it was not looked at.";
            out.push(Finding::blocker(Code::NotObserved, "topic gcr", what));
        }
        return;
    };
    let short = topic.name.rsplit('/').next().unwrap_or(&topic.name);
    match (&topic.kms_key, observed.constraints.denies("pubsub.googleapis.com")) {
        (Some(old), _) if desired.topic && *old != desired.key.to_string() => {
            let what = format!("Topic {short} has the key {old}; messages under it need it until they are delivered.");
            out.push(Finding::note(Code::TopicKeyReplaced, &topic.name, what));
        }
        (None, Some(rule)) if topic.exists && !desired.topic => {
            let what = format!("Topic {short} has no key and policy asks for one.");
            let mend = format!("cmek topics configure {short} --kms-key={}", desired.key);
            out.push(Finding::warning(Code::TopicWithoutKey, &topic.name, what).set_at(&rule.where_set).mend(mend));
        }
        _ => {}
    }
}
