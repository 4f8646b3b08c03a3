//! What the policies of a resource and of everything above it come to. Pure.

use std::collections::BTreeSet;

use gcp_names::constraint::{Constraint, MINIMUM_DESTROY_DURATION};
use gcp_schema::orgpolicy::PolicySpec;
use gcp_schema::orgpolicy::policy_spec::PolicyRule;
use gcp_schema::orgpolicy::policy_spec::policy_rule::{Kind, StringValues};

/// A list constraint's rules after merging. All empty is the constraint's default: everything is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    pub allow_all: bool,
    pub deny_all: bool,
    pub allowed: BTreeSet<String>,
    pub denied: BTreeSet<String>,
}

/// What a value is compared with: its own names (a project has two) and what lies above it.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    pub names: Vec<String>,
    pub above: Vec<String>,
}

impl Subject {
    pub fn plain(value: &str) -> Self {
        Self { names: vec![value.to_owned()], above: Vec::new() }
    }

    /// Seconds as a key has them (`2592000s`): they satisfy each duration that they reach.
    pub fn duration(value: &str) -> Self {
        let seconds = value.trim_end_matches('s').parse().unwrap_or(0);
        let reached = DURATIONS.into_iter().filter(|days| days * 86_400 <= seconds);
        Self { names: reached.map(|days| format!("{days}d")).collect(), above: Vec::new() }
    }
}

/// Rules without a condition. There are no tags here, so a condition never holds.
fn unconditional(spec: &PolicySpec) -> impl Iterator<Item = &PolicyRule> {
    spec.rules.iter().filter(|rule| rule.condition.is_none())
}

/// What a list constraint comes to. `levels`: the policy of the resource itself, then of each ancestor.
pub fn list(constraint: &Constraint, levels: &[Option<PolicySpec>]) -> Merged {
    if constraint.name != MINIMUM_DESTROY_DURATION {
        return merge(levels, false);
    }
    // Of durations the least counts, at whichever level it is set; with it all longer ones are allowed.
    let mut merged = merge(levels, true);
    if let Some(least) = merged.allowed.iter().filter_map(|value| days(value)).min() {
        merged.allowed = DURATIONS.into_iter().filter(|days| *days >= least).map(|days| format!("{days}d")).collect();
    }
    merged
}

/// The durations that `cloudkms.minimumDestroyScheduledDuration` knows, in days.
const DURATIONS: [i64; 6] = [7, 15, 30, 60, 90, 120];

/// The days of `30d` or `in:30d`.
pub fn days(value: &str) -> Option<i64> {
    let days = value.strip_prefix("in:").unwrap_or(value).strip_suffix('d')?;
    DURATIONS.into_iter().find(|known| known.to_string() == days)
}

fn merge(levels: &[Option<PolicySpec>], all: bool) -> Merged {
    let mut merged = Merged::default();
    for spec in levels.iter().flatten() {
        if spec.reset {
            // The constraint's default, whatever is above. As a parent's policy it has no values to hand down.
            break;
        }
        for rule in unconditional(spec) {
            match &rule.kind {
                Some(Kind::Values(values)) => {
                    merged.allowed.extend(values.allowed_values.iter().cloned());
                    merged.denied.extend(values.denied_values.iter().cloned());
                }
                Some(Kind::AllowAll(true)) => merged.allow_all = true,
                Some(Kind::DenyAll(true)) => merged.deny_all = true,
                _ => {}
            }
        }
        if !all && !spec.inherit_from_parent {
            break;
        }
    }
    merged
}

/// The nearest policy decides.
pub fn enforced(levels: &[Option<PolicySpec>]) -> bool {
    levels.iter().flatten().next().is_some_and(|spec| {
        !spec.reset && unconditional(spec).any(|rule| matches!(rule.kind, Some(Kind::Enforce(true))))
    })
}

impl Merged {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Denied beats allowed; a list of allowed values allows nothing else; denied values alone allow the rest.
    pub fn refuses(&self, subject: &Subject) -> bool {
        let listed = |values: &BTreeSet<String>| values.iter().any(|value| matches(value, subject));
        self.deny_all || listed(&self.denied) || (!self.allow_all && !self.allowed.is_empty() && !listed(&self.allowed))
    }

    /// As the effective policy shows it.
    pub fn rule(&self) -> PolicyRule {
        let kind = if self.deny_all {
            Kind::DenyAll(true)
        } else if self.denied.is_empty() && (self.allow_all || self.allowed.is_empty()) {
            Kind::AllowAll(true)
        } else {
            let allowed = if self.allow_all { &BTreeSet::new() } else { &self.allowed };
            Kind::Values(StringValues {
                allowed_values: allowed.iter().cloned().collect(),
                denied_values: self.denied.iter().cloned().collect(),
            })
        };
        PolicyRule { kind: Some(kind), ..PolicyRule::default() }
    }
}

