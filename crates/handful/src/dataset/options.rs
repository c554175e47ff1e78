//! What a caller may say about the files that are to be read.

use std::sync::Arc;

use crate::preprocess::{Framer, Framing, Judge};

/// How files are read, where their content leaves a choice.
///
/// ```
/// use handful::{dataset::ReadOptions, preprocess::Framing};
///
/// let options = ReadOptions { framing: Framing::Never, ..ReadOptions::default() };
/// assert_eq!(options.image_shape, None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Which images are put into the frame.
    pub framing: Framing,
    /// Height and width that images should have, as those of a model. Without it, pictures keep their shape if they share
    /// one, and become 28 x 28 if they do not, or if all are to be put into the frame.
    pub image_shape: Option<[usize; 2]>,
    /// Chooses among several plausible ways to frame a picture, as a model can: see
    /// [`Model::judge`](crate::classifier::Model::judge).
    pub judge: Option<Arc<dyn Judge>>,
}

impl ReadOptions {
    /// What makes images of `[height, width]` pixels.
    pub(super) fn framer(&self, shape: [usize; 2]) -> Framer {
        let framer = Framer::new(shape, self.framing);
        match &self.judge {
            Some(judge) => framer.judged_by(Arc::clone(judge)),
            None => framer,
        }
    }

    pub(super) fn with_shape(&self, shape: [usize; 2]) -> Self {
        Self { image_shape: Some(shape), ..self.clone() }
    }
}

impl From<Framing> for ReadOptions {
    fn from(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }
}
