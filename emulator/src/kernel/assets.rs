//! A resource as the inventories of Google show it. Each service tells what it has in this form; the inventories share
//! what a search is limited to and how its pages go on.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use prost_types::Timestamp;
use regex_lite::Regex;

use super::paging::{parse_token, token};
use super::time::SECOND;
use super::{Error, Result};

#[derive(Clone, Debug, Default)]
pub struct Asset {
    /// Where it stands among the resources of its type; lists go on behind it.
    pub place: String,
    /// `storage.googleapis.com/Bucket`
    pub kind: &'static str,
    /// The full resource name: `//storage.googleapis.com/my-data`.
    pub name: String,
    /// The id of the project that it belongs to; empty above projects.
    pub project: String,
    pub display_name: String,
    /// In lower case; empty where the type knows none.
    pub location: String,
    pub labels: BTreeMap<String, String>,
    /// The keys that protect it, with a version where its service says which.
    pub keys: Vec<String>,
    /// Microseconds since the epoch; zero when its service does not say.
    pub created: i64,
    pub updated: i64,
    pub state: String,
    /// The full resource name of what it lies in, and that one's type. Empty for the project above.
    pub parent: String,
    pub parent_kind: &'static str,
    /// What else can be searched for.
    pub attributes: BTreeMap<String, String>,
}

pub const BUCKET: &str = "storage.googleapis.com/Bucket";
pub const CRYPTO_KEY: &str = "cloudkms.googleapis.com/CryptoKey";
pub const CRYPTO_KEY_VERSION: &str = "cloudkms.googleapis.com/CryptoKeyVersion";
pub const FOLDER: &str = "cloudresourcemanager.googleapis.com/Folder";
pub const KEY_RING: &str = "cloudkms.googleapis.com/KeyRing";
pub const ORGANIZATION: &str = "cloudresourcemanager.googleapis.com/Organization";
pub const PROJECT: &str = "cloudresourcemanager.googleapis.com/Project";
pub const SUBSCRIPTION: &str = "pubsub.googleapis.com/Subscription";
pub const TOPIC: &str = "pubsub.googleapis.com/Topic";

/// Every type, in the order of lists that ask for none.
pub const KINDS: [&str; 9] =
    [CRYPTO_KEY, CRYPTO_KEY_VERSION, KEY_RING, FOLDER, ORGANIZATION, PROJECT, SUBSCRIPTION, TOPIC, BUCKET];

/// Inventories know the second and no more.
pub fn whole_seconds(micros: i64) -> Option<Timestamp> {
    (micros > 0).then_some(Timestamp { seconds: micros / SECOND, nanos: 0 })
}

/// Where a project stands: its number, its folders (nearest first) and its organization.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    pub number: u64,
    pub folders: Vec<String>,
    pub organization: String,
}

/// What a search is limited to: `projects/ID`, a folder or the organization.
#[derive(Clone, Debug)]
pub struct Scope {
    pub name: String,
}

impl Scope {
    /// The id of the only project.
    pub fn project(&self) -> Option<&str> {
        self.name.strip_prefix("projects/")
    }

    pub fn holds(&self, asset: &Asset, lineage: &Lineage) -> bool {
        match self.project() {
            Some(project) => asset.project == project,
            None => lineage.organization == self.name || lineage.folders.contains(&self.name),
        }
    }
}

/// The types among `served` that the expressions fit; all without expressions. One that fits none is refused unless it
/// is itself a type of which there is nothing here.
pub fn kinds(
    expressions: &[String],
    served: &[&'static str],
    what: &str,
    exists: impl Fn(&str) -> bool,
) -> Result<Vec<&'static str>> {
    let mut wanted = vec![expressions.is_empty(); served.len()];
    for expression in expressions {
        let regex = Regex::new(&format!("^(?:{expression})$"))
            .map_err(|error| Error::invalid_argument(format!("Invalid {what} '{expression}': {error}.")))?;
        let mut fits = false;
        for (kind, wanted) in served.iter().zip(&mut wanted) {
            let matched = regex.is_match(kind);
            fits |= matched;
            *wanted |= matched;
        }
        if !fits && !exists(expression) {
            return Err(Error::invalid_argument(format!(
                "Invalid {what} '{expression}': it does not match any supported {what}."
            )));
        }
    }
    Ok(served.iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(kind, _)| *kind).collect())
}

/// The types from one on.
pub fn from_kind(kinds: &[&'static str], first: Option<&str>) -> Vec<&'static str> {
    let passed = |kind: &&&'static str| first.is_some_and(|first| **kind != first);
    kinds.iter().skip_while(passed).copied().collect()
}

/// A page token that is good for the same question only. What it holds is the searching service's own.
pub fn page_token(asked: &[&str], next: &str) -> String {
    token(&format!("{}\n{next}", mark(asked)))
}

/// What a token of `page_token` holds; `None` for the first page.
pub fn read_page_token(asked: &[&str], given: &str) -> Result<Option<String>> {
    if given.is_empty() {
        return Ok(None);
    }
    match parse_token(given)?.split_once('\n') {
        Some((marked, next)) if marked == mark(asked) => Ok(Some(next.to_owned())),
        _ => Err(Error::invalid_argument(
            "Invalid page_token: it belongs to other parameters. Repeat those of the first page.",
        )),
    }
}

fn mark(asked: &[&str]) -> String {
    let hash = digest(&SHA256, asked.join("\0").as_bytes());
    let first = hash.as_ref().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{first:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_chosen_by_expressions_that_must_fit_one() {
        let choose = |expressions: &[&str]| {
            let expressions: Vec<String> = expressions.iter().map(|text| (*text).to_owned()).collect();
            kinds(&expressions, &KINDS, "asset type", |kind| kind == "compute.googleapis.com/Disk")
        };
        assert_eq!(choose(&[]).unwrap(), KINDS);
        assert_eq!(choose(&["storage.googleapis.com.*"]).unwrap(), [BUCKET]);
        assert_eq!(choose(&[".*CryptoKey", TOPIC]).unwrap(), [CRYPTO_KEY, TOPIC]);
        assert_eq!(choose(&["compute.googleapis.com/Disk"]).unwrap(), [] as [&str; 0]);
        for bad in ["compute.*", "Bucket", "storage", "("] {
            assert!(choose(&[bad]).is_err(), "{bad}");
        }
        assert_eq!(from_kind(&[CRYPTO_KEY, TOPIC, BUCKET], Some(TOPIC)), [TOPIC, BUCKET]);
        assert_eq!(from_kind(&[TOPIC], None), [TOPIC]);
    }

    #[test]
    fn a_token_is_good_for_its_own_question() {
        let token = page_token(&["a", "b"], "here");
        assert_eq!(read_page_token(&["a", "b"], &token).unwrap().as_deref(), Some("here"));
        assert_eq!(read_page_token(&["a", "b"], "").unwrap(), None);
        for (asked, given) in [(["a", "c"], token.as_str()), (["a", "b"], "x"), (["a", "b"], "eA")] {
            assert!(read_page_token(&asked, given).is_err(), "{given}");
        }
    }
}
