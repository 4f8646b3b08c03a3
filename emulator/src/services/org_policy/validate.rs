//! Which policies a constraint takes.

use gcp_names::constraint::{self, Constraint};
use gcp_names::{is_project_id, is_project_number};
use gcp_schema::orgpolicy::PolicySpec;
use gcp_schema::orgpolicy::policy_spec::PolicyRule;
use gcp_schema::orgpolicy::policy_spec::policy_rule::{Kind, StringValues};

use super::evaluate;
use crate::kernel::{Error, Result};

const MAX_RULES: usize = 10;
const PROTECTION_LEVELS: [&str; 5] = ["SOFTWARE", "HSM", "EXTERNAL", "EXTERNAL_VPC", "HSM_SINGLE_TENANT"];

/// Whether the constraint takes `in:` values.
pub fn supports_in(constraint: &Constraint) -> bool {
    matches!(constraint.name, constraint::RESOURCE_LOCATIONS | constraint::MINIMUM_DESTROY_DURATION)
}

fn refused(constraint: &Constraint, why: &str) -> Error {
    Error::invalid_argument(format!("Invalid policy for constraints/{}: {why}", constraint.name))
}

pub fn spec(constraint: &Constraint, spec: &PolicySpec) -> Result<()> {
    let refuse = |why: &str| Err(refused(constraint, why));
    if spec.reset {
        if spec.rules.is_empty() && !spec.inherit_from_parent {
            return Ok(());
        }
        return refuse("reset goes with neither rules nor inheritFromParent.");
    }
    if spec.rules.len() > MAX_RULES {
        return refuse("a policy has at most 10 rules.");
    }
    for rule in &spec.rules {
        if rule.parameters.is_some() {
            return refuse("parameters are for managed and custom constraints; this one has none.");
        }
        if let Some(condition) = &rule.condition {
            check_condition(constraint, &condition.expression)?;
        }
    }
    if constraint.is_list { list(constraint, spec) } else { boolean(constraint, spec) }
}

fn boolean(constraint: &Constraint, spec: &PolicySpec) -> Result<()> {
    let refuse = |why: &str| Err(refused(constraint, why));
    if spec.inherit_from_parent {
        return refuse("inheritFromParent is for list constraints; this one is boolean.");
    }
    let mut unconditional = Vec::new();
    let mut conditional = Vec::new();
    for rule in &spec.rules {
        match rule.kind {
            Some(Kind::Enforce(enforce)) if rule.condition.is_none() => unconditional.push(enforce),
            Some(Kind::Enforce(enforce)) => conditional.push(enforce),
            _ => return refuse("the constraint is boolean, so each rule has enforce."),
        }
    }
    match unconditional[..] {
        [enforce] if conditional.iter().all(|other| *other != enforce) => Ok(()),
        [_] => refuse("rules with a condition have the opposite enforce of the one without."),
        _ => refuse("a boolean constraint has exactly one rule without a condition."),
    }
}

fn list(constraint: &Constraint, spec: &PolicySpec) -> Result<()> {
    let refuse = |why: &str| Err(refused(constraint, why));
    if spec.rules.is_empty() && !spec.inherit_from_parent {
        return refuse("it needs rules, inheritFromParent or reset.");
    }
    for rule in &spec.rules {
        match &rule.kind {
            Some(Kind::Values(values)) => list_values(constraint, values)?,
            Some(Kind::AllowAll(true)) => {}
            Some(Kind::DenyAll(true)) => deny_all(constraint)?,
            Some(Kind::AllowAll(false) | Kind::DenyAll(false)) => {
                return refuse("allowAll and denyAll are true or absent.");
            }
            Some(Kind::Enforce(_)) => return refuse("the constraint is a list, so enforce does not apply."),
            None => return refuse("each rule has one of values, allowAll, denyAll."),
        }
    }
    let unconditional: Vec<&PolicyRule> = spec.rules.iter().filter(|rule| rule.condition.is_none()).collect();
    let whole = |rule: &&PolicyRule| matches!(rule.kind, Some(Kind::AllowAll(_) | Kind::DenyAll(_)));
    if unconditional.len() > 1 && unconditional.iter().any(whole) {
        return refuse("allowAll and denyAll stand alone among the rules without a condition.");
    }
    Ok(())
}

fn deny_all(constraint: &Constraint) -> Result<()> {
    match constraint.name {
        constraint::RESTRICT_NON_CMEK => {
            Err(refused(constraint, "denyAll is not allowed; name the services in a list of deniedValues."))
        }
        constraint::RESTRICT_KEY_PROJECTS => {
            Err(refused(constraint, "denyAll is not allowed; name the projects in a list of allowedValues."))
        }
        _ => Ok(()),
    }
}

