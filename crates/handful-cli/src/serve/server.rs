//! Connections: limits their number and duration, and answers all of them before the server ends.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

use super::{
    app::App,
    graceful_close::Lingering,
    limits,
    middleware::Peer,
    problem::{Problem, Reason},
};
/// Serves until Ctrl-C, then answers the requests in progress.
pub(super) async fn serve(listener: TcpListener, router: Router, app: &App) {
    let console = &app.console;
    let shutdown = GracefulShutdown::new();
    let mut interrupted = pin!(console.interruption().wait());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut interrupted => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Ok(permit) = Arc::clone(&app.connections).try_acquire_owned() else {
                    app.metrics.count_rejection(Reason::Connections);
                    tokio::spawn(refuse(stream));
                    continue;
                };
                let router = router.clone().layer(Extension(Peer(peer)));
                tokio::spawn(connection(stream, router, shutdown.watcher(), permit));
            }
            Err(error) => {
                console.detail(&format!("a connection could not be accepted: {error}"));
                // The process may have too many open files; wait until some connections end.
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    console.detail("answering the requests in progress");
    if timeout(limits::GRACE, shutdown.shutdown()).await.is_err() {
        console.detail("cut off the requests that were still in progress");
    }
}

async fn connection(stream: TcpStream, router: Router, watcher: Watcher, _permit: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(Lingering::new(stream));
    stream.set_write_timeout(Some(limits::WRITE_TIME));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIME)
        .max_header_size(limits::HEADER_BYTES)
        // A client that has closed its sending side may still wait for the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router));
    // Errors here are caused by the client, which is gone.
    let _ = watcher.watch(connection).await;
}

/// Answers that there are too many connections, and closes this one.
async fn refuse(stream: TcpStream) {
    let mut stream = Lingering::new(stream);
    let document = Problem::busy(Reason::Connections).into_document();
    let body = serde_json::to_string(&document).expect("a string");
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Retry-After: 1\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let send = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    let _: Result<io::Result<()>, _> = within(send).await;
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
    timeout(Duration::from_secs(1), work).await
}
