//! `GET /metrics`: what was counted, and the state of the server now.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};

use super::{
    app::App,
    exposition::{Exposition, Kind, MEDIA_TYPE},
    limits,
};
use crate::machine;

pub(super) async fn scrape(State(app): State<Arc<App>>) -> Response {
    let mut found = Exposition::default();
    app.metrics.expose(&mut found);
    let mut gauge = |name, help, value: u64| {
        found.metric(name, Kind::Gauge, help).sample(&[], value);
    };
    let (places, connections) = (app.predictor.n_places_taken(), app.n_connections());
    gauge("handful_connections", "Connections that are open.", connections as u64);
    gauge("handful_connections_limit", "Most connections at a time.", limits::CONNECTIONS as u64);
    gauge(
        "handful_predictions_in_flight",
        "Images that were accepted, and are not yet answered.",
        places as u64,
    );
    let waiting = app.predictor.n_waiting() as u64;
    gauge("handful_predictions_waiting", "Images that are framed, and wait for a model.", waiting);
    gauge("handful_predictions_limit", "Most images in flight at a time.", limits::PREDICTIONS as u64);
    let taught = app.taught.n_kept() as u64;
    gauge("handful_taught_models", "Taught models in memory.", taught);
    gauge("handful_taught_models_limit", "Most taught models in memory.", limits::TAUGHT_MODELS as u64);
    if let Some(bytes) = machine::resident_bytes() {
        gauge("process_resident_memory_bytes", "Resident memory of the server, in bytes.", bytes);
    }
    found
        .metric("handful_build_info", Kind::Gauge, "The version of the program; the value is always 1.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    ([(CONTENT_TYPE, MEDIA_TYPE)], found.into_text()).into_response()
}
