//! Help from the definitions: one page a command, said as text, as a man page and as Markdown.

use clap::{Arg, Command};

/// What there is to say of a command.
pub struct Page {
    /// `cmek keys destroy`
    pub name: String,
    about: String,
    synopsis: String,
    examples: String,
    positionals: Vec<(String, String)>,
    flags: Vec<(String, String)>,
    global: Vec<(String, String)>,
    commands: Vec<(String, String)>,
}

/// The pages of the whole tree, groups before what is in them.
pub fn pages() -> Vec<Page> {
    fn walk(command: &Command, words: &mut Vec<String>, found: &mut Vec<Page>) {
        words.push(command.get_name().to_owned());
        found.push(Page::of(command, &words.iter().map(String::as_str).collect::<Vec<_>>()));
        for one in command.get_subcommands() {
            walk(one, words, found);
        }
        words.pop();
    }
    let mut found = Vec::new();
    walk(&super::tree::command(), &mut Vec::new(), &mut found);
    found
}

fn is_shown(arg: &&Arg) -> bool {
    !arg.is_hide_set() && arg.get_id() != "version"
}

fn is_global(arg: &Arg) -> bool {
    arg.is_global_set()
}

/// `--format=FORMAT`, `-q, --quiet`, `HOST…`
fn label(arg: &Arg) -> String {
    let value = arg
        .get_value_names()
        .and_then(|names| names.first().map(ToString::to_string))
        .unwrap_or_else(|| arg.get_id().as_str().to_uppercase());
    if arg.is_positional() {
        let many = arg.get_num_args().is_some_and(|range| range.max_values() > 1);
        return format!("{value}{}", if many { "…" } else { "" });
    }
    let long = arg.get_long().unwrap_or_default();
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    if !arg.get_action().takes_values() {
        format!("{short}--{long}")
    } else if arg.get_num_args().is_some_and(|range| range.min_values() == 0) {
        format!("{short}--{long}[={value}]")
    } else {
        format!("{short}--{long}={value}")
    }
}

fn about(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let choices: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !choices.is_empty() && arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
        text.push_str(&format!("; one of {}", choices.join(", ")));
    }
    if !defaults.is_empty() && arg.get_action().takes_values() {
        text.push_str(&format!("; {} if it is not given", defaults.join(" ")));
    }
    text.push('.');
    text
}

/// `cmek keys list --location=LOCATION [optional flags]`
pub fn synopsis(command: &Command, spaced: &str) -> String {
    let mut words = vec![spaced.to_owned()];
    for arg in command.get_positionals() {
        let label = label(arg);
        words.push(if arg.is_required_set() { label } else { format!("[{label}]") });
    }
    for arg in command.get_opts().filter(|arg| arg.is_required_set()) {
        words.push(label(arg));
    }
    if command.has_subcommands() {
        words.push(
            if command.get_subcommands().any(Command::has_subcommands) { "GROUP | COMMAND" } else { "COMMAND" }
                .to_owned(),
        );
    }
    words.push("[optional flags]".to_owned());
    words.join(" ")
}

/// The flags of a command that need not be given, sorted, with `--help`.
pub fn flag_names(command: &Command) -> Vec<String> {
    let mut names: Vec<_> = command
        .get_arguments()
        .filter(is_shown)
        .filter(|arg| !arg.is_positional() && !arg.is_required_set() && !is_global(arg))
        .filter_map(|arg| arg.get_long().map(|long| format!("--{long}")))
        .collect();
    names.push("--help".to_owned());
    names.sort();
    names
}

impl Page {
    pub fn of(command: &Command, words: &[&str]) -> Self {
        let spaced = words.join(" ");
        let shown: Vec<&Arg> = command.get_arguments().filter(is_shown).collect();
        let rows = |keep: &dyn Fn(&Arg) -> bool| {
            shown.iter().filter(|arg| keep(arg)).map(|arg| (label(arg), about(arg))).collect::<Vec<_>>()
        };
        let mut flags = rows(&|arg| !arg.is_positional() && !is_global(arg));
        flags.sort();
        let mut global = rows(&|arg| !arg.is_positional() && is_global(arg));
        global.sort_by_key(|(label, _)| label.trim_start_matches('-').to_owned());
        Self {
            synopsis: synopsis(command, &spaced),
            name: spaced,
            about: command.get_about().map(ToString::to_string).unwrap_or_default(),
            examples: command.get_after_help().map(ToString::to_string).unwrap_or_default(),
            positionals: rows(&Arg::is_positional),
            flags,
            global,
            commands: command
                .get_subcommands()
                .filter(|one| !one.is_hide_set())
                .map(|one| {
                    let about = one.get_about().map(ToString::to_string).unwrap_or_default();
                    (one.get_name().to_owned(), format!("{about}."))
                })
                .collect(),
        }
    }

