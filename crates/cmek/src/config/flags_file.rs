//! `--flags-file=FILE`: flags from YAML or JSON, in the place of the flag itself, so that a later one still wins.

use serde_json::Value;

use crate::failure::{Failure, Outcome};

const FLAG: &str = "--flags-file";

/// Gives the content of a file (`-` is standard input); `None` when there is none.
pub type Read<'a> = dyn FnMut(&str) -> std::io::Result<Option<String>> + 'a;

/// The arguments with every file's flags in them.
pub fn expand(args: Vec<String>, read: &mut Read<'_>) -> Outcome<Vec<String>> {
    let mut expanded = Vec::with_capacity(args.len());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let path = match arg.strip_prefix(FLAG) {
            Some("") => args.next().ok_or_else(|| usage(format!("argument {FLAG}: expected one argument")))?,
            Some(rest) if rest.starts_with('=') => rest[1..].to_owned(),
            _ => {
                let last = arg == "--";
                expanded.push(arg);
                if last {
                    // What follows is no flag.
                    expanded.extend(args);
                    break;
                }
                continue;
            }
        };
        widen(&path, &mut Vec::new(), read, &mut expanded)?;
    }
    Ok(expanded)
}

/// The command line is wrong, not what it asks for.
fn usage(message: String) -> Failure {
    Failure { code: 2, ..Failure::new(message) }
}

fn widen(path: &str, within: &mut Vec<String>, read: &mut Read<'_>, into: &mut Vec<String>) -> Outcome<()> {
    if within.iter().any(|file| file == path) {
        return Err(usage(format!("{FLAG} recursive reference ({}).", within.join(";"))));
    }
    let text = read(path)
        .map_err(|error| usage(format!("{FLAG} [{path}] could not be read: {error}.")))?
        .ok_or_else(|| usage(format!("{FLAG} [{path}] not found.")))?;
    if text.trim().is_empty() {
        return Err(usage(format!("{FLAG} [{path}] is empty.")));
    }
    let data: Value = serde_saphyr::from_str(&text).map_err(|error| {
        usage(format!(
            "{FLAG} [{path}] is neither YAML nor JSON: {}",
            error.to_string().lines().next().unwrap_or_default()
        ))
    })?;
    within.push(path.to_owned());
    let groups = match data {
        Value::Array(groups) => groups,
        one => vec![one],
    };
    for group in groups {
        let Value::Object(flags) = group else {
            return Err(usage(format!(
                "{path}: {FLAG} file must contain a dictionary or list of dictionaries of flags."
            )));
        };
        for (flag, value) in flags {
            if flag == FLAG {
                let files = match value {
                    Value::Array(files) => files,
                    one => vec![one],
                };
                for file in files {
                    let file = file.as_str().ok_or_else(|| usage(format!("{path}: {FLAG} must name files.")))?;
                    widen(file, within, read, into)?;
                }
            } else {
                into.push(one(path, &flag, &value)?);
            }
        }
    }
    within.pop();
    Ok(())
}

/// One flag as an argument.
fn one(path: &str, flag: &str, value: &Value) -> Outcome<String> {
    if !flag.starts_with('-') {
        return Err(usage(format!("{path}: [{flag}] is no flag; flags begin with --.")));
    }
    let scalar = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err(usage(format!("{path}: the value of [{flag}] lies too deep."))),
    };
    let text = match value {
        Value::Null | Value::Bool(true) => return Ok(flag.to_owned()),
        // gcloud would switch it on.
        Value::Bool(false) => {
            return Err(usage(format!("{path}: [{flag}] cannot be switched off by false."))
                .hint("leave the flag out, or write its --no- form without a value"));
        }
        Value::Array(items) => joined(items.iter().map(scalar).collect::<Outcome<_>>()?),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| scalar(value).map(|value| format!("{key}={value}")));
            joined(pairs.collect::<Outcome<_>>()?)
        }
        one => scalar(one)?,
    };
    Ok(format!("{flag}={text}"))
}

