//! `--format`: json, yaml, table, value(key,…), none.

use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::ui;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Yaml,
    Table(Vec<String>),
    Value(Vec<String>),
    None,
}

pub fn parse(text: &str) -> Outcome<Format> {
    let (name, keys) = match text.split_once('(') {
        Some((name, rest)) => {
            let keys =
                rest.strip_suffix(')').ok_or_else(|| Failure::new(format!("More tokens expected [{text} *HERE*].")))?;
            (name, keys.split(',').map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).collect())
        }
        None => (text, Vec::new()),
    };
    let needs_keys = |keys: &[String]| {
        if keys.is_empty() {
            Err(Failure::new(format!(
                "Format [{name}] requires a non-empty projection. Use key parameters to specify a projection like so `{name}(foo, bar.baz)`"
            )))
        } else {
            Ok(())
        }
    };
    match name {
        "json" => Ok(Format::Json),
        "yaml" | "default" => Ok(Format::Yaml),
        "none" | "disable" => Ok(Format::None),
        "table" => needs_keys(&keys).map(|()| Format::Table(keys)),
        "value" | "get" => needs_keys(&keys).map(|()| Format::Value(keys)),
        other => {
            Err(Failure::new(format!("Format must be one of json, none, table, value, yaml; received [{other}].")))
        }
    }
}

/// Keys in order, as gcloud prints them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut names: Vec<_> = map.keys().collect();
            names.sort();
            Value::Object(names.into_iter().map(|name| (name.clone(), sorted(&map[name]))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn cell(record: &Value, key: &str) -> String {
    let found = key.split('.').try_fold(record, |value, name| value.get(name));
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => if *flag { "True" } else { "False" }.to_owned(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(";"),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(";"),
        Some(other) => other.to_string(),
    }
}

/// A list prints one record after the other, anything else prints itself.
pub fn render(format: &Format, value: &Value) -> Outcome<String> {
    let records: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    };
    Ok(match format {
        Format::None => String::new(),
        Format::Json => {
            serde_json::to_string_pretty(&sorted(value)).map_err(|error| Failure::new(error.to_string()))? + "\n"
        }
        Format::Yaml => {
            let mut out = String::new();
            for record in &records {
                if value.is_array() {
                    out.push_str("---\n");
                }
                let text = serde_saphyr::to_string(&sorted(record)).map_err(|error| Failure::new(error.to_string()))?;
                out.push_str(text.trim_end());
                out.push('\n');
            }
            out
        }
        Format::Table(keys) => {
            let headings: Vec<String> = keys.iter().map(|key| heading(key)).collect();
            let rows: Vec<Vec<String>> =
                records.iter().map(|record| keys.iter().map(|key| cell(record, key)).collect()).collect();
            ui::table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
        }
        Format::Value(keys) => records
            .iter()
            .map(|record| keys.iter().map(|key| cell(record, key)).collect::<Vec<_>>().join("\t") + "\n")
            .collect(),
    })
}

/// `defaultKey` -> `DEFAULT_KEY`
fn heading(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let mut out = String::new();
    for c in last.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_format_prints_its_way() {
        let list = json!([{"host": "gcr.io", "key": {"name": "k"}, "ready": true}, {"host": "eu.gcr.io"}]);
        let print = |text: &str| render(&parse(text).unwrap(), &list).unwrap();
        assert_eq!(print("value(host,key.name)"), "gcr.io\tk\neu.gcr.io\t\n");
        assert_eq!(print("table(host,ready)"), "HOST       READY\ngcr.io     True\neu.gcr.io\n");
        assert!(print("json").starts_with("[\n  {\n    \"host\": \"gcr.io\""));
        assert!(print("yaml").starts_with("---\nhost: gcr.io\n"));
        assert_eq!(print("none"), "");
        assert!(parse("bogus").unwrap_err().message.contains("received [bogus]"));
        assert!(parse("table").unwrap_err().message.contains("non-empty projection"));
    }
}
