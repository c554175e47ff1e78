//! `POST /api/predict`: takes a picture or pixels, answers with a prediction.

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use handful::{
    dataset::{decode_picture, picture_size},
    preprocess::Framer,
};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::{
    app::App,
    body::{Kind, Received},
    limits,
    predictor::Question,
    problem::Problem,
    query::{self, How, Parameters},
};
use crate::text;

/// The model's own pixels, row by row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pixels {
    pixels: Vec<f64>,
}

pub(super) async fn predict(
    State(app): State<Arc<App>>,
    how: Parameters<How>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let how = query::read(how)?;
    let kind = Kind::of(&headers)?;
    let loaded = app.models.find(how.model.as_deref()).await?;
    let (n_neighbors, true_label) = (how.n_neighbors(loaded)?, how.true_label(loaded)?);
    let shape = loaded.model.image_shape();
    let most = match kind {
        Kind::Json => limits::NUMBER_BYTES * shape[0] * shape[1] + 1024,
        Kind::Picture => limits::BODY_BYTES,
    };
    let received = app.bodies.read(body, most).await?;
    let start = Instant::now();
    let place = app.predictor.place()?;
    let image = match kind {
        Kind::Json => from_json(&received.bytes, shape)?,
        Kind::Picture => {
            let turn = app.turns.wait(n_pixels(&received.bytes)?).await?;
            let framer = loaded.framer.clone();
            let look = move || {
                let _turn = turn;
                from_picture(&received, &framer, shape)
            };
            spawn_blocking(look).await.map_err(|_| Problem::internal())??
        }
    };
    let question =
        Question { model: Arc::clone(&loaded.model), image: image.clone(), n_neighbors, true_label };
    let verdict = app.predictor.explain(question, place).await?;
    let elapsed = start.elapsed();
    Ok(Json(loaded.answer(&image, verdict, elapsed).await).into_response())
}

/// As many as the picture says that it has.
fn n_pixels(bytes: &[u8]) -> Result<usize, Problem> {
    let [height, width] = picture_size(bytes).map_err(refused)?;
    let n = height.saturating_mul(width);
    if n <= limits::PICTURE_PIXELS {
        return Ok(n);
    }
    let most = text::count(limits::PICTURE_PIXELS as u64);
    Err(refused(format!("expected a picture of at most {most} pixels, found {width} x {height}")))
}

fn refused(problem: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence(&problem))
}

fn from_picture(received: &Received, framer: &Framer, wanted: [usize; 2]) -> Result<Vec<u8>, Problem> {
    let picture = decode_picture(&received.bytes).map_err(refused)?;
    let (height, width) = picture.dim();
    let image = framer.frame(picture.view()).ok_or_else(|| {
        refused(format!(
            "expected a picture of {} x {} pixels, because this server runs with --framing never, found {width} x {height}",
            wanted[1], wanted[0]
        ))
    })?;
    Ok(image.iter().copied().collect())
}

fn from_json(bytes: &[u8], [height, width]: [usize; 2]) -> Result<Vec<u8>, Problem> {
    let n = height * width;
    let Pixels { pixels } = serde_json::from_slice(bytes).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        let expected = format!("Expected {{\"pixels\": [{n} numbers from 0 to 255]}}");
        Problem::new(status, format!("{expected}, found something else: {error}."))
    })?;
    if pixels.len() != n {
        return Err(refused(format!("expected {n} pixels ({height} x {width}), found {}", pixels.len())));
    }
    if let Some(at) = pixels.iter().position(|value| !(0.0..=255.0).contains(value)) {
        let found = pixels[at];
        return Err(refused(format!("pixel {at}: expected a number from 0 to 255, found {found:?}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    Ok(pixels.into_iter().map(|value| value.round() as u8).collect())
}

/// Adds a capital and a full stop.
fn sentence(problem: &str) -> String {
    let mut letters = problem.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).chain(['.']).collect()
}
