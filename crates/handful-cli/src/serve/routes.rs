//! The routes of the server.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    app::App,
    gallery::{self, Gallery},
    limits,
    map::Point,
    middleware::around,
    page,
    predict::predict,
    problem::Problem,
    query::{self, Parameters, Which},
    scrape::scrape,
    teach::teach,
};

pub(super) fn router(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/api/predict", post(predict))
        .route("/api/teach", post(teach))
        .route("/api/model", get(model))
        .route("/api/map", get(map))
        .route("/api/gallery", get(gallery))
        .route("/api/gallery/images", get(gallery_images))
        .route("/healthz", get(healthz))
        .route("/metrics", get(scrape));
    page::FILES
        .iter()
        .fold(router, |router, file| router.route(file.path, get(move || async { file.into_response() })))
        .fallback(|| async {
            Problem::new(
                StatusCode::NOT_FOUND,
                "There is nothing at this address; /openapi.json lists all addresses.",
            )
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not accept this method; /openapi.json lists the methods of each address.",
            )
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// Whether the server and its model work.
async fn healthz(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    app.predictor.check()?;
    Ok(Json(json!({ "status": "ok" })))
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
    /// `None` if hyperplanes decide.
    most_neighbors: Option<usize>,
    /// Number of images that the model was trained on.
    n_samples: usize,
    /// Number of images that the model can be taught.
    most_taught: usize,
    /// The names of all models that can be chosen; the server's own is the first.
    models: Vec<&'a str>,
}

async fn model(State(app): State<Arc<App>>, which: Parameters<Which>) -> Result<Response, Problem> {
    let loaded = app.models.find(query::read(which)?.model.as_deref()).await?;
    let model = &loaded.model;
    let document = ModelDocument {
        version: env!("CARGO_PKG_VERSION"),
        model: &loaded.name,
        bytes: loaded.bytes,
        classes: model.classes(),
        image_shape: model.image_shape(),
        n_prototypes: model.prototypes().n_samples(),
        n_neighbors: model.n_neighbors(),
        most_neighbors: loaded.most_neighbors(),
        n_samples: model.provenance().n_samples,
        most_taught: limits::TAUGHT_IMAGES,
        models: app.models.names().collect(),
    };
    Ok(Json(document).into_response())
}

#[derive(Serialize)]
struct Portrayed<'a> {
    #[serde(flatten)]
    point: &'a Point,
    image: Option<&'a str>,
}

async fn map(State(app): State<Arc<App>>, which: Parameters<Which>) -> Result<Response, Problem> {
    let loaded = app.models.find(query::read(which)?.model.as_deref()).await?;
    let (map, portraits) = (loaded.map().await, loaded.portraits().await);
    let portrayed = |point| Portrayed { point, image: portraits.of(point.prototype) };
    let points: Vec<Portrayed> = map.points.iter().map(portrayed).collect();
    Ok(Json(json!({ "points": points })).into_response())
}

/// Null if there are no test images: it is not an error of the page to ask.
async fn gallery(State(app): State<Arc<App>>, which: Parameters<Which>) -> Result<Response, Problem> {
    let loaded = app.models.find(query::read(which)?.model.as_deref()).await?;
    Ok(Json(loaded.gallery().await.ok().map(Gallery::summary)).into_response())
}

async fn gallery_images(
    State(app): State<Arc<App>>,
    query: Parameters<gallery::Query>,
) -> Result<Response, Problem> {
    let query = query::read(query)?;
    let loaded = app.models.find(query.model.as_deref()).await?;
    Ok(Json(loaded.gallery().await?.find(&query)).into_response())
}
