//! `cmek emulator`.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use cmek_emulator::{AuditEntry, BuildError, Emulator, GcrEra, IamMode, ProjectMode, Watch};
use gcp_client::{Client, Credentials, Endpoints, HttpTransport, Transport};
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::session::Session;

const HERE: &str = "127.0.0.1:8787";

#[derive(Debug, Subcommand)]
pub enum EmulatorCommand {
    /// Listen on a loopback port until interrupted
    #[command(after_help = "\
$ cmek emulator start --data-dir=state
$ cmek emulator start --clock=2026-01-05T09:00:00Z --seed=7 --log=calls")]
    Start(Start),
    /// End a standing emulator
    Stop(Address),
    /// Print the variables that point gcloud and client libraries at an emulator
    #[command(after_help = "$ eval \"$(cmek emulator env-init)\"")]
    EnvInit(Address),
    /// Show or move the clock of a standing emulator
    #[command(subcommand)]
    Clock(Clock),
}

#[derive(Debug, Args)]
pub struct Address {
    /// Where the emulator listens; where env-init has pointed this shell, else 127.0.0.1:8787
    #[arg(long, value_name = "HOST:PORT", value_parser = host_port)]
    pub host_port: Option<String>,
}

/// As `start` prints it, with `http://` or without.
fn host_port(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    match bare.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok() => {
            Ok(bare.to_owned())
        }
        _ => Err(format!("'{text}' is no address; write it as {HERE}")),
    }
}

impl Address {
    fn find(&self, session: &Session) -> String {
        let pointed = || session.env("CMEK_REGISTRY_ENDPOINT").and_then(|address| host_port(address).ok());
        self.host_port.clone().or_else(pointed).unwrap_or_else(|| HERE.to_owned())
    }
}

#[derive(Debug, Args)]
pub struct Start {
    /// 0 takes a free one
    #[arg(long, default_value_t = 8787, value_name = "PORT")]
    pub port: u16,
    /// Keep state here; without it everything is gone at exit
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Freeze the clock at this time (2026-01-05T09:00:00Z); it moves only when told
    #[arg(long, value_name = "TIME")]
    pub clock: Option<String>,
    /// Names follow from it; 0: other names each time
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Whether callers are checked too: off or enforce (a token that is an e-mail address names its caller)
    #[arg(long, default_value = "off", value_name = "MODE", value_parser = ["off", "enforce"], hide_possible_values = true)]
    pub iam: String,
    /// auto: every project exists; strict: only those that were created
    #[arg(long, default_value = "auto", value_name = "MODE", value_parser = ["auto", "strict"], hide_possible_values = true)]
    pub projects: String,
    /// serving, or shutdown: Container Registry answers as after its end
    #[arg(long, default_value = "serving", value_name = "ERA", value_parser = ["serving", "shutdown"], hide_possible_values = true)]
    pub gcr_era: String,
    /// What is said of calls: refusals, calls (all of them) or none
    #[arg(long, default_value = "refusals", value_name = "WHAT", value_parser = ["refusals", "calls", "none"], hide_possible_values = true)]
    pub log: String,
}

#[derive(Debug, Subcommand)]
pub enum Clock {
    /// Show the emulator's time
    Show(Address),
    /// Move it forward; what falls due has happened when this returns
    #[command(after_help = "$ cmek emulator clock advance 30d")]
    Advance {
        /// 30d, 12h, 90m or 45s
        #[arg(value_name = "DURATION", allow_hyphen_values = true)]
        duration: String,
        #[command(flatten)]
        address: Address,
    },
}

