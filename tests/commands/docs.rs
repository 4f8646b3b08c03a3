//! The manual: one page a command, and the reference, made from the definitions and kept beside the code.

use std::collections::BTreeMap;
use std::path::Path;

/// File name below `docs/` and what it must hold.
fn made() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut reference = String::new();
    for page in cmek::pages() {
        files.insert(format!("man/{}.1", page.name.replace(' ', "-")), page.man());
        reference.push_str(&page.markdown());
    }
    files.insert("reference.md".to_owned(), reference.trim_end().to_owned() + "\n");
    files
}

/// As with snapshots, `INSTA_UPDATE=always` writes what is new.
#[test]
fn the_manual_says_what_the_definitions_say() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    #[expect(clippy::disallowed_methods, reason = "the switch that snapshots have")]
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always");
    let files = made();
    if update {
        let _ = std::fs::remove_dir_all(docs.join("man"));
        std::fs::create_dir_all(docs.join("man")).expect("a folder");
        for (name, text) in &files {
            std::fs::write(docs.join(name), text).expect("a file");
        }
    }
    for (name, text) in &files {
        let kept = std::fs::read_to_string(docs.join(name)).unwrap_or_default();
        assert_eq!(&kept, text, "docs/{name} has drifted: INSTA_UPDATE=always cargo test writes it anew");
    }
    let pages = std::fs::read_dir(docs.join("man")).expect("the man pages").count();
    assert_eq!(pages + 1, files.len(), "a man page of no command is left");
}

#[test]
fn every_command_says_what_it_does_and_every_leaf_that_takes_something_has_an_example_or_needs_none() {
    for page in cmek::pages() {
        let text = page.text(100);
        assert!(text.starts_with("NAME\n"), "{}", page.name);
        assert!(text.lines().all(|line| line.chars().count() <= 130), "{}: a line is too long", page.name);
        assert!(!text.contains(" - \n"), "{} has no sentence about it", page.name);
    }
}

/// Help as it is read on a terminal, of every command.
#[test]
fn help_of_every_command() {
    let texts: Vec<_> =
        cmek::pages().iter().map(|page| format!("$ {} --help\n{}", page.name, page.text(100))).collect();
    crate::bench::snapshot("commands", "help-all", &texts.join("\n"));
}

#[test]
fn completions_know_the_commands() {
    use clap_complete::Shell;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = cmek::completion_script(shell);
        for word in ["configure", "service-agents", "rewrite", "plan-in"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
