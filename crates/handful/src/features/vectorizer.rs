//! The vector of an image: one or more kinds of features, concatenated.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use serde::{Deserialize, Serialize};

use super::{
    BlockParams, DiscriminantsParams, Error, Gradients, Pca, blocks::check_components,
    discriminants::Discriminants, pca::most_components, total_variance, views::Views,
};
use crate::{
    Dataset,
    preprocess::Deskew,
    progress::{Cancelled, Observer, Stage, Tally},
    step::{Step, check_number, transform, transform_observed},
    tensor_file::{self, Reader, Writer},
};

/// One kind of features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureParams {
    /// The pixels, unchanged except for deskewing.
    Pixels {
        /// How images are deskewed first, if at all.
        deskew: Option<Deskew>,
    },
    /// Principal components of gradients.
    Components {
        /// How images are deskewed first, if at all.
        deskew: Option<Deskew>,
        /// The gradients.
        gradients: Gradients,
        /// Number of components.
        n_components: usize,
        /// How far their variances are equalised: 0 leaves them unchanged, 1 makes them all equal.
        whitening: f64,
    },
    /// Discriminants of the activations of dictionaries.
    Discriminants(DiscriminantsParams),
}

impl FeatureParams {
    /// Number of images of a class from which as much is learned of it as the recipe says; from fewer, less.
    pub(crate) fn enough_per_class(&self) -> usize {
        match self {
            Self::Pixels { .. } | Self::Components { .. } => 1,
            Self::Discriminants(params) => params.enough_per_class(),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Pixels { deskew } => deskew.map_or(Ok(()), Deskew::check),
            Self::Components { deskew, gradients, n_components, whitening } => {
                deskew.map_or(Ok(()), Deskew::check)?;
                check_number("whitening", *whitening, Some(1.0))?;
                check_components(*n_components, gradients.n_features())
            }
            Self::Discriminants(params) => params.check(),
        }
    }
}

impl FeatureParams {
    /// Approximate number of bytes that learning needs per image of `n_pixels` pixels: the deskewed image, gradients,
    /// components, and as many again for K-Means.
    pub(crate) fn learning_bytes(&self, n_pixels: usize) -> usize {
        match self {
            Self::Pixels { .. } => 0,
            Self::Components { gradients, .. } => n_pixels + 3 * gradients.n_features(),
            Self::Discriminants(params) => {
                let of_block = |block: &BlockParams| 3 * block.gradients().n_features();
                n_pixels + params.blocks.iter().map(of_block).sum::<usize>()
            }
        }
    }

    /// Total number of images that all passes over `n_images` images process.
    fn n_seen(&self, n_images: usize) -> usize {
        match self {
            Self::Pixels { .. } => 0,
            Self::Components { .. } => n_images,
            Self::Discriminants(params) => params.n_seen(n_images),
        }
    }
}

/// Checks the values as far as that is possible without the data.
pub(crate) fn check_features(features: &[(f64, FeatureParams)]) -> Result<(), String> {
    if features.is_empty() {
        return Err("expected at least one kind of features, found none".to_owned());
    }
    features.iter().try_for_each(|(weight, features)| {
        if weight.is_finite() && *weight > 0.0 {
            features.check()
        } else {
            Err(format!("expected a weight above 0 for each kind of features, found {weight}"))
        }
    })
}

/// A learned kind of features.
#[derive(Clone, Debug)]
pub(super) enum Feature {
    Pixels { shape: [usize; 2], deskew: Option<Deskew> },
    Components { shape: [usize; 2], deskew: Option<Deskew>, gradients: Gradients, pca: Pca },
    Discriminants(Discriminants),
}

/// Maps images to vectors.
#[derive(Clone, Debug)]
pub(crate) struct Vectorizer {
    features: Vec<Feature>,
}

