//! The bodies of Resource Manager's v1 and v2 calls.

use gcp_gateway::Body;
use serde_json::Value;

use crate::kernel::Result;
use crate::shape::Shape::{self, Any, Map, Number, Object, Text, Texts};
use crate::shape::{self, Fields};

const PAGE: [(&str, Shape); 2] = [("pageSize", Number), ("pageToken", Text)];

/// What is only shown is taken and not looked at: clients send back what they read.
const PROJECT: Fields = &[
    ("projectId", Text),
    ("projectNumber", Any),
    ("name", Text),
    ("labels", Map),
    ("parent", Object(&[("type", Text), ("id", Text)])),
    ("lifecycleState", Any),
    ("createTime", Any),
    ("configuredCapabilities", Any),
    ("tags", Any),
];

const FOLDER: Fields =
    &[("displayName", Text), ("name", Text), ("parent", Text), ("lifecycleState", Any), ("createTime", Any)];

fn fields(action: &str) -> Fields {
    match action {
        "projects.create" | "projects.update" => PROJECT,
        "folders.create" | "folders.patch" => FOLDER,
        "folders.move" => &[("destinationParent", Text)],
        "organizations.search" => &[("filter", Text), PAGE[0], PAGE[1]],
        "folders.search" => &[("query", Text), PAGE[0], PAGE[1]],
        "getIamPolicy" => &[("options", Object(&[("requestedPolicyVersion", Number)]))],
        // The policy is a published message.
        "setIamPolicy" => &[("policy", Any), ("updateMask", Text)],
        "testIamPermissions" => &[("permissions", Texts)],
        _ => &[],
    }
}

/// The body of an action as an object that fits.
pub async fn read(body: Body, action: &str) -> Result<Value> {
    shape::read(body, fields(action)).await
}
