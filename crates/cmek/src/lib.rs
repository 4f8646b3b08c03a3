//! The `cmek` command: its tree, its talk, and what it does to a cloud or to the emulator inside it.

mod apply;
mod baseline;
mod cli;
mod cloud;
mod commands;
mod config;
mod connect;
mod demo;
mod explain;
mod failure;
mod impact;
mod observe;
mod output;
mod process;
mod resume;
mod rewrite;
mod sarif;
mod session;
mod ui;

use std::io::Read as _;
use std::sync::Arc;

use cli::Parsed;
pub use cli::{Page, pages};
pub use commands::completion::script as completion_script;
use failure::{Failure, Outcome};
pub use process::Process;
use session::Session;
use ui::{Talk, Tone, Ui};

/// Runs one command line; the answer is the exit code.
pub async fn run(process: Process) -> u8 {
    let Process { args, environment, input, output, talk, .. } = process;
    let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
    let mut ui = Ui {
        output,
        talk: Talk::new(talk),
        input,
        interactive: process.interactive,
        quiet: false,
        silent: false,
        terminal: process.terminal,
        color: process.terminal && !set("NO_COLOR"),
        warnings: true,
        timer: Arc::clone(&process.timer),
    };
    let args = match expanded(args, &mut ui) {
        Ok(args) => args,
        Err(failure) => return refuse(&mut ui, "cmek", &failure),
    };
    let (cli, name) = match cli::parse(&args, process.width) {
        Parsed::Run(cli, name) => (*cli, name),
        // Help and version are data: they were asked for.
        Parsed::Text(text) => return u8::from(ui.data(&text).is_err()),
        Parsed::Usage(text) => {
            ui.error(&text);
            return 2;
        }
    };
    let global = cli.global;
    let properties = match global.properties(&environment).and_then(|properties| {
        ui.obey(&properties)?;
        Ok(properties)
    }) {
        Ok(properties) => properties,
        Err(failure) => return refuse(&mut ui, "cmek", &failure),
    };
    ui.color &= !global.no_color;
    let mut session = Session {
        global,
        ui,
        seed: process.seed,
        environment,
        properties,
        timer: process.timer,
        given: process.emulator,
        width: process.width,
        now: process.now,
        whose: None,
        piped: process.piped,
        cloud: None,
    };
    match commands::run(&mut session, cli.group).await {
        Ok(()) => 0,
        Err(failure) => {
            let failure = signed(failure, session.whose.as_deref());
            refuse(&mut session.ui, &name, &failure)
        }
    }
}

/// The arguments with the content of `--flags-file` in them.
fn expanded(args: Vec<String>, ui: &mut Ui) -> Outcome<Vec<String>> {
    config::flags_file::expand(args, &mut |path| {
        if path == "-" {
            let mut text = String::new();
            return ui.input.read_to_string(&mut text).map(|_| Some(text));
        }
        match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    })
}

/// As gcloud does: after a refusal that may be about who calls, as whom the call was made.
fn signed(failure: Failure, whose: Option<&str>) -> Failure {
    let about_who = ["UNAUTHENTICATED:", "PERMISSION_DENIED:", "NOT_FOUND:"];
    match whose {
        Some(whose) if about_who.iter().any(|code| failure.message.starts_with(code)) => {
            let dot = if failure.message.ends_with('.') { "" } else { "." };
            Failure { message: format!("{}{dot} {whose}", failure.message), ..failure }
        }
        _ => failure,
    }
}

fn refuse(ui: &mut Ui, name: &str, failure: &Failure) -> u8 {
    let word = ui.tint("ERROR:", Tone::Lost);
    ui.error(&format!("{word} ({name}) {}", failure.message));
    if let Some(hint) = &failure.hint {
        ui.hint(hint);
    }
    failure.code
}
