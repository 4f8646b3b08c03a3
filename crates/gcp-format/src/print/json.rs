//! `json`: indented by two, keys sorted, text as it is.

use std::fmt::Write;

use serde_json::Value;

use super::Body;
use crate::error::Result;
use crate::projection::Projector;
use crate::text;
use crate::transform::sorted;

#[derive(Default)]
pub(super) struct Json {
    any: bool,
    /// A list is open.
    open: bool,
}

impl Json {
    fn close(&mut self, out: &mut String) {
        if std::mem::take(&mut self.open) {
            out.push_str("\n]\n");
        }
    }
}

impl Body for Json {
    fn record(&mut self, projector: &Projector, record: &Value, delimit: bool, out: &mut String) -> Result<()> {
        self.any = true;
        let record = projector.record(record)?;
        if delimit {
            out.push_str(if self.open { ",\n  " } else { "[\n  " });
            self.open = true;
            write(&record, 1, out);
        } else {
            self.close(out);
            write(&record, 0, out);
            out.push('\n');
        }
        Ok(())
    }

    fn finish(&mut self, _: &Projector, out: &mut String) -> Result<Option<bool>> {
        if !self.any {
            out.push_str("[]\n");
        }
        self.close(out);
        Ok(None)
    }
}

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&text::number(number)),
        Value::String(text) => write_text(text, out),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                write(item, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        Value::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Value::Object(entries) => {
            out.push('{');
            for (at, (name, value)) in sorted(entries).into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                write_text(name, out);
                out.push_str(": ");
                write(value, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}
