//! What there is to ask for, and what holds for every answer.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Extension, Json, Router,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use handful::classifier::Model;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{
    Named,
    body::Bodies,
    gallery::{self, Gallery},
    map::{Map, Point},
    once::Once,
    page,
    portraits::Portraits,
    predict::predict,
    predictor::Predictor,
    problem::Problem,
};
use crate::console::Console;

/// What all requests share.
pub(super) struct App {
    pub(super) model: Arc<Model>,
    pub(super) predictor: Predictor,
    pub(super) bodies: Bodies,
    /// A turn for each thread that may decode pictures.
    pub(super) decoders: Semaphore,
    pub(super) map: Map,
    named: Named,
    portraits: Once<Portraits>,
    gallery: Once<Result<Gallery, String>>,
    address: SocketAddr,
    console: Console,
}

/// Who sent a request.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

impl App {
    pub(super) fn new(model: Model, named: Named, address: SocketAddr, console: &Console) -> Arc<Self> {
        let model = Arc::new(model);
        let app = Arc::new(Self {
            predictor: Predictor::start(Arc::clone(&model)),
            bodies: Bodies::new(),
            decoders: Semaphore::new(rayon::current_num_threads()),
            map: Map::new(&model),
            portraits: Once::new(),
            gallery: Once::new(),
            console: console.clone(),
            model,
            named,
            address,
        });
        // The first who draws should not wait.
        let eager = Arc::clone(&app);
        tokio::spawn(async move {
            eager.portraits().await;
        });
        app
    }

    pub(super) async fn portraits(&self) -> &Portraits {
        let (model, data) = (Arc::clone(&self.model), self.named.data.clone());
        let console = self.console.clone();
        self.portraits.get(move || Portraits::find(&model, data.as_deref(), &console)).await
    }

    async fn gallery(&self) -> Result<&Gallery, Problem> {
        let (model, data) = (Arc::clone(&self.model), self.named.data.clone());
        let gallery = self.gallery.get(move || Gallery::new(&model, data)).await;
        gallery.as_ref().map_err(|why| {
            Problem::new(StatusCode::NOT_FOUND, format!("There are no test images for this model: {why}."))
        })
    }
}

pub(super) fn router(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/api/predict", post(predict))
        .route("/api/model", get(model))
        .route("/api/map", get(map))
        .route("/api/gallery", get(gallery))
        .route("/api/gallery/images", get(gallery_images))
        .route("/healthz", get(healthz));
    page::FILES
        .iter()
        .fold(router, |router, file| router.route(file.path, get(move || async { file.into_response() })))
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "There is nothing here; see /openapi.json.")
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "This is not what can be done here; see /openapi.json.",
            )
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// Whether the server and its model work.
async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

#[derive(Serialize)]
struct ModelDocument<'a> {
    version: &'static str,
    model: &'a str,
    bytes: usize,
    classes: &'a [String],
    image_shape: [usize; 2],
    n_prototypes: usize,
    n_neighbors: usize,
    /// Images that it was learned from.
    n_samples: usize,
}

async fn model(State(app): State<Arc<App>>) -> Response {
    let model = &app.model;
    let document = ModelDocument {
        version: env!("CARGO_PKG_VERSION"),
        model: &app.named.name,
        bytes: app.named.bytes,
        classes: model.classes(),
        image_shape: model.image_shape(),
        n_prototypes: model.prototypes().n_samples(),
        n_neighbors: model.params().decision.n_neighbors(),
        n_samples: model.provenance().n_samples,
    };
    Json(document).into_response()
}

#[derive(Serialize)]
struct Portrayed<'a> {
    #[serde(flatten)]
    point: &'a Point,
    image: Option<&'a str>,
}

async fn map(State(app): State<Arc<App>>) -> Response {
    let portraits = app.portraits().await;
    let portrayed = |point| Portrayed { point, image: portraits.of(point.prototype) };
    let points: Vec<Portrayed> = app.map.points.iter().map(portrayed).collect();
    Json(json!({ "points": points })).into_response()
}

/// Null where there are no test images: a page that asks has done nothing wrong.
async fn gallery(State(app): State<Arc<App>>) -> Response {
    Json(app.gallery().await.ok().map(Gallery::summary)).into_response()
}

async fn gallery_images(
    State(app): State<Arc<App>>,
    query: Result<Query<gallery::Query>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) =
        query.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("{}.", error.body_text())))?;
    Ok(Json(app.gallery().await?.find(&query)).into_response())
}

/// What holds for every answer: who may ask, what browsers may do with it, and the log.
async fn around(
    State(app): State<Arc<App>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let line = format!("{peer} {} {}", request.method(), request.uri().path().escape_debug());
    let mut response = match app.check_host(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let milliseconds = 1000.0 * start.elapsed().as_secs_f64();
    app.console.detail(&format!("{line} {} {milliseconds:.1} ms", response.status().as_u16()));
    response
}

/// The page uses its own files alone, and nobody puts it into another.
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

impl App {
    /// A server for this machine alone answers to its names alone: else a page from elsewhere whose name is made to
    /// lead here could read what it has (DNS rebinding).
    fn check_host(&self, request: &Request) -> Result<(), Problem> {
        if !self.address.ip().is_loopback() {
            return Ok(());
        }
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or(request.uri().host()).unwrap_or_default();
        let name =
            host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
        let is_ours = name.eq_ignore_ascii_case("localhost")
            || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        is_ours.then_some(()).ok_or_else(|| {
            let sentence = "This server answers to localhost; --addr makes it serve others.";
            Problem::new(StatusCode::MISDIRECTED_REQUEST, sentence)
        })
    }
}
