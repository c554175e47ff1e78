//! Where the training images of a model come from.

use super::Model;

/// Where a training image comes from. A recipe may add images to the data set that it is fitted to: see
/// [`Params::everyday`](super::Params::everyday).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The data set's image with this index.
    Image(u32),
    /// A distorted copy of the data set's image with this index.
    Copy(u32),
    /// A digit that the pen drew.
    Drawn,
    /// The image with this index among those that the model was [taught](Model::taught).
    Taught(u32),
}

impl Model {
    /// Where a training image comes from, such as a [medoid](Self::medoids).
    ///
    /// Images of the data set come first, then their copies, in the same order each time, then drawn digits, and last
    /// those that the model was taught.
    #[must_use]
    pub fn origin(&self, medoid: u32) -> Origin {
        let n_trained = self.params().n_training_images(self.provenance().n_samples);
        if let Some(taught) = u32::try_from(n_trained).ok().and_then(|n| medoid.checked_sub(n)) {
            return Origin::Taught(taught);
        }
        let Some(everyday) = self.params().everyday else { return Origin::Image(medoid) };
        let (row, n) = (medoid as usize, self.provenance().n_samples);
        if row < n {
            Origin::Image(medoid)
        } else if row < n.saturating_mul(1 + everyday.copies as usize) {
            Origin::Copy(medoid % u32::try_from(n).unwrap_or(u32::MAX))
        } else {
            Origin::Drawn
        }
    }
}
