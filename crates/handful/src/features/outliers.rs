//! How unlike everything learned an image is.

use ndarray::ArrayView2;

use super::{
    Dictionary, Gradients, Pca, Vectorizer,
    blocks::{Block, Place},
    vectorizer::Feature,
    views::Views,
};
use crate::preprocess::Deskew;

/// How strange images are, by what was learned of whole ones.
#[derive(Default)]
pub(crate) struct OutlierScores {
    /// The squared distance to the subspace of the components, in the mean of that of the images learned: 1 is usual.
    pub(crate) residual: Vec<f64>,
    /// The squared distance to the nearest atom within it, in the variance of the atoms; if there is a dictionary.
    pub(crate) nearest: Option<Vec<f64>>,
}

/// What is learned of whole images.
struct Whole<'a> {
    deskew: Option<Deskew>,
    gradients: Gradients,
    pca: &'a Pca,
    dictionary: Option<&'a Dictionary>,
}

impl Vectorizer {
    /// None if nothing was learned of whole images.
    pub(crate) fn outlier_scores(&self, images: ArrayView2<u8>) -> Option<OutlierScores> {
        let Whole { deskew, gradients, pca, dictionary } = self.whole()?;
        let mut views = Views::new(images, self.shape());
        let cells = views.cells(deskew, gradients);
        let nearest = dictionary.map(|dictionary| {
            let variance = dictionary.variance().max(f64::MIN_POSITIVE);
            let nearest = dictionary.nearest(pca.transform(cells).view());
            nearest.into_iter().map(|distance| f64::from(distance) / variance).collect()
        });
        Some(OutlierScores { residual: pca.residuals(cells), nearest })
    }

    /// With a dictionary, if there is any.
    fn whole(&self) -> Option<Whole<'_>> {
        let all = self.features().iter().flat_map(Feature::whole);
        all.reduce(|best, next| if best.dictionary.is_some() { best } else { next })
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