pub async fn run(session: &mut Session, command: EmulatorCommand) -> Outcome<()> {
    if session.explains(&[])? {
        return Ok(());
    }
    match command {
        EmulatorCommand::Start(args) => start(session, args).await,
        EmulatorCommand::Stop(address) => {
            let place = address.find(session);
            control(&place, "POST", "/_emulator/v1/stop", None).await?;
            session.ui.say(&format!("Stopped the emulator on {place}."));
            Ok(())
        }
        // Not where the shell points now: this is how it is pointed.
        EmulatorCommand::EnvInit(address) => env_init(session, address.host_port.as_deref().unwrap_or(HERE)),
        EmulatorCommand::Clock(Clock::Show(address)) => {
            let now = match own(session, &address).await? {
                Some(emulator) => emulator.now(),
                None => told(&control(&address.find(session), "GET", "/_emulator/v1/clock", None).await?),
            };
            session.print_word("now", &now)
        }
        EmulatorCommand::Clock(Clock::Advance { duration, address }) => {
            if duration.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
                return Err(Failure::new("The clock moves forward only.").hint("a fresh emulator starts anew"));
            }
            let seconds = parse_duration(&duration)?;
            let now = match own(session, &address).await? {
                Some(emulator) => {
                    emulator.advance(Duration::from_secs(seconds)).await?;
                    emulator.now()
                }
                None => {
                    let body = json!({"duration": format!("{seconds}s")});
                    let path = "/_emulator/v1/clock:advance";
                    told(&control(&address.find(session), "POST", path, Some(&body)).await?)
                }
            };
            session.print_word("now", &now)
        }
    }
}

fn told(answer: &Value) -> String {
    answer["now"].as_str().unwrap_or_default().to_owned()
}

/// The emulator inside this process, if it is the one that is meant.
async fn own(session: &Session, address: &Address) -> Outcome<Option<Emulator>> {
    if address.host_port.is_some() { Ok(None) } else { session.emulator().await }
}

pub fn parse_duration(text: &str) -> Outcome<u64> {
    let wrong = || Failure::new(format!("'{text}' is no duration.")).hint("write 30d, 12h, 90m or 45s");
    let unit = match text.chars().last().ok_or_else(wrong)? {
        'd' => 86_400,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return Err(wrong()),
    };
    text[..text.len() - 1].parse::<u64>().ok().and_then(|count| count.checked_mul(unit)).ok_or_else(wrong)
}

async fn control(host_port: &str, verb: &str, path: &str, body: Option<&Value>) -> Outcome<Value> {
    let transport: Arc<dyn Transport> =
        Arc::new(HttpTransport::new().map_err(|error| Failure::new(error.to_string()))?);
    let client = Client::new(transport, Endpoints::emulator(&format!("http://{host_port}")), Credentials::None);
    client.json("storage.googleapis.com", verb, path, body).await.map_err(|error| match error.code() {
        gcp_client::Code::Unavailable => {
            Failure::new(format!("No emulator answers on {host_port}.")).hint("cmek emulator start")
        }
        _ => error.into(),
    })
}

async fn start(session: &mut Session, args: Start) -> Outcome<()> {
    if let (Some(folder), None) = (&session.global.emulator, &args.data_dir) {
        return Err(Failure::new("--emulator is for commands that run the emulator inside themselves.")
            .hint(format!("cmek emulator start --data-dir={folder}")));
    }
    let mut builder = Emulator::builder()
        .seed(if args.seed == 0 { session.seed } else { args.seed })
        .address(&format!("127.0.0.1:{}", args.port));
    if let Some(folder) = &args.data_dir {
        builder = builder.data_dir(folder);
    }
    if let Some(time) = &args.clock {
        builder = builder.frozen_at(time);
    }
    if args.iam == "enforce" {
        builder = builder.iam(IamMode::Enforce);
    }
    if args.projects == "strict" {
        builder = builder.projects(ProjectMode::Strict);
    }
    if args.gcr_era == "shutdown" {
        builder = builder.gcr_era(GcrEra::ShutDown);
    }
    let running = match builder.start().await {
        Ok(running) => running,
        Err(BuildError::Listen { source, .. }) if source.kind() == std::io::ErrorKind::AddrInUse => {
            return Err(taken(args.port).await);
        }
        Err(error) => return Err(Failure::new(error.to_string())),
    };
    let address = running.address();
    let state = args.data_dir.as_ref().map_or_else(
        || "in memory; gone at exit (--data-dir=DIR keeps it)".to_owned(),
        |folder| format!("in {folder}"),
    );
    let clock = args.clock.as_ref().map_or_else(
        || "system (--clock=2026-01-05T09:00:00Z freezes it)".to_owned(),
        |time| format!("frozen at {time} (cmek emulator clock advance 30d)"),
    );
    let callers = if args.iam == "enforce" {
        "checked, and so are service agents"
    } else {
        "allowed everything; service agents are checked (--iam=enforce checks callers too)"
    };
    let ready = session.timer.now().as_millis();
    session.ui.say(&format!("cmek emulator {} on http://{address} (ready in {ready} ms)", env!("CARGO_PKG_VERSION")));
    session.ui.say(&format!("  state     {state}"));
    session.ui.say(&format!("  clock     {clock}"));
    session.ui.say(&format!("  callers   {callers}"));
    session.ui.say(&format!("  clients   eval \"$(cmek emulator env-init --host-port={address})\""));
    session
        .ui
        .say(&format!("  images    {address}/PROJECT/IMAGE is gcr.io, {address}/eu.gcr.io/PROJECT/IMAGE is eu.gcr.io"));
    let (lines, mut said) = tokio::sync::mpsc::unbounded_channel();
    if args.log != "none" {
        let watch = if args.log == "calls" { Watch::Calls } else { Watch::Refusals };
        running.watch(watch, Box::new(move |entry| _ = lines.send(line(entry))));
    }
    let mut ending = std::pin::pin!(until_told());
    loop {
        tokio::select! {
            () = &mut ending => break,
            () = running.asked_to_stop() => break,
            Some(line) = said.recv() => session.ui.say(&line),
        }
    }
    running.stop().await;
    Ok(())
}

