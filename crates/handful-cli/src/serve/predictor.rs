//! A thread that runs the models. It answers waiting requests to the same model together, which is much faster than one
//! after the other.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Instant,
};

use axum::http::StatusCode;
use handful::classifier::{Error, Explanation, Model, Voter};
use ndarray::{Array2, ArrayView1, Axis};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{
    limits,
    problem::{Problem, Reason},
};

/// Maximum batch size; larger batches gain little.
const MOST_AT_ONCE: usize = 64;

/// Number of prototypes of the true class in an answer.
const OF_TRUE_LABEL: usize = 5;

/// A thread that explains images.
pub(super) struct Predictor {
    waiting: mpsc::Sender<Job>,
    places: Arc<Semaphore>,
}

/// The right to ask for some predictions.
pub(super) struct Places(
    #[expect(dead_code, reason = "held while the predictions are made")] OwnedSemaphorePermit,
);

/// An image of the model's size, and what is asked about it.
pub(super) struct Question {
    pub(super) model: Arc<Model>,
    pub(super) image: Vec<u8>,
    /// Number of neighbours that vote; `None` for as many as the recipe says.
    pub(super) n_neighbors: Option<usize>,
    /// The class of which the nearest prototypes are asked for.
    pub(super) true_label: Option<u32>,
}

pub(super) struct Verdict {
    pub(super) explanation: Explanation,
    pub(super) of_true_label: Option<Vec<Voter>>,
    /// When the model began with it.
    pub(super) begun: Instant,
}

struct Job {
    question: Question,
    reply: oneshot::Sender<Verdict>,
}

impl Question {
    /// Whether both can be explained together.
    fn is_alike(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.model, &other.model) && self.n_neighbors == other.n_neighbors
    }
}

impl Predictor {
    pub(super) fn start() -> Self {
        let (waiting, jobs) = mpsc::channel(limits::PREDICTIONS);
        thread::Builder::new().name("predictor".to_owned()).spawn(move || work(jobs)).expect("a thread more");
        Self { waiting, places: Arc::new(Semaphore::new(limits::PREDICTIONS)) }
    }

    /// # Errors
    /// If the thread has stopped.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if !self.waiting.is_closed() {
            return Ok(());
        }
        let sentence = "The models have stopped; restart the server.";
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, sentence))
    }

    /// So many places in the queue, if it has them: all or none.
    pub(super) fn places(&self, n: usize) -> Result<Places, Problem> {
        let n = u32::try_from(n).map_err(|_| Problem::internal())?;
        let places = self.places.clone().try_acquire_many_owned(n);
        places.map(Places).map_err(|_| Problem::busy(Reason::Predictions))
    }

    /// Number of places that are taken.
    pub(super) fn n_places_taken(&self) -> usize {
        limits::PREDICTIONS - self.places.available_permits()
    }

    /// Number of images that wait for the thread.
    pub(super) fn n_waiting(&self) -> usize {
        self.waiting.max_capacity() - self.waiting.capacity()
    }

    /// Explains images, each of which has a place.
    pub(super) async fn explain(
        &self,
        questions: Vec<Question>,
        _places: Places,
    ) -> Result<Vec<Verdict>, Problem> {
        let mut replies = Vec::with_capacity(questions.len());
        for question in questions {
            let (reply, verdict) = oneshot::channel();
            self.waiting.send(Job { question, reply }).await.map_err(|_| Problem::internal())?;
            replies.push(verdict);
        }
        let mut verdicts = Vec::with_capacity(replies.len());
        for verdict in replies {
            verdicts.push(verdict.await.map_err(|_| Problem::internal())?);
        }
        Ok(verdicts)
    }
}

