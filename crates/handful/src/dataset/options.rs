//! What a caller may say about the files that are to be read.

use crate::preprocess::Framing;

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
    /// How pictures in folders become images of one shape.
    pub framing: Framing,
    /// Height and width that images should have, as those of a model. Without it, pictures in folders keep their shape if
    /// they share one, and become 28 x 28 if they do not.
    pub image_shape: Option<[usize; 2]>,
}

impl ReadOptions {
    pub(super) fn with_shape(&self, shape: [usize; 2]) -> Self {
        Self { image_shape: Some(shape), ..self.clone() }
    }
}

impl From<Framing> for ReadOptions {
    fn from(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }
}
