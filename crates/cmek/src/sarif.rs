//! Findings as SARIF 2.1.0, which code hosts and scanners show.

use cmek_plan::{Issue, Rank, rules};
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};

fn level(rank: Rank) -> &'static str {
    match rank {
        Rank::Error => "error",
        Rank::Warning => "warning",
        Rank::Note => "note",
    }
}

pub fn render(issues: &[Issue]) -> Outcome<String> {
    let rules: Vec<Value> = rules()
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.about},
                "defaultConfiguration": {"level": level(rule.rank)},
            })
        })
        .collect();
    let results: Vec<Value> = issues
        .iter()
        .map(|issue| {
            json!({
                "ruleId": issue.rule,
                "level": level(issue.severity),
                "message": {"text": format!("{} Mend: {}", issue.message, issue.mend)},
                "locations": [{"logicalLocations": [{"fullyQualifiedName": issue.resource, "kind": "resource"}]}],
                "partialFingerprints": {"cmek/v1": issue.fingerprint},
            })
        })
        .collect();
    let driver = json!({
        "name": "cmek",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    });
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(|error| Failure::new(error.to_string()))
}
