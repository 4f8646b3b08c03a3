//! The older API's verbs: `POST /v1/{projects|folders|organizations}/ID:getOrgPolicy` and its kin.

use std::sync::Arc;

use gcp_gateway::ApiHint;
use gcp_names::constraint;
use http::Method;
use serde_json::{Map, Value, json};

use super::legacy;
use super::model::{self, Place, PolicyRow};
use crate::kernel::{Call, Error, Kernel, Mode, Result, Time};
use crate::rest::{self, Answer, Query, Request};
use crate::shape::Shape::{Any, Bytes, Flag, Number, Object, Text, Texts};
use crate::shape::{self, Fields};

const API: &str = "cloudresourcemanager.googleapis.com";

/// A verb: the permission it asks for, whether it writes, its body.
type Row = (&'static str, &'static str, Mode, Fields);

const VERBS: &[Row] = &[
    ("getOrgPolicy", "orgpolicy.policy.get", Mode::Read, NAMED),
    ("getEffectiveOrgPolicy", "orgpolicy.policy.get", Mode::Read, NAMED),
    ("setOrgPolicy", "orgpolicy.policy.set", Mode::Write, &[("policy", Object(POLICY))]),
    ("clearOrgPolicy", "orgpolicy.policy.set", Mode::Write, &[("constraint", Text), ("etag", Bytes)]),
    ("listOrgPolicies", "orgpolicy.policies.list", Mode::Read, PAGE),
    ("listAvailableOrgPolicyConstraints", "orgpolicy.constraints.list", Mode::Read, PAGE),
];

const NAMED: Fields = &[("constraint", Text)];
const PAGE: Fields = &[("pageSize", Number), ("pageToken", Text)];
const POLICY: Fields = &[
    ("constraint", Text),
    ("etag", Bytes),
    ("version", Number),
    ("updateTime", Any),
    (
        "listPolicy",
        Object(&[
            ("allowedValues", Texts),
            ("deniedValues", Texts),
            ("allValues", Text),
            ("suggestedValue", Text),
            ("inheritFromParent", Flag),
        ]),
    ),
    ("booleanPolicy", Object(&[("enforced", Flag)])),
    ("restoreDefault", Object(&[])),
];

/// `projects/ID` and the verb's row.
fn row_of(request: &Request) -> Option<(String, &'static Row)> {
    let path = request.uri().path().strip_prefix("/v1/")?;
    let (name, verb) = path.rsplit_once(':')?;
    let row = VERBS.iter().find(|row| row.0 == verb)?;
    let segments = rest::segments(name)?;
    match segments.as_slice() {
        [kind, _] if ["projects", "folders", "organizations"].contains(&kind.as_str()) => {
            Some((segments.join("/"), row))
        }
        _ => None,
    }
}

pub fn claims(request: &Request) -> bool {
    let hint = request.extensions().get::<ApiHint>().and_then(|hint| hint.0.as_deref());
    hint.is_none_or(|api| api == API) && request.method() == Method::POST && row_of(request).is_some()
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    let query = Query::of(&request);
    match answer(kernel, request).await {
        Ok(value) => rest::json(200, value, &query),
        Err(error) => rest::error(&error),
    }
}

async fn answer(kernel: &Arc<Kernel>, request: Request) -> Result<Value> {
    let (name, &(verb, permission, mode, fields)) =
        row_of(&request).ok_or_else(|| Error::not_found("Method not found."))?;
    let spec = rest::spec(&request, verb, API, permission, name.clone(), mode);
    let body = shape::read(request.into_body(), fields).await?;
    kernel.run(spec, |call| run(call, verb, &name, &body)).await
}

fn run(call: &mut Call, verb: &str, name: &str, body: &Value) -> Result<Value> {
    let resource = model::resource(call, name)?;
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let place = |constraint: &str| {
        if constraint.is_empty() {
            return Err(Error::invalid_argument(
                "Invalid constraint: it must be named, as in constraints/gcp.restrictNonCmekServices.",
            ));
        }
        Ok(Place { resource: resource.clone(), constraint: model::constraint(constraint)? })
    };
    match verb {
        "getOrgPolicy" => {
            let place = place(text("/constraint"))?;
            let row = place.get(call)?;
            Ok(render(call, &place, row.as_ref()))
        }
        "getEffectiveOrgPolicy" => {
            let place = place(text("/constraint"))?;
            let spec = place.effective(call)?;
            let mut policy = Map::from_iter([("constraint".to_owned(), full_name(&place))]);
            policy.extend(legacy::of_spec(place.constraint, &spec));
            Ok(Value::Object(policy))
        }
        "setOrgPolicy" => {
            let policy = body
                .get("policy")
                .filter(|policy| !policy.is_null())
                .ok_or_else(|| Error::invalid_argument("Invalid request: it has no policy."))?;
            let place = place(text("/policy/constraint"))?;
            let row = place.get(call)?;
            place.check_etag(call, row.as_ref(), text("/policy/etag"))?;
            let spec = legacy::to_spec(policy)?;
            // What v1 cannot see it leaves alone.
            let row = place.put(call, Some(spec), row.and_then(|row| row.dry_run_spec))?;
            Ok(render(call, &place, Some(&row)))
        }
        "clearOrgPolicy" => {
            let place = place(text("/constraint"))?;
            let row = place.get(call)?;
            place.check_etag(call, row.as_ref(), text("/etag"))?;
            place.delete(call)?;
            Ok(json!({}))
        }
        "listOrgPolicies" => {
            let size = body.get("pageSize").and_then(shape::number).unwrap_or(0);
            let page = model::list(call, &resource, size, text("/pageToken"))?;
            let mut answer = json!({});
            if !page.items.is_empty() {
                answer["policies"] = page.items.iter().map(|(place, row)| render(call, place, Some(row))).collect();
            }
            if !page.next_token.is_empty() {
                answer["nextPageToken"] = json!(page.next_token);
            }
            Ok(answer)
        }
        _ => Ok(json!({"constraints": constraint::ALL.iter().map(legacy::of_constraint).collect::<Vec<_>>()})),
    }
}

fn full_name(place: &Place) -> Value {
    json!(format!("constraints/{}", place.constraint.name))
}

/// A policy that is not there reads as one that says nothing.
fn render(call: &Call, place: &Place, row: Option<&PolicyRow>) -> Value {
    let mut policy = Map::new();
    policy.insert("constraint".to_owned(), full_name(place));
    policy.insert("etag".to_owned(), json!(place.etag(call, row)));
    if let Some(row) = row {
        policy.insert("updateTime".to_owned(), json!(Time(row.updated).rfc3339()));
        if let Some(spec) = &row.spec {
            policy.extend(legacy::of_spec(place.constraint, spec));
        }
    }
    Value::Object(policy)
}