/// `is:X` and `X` are X itself, `under:X` is X and all below it, `in:GROUP` is a group of locations.
fn matches(pattern: &str, subject: &Subject) -> bool {
    let is_named = |name: &str| subject.names.iter().any(|own| own == name);
    if let Some(root) = pattern.strip_prefix("under:") {
        return is_named(root) || subject.above.iter().any(|name| name == root);
    }
    if let Some(group) = pattern.strip_prefix("in:") {
        return subject.names.iter().any(|name| in_group(group, name));
    }
    is_named(pattern.strip_prefix("is:").unwrap_or(pattern))
}

/// The groups of `gcp.resourceLocations` that hold whole continents' regions, or one region.
fn in_group(group: &str, location: &str) -> bool {
    let Some(place) = group.strip_suffix("-locations") else { return false };
    let location = location.to_ascii_lowercase();
    let within = |prefixes: &[&str]| prefixes.iter().any(|prefix| location.starts_with(prefix));
    match place {
        "us" => location == "us" || within(&["us-"]),
        "eu" | "europe" => ["eu", "europe"].contains(&location.as_str()) || within(&["europe-"]),
        "asia" => location == "asia" || within(&["asia-"]),
        region => location == region,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum Own {
        Replace(&'static [&'static str], &'static [&'static str]),
        Inherit(&'static [&'static str], &'static [&'static str]),
        Reset,
        All(Kind2),
    }

    #[derive(Clone, Copy)]
    enum Kind2 {
        Allow,
        Deny,
    }

    fn spec(own: Own) -> PolicySpec {
        let values = |allowed: &[&str], denied: &[&str]| {
            let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
            Kind::Values(StringValues { allowed_values: texts(allowed), denied_values: texts(denied) })
        };
        let (kind, inherit) = match own {
            Own::Reset => return PolicySpec { reset: true, ..PolicySpec::default() },
            Own::Replace(allowed, denied) => (values(allowed, denied), false),
            Own::Inherit(allowed, denied) => (values(allowed, denied), true),
            Own::All(Kind2::Allow) => (Kind::AllowAll(true), false),
            Own::All(Kind2::Deny) => (Kind::DenyAll(true), false),
        };
        PolicySpec {
            rules: vec![PolicyRule { kind: Some(kind), ..PolicyRule::default() }],
            inherit_from_parent: inherit,
            ..PolicySpec::default()
        }
    }

    fn let_through(project: Option<Own>, organization: Option<Own>, values: &[&'static str]) -> Vec<&'static str> {
        let merged = merge(&[project.map(spec), None, organization.map(spec)], false);
        values.iter().copied().filter(|value| !merged.refuses(&Subject::plain(value))).collect()
    }

    #[test]
    fn every_row_of_reference_3_2() {
        use Own::{All, Inherit, Replace, Reset};
        const E: &[&str] = &["E1", "E2", "E3", "E4", "E5"];
        let org = Some(Replace(&["E1", "E2"], &[]));
        for (row, project, expected) in [
            ("allow {E3,E4}, no inherit", Some(Replace(&["E3", "E4"], &[])), &["E3", "E4"][..]),
            ("allow {E3,E4}, inherit", Some(Inherit(&["E3", "E4"], &[])), &["E1", "E2", "E3", "E4"]),
            ("deny {E1}, inherit", Some(Inherit(&[], &["E1"])), &["E2"]),
            ("reset", Some(Reset), E),
            ("none: the parent's", None, &["E1", "E2"]),
            ("allow all", Some(All(Kind2::Allow)), E),
            ("deny all", Some(All(Kind2::Deny)), &[]),
        ] {
            assert_eq!(let_through(project, org, E), expected, "3.2 {row}");
        }
        assert_eq!(let_through(None, None, E), E, "3.2 rule 1: nothing set allows all");

        let services = &["storage", "pubsub", "bigquery"];
        let org = Some(Replace(&[], &["storage"]));
        assert_eq!(
            let_through(Some(Replace(&[], &["pubsub"])), org, services),
            ["storage", "bigquery"],
            "3.2: deny {{pubsub}} without inherit cuts the organization's deny {{storage}}"
        );
        assert_eq!(let_through(Some(Inherit(&[], &["pubsub"])), org, services), ["bigquery"]);
    }

    /// O1 holds F1 (with P1) and F2 (with P2, P3).
    #[test]
    fn a_denied_subtree_beats_an_allowed_project_in_it() {
        let org = spec(Own::Replace(&["under:organizations/O1"], &[]));
        let project = spec(Own::Inherit(&["under:projects/P3"], &["under:folders/F2"]));
        let merged = merge(&[Some(project), Some(org)], false);
        let subject = |chain: &[&str]| Subject {
            names: vec![chain[0].to_owned()],
            above: chain[1..].iter().map(|name| (*name).to_owned()).collect(),
        };
        for (chain, refused) in [
            (&["organizations/O1"][..], false),
            (&["folders/F1", "organizations/O1"], false),
            (&["projects/P1", "folders/F1", "organizations/O1"], false),
            (&["folders/F2", "organizations/O1"], true),
            (&["projects/P2", "folders/F2", "organizations/O1"], true),
            (&["projects/P3", "folders/F2", "organizations/O1"], true),
            (&["projects/P9", "organizations/O2"], true),
        ] {
            assert_eq!(merged.refuses(&subject(chain)), refused, "{chain:?}");
        }
    }

    #[test]
    fn a_reset_above_hands_nothing_down() {
        let merged = merge(
            &[Some(spec(Own::Inherit(&["E1"], &[]))), Some(spec(Own::Reset)), Some(spec(Own::All(Kind2::Deny)))],
            false,
        );
        assert!(!merged.refuses(&Subject::plain("E1")) && merged.refuses(&Subject::plain("E2")));
    }

    #[test]
    fn rules_with_a_condition_never_apply_for_there_are_no_tags() {
        let mut conditional = spec(Own::All(Kind2::Deny));
        conditional.rules[0].condition = Some(gcp_schema::google_type::Expr::default());
        assert!(merge(&[Some(conditional)], false).is_default());
    }

    #[test]
    fn the_nearest_boolean_policy_decides() {
        let rule = |enforce| PolicySpec {
            rules: vec![PolicyRule { kind: Some(Kind::Enforce(enforce)), ..PolicyRule::default() }],
            ..PolicySpec::default()
        };
        assert!(!enforced(&[None, None]));
        assert!(enforced(&[None, Some(rule(true))]));
        assert!(!enforced(&[Some(rule(false)), Some(rule(true))]));
        assert!(!enforced(&[Some(spec(Own::Reset)), Some(rule(true))]));
    }

    #[test]
    fn groups_hold_a_continent_or_a_region() {
        for (pattern, location, fits) in [
            ("in:us-locations", "us-east1", true),
            ("in:us-locations", "US", true),
            ("in:us-locations", "europe-west1", false),
            ("in:eu-locations", "EU", true),
            ("in:asia-locations", "asia-south1", true),
            ("in:us-east1-locations", "us-east1", true),
            // 3.4: a multi-region value does not imply its regions.
            ("us", "us-east1", false),
            ("is:us", "us", true),
        ] {
            assert_eq!(matches(pattern, &Subject::plain(location)), fits, "{pattern} {location}");
        }
    }

    #[test]
    fn the_effective_rule_says_what_was_merged() {
        assert_eq!(merge(&[], false).rule().kind, Some(Kind::AllowAll(true)));
        assert_eq!(merge(&[Some(spec(Own::All(Kind2::Deny)))], false).rule().kind, Some(Kind::DenyAll(true)));
        let merged = merge(&[Some(spec(Own::Inherit(&[], &["b"]))), Some(spec(Own::Replace(&["a"], &[])))], false);
        let values = StringValues { allowed_values: vec!["a".into()], denied_values: vec!["b".into()] };
        assert_eq!(merged.rule().kind, Some(Kind::Values(values)));
    }

    /// 1.8: the lowest value applies at whichever level it is set, and allows all longer ones.
    #[test]
    fn the_least_duration_of_all_levels_counts() {
        use Own::{All, Replace, Reset};
        let constraint = gcp_names::constraint::find(MINIMUM_DESTROY_DURATION).unwrap();
        const NONE: &str = "86400s";
        for (row, project, organization, shortest, longer) in [
            ("nothing set", None, None, NONE, vec![]),
            ("one level", Some(Replace(&["in:30d"], &[])), None, "2592000s", vec!["30d", "60d", "90d", "120d"]),
            ("project lower", Some(Replace(&["in:7d"], &[])), Some(Replace(&["in:120d"], &[])), "604800s", vec!["7d"]),
            (
                "project higher",
                Some(Replace(&["in:90d"], &[])),
                Some(Replace(&["in:60d"], &[])),
                "5184000s",
                vec!["60d"],
            ),
            ("two values", Some(Replace(&["in:60d", "in:15d"], &[])), None, "1296000s", vec!["15d", "30d"]),
            ("a reset below", Some(Reset), Some(Replace(&["in:60d"], &[])), NONE, vec![]),
            ("all allowed below", Some(All(Kind2::Allow)), Some(Replace(&["in:60d"], &[])), NONE, vec![]),
        ] {
            let merged = list(constraint, &[project.map(spec), organization.map(spec)]);
            assert!(!merged.refuses(&Subject::duration(shortest)), "{row}");
            let less = format!("{}s", shortest.trim_end_matches('s').parse::<i64>().unwrap() - 1);
            assert_eq!(merged.refuses(&Subject::duration(&less)), shortest != NONE, "{row}");
            assert!(longer.iter().all(|value| merged.allowed.contains(*value)), "{row}: {merged:?}");
        }
    }
}
