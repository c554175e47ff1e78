//! The images of a request, as they were sent.

use axum::{body::Bytes, http::StatusCode};

use super::{limits, problem::Problem};
use crate::text;

/// Images that still have to be decoded.
pub(super) struct Sent {
    pub(super) images: Images,
    pub(super) layout: Layout,
}

pub(super) enum Images {
    /// Grey values of the model's own pixels, row by row.
    Pixels(Vec<Vec<f64>>),
    Pictures(Vec<Bytes>),
}

/// How the answer is arranged.
pub(super) enum Layout {
    /// One prediction.
    Single,
    /// A list of predictions.
    List,
    /// The same, and each has the name of its file, if the client told it.
    Named(Vec<Option<String>>),
}

impl Sent {
    pub(super) fn n_images(&self) -> usize {
        match &self.images {
            Images::Pixels(images) => images.len(),
            Images::Pictures(images) => images.len(),
        }
    }

    /// # Errors
    /// If an answer with so many neighbours of each image would be too large.
    pub(super) fn check_neighbors(&self, n_neighbors: usize) -> Result<(), Problem> {
        let (n_images, most) = (self.n_images(), limits::BATCH_NEIGHBORS);
        if n_images == 1 || n_images * n_neighbors <= most {
            return Ok(());
        }
        let sentence = format!(
            "Expected an answer with at most {most} neighbours; found {n_images} images with {n_neighbors} neighbours each.",
            most = text::count(most as u64)
        );
        Err(Problem::new(StatusCode::BAD_REQUEST, sentence))
    }
}

/// Refuses more images than are accepted. The others need not be counted.
pub(super) fn too_many() -> Problem {
    Problem::too_large(format!("Expected at most {} images in a request, found more.", limits::IMAGES))
}
