//! `POST /api/predict`: takes pictures or pixels, answers with predictions.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::request::Parts,
    response::{IntoResponse, Response},
};

use super::{
    answer::{Outcome, arranged},
    app::App,
    body::{Kind, Received},
    decode::{Decoded, decode},
    form,
    images::{Images, Layout, Sent},
    json,
    predictor::{Places, Predictor, Question, Verdict},
    problem::Problem,
    query::{self, How, Parameters},
    timing::{Phase, SERVER_TIMING, Timing},
};

pub(super) async fn predict(State(app): State<Arc<App>>, how: Parameters<How>, request: Request) -> Response {
    let mut timing = Timing::default();
    let mut response = answer(&app, how, request, &mut timing).await.into_response();
    if let Some(durations) = timing.header() {
        response.headers_mut().insert(SERVER_TIMING, durations);
    }
    response
}

async fn answer(
    app: &App,
    how: Parameters<How>,
    request: Request,
    timing: &mut Timing,
) -> Result<Response, Problem> {
    let how = query::read(how)?;
    let (head, body) = request.into_parts();
    let kind = Kind::of(&head.headers)?;
    let name = how.model.as_deref();
    let base = app.find(name).await?.base;
    let (n_neighbors, true_label) = (how.n_neighbors(&base)?, how.true_label(&base)?);
    let [height, width] = base.model.image_shape();
    let most = kind.most_bytes(height * width);
    let Received { bytes, permit } = timing.of(Phase::Body, app.bodies.read(body, most)).await?;
    // Not before, because clients that are slow must not hold taught models.
    let asked = app.find(name).await?;
    let model = asked.model();

    let start = Instant::now();
    let sent = timing.of(Phase::Frame, read(kind, head, bytes, height * width)).await?;
    sent.check_neighbors(n_neighbors.unwrap_or(model.n_neighbors()))?;
    let places = app.predictor.places(sent.n_images())?;
    let decoded = decode(sent.images, permit, asked.framer(), [height, width], &app.turns, timing).await?;
    let n_read = decoded.iter().flatten().count();
    app.metrics.count_images(n_read, decoded.len() - n_read);
    let decoded = or_first_problem(decoded)?;

    let question = |image: &Vec<u8>| Question {
        model: Arc::clone(model),
        image: image.clone(),
        n_neighbors,
        true_label,
    };
    let questions = decoded.iter().flatten().map(question).collect();
    let mut verdicts = explain(&app.predictor, questions, places, timing).await?.into_iter();
    let elapsed = start.elapsed();
    let mut outcomes = Vec::with_capacity(decoded.len());
    for image in decoded {
        outcomes.push(match image {
            Ok(image) => {
                let verdict = verdicts.next().ok_or_else(Problem::internal)?;
                Outcome::Read(asked.answer(&image, verdict, elapsed).await)
            }
            Err(problem) => Outcome::Unread(problem.into_document()),
        });
    }
    Ok(arranged(outcomes, sent.layout))
}

/// Reads a body for a model whose images have this number of pixels.
async fn read(kind: Kind, head: Parts, body: Vec<u8>, n_pixels: usize) -> Result<Sent, Problem> {
    let sent = match kind {
        Kind::Json => json::read(&body, n_pixels)?,
        Kind::Form => form::read(head, body).await?,
        Kind::Picture => Sent { images: Images::Pictures(vec![body.into()]), layout: Layout::Single },
    };
    match sent.n_images() {
        0 => Err(Problem::unreadable("expected at least one image, found none")),
        _ => Ok(sent),
    }
}

/// The same images if at least one can be read. Otherwise, the request is refused for the reason of the first.
fn or_first_problem(mut decoded: Vec<Decoded>) -> Result<Vec<Decoded>, Problem> {
    if decoded.iter().all(Result::is_err) {
        decoded.swap_remove(0)?;
    }
    Ok(decoded)
}

async fn explain(
    predictor: &Predictor,
    questions: Vec<Question>,
    places: Places,
    timing: &mut Timing,
) -> Result<Vec<Verdict>, Problem> {
    let asked = Instant::now();
    let verdicts = predictor.explain(questions, places).await?;
    let begun = verdicts.iter().map(|verdict| verdict.begun).min().unwrap_or(asked);
    timing.add(Phase::Queue, begun.duration_since(asked));
    timing.add(Phase::Predict, begun.elapsed());
    Ok(verdicts)
}
