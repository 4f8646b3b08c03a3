//! `cmek explain`: what an error of gcloud, docker or terraform about keys means, and what to do.

use clap::Args;
use serde_json::json;

use crate::explain::{self, Explanation};
use crate::failure::{Failure, Outcome};
use crate::session::Session;

#[derive(Debug, Args)]
#[command(after_help = "\
$ docker push gcr.io/my-project/web:v1 2>&1 | cmek explain
$ cmek explain \"Cloud KMS key is disabled, destroyed, or scheduled to be destroyed.\"")]
pub struct Explain {
    /// The error's text; what is piped in if it is not given
    #[arg(value_name = "TEXT")]
    pub text: Vec<String>,
}

pub fn run(session: &mut Session, args: &Explain) -> Outcome<()> {
    if session.explains(&[])? {
        return Ok(());
    }
    let text = if args.text.is_empty() {
        session.read_piped()?.ok_or_else(|| Failure {
            code: 2,
            ..Failure::new("argument TEXT: Must be specified, or piped in.").hint("docker push … 2>&1 | cmek explain")
        })?
    } else {
        args.text.join(" ")
    };
    let found = explain::find(&text);
    if found.is_empty() {
        return Err(Failure::new("No error about keys that cmek knows of is in this text.")
            .hint("cmek preflight and cmek status look at the cloud itself"));
    }
    if session.has_format()? {
        let rows: Vec<_> = found
            .iter()
            .map(|one| json!({"error": one.id, "summary": one.summary, "cause": one.cause, "facts": one.facts, "waysOn": one.ways}))
            .collect();
        return session.print_records(&rows, "yaml");
    }
    let texts: Vec<_> = found.iter().map(text_of).collect();
    session.ui.data(&texts.join("\n"))
}

fn text_of(found: &Explanation) -> String {
    let mut out = format!("{}\n\n  {}\n", found.summary, found.cause);
    if !found.facts.is_empty() {
        out.push('\n');
        let width = found.facts.keys().map(String::len).max().unwrap_or_default();
        for (name, value) in &found.facts {
            out.push_str(&format!("  {name:<width$}  {value}\n"));
        }
    }
    out.push_str("\nWays on\n");
    for (index, way) in found.ways.iter().enumerate() {
        out.push_str(&format!("  {}  {way}\n", index + 1));
    }
    out
}
