//! `POST /api/teach`: takes images with their labels, and makes a model of them that can be asked or saved.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use handful::{Dataset, classifier::Model};
use serde::{Deserialize, Serialize};
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use super::{
    app::App,
    body::{Kind, Received, most_json_bytes},
    lesson::{self, Lesson},
    limits,
    loaded::Loaded,
    problem::Problem,
    query::{self, Parameters},
    taught::{self, Taught},
    timing::{Phase, SERVER_TIMING, Timing},
};

/// Which model is to be taught, and what is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    model: Option<String>,
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// The name of the taught model, for predictions.
    #[default]
    Json,
    /// The taught model as a file.
    Safetensors,
}

#[derive(Serialize)]
struct Answer<'a> {
    /// The name by which the taught model can be asked; that of the model itself if there was nothing to learn.
    model: &'a str,
    n_taught: usize,
    left_out: usize,
    n_prototypes: usize,
}

pub(super) async fn teach(
    State(app): State<Arc<App>>,
    query: Parameters<Query>,
    request: Request,
) -> Response {
    let mut timing = Timing::default();
    let mut response = answer(&app, query, request, &mut timing).await.into_response();
    if let Some(durations) = timing.header() {
        response.headers_mut().insert(SERVER_TIMING, durations);
    }
    response
}

async fn answer(
    app: &Arc<App>,
    query: Parameters<Query>,
    request: Request,
    timing: &mut Timing,
) -> Result<Response, Problem> {
    let Query { model, format } = query::read(query)?;
    let (head, body) = request.into_parts();
    check_type(&head.headers)?;
    let base = app.models.find(model.as_deref()).await?;
    let [height, width] = base.model.image_shape();
    let most = most_json_bytes(height * width, limits::TAUGHT_IMAGES);
    let Received { bytes, permit } = timing.of(Phase::Body, app.bodies.read(body, most)).await?;
    let read = async { lesson::read(&bytes, &base.model) };
    let Lesson { images, left_out } = timing.of(Phase::Frame, read).await?;
    drop((bytes, permit));

    let taught = match images {
        Some(images) => Some(learn(app, base, images, timing).await?),
        None => None,
    };
    if format == Format::Safetensors {
        let model = taught.as_ref().map_or(&base.model, |taught| &taught.model);
        return file(Arc::clone(model), app.bodies.large()?).await;
    }
    let model = taught.as_ref().map_or(&base.model, |taught| &taught.model);
    let answer = Answer {
        model: taught.as_ref().map_or(&base.name, |taught| &taught.name),
        n_taught: taught.as_ref().map_or(0, |taught| taught.n_images()),
        left_out,
        n_prototypes: model.prototypes().n_samples(),
    };
    Ok(Json(answer).into_response())
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    if matches!(Kind::of(headers), Ok(Kind::Json)) {
        return Ok(());
    }
    let sentence =
        "Content-Type: expected application/json, because each image needs a label; found another or none.";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence))
}

/// The model that was taught these images. It is made if it is not known, when it is its turn.
async fn learn(
    app: &Arc<App>,
    base: &Arc<Loaded>,
    images: Dataset,
    timing: &mut Timing,
) -> Result<Arc<Taught>, Problem> {
    let name = taught::name(&base.name, &images);
    if let Some(taught) = app.taught.get(&name) {
        return Ok(taught);
    }
    let turn = timing.of(Phase::Queue, app.turns.wait_to_teach()).await?;
    let (app, base) = (Arc::clone(app), Arc::clone(base));
    let work = move || {
        // Held even if the client is gone.
        let _turn = turn;
        app.taught.keep(Taught::new(name, base, images)?)
    };
    let work = async { spawn_blocking(work).await.map_err(|_| Problem::internal())? };
    timing.of(Phase::Teach, work).await
}

/// A model as a file, which counts as a large body until it is sent.
async fn file(model: Arc<Model>, permit: OwnedSemaphorePermit) -> Result<Response, Problem> {
    struct Held {
        bytes: Vec<u8>,
        _permit: OwnedSemaphorePermit,
    }
    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    let bytes = spawn_blocking(move || model.to_bytes()).await.map_err(|_| Problem::internal())?;
    let bytes = bytes.map_err(|_| Problem::internal())?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"taught.safetensors\"")),
    ];
    Ok((headers, Bytes::from_owner(Held { bytes, _permit: permit })).into_response())
}
