//! The v1 verbs of organization policy, on Resource Manager's address.

use std::sync::Arc;

use gcp_names::constraint;
use gcp_schema::orgpolicy::policy_spec::PolicyRule;
use gcp_schema::orgpolicy::policy_spec::policy_rule::{Kind, StringValues};
use gcp_schema::orgpolicy::{Policy, PolicySpec};
use serde_json::{Value, json};

use super::model;
use crate::kernel::{Call, Error, Kernel, Mode, Result};
use crate::rest::{self, Answer, Query, Request};

const VERBS: [&str; 6] = [
    "getOrgPolicy", "getEffectiveOrgPolicy", "setOrgPolicy", "clearOrgPolicy", "listOrgPolicies",
    "listAvailableOrgPolicyConstraints",
];

fn shape(request: &Request) -> Option<(String, &'static str)> {
    let (name, verb) = request.uri().path().strip_prefix("/v1/")?.rsplit_once(':')?;
    let verb = VERBS.into_iter().find(|known| *known == verb)?;
    Some((name.to_owned(), verb))
}

pub fn claims(request: &Request) -> bool {
    shape(request).is_some()
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let query = Query::of(&request);
    match answer(kernel, request).await {
        Ok(value) => rest::json(200, value, &query),
        Err(error) => rest::error(&error),
    }
}

async fn answer(kernel: &Arc<Kernel>, request: Request) -> Result<Value> {
    let Some((name, verb)) = shape(&request) else { return Err(Error::not_found("Not found.")) };
    let (permission, mode) = match verb {
        "setOrgPolicy" | "clearOrgPolicy" => ("orgpolicy.policies.update", Mode::Write),
        _ => ("orgpolicy.policy.get", Mode::Read),
    };
    let spec = rest::spec(&request, "orgpolicy.v1", "", permission, name.clone(), mode);
    let body = rest::read_json(request.into_body()).await?;
    kernel.run(spec, move |call| carry_out(call, &name, verb, &body)).await
}

fn carry_out(call: &mut Call, name: &str, verb: &str, body: &Value) -> Result<Value> {
    let parent = model::parent_of(call, name)?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let named = |name: &str| constraint::find(name).ok_or_else(|| Error::invalid_argument(format!("Invalid constraint '{name}'.")));
    match verb {
        "getOrgPolicy" => {
            let constraint = named(&text("/constraint"))?;
            let stored = model::get(call, &parent, constraint)?;
            Ok(v1(constraint, stored.as_ref().and_then(|policy| policy.spec.as_ref()), stored.as_ref().map_or("ACAB", |policy| &policy.etag)))
        }
        "getEffectiveOrgPolicy" => {
            let constraint = named(&text("/constraint"))?;
            if !constraint.is_list {
                let enforced = model::enforced(call, &parent, constraint)?;
                let inner = if enforced { json!({"enforced": true}) } else { json!({}) };
                return Ok(json!({"constraint": format!("constraints/{}", constraint.name), "booleanPolicy": inner}));
            }
            let found = model::effective(call, &parent, constraint)?;
            let mut list = json!({});
            if !found.allowed.is_empty() {
                list["allowedValues"] = json!(found.allowed);
            }
            if !found.denied.is_empty() {
                list["deniedValues"] = json!(found.denied);
            }
            if list == json!({}) {
                list["allValues"] = json!(if found.deny_all { "DENY" } else { "ALLOW" });
            }
            Ok(json!({"constraint": format!("constraints/{}", constraint.name), "listPolicy": list}))
        }
        "setOrgPolicy" => {
            let constraint = named(&text("/policy/constraint"))?;
            let spec = from_v1(&body["policy"]);
            let stored = model::put(call, &parent, constraint, Policy { spec: Some(spec), ..Policy::default() }, &text("/policy/etag"))?;
            Ok(v1(constraint, stored.spec.as_ref(), &stored.etag))
        }
        "clearOrgPolicy" => {
            let constraint = named(&text("/constraint"))?;
            call.txn.delete(&model::POLICIES, &model::key(&parent, constraint))?;
            Ok(json!({}))
        }
        "listOrgPolicies" => {
            let rows = call.txn.list(&model::POLICIES, &format!("{parent}/policies/"))?;
            let policies: Vec<Value> = rows
                .iter()
                .filter_map(|(name, policy)| Some((constraint::find(name.rsplit_once('/')?.1)?, policy)))
                .map(|(constraint, policy)| v1(constraint, policy.spec.as_ref(), &policy.etag))
                .collect();
            Ok(if policies.is_empty() { json!({}) } else { json!({"policies": policies}) })
        }
        _ => {
            let rows: Vec<Value> = constraint::ALL
                .iter()
                .map(|known| {
                    let mut row = json!({"name": format!("constraints/{}", known.name), "displayName": known.display_name,
                        "constraintDefault": "ALLOW"});
                    row[if known.is_list { "listConstraint" } else { "booleanConstraint" }] = json!({});
                    row
                })
                .collect();
            Ok(json!({"constraints": rows}))
        }
    }
}

fn v1(constraint: &constraint::Constraint, spec: Option<&PolicySpec>, etag: &str) -> Value {
    let mut value = json!({"constraint": format!("constraints/{}", constraint.name), "etag": etag});
    let Some(spec) = spec else { return value };
    if spec.reset {
        value["restoreDefault"] = json!({});
        return value;
    }
    if !constraint.is_list {
        let enforced = spec.rules.iter().any(|rule| rule.kind == Some(Kind::Enforce(true)));
        value["booleanPolicy"] = if enforced { json!({"enforced": true}) } else { json!({}) };
        return value;
    }
    let mut list = json!({});
    for rule in &spec.rules {
        match &rule.kind {
            Some(Kind::Values(values)) => {
                if !values.allowed_values.is_empty() {
                    list["allowedValues"] = json!(values.allowed_values);
                }
                if !values.denied_values.is_empty() {
                    list["deniedValues"] = json!(values.denied_values);
                }
            }
            Some(Kind::AllowAll(true)) => list["allValues"] = json!("ALLOW"),
            Some(Kind::DenyAll(true)) => list["allValues"] = json!("DENY"),
            _ => {}
        }
    }
    if spec.inherit_from_parent {
        list["inheritFromParent"] = json!(true);
    }
    value["listPolicy"] = list;
    value
}

fn from_v1(policy: &Value) -> PolicySpec {
    let list = |pointer: &str| -> Vec<String> {
        policy
            .pointer(pointer)
            .and_then(Value::as_array)
            .map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default()
    };
    if policy.get("restoreDefault").is_some() {
        return PolicySpec { reset: true, ..PolicySpec::default() };
    }
    let kind = if let Some(boolean) = policy.get("booleanPolicy") {
        Kind::Enforce(boolean.get("enforced").and_then(Value::as_bool).unwrap_or_default())
    } else {
        match policy.pointer("/listPolicy/allValues").and_then(Value::as_str) {
            Some("ALLOW") => Kind::AllowAll(true),
            Some("DENY") => Kind::DenyAll(true),
            _ => Kind::Values(StringValues {
                allowed_values: list("/listPolicy/allowedValues"),
                denied_values: list("/listPolicy/deniedValues"),
            }),
        }
    };
    PolicySpec {
        rules: vec![PolicyRule { kind: Some(kind), ..PolicyRule::default() }],
        inherit_from_parent: policy.pointer("/listPolicy/inheritFromParent").and_then(Value::as_bool).unwrap_or_default(),
        ..PolicySpec::default()
    }
}
