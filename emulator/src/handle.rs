//! The handles: an emulator in the process, and one that listens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gcp_gateway::{Body, Limits, Router};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::builder::Builder;
use crate::kernel::audit::{Entry, Watch, Watcher};
use crate::kernel::body::owns_segment;
use crate::kernel::table::{NumberRow, Table, ids};
use crate::kernel::time::is_timestamp;
use crate::kernel::worker::Working;
use crate::kernel::{Error, Kernel, Mode, Result, Spec};
use crate::server::Server;

static META: Table<NumberRow> = Table::new(ids::META);
const CLOCK_OFFSET: &str = "clock-offset";

/// An emulator. Cloning it gives another handle to the same one.
#[derive(Clone)]
pub struct Emulator {
    kernel: Arc<Kernel>,
    _working: Arc<Working>,
    router: Arc<Router<Server>>,
    data_dir: Option<PathBuf>,
}

impl Emulator {
    pub fn builder() -> Builder {
        Builder::default()
    }

    #[cfg(test)]
    pub(crate) fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    pub(crate) fn new(kernel: Arc<Kernel>, data_dir: Option<PathBuf>) -> Self {
        let router = Arc::new(Router::new(Arc::new(Server::new(Arc::clone(&kernel))), Limits::default()));
        let working = Arc::new(Working(Arc::clone(&kernel)));
        Self { kernel, _working: working, router, data_dir }
    }

    fn own(method: &'static str, mode: Mode) -> Spec {
        Spec {
            method,
            api: "",
            permission: "",
            resource: String::new(),
            mode,
            caller: crate::kernel::Caller { member: "emulator".to_owned() },
            base_url: String::new(),
        }
    }

    /// Looks a data directory over before anything is served from it.
    pub(crate) async fn check(&self) -> Result<()> {
        if self.data_dir.is_none() {
            return Ok(());
        }
        let (offset, unfinished) = self
            .kernel
            .run(Self::own("start", Mode::Write), |call| {
                let offset = call.txn.get(&META, CLOCK_OFFSET)?.map_or(0, |row| row.number as i64);
                let kernel = Arc::clone(&call.kernel);
                for (folder, stranger) in [("blobs", kernel.blobs.stranger()), ("vault", kernel.vault.stranger())] {
                    let stranger = stranger.map_err(|error| Error::internal(format!("{folder}: {error}")))?;
                    if let Some(name) = stranger {
                        return Err(Error::failed_precondition(format!(
                            "The data directory holds {folder}/{name}, which is none of its files. Nothing was changed."
                        )));
                    }
                }
                crate::doors::check_at_start(call)?;
                let txn = &call.txn;
                kernel
                    .blobs
                    .sweep(|id| owns_segment(txn, id))
                    .map_err(|error| Error::internal(format!("blobs: {error}")))?;
                Ok((offset, crate::doors::has_work(call)?))
            })
            .await?;
        self.kernel.clock.restore_offset(offset);
        self.kernel.settle().await?;
        if unfinished {
            self.kernel.worker.start();
        }
        Ok(())
    }

    /// Answers one request as the server would, without a connection.
    pub async fn handle(&self, request: http::Request<Body>) -> http::Response<Body> {
        self.router.handle(request).await
    }

    /// As `handle`, with whole bodies: for clients in the same process.
    pub async fn send(&self, request: http::Request<bytes::Bytes>) -> http::Response<bytes::Bytes> {
        use http_body_util::BodyExt as _;
        let (parts, body) = self.handle(request.map(gcp_gateway::full)).await.into_parts();
        match body.collect().await {
            Ok(body) => http::Response::from_parts(parts, body.to_bytes()),
            Err(error) => {
                let mut broken = http::Response::new(bytes::Bytes::from(error.to_string()));
                *broken.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                broken
            }
        }
    }

    /// Moves the clock. What fell due has happened when this returns.
    pub async fn advance(&self, by: Duration) -> Result<()> {
        let micros =
            i64::try_from(by.as_micros()).map_err(|_| Error::invalid_argument("The clock cannot move that far."))?;
        advance(&self.kernel, micros).await
    }

    /// The emulator's time, RFC 3339.
    pub fn now(&self) -> String {
        self.kernel.clock.now().rfc3339()
    }

    pub fn audit(&self) -> Vec<Entry> {
        self.kernel.audit.entries()
    }

    /// Sees audit entries as they are made.
    pub fn watch(&self, watch: Watch, watcher: Watcher) {
        self.kernel.audit.watch(watch, watcher);
    }

    /// Files of the data directory that hold one of these byte strings. For proving that nothing lies in clear.
    pub fn files_with(&self, needles: &[bytes::Bytes]) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for path in self.files()? {
            let bytes = std::fs::read(&path).map_err(|error| Error::internal(error.to_string()))?;
            if needles.iter().any(|needle| bytes.windows(needle.len()).any(|window| window == needle)) {
                found.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
            }
        }
        Ok(found)
    }

    /// How many files of key material there are.
    pub fn key_files(&self) -> Result<usize> {
        Ok(self.files()?.iter().filter(|path| path.extension().is_some_and(|ending| ending == "key")).count())
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut folders: Vec<PathBuf> = self.data_dir.iter().cloned().collect();
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|error| Error::internal(error.to_string()))? {
                let path = entry.map_err(|error| Error::internal(error.to_string()))?.path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        Ok(files)
    }

    pub fn data_dir(&self) -> Option<&std::path::Path> {
        self.data_dir.as_deref()
    }

    pub(crate) fn serve(self, listener: tokio::net::TcpListener) -> std::io::Result<Running> {
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Arc::clone(&self.router);
        let task = tokio::spawn(gcp_gateway::serve(listener, router, async move {
            // Dropping the handle stops the server too.
            let _ = stopped.await;
        }));
        Ok(Running { emulator: self, address, stop: Some(stop), task })
    }
}

pub(crate) async fn advance(kernel: &Arc<Kernel>, micros: i64) -> Result<()> {
    // Later than that no time can be said in JSON.
    if !is_timestamp(&kernel.clock.now().plus_micros(micros).to_proto()) {
        return Err(Error::invalid_argument("The clock cannot move past the year 9999."));
    }
    kernel.clock.advance(micros);
    let offset = kernel.clock.offset();
    kernel
        .run(Emulator::own("clock.advance", Mode::Write), |call| {
            call.txn.put(&META, CLOCK_OFFSET, &NumberRow { number: offset as u64 })
        })
        .await
}

/// An emulator that listens. Dropping it stops it.
pub struct Running {
    emulator: Emulator,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns when somebody asks over the control API to stop.
    pub async fn asked_to_stop(&self) {
        self.emulator.kernel.stop_asked.notified().await;
    }

    /// Lets calls in flight end, then closes the port.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl std::ops::Deref for Running {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.emulator
    }
}
