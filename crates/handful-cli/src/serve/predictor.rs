//! A thread that runs the model. It answers waiting requests together, which is much faster than one after the other.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use axum::http::StatusCode;
use handful::classifier::{Explanation, Model};
use ndarray::Array2;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{limits, problem::Problem};

/// Maximum batch size; larger batches gain little.
const MOST_AT_ONCE: usize = 64;

/// A thread that explains images.
pub(super) struct Predictor {
    waiting: mpsc::Sender<Job>,
    places: Arc<Semaphore>,
}

/// The right to ask for one prediction.
pub(super) struct Place(
    #[expect(dead_code, reason = "held while the prediction is made")] OwnedSemaphorePermit,
);

struct Job {
    image: Vec<u8>,
    reply: oneshot::Sender<Explanation>,
}

impl Predictor {
    pub(super) fn start(model: Arc<Model>) -> Self {
        let (waiting, jobs) = mpsc::channel(limits::PREDICTIONS);
        thread::Builder::new()
            .name("predictor".to_owned())
            .spawn(move || work(&model, jobs))
            .expect("a thread more");
        Self { waiting, places: Arc::new(Semaphore::new(limits::PREDICTIONS)) }
    }

    /// # Errors
    /// If the thread has stopped.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if !self.waiting.is_closed() {
            return Ok(());
        }
        let sentence = "The model has stopped; restart the server.";
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, sentence))
    }

    /// A place in the queue, if it is not full.
    pub(super) fn place(&self) -> Result<Place, Problem> {
        self.places.clone().try_acquire_owned().map(Place).map_err(|_| Problem::busy())
    }

    /// Explains an image of the model's size.
    pub(super) async fn explain(&self, image: Vec<u8>, _place: Place) -> Result<Explanation, Problem> {
        let (reply, verdict) = oneshot::channel();
        self.waiting.send(Job { image, reply }).await.map_err(|_| Problem::internal())?;
        verdict.await.map_err(|_| Problem::internal())
    }
}

fn work(model: &Model, mut jobs: mpsc::Receiver<Job>) {
    let [height, width] = model.image_shape();
    let mut batch = Vec::with_capacity(MOST_AT_ONCE);
    while jobs.blocking_recv_many(&mut batch, MOST_AT_ONCE) > 0 {
        let pixels = batch.iter().flat_map(|job| job.image.iter().copied()).collect();
        let images = Array2::from_shape_vec((batch.len(), height * width), pixels).expect("checked images");
        // A failing request must not affect the others.
        let explained = catch_unwind(AssertUnwindSafe(|| model.explain(images.view())));
        let explanations = explained.ok().and_then(Result::ok).unwrap_or_default();
        // Without an explanation, the reply is dropped, which the receiver notices.
        for (job, explanation) in batch.drain(..).zip(explanations) {
            // The client may be gone.
            let _ = job.reply.send(explanation);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use handful::classifier::Preset;

    use super::*;

    #[test]
    fn the_queue_is_short() {
        let predictor = Predictor::start(Arc::new(Preset::Tiny.trained().unwrap()));
        let places: Vec<Place> = (0..limits::PREDICTIONS).map(|_| predictor.place().unwrap()).collect();
        let refused = predictor.place().err().unwrap().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(places);
        assert!(predictor.place().is_ok());
    }

    #[test]
    fn who_has_ended_is_not_well() {
        let mut predictor = Predictor::start(Arc::new(Preset::Tiny.trained().unwrap()));
        assert!(predictor.check().is_ok());
        predictor.waiting = mpsc::channel(1).0;
        let refused = predictor.check().unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
