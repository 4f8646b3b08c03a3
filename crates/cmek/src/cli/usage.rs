//! Usage errors as gcloud words them: what is wrong, the usage line, where help is. Exit code 2.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::help::{flag_names, synopsis};

pub fn explain(error: &clap::Error, command: &Command, words: &[&str]) -> String {
    let name = words.join(".");
    let spaced = words.join(" ");
    let message = message(error, &spaced);
    let mut text = format!("ERROR: ({name}) {message}\n");
    if matches!(error.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) {
        let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
        text.push_str(&format!("Available commands for {spaced}:\n\n"));
        for one in names {
            text.push_str(&format!("      {one}\n"));
        }
    } else if error.kind() != ErrorKind::InvalidSubcommand {
        text.push_str(&format!("Usage: {}\n", synopsis(command, &spaced)));
        let optional = flag_names(command);
        if !optional.is_empty() {
            text.push_str(&format!("  optional flags may be  {}\n", optional.join(" | ")));
        }
    }
    text.push_str(&format!("\nFor detailed information on this command and its flags, run:\n  {spaced} --help"));
    text
}

fn message(error: &clap::Error, spaced: &str) -> String {
    let one = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    let many = |kind| match error.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    };
    let argument = plain(&one(ContextKind::InvalidArg));
    let value = one(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<_> = many(ContextKind::InvalidArg).iter().map(|text| plain(text)).collect();
            match missing.as_slice() {
                [only] => format!("argument {only}: Must be specified."),
                several => format!("arguments {}: Must be specified.", several.join(" ")),
            }
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("argument {argument}: expected one argument"),
        ErrorKind::InvalidValue => {
            let valid = many(ContextKind::ValidValue);
            format!("argument {argument}: Invalid choice: '{value}'.\n\nValid choices are [{}].\n", valid.join(", "))
        }
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("argument {argument}: {cause}")
        }
        ErrorKind::TooManyValues => format!("argument {argument}: ignored explicit argument '{value}'"),
        ErrorKind::ArgumentConflict => {
            let others: Vec<_> = many(ContextKind::PriorArg).iter().map(|text| plain(text)).collect();
            format!("argument {argument}: At most one of {argument} | {} can be specified.", others.join(" | "))
        }
        ErrorKind::UnknownArgument => {
            let near = one(ContextKind::SuggestedArg);
            if near.is_empty() {
                format!("unrecognized arguments: {argument}")
            } else {
                format!("unrecognized arguments: {argument} (did you mean '{}'?)", plain(&near))
            }
        }
        ErrorKind::InvalidSubcommand => {
            let mut text = format!("Invalid choice: '{}'.", one(ContextKind::InvalidSubcommand));
            let near = many(ContextKind::SuggestedSubcommand);
            if !near.is_empty() {
                text.push_str("\nMaybe you meant:");
                for one in near {
                    text.push_str(&format!("\n  {spaced} {one}"));
                }
            }
            text
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "Command name argument expected.\n".to_owned()
        }
        _ => error.render().to_string().trim_start_matches("error: ").trim_end().to_owned(),
    }
}

/// `--kms-key <KEY>` -> `--kms-key`, `<KEY>` -> `KEY`.
fn plain(text: &str) -> String {
    match text.split_once([' ', '=']) {
        Some((flag, _)) if flag.starts_with("--") => flag.trim_end_matches('[').to_owned(),
        _ => text.trim_start_matches(['<', '[']).trim_end_matches('.').trim_end_matches(['>', ']']).to_owned(),
    }
}
