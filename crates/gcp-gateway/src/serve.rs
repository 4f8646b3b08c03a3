//! The listening side: HTTP/1.1, HTTP/2 with prior knowledge and gRPC on one port.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::Backend;
use crate::error::Dropped;
use crate::router::Router;

/// How long calls in flight may take when the server is told to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a client may take to send its headers.
const HEADERS: Duration = Duration::from_secs(30);

/// Serves until `shutdown` resolves. When this returns no connection is left, nor anything that it held.
pub async fn serve<B: Backend>(
    listener: TcpListener,
    router: Arc<Router<B>>,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let limits = router.limits();
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(limits.max_headers.max(512 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.max_headers as u32)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_concurrent_streams(1024);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let socket = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                // One connection that could not be accepted says nothing about the next; out of files, wait a little.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
            },
        };
        // Small answers must not wait for the client's acknowledgement.
        if socket.set_nodelay(true).is_err() {
            continue;
        }
        let router = Arc::clone(&router);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let router = Arc::clone(&router);
            async move {
                let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
                let answer = router.handle(request).await;
                if answer.extensions().get::<Dropped>().is_some() {
                    return Err(std::io::Error::other("dropped, as a test asked"));
                }
                Ok(answer)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(socket), service).into_owned();
        let watched = graceful.watch(connection);
        connections.spawn(async move {
            // A broken connection is its client's affair.
            let _ = watched.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
    connections.shutdown().await;
    Ok(())
}
