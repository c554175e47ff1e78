//! Limits how many pictures are decoded, and how many models are taught, at once. Decoding takes time and memory in
//! proportion to the pixels, teaching in proportion to the images and the prototypes.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    limits,
    problem::{Problem, Reason},
};

/// Separate turns for small pictures, for large ones and for teaching, so that none waits for another kind.
pub(super) struct Turns {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    lessons: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            small: Arc::new(Semaphore::new(rayon::current_num_threads())),
            large: Arc::new(Semaphore::new(limits::LARGE_PICTURES)),
            lessons: Arc::new(Semaphore::new(limits::LESSONS)),
        }
    }

    /// A turn to decode a picture with this many pixels, or an error if none is free soon.
    pub(super) async fn wait(&self, n_pixels: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let turns = if n_pixels <= limits::SMALL_PICTURE_PIXELS { &self.small } else { &self.large };
        wait(turns, Reason::Decoding).await
    }

    /// A turn to teach a model, or an error if none is free soon.
    pub(super) async fn wait_to_teach(&self) -> Result<OwnedSemaphorePermit, Problem> {
        wait(&self.lessons, Reason::Lessons).await
    }
}

async fn wait(turns: &Arc<Semaphore>, reason: Reason) -> Result<OwnedSemaphorePermit, Problem> {
    match timeout(limits::TURN_TIME, Arc::clone(turns).acquire_owned()).await {
        Ok(turn) => turn.map_err(|_| Problem::internal()),
        Err(_) => Err(Problem::busy(reason)),
    }
}

#[cfg(test)]
mod tests {
    use axum::{http::StatusCode, response::IntoResponse};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn large_pictures_wait_for_each_other_but_not_for_long() {
        let (turns, large) = (Turns::new(), limits::SMALL_PICTURE_PIXELS + 1);
        let mut held = Vec::new();
        for _ in 0..limits::LARGE_PICTURES {
            held.push(turns.wait(large).await.unwrap());
        }
        assert!(turns.wait(large - 1).await.is_ok(), "small ones do not wait for them");
        let start = Instant::now();
        let refused = turns.wait(large).await.unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(start.elapsed() >= limits::TURN_TIME);
        held.pop();
        assert!(turns.wait(large).await.is_ok());
    }

    #[tokio::test]
    async fn lessons_wait_for_each_other_alone() {
        let turns = Turns::new();
        let mut held = Vec::new();
        for _ in 0..limits::LESSONS {
            held.push(turns.wait_to_teach().await.unwrap());
        }
        assert!(turns.wait(1).await.is_ok(), "pictures do not wait for them");
        let refused = turns.wait_to_teach().await.unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        held.pop();
        assert!(turns.wait_to_teach().await.is_ok());
    }
}
