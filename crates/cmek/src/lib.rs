//! The `cmek` command: its tree, its talk, and what it does to a cloud or to the emulator inside it.

mod apply;
mod baseline;
mod cli;
mod cloud;
mod commands;
mod demo;
mod explain;
mod failure;
mod format;
mod impact;
mod observe;
mod process;
mod resume;
mod rewrite;
mod sarif;
mod session;
mod ui;

use cli::Parsed;
pub use cli::{Page, pages};
pub use commands::completion::script as completion_script;
pub use process::Process;
use session::Session;
use ui::{Tone, Ui};

/// Runs one command line; the answer is the exit code.
pub async fn run(process: Process) -> u8 {
    let Process { args, environment, input, piped, output, talk, interactive, terminal, width, seed, stopwatch } =
        process;
    let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
    let mut ui = Ui {
        output,
        talk,
        input,
        interactive,
        quiet: false,
        silent: false,
        terminal,
        color: terminal && !set("NO_COLOR"),
        warnings: true,
        stopwatch,
    };
    let (cli, name) = match cli::parse(&args, width) {
        Parsed::Run(cli, name) => (*cli, name),
        // Help and version are data: they were asked for.
        Parsed::Text(text) => return u8::from(ui.data(&text).is_err()),
        Parsed::Usage(text) => {
            ui.error(&text);
            return 2;
        }
    };
    let on = |name: &str| environment.get(name).is_some_and(|on| on == "1" || on.eq_ignore_ascii_case("true"));
    ui.quiet = cli.global.quiet || on("CLOUDSDK_CORE_DISABLE_PROMPTS");
    ui.silent = cli.global.no_user_output_enabled;
    ui.color &= !cli.global.no_color;
    ui.warnings = !matches!(cli.global.verbosity.as_deref(), Some("error" | "critical" | "none"));
    let mut session = Session::new(cli.global, environment, seed, piped, ui);
    match commands::run(&mut session, cli.group).await {
        Ok(()) => 0,
        Err(failure) => {
            let word = session.ui.tint("ERROR:", Tone::Lost);
            session.ui.error(&format!("{word} ({name}) {}", failure.message));
            if let Some(hint) = &failure.hint {
                session.ui.hint(hint);
            }
            failure.code
        }
    }
}