fn list_values(constraint: &Constraint, values: &StringValues) -> Result<()> {
    if values.allowed_values.is_empty() && values.denied_values.is_empty() {
        return Err(refused(constraint, "values need allowedValues or deniedValues."));
    }
    match constraint.name {
        constraint::RESTRICT_NON_CMEK if !values.allowed_values.is_empty() => {
            return Err(refused(constraint, "allowedValues are not allowed; it takes a list of deniedValues only."));
        }
        constraint::RESTRICT_KEY_PROJECTS | constraint::MINIMUM_DESTROY_DURATION
            if !values.denied_values.is_empty() =>
        {
            return Err(refused(constraint, "deniedValues are not allowed; it takes a list of allowedValues only."));
        }
        _ => {}
    }
    values.allowed_values.iter().chain(&values.denied_values).try_for_each(|value| check_value(constraint, value))
}

fn check_value(constraint: &Constraint, value: &str) -> Result<()> {
    let refuse = |why: &str| Err(refused(constraint, &format!("the value '{value}' {why}")));
    let (prefix, plain) = value.split_once(':').map_or(("is", value), |(prefix, plain)| (prefix, plain));
    let allowed = match prefix {
        "is" => true,
        "under" => constraint.supports_under,
        "in" => supports_in(constraint),
        _ => return refuse("has an unknown prefix; a value with a colon in it is written is:VALUE."),
    };
    if !allowed {
        return refuse(&format!("has the prefix {prefix}:, which this constraint does not take."));
    }
    if plain.is_empty() {
        return refuse("is empty.");
    }
    match constraint.name {
        constraint::RESTRICT_NON_CMEK if !constraint::is_non_cmek_service(plain) => {
            refuse("is no service that takes customer-managed keys; write it as storage.googleapis.com.")
        }
        constraint::RESTRICT_KEY_PROJECTS if !is_container(plain, prefix == "under") => {
            refuse("is neither projects/ID nor under:projects/ID, under:folders/N or under:organizations/N.")
        }
        constraint::MINIMUM_DESTROY_DURATION if prefix != "in" || evaluate::days(plain).is_none() => {
            refuse("is none of in:7d, in:15d, in:30d, in:60d, in:90d and in:120d.")
        }
        constraint::ALLOWED_PROTECTION_LEVELS if !PROTECTION_LEVELS.contains(&plain) => {
            refuse("is no protection level, such as SOFTWARE or HSM.")
        }
        _ => Ok(()),
    }
}

fn is_container(name: &str, under: bool) -> bool {
    match name.split_once('/') {
        // Test projects may be shorter than production's.
        Some(("projects", id)) => {
            is_project_number(id) || is_project_id(id) || (id.len() < 6 && is_project_id(&format!("{id}-padded")))
        }
        Some(("folders" | "organizations", number)) => under && is_project_number(number),
        _ => false,
    }
}

