//! The control API under `/_emulator/v1`: the HTTP form of the handle. No Google client ever calls it.
//!
//! `GET clock`, `POST clock:advance {"duration":"2592000s"}`, `GET audit`, `POST faults`, `DELETE faults`, `GET health`,
//! `POST stop`.
//!
//! A fault: `{"method":"/Encrypt","kind":"refuse|drop|lose","code":"UNAVAILABLE","message":"…","skip":0,"times":1}`.
//! `method` is the end of a method's name, or `agent.useKey` for a grant that has not spread; empty: every call.

use std::sync::Arc;

use serde_json::json;

use crate::kernel::faults::{Fault, FaultKind};
use crate::kernel::time::SECOND;
use crate::kernel::{Code, Error, Kernel, Result};
use crate::rest::{self, Answer, Query, Request};

const ROOT: &str = "/_emulator/v1/";

pub fn claims(request: &Request) -> bool {
    request.uri().path().starts_with("/_emulator/") || request.uri().path() == "/"
}

pub async fn handle(kernel: &Arc<Kernel>, request: Request) -> Answer {
    match answer(kernel, request).await {
        Ok(answer) => answer,
        Err(error) => rest::error(&error),
    }
}

async fn answer(kernel: &Arc<Kernel>, request: Request) -> Result<Answer> {
    let query = Query::of(&request);
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    if path == "/" {
        return Ok(rest::respond(200, "text/plain; charset=UTF-8", "Ok\n"));
    }
    match (method.as_str(), path.strip_prefix(ROOT)) {
        ("GET", Some("health")) => {
            let about = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "pid": std::process::id()});
            Ok(rest::json(200, about, &query))
        }
        ("POST", Some("stop")) => {
            // Kept for whoever waits next, so that a question before the wait is not lost.
            kernel.stop_asked.notify_one();
            Ok(rest::json(200, json!({}), &query))
        }
        ("GET", Some("clock")) => Ok(rest::json(200, clock(kernel), &query)),
        ("POST", Some("clock:advance")) => {
            let body = rest::read_json(request.into_body()).await?;
            let text = body.get("duration").and_then(|value| value.as_str()).unwrap_or_default();
            let micros = parse_duration(text).ok_or_else(|| {
                Error::invalid_argument(format!("Invalid duration '{text}': write seconds, as in \"2592000s\"."))
            })?;
            crate::handle::advance(kernel, micros).await?;
            Ok(rest::json(200, clock(kernel), &query))
        }
        ("GET", Some("audit")) => Ok(rest::json(200, json!({"entries": kernel.audit.entries()}), &query)),
        ("POST", Some("faults")) => {
            let body = rest::read_json(request.into_body()).await?;
            let text = |name: &str| body.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
            let kind = match text("kind").as_str() {
                "" | "refuse" => FaultKind::Refuse,
                "drop" => FaultKind::Drop,
                "lose" => FaultKind::Lose,
                other => {
                    return Err(Error::invalid_argument(format!("Invalid kind '{other}': refuse, drop or lose.")));
                }
            };
            let named = if kind == FaultKind::Refuse { text("code") } else { "UNAVAILABLE".to_owned() };
            let code = Code::from_name(&named).ok_or_else(|| {
                Error::invalid_argument("Invalid code: name one of google.rpc.Code, as in \"UNAVAILABLE\".")
            })?;
            let count = |name: &str, unsaid: u64| {
                body.get(name).and_then(serde_json::Value::as_u64).unwrap_or(unsaid).min(1 << 20) as u32
            };
            let times = count("times", 1);
            if times == 0 {
                return Err(Error::invalid_argument("A fault strikes at least once: times is 0."));
            }
            let message = if text("message").is_empty() { "Injected fault.".to_owned() } else { text("message") };
            kernel.faults.add(Fault { method: text("method"), kind, code, message, skip: count("skip", 0), times });
            Ok(rest::json(200, json!({}), &query))
        }
        ("DELETE", Some("faults")) => {
            kernel.faults.clear();
            Ok(rest::json(200, json!({}), &query))
        }
        _ => Err(Error::not_found(format!("The emulator's control API has no {method} {path}."))),
    }
}

fn clock(kernel: &Kernel) -> serde_json::Value {
    json!({"now": kernel.clock.now().rfc3339(), "frozen": kernel.clock.is_frozen()})
}

/// Protobuf's JSON form of a duration, not negative.
fn parse_duration(text: &str) -> Option<i64> {
    let (whole, fraction) = text.strip_suffix('s').map(|rest| rest.split_once('.').unwrap_or((rest, "")))?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok().filter(|seconds| (0..=315_576_000_000).contains(seconds))?;
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(seconds * SECOND + micros)
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn durations_are_seconds_with_a_fraction_and_never_negative() {
        assert_eq!(parse_duration("2592000s"), Some(2_592_000_000_000));
        assert_eq!(parse_duration("0.5s"), Some(500_000));
        assert_eq!(parse_duration("-1s"), None);
        assert_eq!(parse_duration("30d"), None);
        assert_eq!(parse_duration("1.x"), None);
    }
}
