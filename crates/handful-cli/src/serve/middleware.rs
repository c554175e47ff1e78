//! Middleware for every request: access control, headers for browsers, the counts, and the log.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::{
    Extension,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    app::App,
    problem::{Problem, Reason},
};

/// The sender of a request.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

pub(super) async fn around(
    State(app): State<Arc<App>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let line = format!("{peer} {} {}", request.method(), request.uri().path().escape_debug());
    let (method, path) = (request.method().clone(), request.extensions().get::<MatchedPath>().cloned());
    let mut response = match check_host(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let (status, took) = (response.status(), start.elapsed());
    app.metrics.count_answer(path.as_ref().map(MatchedPath::as_str), &method, status, took);
    if let Some(&reason) = response.extensions().get::<Reason>() {
        app.metrics.count_rejection(reason);
    }
    let milliseconds = 1000.0 * took.as_secs_f64();
    app.console.detail(&format!("{line} {} {milliseconds:.1} ms", status.as_u16()));
    response
}

/// The page may use only its own files, and no other page may embed it.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-cache"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// A server on a loopback address answers only requests to localhost. Otherwise, a page from another site could read its
/// answers by making its own name point here (DNS rebinding).
fn check_host(app: &App, request: &Request) -> Result<(), Problem> {
    if !app.address.ip().is_loopback() {
        return Ok(());
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let name = authority.as_ref().or(request.uri().authority()).map_or("", Authority::host);
    let is_ours = name.eq_ignore_ascii_case("localhost")
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    is_ours.then_some(()).ok_or_else(|| {
        let sentence = "This server answers only requests to localhost; use --addr to serve other machines.";
        Problem::new(StatusCode::MISDIRECTED_REQUEST, sentence)
    })
}