/// One to ten `resource.matchTag('ORG/key', 'value')` or `resource.matchTagId('tagKeys/1', 'tagValues/2')`.
fn check_condition(constraint: &Constraint, expression: &str) -> Result<()> {
    let terms: Vec<_> = expression.split("&&").flat_map(|part| part.split("||")).map(str::trim).collect();
    let fits = |term: &&str| {
        let term = term.trim_start_matches(['(', '!']).trim();
        let inside = ["resource.matchTag(", "resource.matchTagId("]
            .iter()
            .find_map(|call| term.strip_prefix(call))
            .and_then(|rest| rest.trim_end_matches(')').split_once(','));
        let quoted = |text: &str| {
            let text = text.trim();
            text.len() > 2
                && (text.starts_with('\'') && text.ends_with('\'') || text.starts_with('"') && text.ends_with('"'))
        };
        term.ends_with(')') && inside.is_some_and(|(key, value)| quoted(key) && quoted(value))
    };
    if terms.len() <= 10 && terms.iter().all(fits) {
        return Ok(());
    }
    Err(refused(
        constraint,
        "a condition is one to ten resource.matchTag('ORG/key', 'value') or resource.matchTagId('tagKeys/1', 'tagValues/2'), joined by && or ||.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gcp_schema::google_type::Expr;

    fn rule(kind: Kind) -> PolicyRule {
        PolicyRule { kind: Some(kind), ..PolicyRule::default() }
    }

    fn values(allowed: &[&str], denied: &[&str]) -> Kind {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Kind::Values(StringValues { allowed_values: texts(allowed), denied_values: texts(denied) })
    }

    /// What is said of a policy with these rules; empty when it is taken.
    fn verdict(name: &str, rules: Vec<PolicyRule>) -> String {
        let policy = PolicySpec { rules, ..PolicySpec::default() };
        spec(constraint::find(name).unwrap(), &policy).err().map(|error| error.message().to_owned()).unwrap_or_default()
    }

    #[test]
    fn the_key_constraints_take_one_kind_of_list_each() {
        const SERVICES: &str = constraint::RESTRICT_NON_CMEK;
        const PROJECTS: &str = constraint::RESTRICT_KEY_PROJECTS;
        for (row, name, kind, said) in [
            ("3.3 deny list", SERVICES, values(&[], &["storage.googleapis.com", "is:pubsub.googleapis.com"]), ""),
            ("3.3 allow list", SERVICES, values(&["storage.googleapis.com"], &[]), "list of deniedValues only"),
            ("3.3 deny all", SERVICES, Kind::DenyAll(true), "denyAll is not allowed"),
            ("3.3 unsupported token", SERVICES, values(&[], &["containerregistry.googleapis.com"]), "is no service"),
            ("3.3 no KMS token", SERVICES, values(&[], &["cloudkms.googleapis.com"]), "is no service"),
            ("3.3 no under", SERVICES, values(&[], &["under:projects/my-keys"]), "does not take"),
            (
                "3.3 allow list",
                PROJECTS,
                values(&["projects/my-keys", "under:folders/1", "under:organizations/1"], &[]),
                "",
            ),
            ("3.3 deny list", PROJECTS, values(&[], &["projects/my-keys"]), "list of allowedValues only"),
            ("3.3 deny all", PROJECTS, Kind::DenyAll(true), "denyAll is not allowed"),
            ("3.3 folder without under", PROJECTS, values(&["folders/1"], &[]), "is neither"),
            ("3.1 bad prefix", PROJECTS, values(&["below:folders/1"], &[]), "unknown prefix"),
            ("3.1 empty", PROJECTS, values(&[], &[]), "values need"),
            ("3.1 enforce on a list", PROJECTS, Kind::Enforce(true), "enforce does not apply"),
            ("3.4 group", constraint::RESOURCE_LOCATIONS, values(&["in:us-locations"], &[]), ""),
            ("1.8 durations", constraint::MINIMUM_DESTROY_DURATION, values(&["in:30d"], &[]), ""),
            ("1.8 other durations", constraint::MINIMUM_DESTROY_DURATION, values(&["in:31d"], &[]), "none of in:7d"),
            ("1.8 without in", constraint::MINIMUM_DESTROY_DURATION, values(&["30d"], &[]), "none of in:7d"),
            (
                "1.8 denied durations",
                constraint::MINIMUM_DESTROY_DURATION,
                values(&[], &["in:30d"]),
                "allowedValues only",
            ),
            ("1.8 levels", constraint::ALLOWED_PROTECTION_LEVELS, values(&["HSM"], &["is:SOFTWARE"]), ""),
            ("1.8 other levels", constraint::ALLOWED_PROTECTION_LEVELS, values(&["HARD"], &[]), "no protection level"),
        ] {
            let text = verdict(name, vec![rule(kind)]);
            assert!(if said.is_empty() { text.is_empty() } else { text.contains(said) }, "{row}: {text}");
        }
    }

    #[test]
    fn boolean_constraints_have_one_rule_without_a_condition() {
        const NAME: &str = constraint::DISABLE_BEFORE_DESTROY;
        let conditional = |enforce| PolicyRule {
            condition: Some(Expr { expression: "resource.matchTag('1/env', 'test')".into(), ..Expr::default() }),
            ..rule(Kind::Enforce(enforce))
        };
        assert_eq!(verdict(NAME, vec![rule(Kind::Enforce(true))]), "");
        assert_eq!(verdict(NAME, vec![rule(Kind::Enforce(true)), conditional(false)]), "");
        assert!(verdict(NAME, vec![rule(Kind::Enforce(true)), conditional(true)]).contains("opposite"));
        assert!(verdict(NAME, vec![conditional(true)]).contains("exactly one"));
        assert!(verdict(NAME, vec![]).contains("exactly one"));
        assert!(verdict(NAME, vec![rule(Kind::AllowAll(true))]).contains("boolean"));
        let inheriting =
            PolicySpec { rules: vec![rule(Kind::Enforce(true))], inherit_from_parent: true, ..PolicySpec::default() };
        assert!(spec(constraint::find(NAME).unwrap(), &inheriting).is_err());
    }

    #[test]
    fn a_reset_stands_alone() {
        let constraint = constraint::find(constraint::RESTRICT_NON_CMEK).unwrap();
        let mut policy = PolicySpec { reset: true, ..PolicySpec::default() };
        assert!(spec(constraint, &policy).is_ok());
        policy.inherit_from_parent = true;
        assert!(spec(constraint, &policy).is_err());
    }

    #[test]
    fn conditions_match_tags_and_nothing_else() {
        let constraint = constraint::find(constraint::RESOURCE_LOCATIONS).unwrap();
        for (expression, fits) in [
            ("resource.matchTagId('tagKeys/1', 'tagValues/2')", true),
            ("resource.matchTag('1/a', 'b') && !resource.matchTag(\"1/c\", \"d\")", true),
            ("request.time < timestamp('2026-01-01T00:00:00Z')", false),
            ("", false),
        ] {
            assert_eq!(check_condition(constraint, expression).is_ok(), fits, "{expression}");
        }
    }
}
