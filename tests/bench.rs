//! The bench that tests work at: an emulator with a frozen clock, calls to it, and command lines with their transcripts.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cmek_emulator::Emulator;
use serde_json::Value;

pub const START: &str = "2026-01-05T09:00:00Z";

/// An emulator in memory at nine o'clock.
pub async fn emulator() -> Emulator {
    Emulator::builder().seed(7).frozen_at(START).build().await.expect("an emulator in memory")
}

pub async fn emulator_in(folder: &Path) -> Emulator {
    Emulator::builder().seed(7).frozen_at(START).data_dir(folder).build().await.expect("an emulator in a folder")
}

/// An answer: status, headers, body.
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    pub fn message(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json.pointer("/error/message")
            .or_else(|| json.pointer("/errors/0/message"))
            .and_then(Value::as_str)
            .map_or_else(|| String::from_utf8_lossy(&self.body).into_owned(), str::to_owned)
    }

    pub fn reason(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json.pointer("/error/errors/0/reason").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// One request, in the process: `call(&emulator, "POST", "/v1/…", r#"{}"#)`.
pub async fn call(emulator: &Emulator, verb: &str, path: &str, body: impl Into<Bytes>) -> Answer {
    call_with(emulator, verb, path, &[], body).await
}

pub async fn call_with(
    emulator: &Emulator,
    verb: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let body = body.into();
    let mut request = http::Request::builder()
        .method(verb)
        .uri(path)
        .header("host", "127.0.0.1:8787")
        .header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = emulator.send(request.body(body).expect("a request")).await;
    let (parts, body) = answer.into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// A call that must work.
pub async fn done(emulator: &Emulator, verb: &str, path: &str, body: impl Into<Bytes>) -> Value {
    let answer = call(emulator, verb, path, body).await;
    assert!(answer.status < 300, "{verb} {path}: {} {}", answer.status, answer.message());
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

pub const RING: &str = "/v1/projects/my-project/locations/us/keyRings";
pub const KEY: &str = "projects/my-project/locations/us/keyRings/r/cryptoKeys/k";

/// Ring `r`, key `k` in `us`, and the grant of Storage's agent.
pub async fn key_for_storage(emulator: &Emulator) {
    done(emulator, "POST", &format!("{RING}?keyRingId=r"), "{}").await;
    done(emulator, "POST", &format!("{RING}/r/cryptoKeys?cryptoKeyId=k"), r#"{"purpose":"ENCRYPT_DECRYPT"}"#).await;
    grant(emulator, &agent(emulator).await).await;
}

pub async fn agent(emulator: &Emulator) -> String {
    let answer = done(emulator, "GET", "/storage/v1/projects/my-project/serviceAccount", "").await;
    format!("serviceAccount:{}", answer["email_address"].as_str().expect("an address"))
}

pub async fn grant(emulator: &Emulator, member: &str) {
    let policy = format!(
        r#"{{"policy":{{"bindings":[{{"role":"roles/cloudkms.cryptoKeyEncrypterDecrypter","members":["{member}"]}}]}}}}"#
    );
    done(emulator, "POST", &format!("/v1/{KEY}:setIamPolicy"), policy).await;
}

pub async fn set_state(emulator: &Emulator, version: u32, state: &str) {
    let path = format!("/v1/{KEY}/cryptoKeyVersions/{version}?updateMask=state");
    done(emulator, "PATCH", &path, format!(r#"{{"state":"{state}"}}"#)).await;
}

pub async fn deny(emulator: &Emulator, services: &[&str]) {
    let policy = serde_json::json!({"name": "projects/my-project/policies/gcp.restrictNonCmekServices",
        "spec": {"rules": [{"values": {"deniedValues": services}}]}});
    done(emulator, "POST", "/v2/projects/my-project/policies", policy.to_string()).await;
}

/// Pushes an image of one layer and a configuration, as a registry client does.
pub async fn push(emulator: &Emulator, repository: &str, tag: &str, layer: &[u8]) -> Answer {
    let mut blobs = Vec::new();
    for bytes in [Bytes::copy_from_slice(layer), Bytes::from(format!(r#"{{"tag":"{tag}"}}"#))] {
        let digest = cmek_emulator::sha256_digest(&bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let answer = call(emulator, "POST", &path, bytes.clone()).await;
        if answer.status != 201 {
            return answer;
        }
        blobs.push((digest, bytes.len()));
    }
    let manifest = serde_json::json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": blobs[1].0, "size": blobs[1].1},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": blobs[0].0, "size": blobs[0].1}]});
    call(emulator, "PUT", &format!("/v2/{repository}/manifests/{tag}"), manifest.to_string()).await
}

/// A user at a terminal: each command line is a run of its own on the same state.
pub struct Terminal {
    /// A world of the test's own; none: each command opens the folder's.
    emulator: Option<Emulator>,
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
    pub transcript: String,
}

/// Talk goes to the same text as data, marked.
struct Marked {
    text: Arc<Mutex<String>>,
    mark: &'static str,
    at_start: bool,
}

impl Write for Marked {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut text = self.text.lock().expect("one writer at a time");
        for c in String::from_utf8_lossy(bytes).chars() {
            if self.at_start {
                text.push_str(self.mark);
            }
            text.push(c);
            self.at_start = c == '\n';
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Terminal {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = [
            ("CMEK_EMULATOR", folder.path().join("state").to_string_lossy().into_owned()),
            ("CMEK_EMULATOR_CLOCK", START.to_owned()),
            ("CLOUDSDK_CORE_PROJECT", "my-project".to_owned()),
        ];
        let environment = environment.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Self { emulator: None, folder, environment, transcript: String::new() }
    }

    /// A user who works on this world, in which faults can be laid.
    pub fn on(world: Emulator) -> Self {
        Self { emulator: Some(world), ..Self::new() }
    }

    /// The state as an emulator, for what no command does (a push). Drop it before the next command.
    pub async fn world(&self) -> Emulator {
        emulator_in(&self.folder.path().join("state")).await
    }

    /// Runs a command line and adds it to the transcript. Nobody is there to answer.
    pub async fn run(&mut self, line: &str) -> u8 {
        self.answer(line, None).await
    }

    /// Writes a file that a command line can name as `@NAME`, and gives its text back after the run by `read`.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable; `@NAME` is a file of the test's own folder.
    pub fn set(&mut self, variable: &str, value: &str) {
        let value = self.path(value);
        self.environment.insert(variable.to_owned(), value);
    }

    pub fn unset(&mut self, variable: &str) {
        self.environment.remove(variable);
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("a file")
    }

    /// What a command line prints as data, and its exit code.
    pub async fn output(&mut self, line: &str) -> (String, u8) {
        let (data, talk) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(String::new())));
        let process = cmek::Process {
            output: Box::new(Marked { text: Arc::clone(&data), mark: "", at_start: true }),
            ..self.process(line, None, &talk)
        };
        let code = cmek::run(process).await;
        let said = data.lock().expect("the run is over").clone();
        (said, code)
    }

    /// Runs a command line with this text piped in.
    pub async fn pipe(&mut self, line: &str, input: &str) -> u8 {
        let text = Arc::new(Mutex::new(String::new()));
        let process = cmek::Process {
            input: Box::new(std::io::Cursor::new(input.to_owned())),
            piped: true,
            ..self.process(line, None, &text)
        };
        let code = cmek::run(process).await;
        self.note(line, &text, code);
        code
    }

    /// As `run`, with a person who types `answer`.
    pub async fn answer(&mut self, line: &str, answer: Option<&str>) -> u8 {
        let text = Arc::new(Mutex::new(String::new()));
        let code = cmek::run(self.process(line, answer, &text)).await;
        self.note(line, &text, code);
        code
    }

    /// Runs a command that ends only when it is told to, for as long as it takes to say what it says.
    pub async fn watch(&mut self, line: &str) {
        let text = Arc::new(Mutex::new(String::new()));
        let run = cmek::run(self.process(line, None, &text));
        let ended = tokio::time::timeout(std::time::Duration::from_millis(700), run).await;
        self.note(line, &text, ended.unwrap_or(0));
    }

    /// `--plan-out=@plan.json` names a file of the test's own folder.
    fn path(&self, word: &str) -> String {
        match word.split_once('@') {
            Some((flag, name)) if flag.is_empty() || flag.ends_with('=') => {
                format!("{flag}{}", self.folder.path().join(name).display())
            }
            _ => word.to_owned(),
        }
    }

    fn process(&self, line: &str, answer: Option<&str>, text: &Arc<Mutex<String>>) -> cmek::Process {
        let marked = |mark| Box::new(Marked { text: Arc::clone(text), mark, at_start: true });
        cmek::Process {
            args: std::iter::once("cmek".to_owned()).chain(words(line).map(|word| self.path(&word))).collect(),
            environment: self.environment.clone(),
            input: Box::new(std::io::Cursor::new(answer.unwrap_or_default().to_owned() + "\n")),
            piped: false,
            output: marked("    "),
            talk: marked("    │ "),
            interactive: answer.is_some(),
            terminal: false,
            width: 100,
            seed: 7,
            timer: Arc::new(gcp_client::ManualTimer::default()),
            now: Box::new(|| START.parse::<jiff::Timestamp>().expect("a time").to_zoned(jiff::tz::TimeZone::UTC)),
            emulator: self.emulator.clone(),
        }
    }

    fn note(&mut self, line: &str, text: &Arc<Mutex<String>>, code: u8) {
        self.transcript.push_str(&format!("$ cmek {line}\n"));
        let said = text.lock().expect("the run is over").replace(&format!("{}/", self.folder.path().display()), "@");
        for said in said.lines() {
            self.transcript.push_str(&format!("{}\n", said.trim_end()));
        }
        if code != 0 {
            self.transcript.push_str(&format!("    [exit {code}]\n"));
        }
        self.transcript.push('\n');
    }
}

/// Words as a shell splits them: blanks inside quotes stay.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => (quote, any) = (Some(c), true),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (c, _) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words.into_iter()
}

/// A port that the machine chose, as a word.
pub fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("127.0.0.1:PORT");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

/// Compares with `snapshots/FOLDER/NAME.snap`.
pub fn snapshot(folder: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots").join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
