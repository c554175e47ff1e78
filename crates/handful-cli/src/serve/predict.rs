//! `POST /api/predict`: a picture or pixels in, a verdict out.

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use handful::{dataset::decode_picture, preprocess::Framing};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::{
    app::App,
    body::{Kind, Received},
    problem::Problem,
};

/// The model's own pixels, row by row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pixels {
    pixels: Vec<f64>,
}

pub(super) async fn predict(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let kind = Kind::of(&headers)?;
    let received = app.bodies.read(body).await?;
    let start = Instant::now();
    let place = app.predictor.place()?;
    let shape = app.model.image_shape();
    let image = match kind {
        Kind::Json => from_json(&received.bytes, shape)?,
        Kind::Picture => {
            // Pictures may be large: as many at once as there are threads to look at them.
            let _turn = app.decoders.acquire().await.map_err(|_| Problem::internal())?;
            spawn_blocking(move || from_picture(&received, shape))
                .await
                .map_err(|_| Problem::internal())??
        }
    };
    let explanation = app.predictor.explain(image.clone(), place).await?;
    let elapsed = start.elapsed();
    Ok(Json(app.answer(&image, explanation, elapsed).await).into_response())
}

fn from_picture(received: &Received, shape: [usize; 2]) -> Result<Vec<u8>, Problem> {
    let refused = |problem: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence(&problem));
    let picture = decode_picture(&received.bytes).map_err(refused)?;
    Ok(Framing::Auto.apply(picture.view(), shape).expect("any picture can be framed"))
}

fn from_json(bytes: &[u8], [height, width]: [usize; 2]) -> Result<Vec<u8>, Problem> {
    let n = height * width;
    let Pixels { pixels } = serde_json::from_slice(bytes).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        let expected = format!("Expected {{\"pixels\": [{n} numbers from 0 to 255]}}");
        Problem::new(status, format!("{expected}, found something else: {error}."))
    })?;
    let refused = |problem: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, problem));
    if pixels.len() != n {
        return refused(format!("Expected {n} pixels ({height} x {width}), found {}.", pixels.len()));
    }
    if let Some(at) = pixels.iter().position(|value| !(0.0..=255.0).contains(value)) {
        return refused(format!("Pixel {at}: expected a number from 0 to 255, found {:?}.", pixels[at]));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    Ok(pixels.into_iter().map(|value| value.round() as u8).collect())
}

/// With a capital and a full stop.
fn sentence(problem: &str) -> String {
    let mut letters = problem.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).chain(['.']).collect()
}
