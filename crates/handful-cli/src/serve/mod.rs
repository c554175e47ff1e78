//! `handful serve`: a page to draw digits on, and the API behind it.

mod answer;
mod app;
mod asked;
mod body;
mod decode;
mod embedding;
mod exposition;
mod form;
mod gallery;
mod graceful_close;
mod images;
mod json;
mod lesson;
mod limits;
mod loaded;
mod map;
mod metrics;
mod middleware;
mod models;
mod once;
mod page;
mod portraits;
mod predict;
mod predictor;
mod problem;
mod query;
mod routes;
mod scrape;
mod server;
mod taught;
mod teach;
mod timing;
mod turns;

use std::{
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;

use self::{
    app::App,
    loaded::{Loaded, Shared},
};
use crate::{console::Console, data::ReadingArgs, models::ModelArgs, options::Global, output::print_json};

/// Serve a web page to draw digits on, and an HTTP API
///
/// The page classifies what you draw, and shows the neighbours that voted. The API classifies pictures: see
/// /openapi.json. Both can also ask the presets by name, let another number of neighbours vote, and teach a model your
/// handwriting. /metrics shows counts
/// and latencies to Prometheus. The page makes no requests to other servers. Ctrl-C ends the server after it has answered
/// the requests in progress.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  handful serve\n  handful serve --model best --addr 127.0.0.1:8000 -v\n  curl --data-binary @photo.png -H 'Content-Type: image/png' http://127.0.0.1:7878/api/predict\n  curl -F a=@one.png -F b=@two.png http://127.0.0.1:7878/api/predict"
)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Address to listen on, as HOST:PORT or PORT; with port 0, any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7878", value_parser = address)]
    addr: String,
    /// Folder or file with the images that the model was trained on, which the page shows as neighbours, and with the
    /// images of the gallery [default: MNIST, if it is found]
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingArgs,
}

fn address(text: &str) -> Result<String, String> {
    if text.parse::<u16>().is_ok() {
        return Ok(format!("127.0.0.1:{text}"));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("expected HOST:PORT or PORT, such as 127.0.0.1:7878".to_owned()),
    }
}

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let (model, bytes) = args.model.load()?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = global.threads {
        runtime.worker_threads(threads.into());
    }
    let runtime = runtime.enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(&args.addr).await.with_context(|| {
            format!(
                "cannot listen on {}: expected an address of this machine and a free port; --addr sets both",
                args.addr
            )
        })?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            data: args.data.clone(),
            reading: args.reading.options(console),
            console: console.clone(),
            turn: Mutex::new(()),
        });
        let own = Loaded::new(args.model.model.clone(), model, bytes, &shared);
        let app = App::new(own, shared, address);
        tell(address, &args.model.model, global, console)?;
        server::serve(listener, routes::router(Arc::clone(&app)), &app).await;
        anyhow::Ok(())
    });
    // Answers that nobody waits for any more need not be finished.
    runtime.shutdown_background();
    served
}

fn tell(address: SocketAddr, model: &str, global: &Global, console: &Console) -> anyhow::Result<()> {
    if !address.ip().is_loopback() {
        console.note(&format!(
            "anyone who can reach {address} can use this server: it has no password and no encryption"
        ));
    }
    let url = format!("http://{address}/");
    if global.json {
        return print_json(&json!({ "url": url, "model": model }));
    }
    let mut out = anstream::stdout().lock();
    writeln!(out, "listening on {url}")?;
    Ok(out.flush()?)
}
