//! How list constraints of a hierarchy become one decision. Pure.

use gcp_schema::orgpolicy::PolicySpec;
use gcp_schema::orgpolicy::policy_spec::policy_rule::Kind;

/// What is in force for a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    pub allowed: Vec<String>,
    pub denied: Vec<String>,
    pub allow_all: bool,
    pub deny_all: bool,
}

/// `specs`: the policies of the resource and of what lies above it, nearest first; `None` where none is set.
pub fn effective(specs: &[Option<PolicySpec>]) -> Effective {
    let Some((index, spec)) = specs.iter().enumerate().find_map(|(index, spec)| spec.as_ref().map(|spec| (index, spec))) else {
        return Effective { allow_all: true, ..Effective::default() };
    };
    if spec.reset {
        return Effective { allow_all: true, ..Effective::default() };
    }
    let mut merged = Effective::default();
    if spec.inherit_from_parent {
        merged = effective(&specs[index + 1..]);
        // "Everything" above is the absence of a rule: what is added here decides.
        merged.allow_all = false;
    }
    for rule in spec.rules.iter().filter(|rule| rule.condition.is_none()) {
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
    for list in [&mut merged.allowed, &mut merged.denied] {
        list.sort();
        list.dedup();
    }
    merged
}

impl Effective {
    /// `covers` says whether a value of the policy stands for the one in question (equal, or `under:` an ancestor).
    pub fn refuses(&self, covers: impl Fn(&str) -> bool) -> bool {
        let named = |list: &[String]| list.iter().any(|value| covers(value));
        if self.deny_all || named(&self.denied) {
            return true;
        }
        !self.allow_all && !self.allowed.is_empty() && !named(&self.allowed)
    }
}

/// Whether a boolean constraint is enforced: the nearest policy decides alone.
pub fn enforced(specs: &[Option<PolicySpec>]) -> bool {
    specs.iter().flatten().next().is_some_and(|spec| {
        !spec.reset && spec.rules.iter().any(|rule| rule.condition.is_none() && rule.kind == Some(Kind::Enforce(true)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gcp_schema::orgpolicy::policy_spec::PolicyRule;
    use gcp_schema::orgpolicy::policy_spec::policy_rule::StringValues;

    fn spec(allowed: &[&str], denied: &[&str], inherit: bool) -> Option<PolicySpec> {
        let owned = |list: &[&str]| list.iter().map(|value| (*value).to_owned()).collect();
        let values = StringValues { allowed_values: owned(allowed), denied_values: owned(denied) };
        let rule = PolicyRule { kind: Some(Kind::Values(values)), ..PolicyRule::default() };
        Some(PolicySpec { rules: vec![rule], inherit_from_parent: inherit, ..PolicySpec::default() })
    }

    fn passes(specs: &[Option<PolicySpec>]) -> Vec<&'static str> {
        let found = effective(specs);
        ["E1", "E2", "E3", "E4"].into_iter().filter(|value| !found.refuses(|given| given == *value)).collect()
    }

    /// The table of the reference, section 3.2: project first, organization last.
    #[test]
    fn the_hierarchy_table() {
        let org = spec(&["E1", "E2"], &[], false);
        assert_eq!(passes(&[spec(&["E3", "E4"], &[], false), None, org.clone()]), ["E3", "E4"]);
        assert_eq!(passes(&[spec(&["E3", "E4"], &[], true), None, org.clone()]), ["E1", "E2", "E3", "E4"]);
        assert_eq!(passes(&[spec(&[], &["E1"], true), None, org.clone()]), ["E2"]);
        let reset = Some(PolicySpec { reset: true, ..PolicySpec::default() });
        assert_eq!(passes(&[reset, None, org]), ["E1", "E2", "E3", "E4"]);
        // Inheritance is cut: only what the project denies is denied.
        let org = spec(&[], &["E1"], false);
        assert_eq!(passes(&[spec(&[], &["E2"], false), None, org]), ["E1", "E3", "E4"]);
        assert_eq!(passes(&[None, None, None]), ["E1", "E2", "E3", "E4"]);
    }

    #[test]
    fn a_subtree_that_is_denied_stays_denied_though_it_is_allowed_below() {
        let org = spec(&["under:organizations/1"], &[], false);
        let project = spec(&["under:projects/p3"], &["under:folders/2"], true);
        let found = effective(&[project, org]);
        let refused = |ancestry: &[&str]| found.refuses(|value| value.strip_prefix("under:").is_some_and(|name| ancestry.contains(&name)));
        assert!(!refused(&["projects/p1", "folders/1", "organizations/1"]));
        assert!(refused(&["projects/p3", "folders/2", "organizations/1"]));
        assert!(refused(&["projects/p2", "folders/2", "organizations/1"]));
        assert!(refused(&["projects/x", "organizations/9"]));
    }
}