impl Vectorizer {
    /// Learns features from labelled images. Their variances, each summed over its bytes, are then scaled to the ratio
    /// of the squares of `weights`; pixels are not scaled.
    ///
    /// # Errors
    /// [`Error::Params`] if there are none or their values are invalid; as [`Discriminants::fit`].
    #[cfg(feature = "training")]
    pub(crate) fn fit(
        params: &[(f64, FeatureParams)],
        images: &Dataset,
        seed: u64,
        observer: &Observer,
    ) -> Result<Self, Error> {
        check_features(params).map_err(Error::Params)?;
        let n = images.n_samples();
        let to_balance = if params.len() > 1 { params.len() * n } else { 0 };
        let total = params.iter().map(|(_, params)| params.n_seen(n)).sum::<usize>() + to_balance;
        let tally = Tally::new(observer, Stage::Features, total);
        let fit = |(number, (_, params)): (u64, &(f64, FeatureParams))| {
            // A different seed for each kind, so that their dictionaries differ.
            Feature::fit(params, images, seed.wrapping_add(number << 32), observer, &tally)
        };
        let features: Vec<Feature> = (0..).zip(params).map(fit).collect::<Result<_, Error>>()?;
        let mut found = Self { features };
        if params.len() > 1 {
            let weights: Vec<f64> = params.iter().map(|&(weight, _)| weight).collect();
            found.balance(&weights, images.images().view(), &tally)?;
        }
        Ok(found)
    }

    /// The vectors of images, shape (n, `n_features_out`).
    ///
    /// # Panics
    /// If the shape of the images differs from that of the training images.
    pub(crate) fn transform(&self, images: ArrayView2<u8>) -> Array2<u8> {
        let [height, width] = self.shape();
        assert_eq!(images.ncols(), height * width, "images of another shape");
        transform(self, images)
    }

    /// [`transform`](Self::transform) that counts the images.
    pub(crate) fn transform_counted(
        &self,
        images: ArrayView2<u8>,
        tally: &Tally,
    ) -> Result<Array2<u8>, Cancelled> {
        transform_observed(self, images, &|n| tally.add(n))
    }

    /// The result of [`transform`](Self::transform), for up to [`BATCH`](crate::step::BATCH) images.
    pub(super) fn run_on(&self, views: &mut Views, mut out: ArrayViewMut2<u8>) {
        let mut first = 0;
        for feature in &self.features {
            let end = first + feature.n_features_out();
            feature.run_on(views, out.slice_mut(s![.., first..end]));
            first = end;
        }
    }

    /// Length of a vector.
    pub(crate) fn n_features_out(&self) -> usize {
        Step::n_features_out(self)
    }

    /// Height and width of the images.
    pub(super) fn shape(&self) -> [usize; 2] {
        self.features[0].shape()
    }

    pub(super) fn features(&self) -> &[Feature] {
        &self.features
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        for (number, feature) in self.features.iter().enumerate() {
            match feature {
                Feature::Pixels { .. } => {}
                Feature::Components { pca, .. } => pca.write(&format!("features.{number}"), writer),
                Feature::Discriminants(discriminants) => {
                    discriminants.write(&format!("features.{number}"), writer);
                }
            }
        }
    }

    pub(crate) fn read(
        params: &[(f64, FeatureParams)],
        shape: [usize; 2],
        n_classes: usize,
        reader: &Reader,
    ) -> Result<Self, tensor_file::Error> {
        let read = |(number, (_, params)): (usize, &(f64, FeatureParams))| {
            let prefix = format!("features.{number}");
            Ok(match params {
                FeatureParams::Pixels { deskew } => Feature::Pixels { shape, deskew: *deskew },
                FeatureParams::Components { deskew, gradients, n_components, .. } => {
                    let pca = Pca::read(&prefix, *n_components, gradients.n_features(), reader)?;
                    Feature::Components { shape, deskew: *deskew, gradients: *gradients, pca }
                }
                FeatureParams::Discriminants(params) => {
                    Feature::Discriminants(Discriminants::read(&prefix, params, shape, n_classes, reader)?)
                }
            })
        };
        let features = params.iter().enumerate().map(read).collect::<Result<_, tensor_file::Error>>()?;
        Ok(Self { features })
    }

