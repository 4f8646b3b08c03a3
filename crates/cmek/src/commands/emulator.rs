//! `cmek emulator`.

use std::sync::Arc;
use std::time::Duration;

use cmek_emulator::{BuildError, Emulator, GcrEra, IamMode, ProjectMode};
use gcp_client::{Client, Credentials, Endpoints, HttpTransport, Transport};
use serde_json::{Value, json};

use crate::cli::{Clock, EmulatorCommand, Start};
use crate::failure::{Failure, Outcome};
use crate::session::Session;

pub async fn run(session: &mut Session, command: EmulatorCommand) -> Outcome<()> {
    match command {
        EmulatorCommand::Start(args) => start(session, args).await,
        EmulatorCommand::EnvInit { host_port } => env_init(session, &host_port),
        EmulatorCommand::Clock(Clock::Show { host_port }) => {
            let answer = control(&host_port, "GET", "/_emulator/v1/clock", None).await?;
            session.ui.data(&format!("{}\n", answer["now"].as_str().unwrap_or_default()))
        }
        EmulatorCommand::Clock(Clock::Advance { duration, host_port }) => {
            let seconds = parse_duration(&duration)?;
            let body = json!({"duration": format!("{seconds}s")});
            let answer = control(&host_port, "POST", "/_emulator/v1/clock:advance", Some(&body)).await?;
            session.ui.data(&format!("{}\n", answer["now"].as_str().unwrap_or_default()))
        }
    }
}

fn parse_duration(text: &str) -> Outcome<u64> {
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
    let running = builder.start().await.map_err(|error| match &error {
        BuildError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
            Failure::new(format!("Port {} is taken.", args.port)).hint("--port=0 takes a free one")
        }
        _ => Failure::new(error.to_string()),
    })?;
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
    session.ui.say(&format!("cmek emulator {} on http://{address}", env!("CARGO_PKG_VERSION")));
    session.ui.say(&format!("  state     {state}"));
    session.ui.say(&format!("  clock     {clock}"));
    session.ui.say(&format!("  callers   {callers}"));
    session.ui.say(&format!("  clients   eval \"$(cmek emulator env-init --host-port={address})\""));
    session
        .ui
        .say(&format!("  images    {address}/PROJECT/IMAGE is gcr.io, {address}/eu.gcr.io/PROJECT/IMAGE is eu.gcr.io"));
    until_told().await;
    running.stop().await;
    Ok(())
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
