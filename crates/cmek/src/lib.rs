//! The `cmek` command: its tree, its talk, and what it does to a cloud or to the emulator inside it.

mod apply;
mod cli;
mod cloud;
mod commands;
#[cfg_attr(not(test), expect(dead_code, reason = "wired by the commands"))]
mod config;
mod demo;
mod failure;
mod format;
mod observe;
mod process;
mod session;
mod ui;

use clap::Parser as _;
use serde_json::Value;

use cli::{Cli, Clock, EmulatorCommand, Group, Hosts, Keys};
use failure::Outcome;
pub use process::Process;
use session::Session;
use ui::Ui;

/// Runs one command line; the answer is the exit code.
pub async fn run(process: Process) -> u8 {
    let mut ui = Ui {
        output: process.output,
        talk: process.talk,
        input: process.input,
        interactive: process.interactive,
        quiet: false,
    };
    let cli = match Cli::try_parse_from(&process.args) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render().to_string();
            return if error.use_stderr() {
                ui.say(&text);
                2
            } else {
                // Help and version are data: they were asked for.
                u8::from(ui.data(&text).is_err())
            };
        }
    };
    ui.quiet = cli.global.quiet
        || process
            .environment
            .get("CLOUDSDK_CORE_DISABLE_PROMPTS")
            .is_some_and(|on| on == "1" || on.eq_ignore_ascii_case("true"));
    let name = name(&cli.group);
    let mut session = Session::new(cli.global, process.environment, process.seed, ui);
    match dispatch(&mut session, cli.group).await {
        Ok(()) => 0,
        Err(failure) => {
            session.ui.say(&format!("ERROR: ({name}) {}", failure.message));
            if let Some(hint) = &failure.hint {
                session.ui.say(&format!("hint: {hint}"));
            }
            failure.code
        }
    }
}

async fn dispatch(session: &mut Session, group: Group) -> Outcome<()> {
    match group {
        Group::Hosts(Hosts::List) => commands::hosts::list(session).await,
        Group::Hosts(Hosts::Describe { host }) => commands::status::describe(session, &[host]).await,
        Group::Status(args) => commands::status::describe(session, &args.hosts).await,
        Group::Configure(args) => commands::configure::run(session, args).await,
        Group::Keys(command) => commands::keys::run(session, command).await,
        Group::Emulator(command) => commands::emulator::run(session, command).await,
        Group::Demo(args) => demo::run(session, args).await,
    }
}

fn name(group: &Group) -> String {
    let words = match group {
        Group::Hosts(Hosts::List) => "hosts.list",
        Group::Hosts(Hosts::Describe { .. }) => "hosts.describe",
        Group::Configure(_) => "configure",
        Group::Status(_) => "status",
        Group::Keys(command) => match command {
            Keys::Create(_) => "keys.create",
            Keys::List(_) => "keys.list",
            Keys::Describe(_) => "keys.describe",
            Keys::Rotate(_) => "keys.rotate",
            Keys::Disable(_) => "keys.disable",
            Keys::Enable(_) => "keys.enable",
            Keys::Destroy(_) => "keys.destroy",
            Keys::Restore(_) => "keys.restore",
            Keys::Impact(_) => "keys.impact",
        },
        Group::Emulator(command) => match command {
            EmulatorCommand::Start(_) => "emulator.start",
            EmulatorCommand::EnvInit { .. } => "emulator.env-init",
            EmulatorCommand::Clock(Clock::Show { .. }) => "emulator.clock.show",
            EmulatorCommand::Clock(Clock::Advance { .. }) => "emulator.clock.advance",
        },
        Group::Demo(_) => "demo",
    };
    format!("cmek.{words}")
}

/// Prints data in the format asked for, else in the command's own.
fn print(session: &mut Session, value: &Value, own: impl FnOnce(&Value) -> Outcome<String>) -> Outcome<()> {
    let text = match session.format()? {
        Some(format) => format::render(&format, value)?,
        None => own(value)?,
    };
    session.ui.data(&text)
}

/// The default of describing commands.
fn yaml(value: &Value) -> Outcome<String> {
    format::render(&format::Format::Yaml, value)
}
