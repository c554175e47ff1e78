//! How unlike everything learned an image is.

use ndarray::{ArrayView2, Axis};

use super::{
    Discriminants, Vectorizer, blocks::Block, dictionary::Activation, vectorizer::Feature, views::Views,
};

impl Vectorizer {
    /// For each image the squared distance of its whole to the nearest atom, in the variance of the radial bases; infinite
    /// for an image without any gradient. None if no dictionary was learned of whole images.
    pub(crate) fn outlier_scores(&self, images: ArrayView2<u8>) -> Option<Vec<f64>> {
        self.features().iter().find_map(|feature| match feature {
            Feature::Discriminants(discriminants) => discriminants.outlier_scores(images),
            Feature::Pixels { .. } | Feature::Components { .. } => None,
        })
    }
}

impl Discriminants {
    fn outlier_scores(&self, images: ArrayView2<u8>) -> Option<Vec<f64>> {
        let whole = self.blocks().iter().find_map(|block| match block {
            Block::Local { gradients, places, .. } if places.len() == 1 => Some((gradients, &places[0])),
            _ => None,
        });
        let (&gradients, place) = whole?;
        let Activation::RadialBasis { variance } = place.dictionary.activation() else { return None };
        let mut views = Views::new(images, self.shape());
        let cells = views.cells(self.deskew(), gradients);
        let nearest = place.dictionary.nearest(place.pca.transform(cells).view());
        let score = |(cells, nearest): (ndarray::ArrayView1<u8>, i32)| {
            let has_ink = cells.iter().any(|&cell| cell > 0);
            if has_ink { f64::from(nearest) / f64::from(variance) } else { f64::INFINITY }
        };
        Some(cells.axis_iter(Axis(0)).zip(nearest).map(score).collect())
    }
}
