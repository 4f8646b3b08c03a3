//! Formats what standard input says: a JSON object a line in, one out. For comparing with the real gcloud.

use gcp_format::{Options, list, one};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| case.get(name).and_then(Value::as_str);
        let number =
            |name: &str| case.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        let mut options = Options::new(text("default").unwrap_or_default(), "2026-01-05T09:00:00[UTC]".parse()?);
        options.format = text("format");
        options.filter = text("filter");
        options.sort_by = text("sort_by");
        options.flatten = text("flatten");
        options.limit = number("limit");
        options.uri = case.get("uri").and_then(Value::as_bool).unwrap_or(false);
        options.width = number("width").unwrap_or(80);
        let answer = match case.get("records") {
            Some(Value::Array(records)) => list(records, &options),
            record => one(record.unwrap_or(&Value::Null), &options),
        };
        let answer = match answer {
            Ok(output) => {
                json!({"out": output.text, "warnings": output.warnings, "printed": output.printed, "error": null})
            }
            Err(error) => json!({"out": "", "warnings": [], "printed": false, "error": error.to_string()}),
        };
        println!("{answer}");
    }
    Ok(())
}
