//! The way to a cloud: to the emulator inside this process, or to Google and whatever stands in for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cmek_emulator::{BuildError, DataDirError, Emulator};
use gcp_client::{
    Client, Credentials, Endpoints, HttpTransport, LoggedTransport, Sink, Stage, Timer, Transport, TransportError,
};

use crate::cloud::Cloud;
use crate::config::connection;
use crate::config::credentials::Choice;
use crate::config::properties::Verbosity;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

/// How often, and after what pause, a folder is tried that another run has.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Calls an emulator in the same process, without a port.
pub struct InProcess(pub Emulator);

impl Transport for InProcess {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + '_>> {
        Box::pin(async move {
            let mut request = request;
            let host = request.uri().authority().and_then(|authority| authority.as_str().parse().ok());
            if let Some(host) = host {
                request.headers_mut().entry(http::header::HOST).or_insert(host);
            }
            // A server sees the path alone.
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            *request.uri_mut() =
                path.parse().map_err(|_| TransportError::at(Stage::Local, format!("no path {path}")))?;
            let answer = self.0.send(request).await;
            if answer.extensions().get::<cmek_emulator::Dropped>().is_some() {
                return Err(TransportError::at(Stage::Lost, "the connection was closed before an answer came"));
            }
            Ok(answer)
        })
    }
}

/// A client of an emulator in this process.
pub fn in_process(emulator: Emulator) -> Client {
    let transport: Arc<dyn Transport> = Arc::new(InProcess(emulator));
    Client::new(transport, Endpoints::emulator("http://127.0.0.1"), Credentials::None)
}

/// What is told of the calls: `--log-http` all, `--verbosity=debug` a line for each.
enum Telling {
    Nothing,
    Lines(Sink),
    Everything(Sink),
}

impl Telling {
    fn of(&self, transport: Arc<dyn Transport>, timer: &Arc<dyn Timer>) -> Arc<dyn Transport> {
        let logged = |sink: &Sink| LoggedTransport::new(Arc::clone(&transport), Arc::clone(sink), Arc::clone(timer));
        match self {
            Self::Nothing => transport,
            Self::Lines(sink) => Arc::new(logged(sink).brief()),
            Self::Everything(sink) => Arc::new(logged(sink)),
        }
    }
}

impl Session {
    /// The folder of the emulator that runs in this process, and what names it.
    pub fn emulator_folder(&self) -> Option<(String, &'static str)> {
        let flag = self.global.emulator.as_ref().map(|folder| (folder.clone(), "--emulator"));
        flag.or_else(|| Some((self.env("CMEK_EMULATOR")?.to_owned(), "CMEK_EMULATOR")))
    }

    /// The emulator that the command is to work on, if it is to work on one in this process.
    pub async fn emulator(&self) -> Outcome<Option<Emulator>> {
        if let Some(emulator) = &self.given {
            return Ok(Some(emulator.clone()));
        }
        let Some((folder, _)) = self.emulator_folder() else { return Ok(None) };
        let mut builder = Emulator::builder().seed(self.seed).data_dir(folder);
        if let Some(time) = self.env("CMEK_EMULATOR_CLOCK") {
            builder = builder.frozen_at(time);
        }
        // Another short run ends soon; a standing emulator does not.
        for _ in 0..PATIENCE {
            match builder.clone().build().await {
                Err(BuildError::DataDir(DataDirError::InUse { .. })) => self.timer.sleep(PAUSE).await,
                outcome => return outcome.map(Some).map_err(|error| Failure::new(error.to_string())),
            }
        }
        builder.build().await.map(Some).map_err(|error| {
            Failure::new(error.to_string())
                .hint("a standing emulator has it: eval \"$(cmek emulator env-init)\" and leave --emulator away, or cmek emulator stop")
        })
    }

    pub async fn connect(&mut self) -> Outcome<Cloud> {
        let verbosity = self.properties.verbosity()?;
        let telling = if self.properties.switch("core/log_http")? {
            Telling::Everything(self.ui.sink())
        } else if verbosity == Verbosity::Debug {
            Telling::Lines(self.ui.lines("DEBUG"))
        } else {
            Telling::Nothing
        };
        let timer = Arc::clone(&self.timer);
        let notice = (verbosity <= Verbosity::Info).then(|| self.ui.lines("INFO"));
        let noticed = |client: Client| match notice.clone() {
            Some(notice) => client.with_notice(notice),
            None => client,
        };
        if let Some(emulator) = self.emulator().await? {
            let transport = telling.of(Arc::new(InProcess(emulator)), &timer);
            let client = Client::new(transport, Endpoints::emulator("http://127.0.0.1"), Credentials::None);
            return Ok(Cloud::new(noticed(client.with_timer(timer))));
        }
        let network = connection::network(&self.properties, &self.environment)?;
        let endpoints = connection::endpoints(&self.properties, &self.environment)?;
        let transport = HttpTransport::over(&network).map_err(|error| Failure::new(error.to_string()))?;
        let client = Client::new(telling.of(Arc::new(transport), &timer), endpoints, Credentials::None)
            .with_timer(timer)
            .with_request_reason(self.properties.text("core/request_reason").as_deref())
            .with_trace_token(self.properties.text("core/trace_token").as_deref());
        let choice = Choice::make(&self.properties, &self.environment)?;
        if let Some(warning) = choice.warning() {
            self.ui.warn(&warning);
        }
        let client = choice.sign_in(noticed(client)).await?;
        self.whose = Some(choice.sentence());
        Ok(Cloud::new(client))
    }
}