    /// Makes the steps of features with too much variance coarser.
    fn balance(&mut self, weights: &[f64], images: ArrayView2<u8>, tally: &Tally) -> Result<(), Cancelled> {
        let deviation = |feature: &Feature| {
            let vectors = transform_observed(feature, images, &|n| tally.add(n))?;
            Ok(total_variance(vectors.view()).sqrt())
        };
        let deviations = self.features.iter().map(deviation).collect::<Result<Vec<f64>, Cancelled>>()?;
        // Constant features have no variance, and are ignored.
        let factors: Vec<f64> = weights
            .iter()
            .zip(deviations)
            .map(|(weight, deviation)| if deviation > 0.0 { weight / deviation } else { 0.0 })
            .collect();
        let largest = factors.iter().copied().fold(0.0, f64::max);
        for (feature, factor) in self.features.iter_mut().zip(factors).filter(|(_, factor)| *factor > 0.0) {
            feature.shrink(factor / largest);
        }
        Ok(())
    }
}

impl Step for Vectorizer {
    fn n_features_out(&self) -> usize {
        self.features.iter().map(Step::n_features_out).sum()
    }

    fn run(&self, x: ArrayView2<u8>, out: ArrayViewMut2<u8>) {
        self.run_on(&mut Views::new(x, self.shape()), out);
    }
}

impl Feature {
    #[cfg(feature = "training")]
    fn fit(
        params: &FeatureParams,
        images: &Dataset,
        seed: u64,
        observer: &Observer,
        tally: &Tally,
    ) -> Result<Self, Error> {
        let shape = images.image_shape();
        Ok(match params {
            FeatureParams::Pixels { deskew } => Self::Pixels { shape, deskew: *deskew },
            FeatureParams::Components { deskew, gradients, n_components, whitening } => {
                let mut views = Views::new(images.images().view(), shape);
                let cells = views.cells_observed(*deskew, *gradients, tally)?;
                let n_components = most_components(*n_components, images.n_samples());
                let pca = Pca::fit_observed(cells, n_components, *whitening, tally)?;
                tally.add(images.n_samples())?;
                Self::Components { shape, deskew: *deskew, gradients: *gradients, pca }
            }
            FeatureParams::Discriminants(params) => {
                Self::Discriminants(Discriminants::fit(params, images, seed, observer, tally)?)
            }
        })
    }

    fn shape(&self) -> [usize; 2] {
        match self {
            Self::Pixels { shape, .. } | Self::Components { shape, .. } => *shape,
            Self::Discriminants(discriminants) => discriminants.shape(),
        }
    }

    fn run_on(&self, views: &mut Views, mut out: ArrayViewMut2<u8>) {
        match self {
            Self::Pixels { deskew, .. } => out.assign(&views.upright(*deskew)),
            Self::Components { deskew, gradients, pca, .. } => {
                pca.run(views.cells(*deskew, *gradients), out);
            }
            Self::Discriminants(discriminants) => discriminants.run_on(views, out),
        }
    }

    fn shrink(&mut self, factor: f64) {
        match self {
            Self::Pixels { .. } => {}
            Self::Components { pca, .. } => pca.shrink(factor),
            Self::Discriminants(discriminants) => discriminants.shrink(factor),
        }
    }
}

impl Step for Feature {
    fn n_features_out(&self) -> usize {
        match self {
            Self::Pixels { shape, .. } => shape[0] * shape[1],
            Self::Components { pca, .. } => pca.n_components(),
            Self::Discriminants(discriminants) => discriminants.n_components(),
        }
    }

    fn run(&self, x: ArrayView2<u8>, out: ArrayViewMut2<u8>) {
        self.run_on(&mut Views::new(x, self.shape()), out);
    }
}