/// With commas, or by gcloud's `^DELIMITER^` where a comma stands in one of them.
fn joined(items: Vec<String>) -> String {
    let free = |delimiter: &&str| !items.iter().any(|item| item.contains(*delimiter));
    match [",", ":", ";", "|", "@", "#", "--"].iter().find(|delimiter| free(delimiter)) {
        Some(&",") | None => items.join(","),
        Some(delimiter) => format!("^{delimiter}^{}", items.join(delimiter)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn expanded(args: &[&str], files: &[(&str, &str)]) -> Outcome<Vec<String>> {
        let files: BTreeMap<_, _> = files.iter().copied().collect();
        let mut read = |path: &str| Ok(files.get(path).map(|text| (*text).to_owned()));
        expand(args.iter().map(|arg| (*arg).to_owned()).collect(), &mut read)
    }

    fn message(args: &[&str], files: &[(&str, &str)]) -> String {
        let failure = expanded(args, files).unwrap_err();
        assert_eq!(failure.code, 2, "{}", failure.message);
        failure.message
    }

    #[test]
    fn a_files_flags_stand_where_the_flag_stood() {
        let files = [("1.yaml", "--location: us\n"), ("2.json", r#"{"--quiet": null, "--location": "eu"}"#)];
        assert_eq!(
            expanded(&["cmek", "keys", "list", "--flags-file=1.yaml", "ring", "--flags-file", "2.json"], &files)
                .unwrap(),
            ["cmek", "keys", "list", "--location=us", "ring", "--quiet", "--location=eu"]
        );
        assert_eq!(expanded(&["cmek", "--flags-files"], &files).unwrap(), ["cmek", "--flags-files"]);
        let after = expanded(&["cmek", "--flags-file=1.yaml", "--", "--flags-file=1.yaml"], &files).unwrap();
        assert_eq!(after, ["cmek", "--location=us", "--", "--flags-file=1.yaml"]);
    }

    #[test]
    fn values_of_every_kind_become_text() {
        let file = "--switch:\n--on: true\n--count: 123\n--share: 4.5\n--text: A value\n--list:\n- a\n- b c\n--labels:\n  \
                    env: prod\n  team: a1\n--awkward: ['a,b', c]\n";
        assert_eq!(
            expanded(&["--flags-file=f"], &[("f", file)]).unwrap(),
            [
                "--switch",
                "--on",
                "--count=123",
                "--share=4.5",
                "--text=A value",
                "--list=a,b c",
                "--labels=env=prod,team=a1",
                "--awkward=^:^a,b:c"
            ]
        );
    }

    #[test]
    fn a_list_repeats_a_flag_and_files_name_files() {
        let files = [
            ("outer", "- --role: r1\n  --flags-file: [inner, last]\n- --role: r2\n"),
            ("inner", "--member: m\n"),
            ("last", "--quiet:\n"),
        ];
        assert_eq!(
            expanded(&["--flags-file=outer"], &files).unwrap(),
            ["--role=r1", "--member=m", "--quiet", "--role=r2"]
        );
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_as_a_usage_error() {
        let loops = [("a", "--flags-file: b\n"), ("b", "--flags-file: a\n")];
        assert_eq!(message(&["--flags-file=a"], &loops), "--flags-file recursive reference (a;b).");
        assert_eq!(message(&["--flags-file=x"], &[]), "--flags-file [x] not found.");
        assert_eq!(message(&["--flags-file=x"], &[("x", " \n")]), "--flags-file [x] is empty.");
        assert_eq!(message(&["--flags-file"], &[]), "argument --flags-file: expected one argument");
        for text in ["just text", "- a\n- b\n", "7"] {
            assert_eq!(
                message(&["--flags-file=x"], &[("x", text)]),
                "x: --flags-file file must contain a dictionary or list of dictionaries of flags."
            );
        }
        assert!(message(&["--flags-file=x"], &[("x", "{")]).starts_with("--flags-file [x] is neither YAML nor JSON: "));
        assert!(message(&["--flags-file=x"], &[("x", "--yes: false")]).contains("cannot be switched off by false"));
        assert!(message(&["--flags-file=x"], &[("x", "zone: us")]).contains("[zone] is no flag"));
        assert!(message(&["--flags-file=x"], &[("x", "--a: [[1]]")]).contains("lies too deep"));
        let twice = [("a", "--quiet:\n"), ("b", "--flags-file: [a, a]\n")];
        assert_eq!(expanded(&["--flags-file=b"], &twice).unwrap(), ["--quiet", "--quiet"], "twice is no circle");
    }
}
