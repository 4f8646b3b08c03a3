//! What a person sees of a list of keys, format by format; and that no input, however odd, breaks anything.

use std::fmt::Write;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{FormatError, Options, Output, list, one};

const DEFAULT: &str = "table(name, purpose, version_template.algorithm, labels.list(), \
                       primary.name.segment(9):label=PRIMARY_ID, primary.state:label=PRIMARY_STATE)";

fn keys() -> Vec<Value> {
    vec![
        json!({
            "name": "projects/p1/locations/us/keyRings/r1/cryptoKeys/k1", "purpose": "ENCRYPT_DECRYPT",
            "createTime": "2026-01-01T10:20:30.123456Z", "rotationPeriod": "7776000s", "labels": {"c": "d", "a": "b"},
            "versionTemplate": {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "protectionLevel": "SOFTWARE"},
            "primary": {
                "name": "projects/p1/locations/us/keyRings/r1/cryptoKeys/k1/cryptoKeyVersions/3",
                "state": "ENABLED", "importOnly": false
            },
        }),
        json!({
            "name": "projects/p1/locations/us/keyRings/r1/cryptoKeys/k2", "purpose": "MAC", "regions": ["us", "eu"],
            "createTime": "2025-11-30T00:00:00Z", "note": "first line\nsecond: it's",
        }),
    ]
}