/// `09:00:03 storage.buckets.insert  FAILED_PRECONDITION  projects/my-project  Request violates …`
fn line(entry: &AuditEntry) -> String {
    let time = entry.time.get(11..19).unwrap_or(&entry.time);
    let method = entry.method.rsplit('/').next().unwrap_or(&entry.method);
    let mut line = format!("{time} {method}  {}  {}", entry.code, entry.resource);
    for part in std::iter::once(&entry.message).chain(&entry.notes).filter(|part| !part.is_empty()) {
        line.push_str("  ");
        line.push_str(part);
    }
    line
}

/// Who has the port: an emulator of ours says so.
async fn taken(port: u16) -> Failure {
    let health = control(&format!("127.0.0.1:{port}"), "GET", "/_emulator/v1/health", None).await.unwrap_or_default();
    match health.get("pid").and_then(Value::as_u64) {
        Some(pid) => Failure::new(format!("Port {port} is taken (by a cmek emulator, pid {pid})."))
            .hint(format!("cmek emulator stop --host-port=127.0.0.1:{port}, or --port=0 to take a free one")),
        None => Failure::new(format!("Port {port} is taken.")).hint("--port=0 takes a free one"),
    }
}

/// Interrupted, or asked to end.
async fn until_told() {
    #[cfg(unix)]
    if let Ok(mut ending) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = ending.recv() => {}
        }
        return;
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody can tell us: serve until the process is ended.
        tokio::time::sleep(Duration::from_secs(u64::MAX / 4)).await;
    }
}

/// Storage at the bare root, because gcloud sends uploads there whatever the prefix; the others by their own segment,
/// because paths alone would collide.
fn env_init(session: &mut Session, host_port: &str) -> Outcome<()> {
    let mut text = String::new();
    for (name, api) in gcp_client::ENDPOINT_NAMES {
        let address = if api == "storage.googleapis.com" {
            format!("http://{host_port}/")
        } else {
            format!("http://{host_port}/{api}/")
        };
        text.push_str(&format!("export CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}={address}\n"));
    }
    text.push_str("export CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true\n");
    text.push_str("export CLOUDSDK_CORE_CHECK_GCE_METADATA=false\n");
    text.push_str(&format!("export STORAGE_EMULATOR_HOST=http://{host_port}\n"));
    text.push_str(&format!("export PUBSUB_EMULATOR_HOST={host_port}\n"));
    text.push_str(&format!("export CMEK_REGISTRY_ENDPOINT=http://{host_port}\n"));
    session.ui.data(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("30d").unwrap(), 2_592_000);
        assert_eq!(parse_duration("90m").unwrap(), 5400);
        for bad in ["", "30", "d", "-1d", "1w", "99999999999999999999d"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
