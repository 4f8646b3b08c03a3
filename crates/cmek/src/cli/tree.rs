//! From arguments to a command: which one is meant, help that is asked for, and usage errors in gcloud's form.

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::{Cli, Page, usage};

pub enum Parsed {
    /// The command and its name for errors: `cmek.keys.destroy`.
    Run(Box<Cli>, String),
    /// Data that was asked for: help, the version.
    Text(String),
    /// Wrong usage: what to say. Exit code 2.
    Usage(String),
}

/// The tree with every global flag known to every command.
pub fn command() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

pub fn parse(args: &[String], width: usize) -> Parsed {
    if args.len() == 2 && (args[1] == "--version" || args[1] == "-V" || args[1] == "-v") {
        return Parsed::Text(format!("cmek {}\n", env!("CARGO_PKG_VERSION")));
    }
    // Building the whole tree takes longer than many a run: only help and errors need it.
    let outcome = if asks_for_help(args) { None } else { Some(run(args)) };
    let error = match outcome {
        Some(Ok(parsed)) => return parsed,
        Some(Err(error)) => Some(error),
        None => None,
    };
    let root = command();
    let path = path_of(&root, args.get(1..).unwrap_or_default());
    let meant = path.last().copied().unwrap_or(&root);
    let words: Vec<&str> = path.iter().map(|command| command.get_name()).collect();
    match error {
        Some(error) => Parsed::Usage(usage::explain(&error, meant, &words)),
        None => Parsed::Text(Page::of(meant, &words).text(width)),
    }
}

fn run(args: &[String]) -> Result<Parsed, clap::Error> {
    let matches = Cli::command().try_get_matches_from(args)?;
    let mut name = "cmek".to_owned();
    let mut at = &matches;
    while let Some((word, inner)) = at.subcommand() {
        name.push('.');
        name.push_str(word);
        at = inner;
    }
    Ok(Parsed::Run(Box::new(Cli::from_arg_matches(&matches)?), name))
}

/// `--help` or `-h` before `--`.
fn asks_for_help(args: &[String]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--help" || arg == "-h")
}

/// The commands that the arguments name, from the root on; values of flags are passed over.
fn path_of<'a>(root: &'a Command, args: &[String]) -> Vec<&'a Command> {
    let mut path = vec![root];
    let mut at = root;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            break;
        }
        if let Some(flag) = arg.strip_prefix('-') {
            let long = flag.strip_prefix('-');
            let takes_value = at.get_arguments().any(|known| {
                let named = match long {
                    Some(long) => known.get_long() == Some(long),
                    None => known.get_short().is_some_and(|short| flag == short.to_string()),
                };
                named && known.get_action().takes_values() && !known.is_require_equals_set()
            });
            if takes_value {
                args.next();
            }
            continue;
        }
        let Some(next) = at.find_subcommand(arg) else { break };
        path.push(next);
        at = next;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_command_is_found_among_flags_and_their_values() {
        let root = command();
        let name = |line: &str| {
            path_of(&root, &args(line)).iter().map(|command| command.get_name()).collect::<Vec<_>>().join(".")
        };
        assert_eq!(name("keys destroy images/1"), "cmek.keys.destroy");
        assert_eq!(name("--project keys hosts list"), "cmek.hosts.list");
        assert_eq!(name("--emulator hosts --quiet list"), "cmek.hosts.list");
        assert_eq!(name("bogus"), "cmek");
        assert_eq!(name("keys"), "cmek.keys");
    }
}