    fn sections(&self) -> Vec<(&'static str, &Vec<(String, String)>)> {
        [("POSITIONAL ARGUMENTS", &self.positionals), ("FLAGS", &self.flags), ("COMMANDS", &self.commands)]
            .into_iter()
            .filter(|(_, rows)| !rows.is_empty())
            .collect()
    }

    /// Whether it holds commands of its own rather than doing something.
    fn is_root(&self) -> bool {
        !self.name.contains(' ')
    }

    /// As gcloud prints help on a terminal.
    pub fn text(&self, width: usize) -> String {
        let width = width.clamp(40, 100);
        let mut out = String::new();
        let mut section = |title: &str, body: &str| out.push_str(&format!("{title}\n{body}\n"));
        section("NAME", &wrap(&format!("{} - {}", self.name, lower(&self.about)), 4, width));
        section("SYNOPSIS", &wrap(&self.synopsis, 4, width));
        if !self.examples.is_empty() {
            section("EXAMPLES", &indent(&self.examples));
        }
        let mut all = self.sections();
        if self.is_root() {
            all.push(("GLOBAL FLAGS", &self.global));
        }
        for (title, rows) in all {
            let mut body = String::new();
            for (label, about) in rows {
                body.push_str(&format!("    {label}\n{}", wrap(about, 8, width)));
            }
            section(title, &body);
        }
        if !self.is_root() {
            let names: Vec<_> = self.global.iter().map(|(label, _)| bare(label)).collect();
            section("GLOBAL FLAGS", &wrap(&format!("{}. See cmek --help.", names.join(", ")), 4, width));
        }
        out.trim_end().to_owned() + "\n"
    }

    pub fn markdown(&self) -> String {
        let depth = if self.is_root() { "#" } else { "##" };
        let mut out = format!("{depth} {}\n\n{}.\n\n    {}\n\n", self.name, self.about, self.synopsis);
        if !self.examples.is_empty() {
            out.push_str(&format!("Examples:\n\n{}\n", indent(&self.examples)));
        }
        let mut all = self.sections();
        if self.is_root() {
            all.push(("GLOBAL FLAGS", &self.global));
        }
        for (_, rows) in all {
            for (label, about) in rows {
                out.push_str(&format!("- `{label}`: {about}\n"));
            }
            out.push('\n');
        }
        out.trim_end().to_owned() + "\n\n"
    }

    /// Section 1 of the manual, in roff.
    pub fn man(&self) -> String {
        let title = self.name.replace(' ', "-");
        let mut out = format!(".TH {} 1 \"\" \"cmek {}\"\n", roff(&title.to_uppercase()), env!("CARGO_PKG_VERSION"));
        out.push_str(&format!(".SH NAME\n{} \\- {}\n", roff(&title), roff(&lower(&self.about))));
        out.push_str(&format!(".SH SYNOPSIS\n{}\n", roff(&self.synopsis)));
        if !self.examples.is_empty() {
            out.push_str(&format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", roff(&self.examples)));
        }
        let mut all = self.sections();
        all.push(("GLOBAL FLAGS", &self.global));
        for (title, rows) in all {
            out.push_str(&format!(".SH {title}\n"));
            for (label, about) in rows {
                out.push_str(&format!(".TP\n.B {}\n{}\n", roff(label), roff(about)));
            }
        }
        out
    }
}

/// `-q, --quiet` -> `--quiet`, `--format=FORMAT` -> `--format`
fn bare(label: &str) -> String {
    let long = label.rsplit(", ").next().unwrap_or(label);
    long.split(['=', '[']).next().unwrap_or(long).to_owned()
}

/// The first letter small, unless the word is a name.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let guarded: Vec<_> = escaped
        .lines()
        .map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() })
        .collect();
    guarded.join("\n")
}

fn indent(text: &str) -> String {
    let lines: Vec<_> = text
        .trim_end()
        .lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("    {line}") })
        .collect();
    lines.join("\n") + "\n"
}

fn wrap(text: &str, margin: usize, width: usize) -> String {
    let mut out = String::new();
    let mut line = " ".repeat(margin);
    let mut fresh = true;
    for word in text.split_whitespace() {
        if !fresh && line.chars().count() + 1 + word.chars().count() > width {
            out.push_str(&format!("{line}\n"));
            line = " ".repeat(margin);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    out.push_str(&format!("{line}\n"));
    out
}
