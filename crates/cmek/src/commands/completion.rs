//! `cmek completion`.

use clap::Args;
use clap_complete::Shell;

use crate::failure::Outcome;
use crate::session::Session;

#[derive(Debug, Args)]
#[command(after_help = "\
$ source <(cmek completion bash)
$ cmek completion zsh > \"${fpath[1]}/_cmek\"
$ cmek completion fish > ~/.config/fish/completions/cmek.fish")]
pub struct Completion {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: Shell,
}

pub fn run(session: &mut Session, args: &Completion) -> Outcome<()> {
    if session.explains(&[])? {
        return Ok(());
    }
    session.ui.data(&script(args.shell))
}

/// The script of a shell, from the same definitions as the help.
pub fn script(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::command(), "cmek", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
