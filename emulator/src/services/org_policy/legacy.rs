//! The policy of the older API (Resource Manager v1) as JSON: another view of the same rows.

use gcp_names::constraint::Constraint;
use gcp_schema::orgpolicy::PolicySpec;
use gcp_schema::orgpolicy::policy_spec::PolicyRule;
use gcp_schema::orgpolicy::policy_spec::policy_rule::{Kind, StringValues};
use serde_json::{Map, Value, json};

use super::validate;
use crate::kernel::{Error, Result};

/// The part of an OrgPolicy that says what it does.
pub fn of_spec(constraint: &Constraint, spec: &PolicySpec) -> Map<String, Value> {
    let mut policy = Map::new();
    if spec.rules.iter().any(|rule| rule.condition.is_some()) {
        // What v1 cannot say; gcloud refuses to print it.
        policy.insert("version".to_owned(), json!(2));
    }
    let rules = spec.rules.iter().filter(|rule| rule.condition.is_none()).filter_map(|rule| rule.kind.as_ref());
    if spec.reset {
        policy.insert("restoreDefault".to_owned(), json!({}));
    } else if constraint.is_list {
        policy.insert("listPolicy".to_owned(), list_policy(rules, spec.inherit_from_parent));
    } else {
        let enforced = rules.into_iter().any(|kind| matches!(kind, Kind::Enforce(true)));
        policy.insert("booleanPolicy".to_owned(), if enforced { json!({"enforced": true}) } else { json!({}) });
    }
    policy
}

fn list_policy<'a>(rules: impl Iterator<Item = &'a Kind>, inherit: bool) -> Value {
    let mut list = json!({});
    let mut allowed = Vec::new();
    let mut denied = Vec::new();
    for kind in rules {
        match kind {
            Kind::Values(values) => {
                allowed.extend(&values.allowed_values);
                denied.extend(&values.denied_values);
            }
            Kind::AllowAll(_) => list["allValues"] = json!("ALLOW"),
            Kind::DenyAll(_) => list["allValues"] = json!("DENY"),
            Kind::Enforce(_) => {}
        }
    }
    if !allowed.is_empty() {
        list["allowedValues"] = json!(allowed);
    }
    if !denied.is_empty() {
        list["deniedValues"] = json!(denied);
    }
    if inherit {
        list["inheritFromParent"] = json!(true);
    }
    list
}

/// What an OrgPolicy says, as v2 keeps it.
pub fn to_spec(policy: &Value) -> Result<PolicySpec> {
    let kinds = ["listPolicy", "booleanPolicy", "restoreDefault"];
    let given: Vec<_> =
        kinds.into_iter().filter(|kind| policy.get(kind).is_some_and(|value| !value.is_null())).collect();
    let rule = |kind| PolicyRule { kind: Some(kind), ..PolicyRule::default() };
    match given[..] {
        ["restoreDefault"] => Ok(PolicySpec { reset: true, ..PolicySpec::default() }),
        ["booleanPolicy"] => {
            let enforced = policy.pointer("/booleanPolicy/enforced").and_then(Value::as_bool).unwrap_or(false);
            Ok(PolicySpec { rules: vec![rule(Kind::Enforce(enforced))], ..PolicySpec::default() })
        }
        ["listPolicy"] => {
            let list = &policy["listPolicy"];
            let inherit_from_parent = list.get("inheritFromParent").and_then(Value::as_bool).unwrap_or(false);
            let allowed_values = texts(list, "allowedValues")?;
            let denied_values = texts(list, "deniedValues")?;
            let has_values = !allowed_values.is_empty() || !denied_values.is_empty();
            let rules = match list.get("allValues").and_then(Value::as_str).unwrap_or_default() {
                "ALLOW" if !has_values => vec![rule(Kind::AllowAll(true))],
                "DENY" if !has_values => vec![rule(Kind::DenyAll(true))],
                "" | "ALL_VALUES_UNSPECIFIED" if has_values => {
                    vec![rule(Kind::Values(StringValues { allowed_values, denied_values }))]
                }
                "" | "ALL_VALUES_UNSPECIFIED" => Vec::new(),
                "ALLOW" | "DENY" => {
                    return Err(Error::invalid_argument(
                        "Invalid policy: allValues goes with neither allowedValues nor deniedValues.",
                    ));
                }
                other => {
                    return Err(Error::invalid_argument(format!(
                        "Invalid policy: allValues is ALLOW or DENY, not '{other}'."
                    )));
                }
            };
            Ok(PolicySpec { rules, inherit_from_parent, ..PolicySpec::default() })
        }
        _ => Err(Error::invalid_argument(
            "Invalid policy: it has exactly one of listPolicy, booleanPolicy and restoreDefault.",
        )),
    }
}

fn texts(list: &Value, field: &str) -> Result<Vec<String>> {
    match list.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => serde_json::from_value(value.clone())
            .map_err(|_| Error::invalid_argument(format!("Invalid policy: {field} is a list of texts."))),
    }
}

pub fn of_constraint(constraint: &Constraint) -> Value {
    let mut value = json!({
        "name": format!("constraints/{}", constraint.name),
        "displayName": constraint.display_name,
        "description": constraint.description,
        "constraintDefault": "ALLOW",
    });
    if constraint.is_list {
        let mut list = json!({});
        if constraint.supports_under {
            list["supportsUnder"] = json!(true);
        }
        if validate::supports_in(constraint) {
            list["supportsIn"] = json!(true);
        }
        value["listConstraint"] = list;
    } else {
        value["booleanConstraint"] = json!({});
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use gcp_names::constraint;

    #[test]
    fn what_v1_can_say_survives_the_way_through_v2() {
        for (name, policy) in [
            (constraint::RESTRICT_NON_CMEK, json!({"listPolicy": {"deniedValues": ["storage.googleapis.com"]}})),
            (constraint::RESTRICT_NON_CMEK, json!({"listPolicy": {"allValues": "ALLOW"}})),
            (
                constraint::RESTRICT_KEY_PROJECTS,
                json!({"listPolicy": {"allowedValues": ["under:folders/1"], "inheritFromParent": true}}),
            ),
            (constraint::DISABLE_BEFORE_DESTROY, json!({"booleanPolicy": {"enforced": true}})),
            (constraint::DISABLE_BEFORE_DESTROY, json!({"booleanPolicy": {}})),
            (constraint::RESTRICT_NON_CMEK, json!({"restoreDefault": {}})),
        ] {
            let spec = to_spec(&policy).unwrap();
            let constraint = constraint::find(name).unwrap();
            assert_eq!(Value::Object(of_spec(constraint, &spec)), policy);
            assert!(validate::spec(constraint, &spec).is_ok());
        }
        for odd in
            [json!({}), json!({"listPolicy": {}, "booleanPolicy": {}}), json!({"listPolicy": {"allValues": "SOME"}})]
        {
            assert!(to_spec(&odd).is_err(), "{odd}");
        }
    }
}