fn options(format: Option<&'static str>) -> Options<'static> {
    let mut options = Options::new(DEFAULT, "2026-01-05T09:00:00[UTC]".parse().expect("a time"));
    options.format = format;
    options
}

#[derive(Default)]
struct Transcript(String);

impl Transcript {
    fn show(&mut self, asked: &str, answer: Result<Output, FormatError>) {
        let _ = writeln!(self.0, "$ {asked}");
        match answer {
            Ok(output) => {
                self.0.push_str(&output.text);
                output.warnings.iter().for_each(|warning| self.0.push_str(&format!("WARNING: {warning}\n")));
            }
            Err(error) => self.0.push_str(&format!("ERROR: {error}\n")),
        }
        self.0.push('\n');
    }

    fn check(self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../snapshots/formats"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, self.0));
    }
}

#[test]
fn a_list_in_every_format() {
    let mut transcript = Transcript::default();
    for format in [
        "table(name.basename(), createTime.date(), purpose)",
        "table[box,title=Keys](name.basename():label=KEY, labels.list(separator=' '):align=right, regions)",
        "table[all-box,no-heading](name.basename(), note)",
        "[no-heading]",
        "table(PRIMARY_STATE, name.basename():sort=1:reverse)",
        "value(name.basename(), labels, regions, nope)",
        "value[separator=' | ', delimiter=','](PRIMARY_ID, labels)",
        "get(labels, primary.importOnly)",
        "csv(name.basename(), labels, note, PRIMARY_ID)",
        "json(name.basename(), primary.state, regions[0])",
        "yaml",
        "flattened(name.basename():label=KEY, labels, regions, note)",
        "list(name.basename(), purpose)",
        "list[compact](name.basename(), purpose)",
        "config(labels, primary)",
        "config[export](labels, note)",
        "multi(labels:format=json, regions:format='value(.)')",
        "none",
    ] {
        transcript.show(&format!("--format={format}"), list(&keys(), &options(Some(format))));
    }
    transcript.show("", list(&keys(), &options(None)));
    transcript.check("formats");
}

#[test]
fn one_resource_and_none() {
    let mut transcript = Transcript::default();
    for format in ["yaml(name,labels)", "json(labels)", "value(name.basename())", "flattened(labels)"] {
        transcript.show(&format!("describe --format={format}"), one(&keys()[0], &options(Some(format))));
    }
    for format in [None, Some("json"), Some("yaml"), Some("csv(name)")] {
        let output = list(&[], &options(format)).expect("an empty list");
        assert!(!output.printed, "nothing was listed");
        transcript.show(&format!("list nothing --format={format:?}"), Ok(output));
    }
    transcript.check("one_and_none");
}

#[test]
fn filters_orders_and_limits() {
    let mut transcript = Transcript::default();
    for filter in [
        "purpose=mac",
        "name=k1",
        "name:k1 AND labels.a=b",
        "PRIMARY_STATE=ENABLED",
        "createTime>-P2W",
        "regions:(eu asia)",
        "name.basename()~'^k[1-9]$' AND NOT labels:*",
        "nope.x=1 OR second",
        "name:k1 AND purpose=MAC OR labels:*",
        "name=(",
        "name~'['",
    ] {
        let mut asked = options(Some("value(name.basename())"));
        asked.filter = Some(filter);
        transcript.show(&format!("--filter={filter}"), list(&keys(), &asked));
    }
    for (order, limit) in [("createTime", None), ("~name", None), ("purpose,~name", Some(1))] {
        let mut asked = options(Some("table(name.basename(),createTime)"));
        (asked.sort_by, asked.limit) = (Some(order), limit);
        transcript.show(&format!("--sort-by={order} --limit={limit:?}"), list(&keys(), &asked));
    }
    let mut asked = options(Some("value(name.basename(),regions)"));
    (asked.flatten, asked.filter) = (Some("regions[]"), Some("regions:*"));
    transcript.show("--flatten=regions[] --filter=regions:*", list(&keys(), &asked));
    let mut asked = options(None);
    asked.uri = true;
    asked.locate = Some(std::sync::Arc::new(|key| Some(format!("https://kms.example/v1/{}", key["name"].as_str()?))));
    transcript.show("--uri", list(&keys(), &asked));
    transcript.check("filters");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let mut transcript = Transcript::default();
    for format in [
        "bogus",
        "value",
        "value(name",
        "value(name.nope())",
        "value(name.basename(1,2))",
        "value(name:align=up)",
        "value(a..b)",
        "value(name.date(frmat=x))",
        "multi(name)",
        "diff",
        "value(name.error())",
    ] {
        transcript.show(&format!("--format={format}"), list(&keys(), &options(Some(format))));
    }
    transcript.check("errors");
}

#[test]
fn a_disabled_list_need_not_be_fetched() {
    let display = crate::Display::new(&options(Some("disable"))).expect("a format");
    assert!(display.is_disabled());
    assert!(!crate::Display::new(&options(Some("none"))).expect("a format").is_disabled());
}

/// Pieces of expressions: together they go wrong in more ways than letters do.
fn expression() -> impl Strategy<Value = String> {
    let pieces = [
        "name",
        "l",
        "d.k",
        "[",
        "]",
        "[]",
        "[0]",
        "[-1]",
        "(",
        ")",
        ",",
        ".",
        ":",
        "=",
        "!=",
        "~",
        "<",
        ">",
        " ",
        "'",
        "\"",
        "\\",
        "*",
        "-",
        "AND",
        " OR ",
        "NOT ",
        "label=",
        "sort=1",
        "reverse",
        "width=9",
        "wrap",
        "align=right",
        "optional",
        "format=json",
        "table",
        "table[box,title=T]",
        "value",
        "csv",
        "json",
        "yaml",
        "list",
        "config",
        "flattened",
        "multi",
        "get",
        "no-heading",
        "basename()",
        "segment(",
        "list()",
        "map()",
        "slice(::-1)",
        "date('%Y',tz=UTC)",
        "duration()",
        "format('{0:>9}',",
        "size()",
        "filter(",
        "sub(",
        "if(",
        "firstof(",
        "extract(",
        "sort()",
        "float(9)",
        "é",
        "日",
        "1e9",
        "-P1D",
        "2026-01-01",
        "{",
        "}",
        "[(",
        "\n",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

fn odd() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::String),
        "\\PC{0,6}".prop_map(Value::String),
        Just(json!("2026-01-01T00:00:00Z")),
    ];
    leaf.prop_recursive(3, 24, 4, |below| {
        prop_oneof![
            prop::collection::vec(below.clone(), 0..4).prop_map(Value::Array),
            prop::collection::hash_map("name|l|d|k|key|value", below, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_breaks(
        format in expression(), filter in expression(), order in expression(), flatten in expression(),
        records in prop::collection::vec(odd(), 0..4), width in 0_usize..50,
    ) {
        for keys in [format.as_str(), "table(name:wrap,l,d.k)", "yaml", "json(name,l)", "flattened", "list", "csv(name,l)"] {
            let mut asked = options(None);
            asked.width = width;
            asked.format = Some(keys);
            let _ = list(&records, &asked);
        }
        let mut asked = options(None);
        (asked.format, asked.filter, asked.sort_by, asked.flatten) =
            (Some("value(name)"), Some(filter.as_str()), Some(order.as_str()), Some(flatten.as_str()));
        let _ = list(&records, &asked);
    }

    #[test]
    fn no_letters_break_anything(text in "\\PC{0,40}") {
        let mut asked = options(None);
        (asked.format, asked.filter) = (Some(text.as_str()), Some(text.as_str()));
        let _ = list(&keys(), &asked);
        let calls = format!("value(note.date('{text}'),note.sub('{text}',x),format('{text}',name),note.split('{text}'))");
        asked.format = Some(&calls);
        let _ = list(&keys(), &asked);
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = |open: &str, close: &str| format!("{}a=1{}", open.repeat(20_000), close.repeat(20_000));
    for filter in [deep("(", ")"), deep("x.filter(", ")"), format!("a{}", "[]".repeat(20_000)), deep("NOT (", ")")] {
        let mut asked = options(Some("json"));
        asked.filter = Some(&filter);
        assert!(list(&keys(), &asked).is_err());
        let format = format!("value(name.filter({filter}))");
        asked = options(None);
        asked.format = Some(&format);
        assert!(list(&keys(), &asked).is_err());
    }
    let mut asked = options(None);
    let (long, deep_format) = ("a ".repeat(20_000), "value(a:format=".repeat(500));
    asked.filter = Some(&long);
    assert!(list(&keys(), &asked).is_ok(), "many terms are not deep");
    asked.format = Some(&deep_format);
    assert!(list(&keys(), &asked).is_err());
}
