//! Outlier scores: how unlike the training set an image is.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::{
    Dictionary, Gradients, Pca, Vectorizer,
    blocks::{Block, Place},
    vectorizer::Feature,
    views::Views,
};
use crate::{preprocess::Deskew, step::BATCH};

/// Outlier scores of images, from what was learned of whole images.
#[derive(Default)]
pub(crate) struct OutlierScores {
    /// The squared distance to the subspace of the components, relative to the mean over the training images: 1 is
    /// usual.
    pub(crate) residual: Vec<f64>,
    /// The squared distance to the nearest atom within it, in units of the variance of the atoms; if there is a
    /// dictionary.
    pub(crate) nearest: Option<Vec<f64>>,
}

impl FromParallelIterator<OutlierScores> for OutlierScores {
    /// Concatenates batches in their order.
    fn from_par_iter<I: IntoParallelIterator<Item = Self>>(batches: I) -> Self {
        let batches: Vec<Self> = batches.into_par_iter().collect();
        let nearest = batches.iter().map(|batch| batch.nearest.as_deref()).collect::<Option<Vec<&[f64]>>>();
        Self {
            nearest: nearest.map(|nearest| nearest.concat()),
            residual: batches.into_iter().flat_map(|batch| batch.residual).collect(),
        }
    }
}

/// What is learned of whole images.
struct Whole<'a> {
    deskew: Option<Deskew>,
    gradients: Gradients,
    pca: &'a Pca,
    dictionary: Option<&'a Dictionary>,
}

impl Vectorizer {
    /// `None` if nothing was learned of whole images.
    pub(crate) fn outlier_scores(&self, images: ArrayView2<u8>) -> Option<OutlierScores> {
        let whole = self.whole()?;
        let of_batch = |images: ArrayView2<u8>| whole.scores(Views::new(images, self.shape()));
        Some(images.axis_chunks_iter(Axis(0), BATCH).into_par_iter().map(of_batch).collect())
    }

    /// The vectors of images and their outlier scores; gradients, components and the dictionary's distances are
    /// computed only once. No scores if nothing was learned of whole images.
    pub(crate) fn transform_scored(&self, images: ArrayView2<u8>) -> (Array2<u8>, Option<OutlierScores>) {
        let Some(whole) = self.whole() else { return (self.transform(images), None) };
        let images = images.as_standard_layout();
        let mut vectors = Array2::zeros((images.nrows(), self.n_features_out()));
        let batches = vectors.axis_chunks_iter_mut(Axis(0), BATCH).into_par_iter();
        let scores = batches.zip(images.axis_chunks_iter(Axis(0), BATCH)).map(|(vectors, images)| {
            let mut views = Views::new(images, self.shape()).watching(whole.dictionary);
            self.run_on(&mut views, vectors);
            whole.scores(views)
        });
        let scores = scores.collect();
        (vectors, Some(scores))
    }

    /// With a dictionary, if there is any.
    fn whole(&self) -> Option<Whole<'_>> {
        let all = self.features().iter().flat_map(Feature::whole);
        all.reduce(|best, next| if best.dictionary.is_some() { best } else { next })
    }
}

impl Whole<'_> {
    /// The scores of up to [`BATCH`] images; computes only what `views` does not hold yet.
    fn scores(&self, mut views: Views) -> OutlierScores {
        let known = views.nearest.take();
        let cells = views.cells(self.deskew, self.gradients);
        let nearest = self.dictionary.map(|dictionary| {
            let variance = dictionary.variance().max(f64::MIN_POSITIVE);
            let nearest = known.unwrap_or_else(|| dictionary.nearest(self.pca.transform(cells).view()));
            nearest.into_iter().map(|distance| f64::from(distance) / variance).collect()
        });
        OutlierScores { residual: self.pca.residuals(cells), nearest }
    }
}

impl Feature {
    fn whole<'a>(&'a self) -> Vec<Whole<'a>> {
        match self {
            Self::Pixels { .. } => Vec::new(),
            Self::Components { deskew, gradients, pca, .. } => {
                vec![Whole { deskew: *deskew, gradients: *gradients, pca, dictionary: None }]
            }
            Self::Discriminants(discriminants) => {
                let deskew = discriminants.deskew();
                let of_block = |block: &'a Block| match block {
                    Block::Local { gradients, places, .. } if places.len() == 1 => {
                        let Place { pca, dictionary, .. } = &places[0];
                        Some(Whole { deskew, gradients: *gradients, pca, dictionary: Some(dictionary) })
                    }
                    _ => None,
                };
                discriminants.blocks().iter().filter_map(of_block).collect()
            }
        }
    }
}
