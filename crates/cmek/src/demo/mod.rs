//! `cmek demo`: the story of a registry and its key, told by calls. Each ✓ is an answer that was checked.

mod image;
mod story;

use std::time::Duration;

use clap::Args;
use cmek_emulator::Emulator;
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::connect::in_process;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::ui::Tone;

#[derive(Debug, Args)]
#[command(after_help = "\
$ cmek demo
$ cmek demo --step
    wait for Enter before each chapter
$ cmek demo --format=json
    each claim with what the cloud answered")]
pub struct Demo {
    /// Leave the world in this directory to look at
    #[arg(long, value_name = "DIR")]
    pub keep: Option<String>,
    /// Wait for Enter before each chapter
    #[arg(long)]
    pub step: bool,
}

pub const PROJECT: &str = "demo-project";
const START: &str = "2026-01-05T09:00:00Z";

/// Something the story says and a call has shown.
struct Claim {
    chapter: String,
    text: String,
    holds: bool,
    /// What the cloud really answered.
    answer: String,
}

/// The teller: the world, the talk, and what was claimed so far.
pub struct Teller<'a> {
    pub cloud: Cloud,
    pub emulator: Emulator,
    session: &'a mut Session,
    chapter: String,
    number: usize,
    claims: Vec<Claim>,
    step: bool,
}

pub async fn run(session: &mut Session, args: Demo) -> Outcome<()> {
    if session.explains(&[])? {
        return Ok(());
    }
    let folder = match &args.keep {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| Failure::new(format!("no temporary folder: {error}")))?),
    };
    if let Some(kept) = &args.keep
        && std::fs::read_dir(kept).is_ok_and(|mut entries| entries.next().is_some())
    {
        return Err(
            Failure::new(format!("{kept} is not empty: the story begins with nothing.")).hint("--keep=A-NEW-FOLDER")
        );
    }
    let path = args.keep.clone().map_or_else(
        || folder.as_ref().map(|folder| folder.path().to_path_buf()).unwrap_or_default(),
        std::path::PathBuf::from,
    );
    let emulator = Emulator::builder()
        .seed(7)
        .frozen_at(START)
        .data_dir(&path)
        .build()
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    let kept = args.keep.as_ref().map_or_else(|| "nothing kept".to_owned(), |folder| format!("kept in {folder}"));
    session.ui.say(&format!(
        "An emulator inside this process. No account, no network, {kept}. Clock frozen at 2026-01-05 09:00 UTC."
    ));
    let mut teller = Teller {
        cloud: Cloud::new(in_process(emulator.clone())),
        emulator,
        session,
        chapter: String::new(),
        number: 0,
        claims: Vec::new(),
        step: args.step,
    };
    let told = story::tell(&mut teller).await;
    let Teller { session, claims, .. } = teller;
    told?;
    let held = claims.iter().filter(|claim| claim.holds).count();
    session.ui.say("");
    if held == claims.len() {
        session.ui.say(&format!("{held} claims checked, {held} hold."));
    } else {
        session.ui.say(&format!("{} claims checked, {held} hold, {} do not.", claims.len(), claims.len() - held));
    }
    if session.has_format()? {
        let rows: Vec<Value> = claims
            .iter()
            .map(|claim| json!({"chapter": claim.chapter, "claim": claim.text, "holds": claim.holds, "answer": claim.answer}))
            .collect();
        session.print_records(&rows, "json")?;
    }
    if held == claims.len() { Ok(()) } else { Err(Failure::new("The story does not hold.")) }
}

impl Teller<'_> {
    pub fn chapter(&mut self, title: &str) {
        self.number += 1;
        title.clone_into(&mut self.chapter);
        if self.step && self.number > 1 {
            self.session.ui.wait_for_enter();
        }
        self.session.ui.say("");
        self.session.ui.say(&format!("{}  {title}", self.number));
    }

    pub fn say(&mut self, line: &str) {
        self.session.ui.say(&format!("     {line}"));
    }

    /// `answer`: what was really seen, shown when the claim does not hold.
    pub fn claim(&mut self, holds: bool, text: &str, answer: &str) {
        if holds {
            let mark = self.session.ui.tint("✓", Tone::Good);
            self.say(&format!("{mark} {text}"));
        } else {
            let mark = self.session.ui.tint("✗", Tone::Lost);
            self.say(&format!("{mark} {text}"));
            self.say(&format!("  but: {answer}"));
        }
        self.claims.push(Claim {
            chapter: self.chapter.clone(),
            text: text.to_owned(),
            holds,
            answer: answer.to_owned(),
        });
    }

    /// A call that must be refused with this status and these words.
    pub fn refused<T>(&mut self, outcome: Result<T, gcp_client::Error>, status: u16, words: &str) {
        let (holds, answer) = match &outcome {
            Ok(_) => (false, "it was allowed".to_owned()),
            Err(error) => (
                error.http_status() == status && error.message().contains(words),
                format!("{} {}", error.http_status(), error.message()),
            ),
        };
        self.claim(holds, &format!("refused: {status} {words}"), &answer);
    }

    /// A call that must work.
    pub fn works<T>(&mut self, outcome: &Result<T, gcp_client::Error>, text: &str) {
        let answer = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
        self.claim(outcome.is_ok(), text, &answer);
    }

    pub async fn days_pass(&mut self, days: u64) -> Outcome<()> {
        self.emulator.advance(Duration::from_secs(days * 86_400)).await?;
        let now = self.emulator.now();
        self.say(&format!("{days} days pass: it is {now}"));
        Ok(())
    }
}