fn work(mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(MOST_AT_ONCE);
    while jobs.blocking_recv_many(&mut batch, MOST_AT_ONCE) > 0 {
        while let Some(last) = batch.pop() {
            let is_alike = |job: &mut Job| job.question.is_alike(&last.question);
            let mut alike: Vec<Job> = batch.extract_if(.., is_alike).collect();
            alike.push(last);
            let questions: Vec<&Question> = alike.iter().map(|job| &job.question).collect();
            // A failing request must not affect those about other models.
            let explained = catch_unwind(AssertUnwindSafe(|| explain(&questions)));
            let verdicts = explained.ok().and_then(Result::ok).unwrap_or_default();
            // Without a verdict, the reply is dropped, which the receiver notices.
            for (job, verdict) in alike.into_iter().zip(verdicts) {
                // The client may be gone.
                let _ = job.reply.send(verdict);
            }
        }
    }
}

/// Answers questions that are alike.
fn explain(questions: &[&Question]) -> Result<Vec<Verdict>, Error> {
    let begun = Instant::now();
    let Question { model, n_neighbors, .. } = questions[0];
    let [height, width] = model.image_shape();
    let pixels = questions.iter().flat_map(|question| question.image.iter().copied()).collect();
    let images = Array2::from_shape_vec((questions.len(), height * width), pixels).expect("checked images");
    let explanations = match n_neighbors {
        Some(n_neighbors) => model.explain_with(images.view(), *n_neighbors)?,
        None => model.explain(images.view())?,
    };
    let verdict = |(question, explanation): (&&Question, Explanation)| {
        let vector = ArrayView1::from(&explanation.vector).insert_axis(Axis(0));
        let nearest =
            |label| model.nearest_of_class(vector, label, OF_TRUE_LABEL).map(|found| found.concat());
        let of_true_label = question.true_label.map(nearest).transpose()?;
        Ok(Verdict { explanation, of_true_label, begun })
    };
    questions.iter().zip(explanations).map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use handful::classifier::Preset;
    use tokio::task::JoinSet;

    use super::*;

    #[test]
    fn the_queue_is_short() {
        let predictor = Predictor::start();
        let places: Vec<Places> = (1..limits::PREDICTIONS).map(|_| predictor.places(1).unwrap()).collect();
        let refused = predictor.places(2).err().unwrap().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(predictor.n_places_taken(), limits::PREDICTIONS - 1, "one place of two was not taken");
        drop(places);
        let all = predictor.places(limits::PREDICTIONS);
        assert!(all.is_ok() && predictor.places(1).is_err());
    }

    #[test]
    fn who_has_ended_is_not_well() {
        let mut predictor = Predictor::start();
        assert!(predictor.check().is_ok());
        predictor.waiting = mpsc::channel(1).0;
        let refused = predictor.check().unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn questions_about_several_models_and_numbers_of_neighbours_may_wait_together() {
        let models = [Preset::Tiny, Preset::Notebook].map(|preset| Arc::new(preset.trained().unwrap()));
        let predictor = Arc::new(Predictor::start());
        let mut asked = JoinSet::new();
        for i in 0..48 {
            let model = Arc::clone(&models[i % 2]);
            let n_neighbors = [None, Some(2), Some(4)][i % 3];
            let image: Vec<u8> =
                (0..784).map(|pixel| if pixel % 28 == 4 + i % 20 { 255 } else { 0 }).collect();
            let (predictor, place) = (Arc::clone(&predictor), predictor.places(1).unwrap());
            asked.spawn(async move {
                let images = Array2::from_shape_vec((1, 784), image.clone()).unwrap();
                let question =
                    Question { model: Arc::clone(&model), image, n_neighbors, true_label: Some(7) };
                let verdicts = predictor.explain(vec![question], place).await.unwrap();
                let Ok([Verdict { explanation, of_true_label, .. }]) = <[_; 1]>::try_from(verdicts) else {
                    panic!("one question, one verdict")
                };
                let expected = match n_neighbors {
                    Some(n_neighbors) => model.explain_with(images.view(), n_neighbors),
                    None => model.explain(images.view()),
                };
                assert_eq!(explanation, expected.unwrap()[0]);
                let of_true_label = of_true_label.unwrap();
                assert_eq!(of_true_label.len(), OF_TRUE_LABEL);
                assert!(of_true_label.iter().all(|voter| voter.label == 7));
            });
        }
        asked.join_all().await;
    }
}
