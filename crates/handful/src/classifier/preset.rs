//! Named recipes with frozen values.

use std::{fmt, str::FromStr};

use super::{Calibration, Decision, Hyperplanes, IndexParams, Params, PrototypeParams};
use crate::{
    augment::{Distortions, Everyday},
    features::{BlockParams, DiscriminantsParams, Emphasis, FeatureParams, Gradients},
    preprocess::Deskew,
};

/// A named, complete, frozen recipe, including its seed.
///
/// Validation errors are those of `handful select`: means over five seeds, on three of six parts that were held out of
/// MNIST's training images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Preset {
    /// The original notebook: nine centroids per digit of the unchanged pixels, and the nearest decides. Validation
    /// error 8.22 %.
    Notebook,
    /// The simplest recipe that reaches 98 %: 200 centroids per digit of pixels that are deskewed and scaled to one
    /// size. Validation error 1.65 %.
    Pixels,
    /// The smallest file that reaches 98 %: 150 radial bases on few components. Validation error 1.38 %.
    Tiny,
    /// The smallest file that reaches 99 %: 500 radial bases. Validation error 0.83 %.
    Small,
    /// One dictionary of whole images: 4,000 radial bases, nine discriminants, and 20 prototypes per digit. Validation
    /// error 0.47 %.
    Fast,
    /// The fewest errors: discriminants of three dictionaries together with components of gradients, and all training
    /// images vote. Validation error 0.40 %.
    Best,
    /// No supervision except the labels of the neighbours: local hyperplanes on components of gradients, with 250
    /// prototypes per digit. Validation error 0.66 %; with all images it would be 0.47 %.
    Neighbors,
    /// Digits as people bring them: [`Fast`](Self::Fast), which also learns from distorted copies of the training images,
    /// and from handwriting and print of a synthetic pen. Validation error 0.56 %, with one seed.
    Everyday,
}

impl Preset {
    /// All presets, from the simplest on.
    pub const ALL: [Self; 8] = [
        Self::Notebook,
        Self::Pixels,
        Self::Tiny,
        Self::Small,
        Self::Fast,
        Self::Best,
        Self::Neighbors,
        Self::Everyday,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Notebook => "notebook",
            Self::Pixels => "pixels",
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Fast => "fast",
            Self::Best => "best",
            Self::Neighbors => "neighbors",
            Self::Everyday => "everyday",
        }
    }

    /// The checksum of the training set on which presets were chosen, MNIST's: see
    /// [`Provenance`](crate::model_file::Provenance).
    #[doc(hidden)]
    pub const CHOSEN_ON: &str = "6a364e333ea1f8ab86e4d641d64a8cf8d8644433f54b0a78e32c2b9e143672d0";

    /// Error in percent on images held out of MNIST's training set: the mean over five seeds.
    #[must_use]
    pub fn validation_error(self) -> f64 {
        match self {
            Self::Notebook => 8.223,
            Self::Pixels => 1.653,
            Self::Tiny => 1.376,
            Self::Small => 0.827,
            Self::Fast => 0.465,
            Self::Best => 0.396,
            Self::Neighbors => 0.656,
            Self::Everyday => 0.560,
        }
    }

    /// Its parameters.
    #[must_use]
    pub fn params(self) -> Params {
        let upright = Deskew::new().normalize(0.6);
        let params = match self {
            Self::Notebook => pixels(None, 9, 10),
            Self::Pixels => pixels(Some(Deskew::new().normalize(0.9)), 200, 1),
            Self::Tiny => one_dictionary(Gradients::new(8, 4), 24, 15, 0.25, (5, 3)),
            Self::Small => one_dictionary(Gradients::new(8, 5), 32, 50, 0.25, (5, 3)),
            Self::Fast => one_dictionary(Gradients::new(12, 7), 80, 400, 0.3, (20, 5)),
            Self::Best => Params {
                features: vec![(1.0, components(upright, 64)), (1.0, three_dictionaries(upright))],
                prototypes: PrototypeParams::All,
                decision: Decision::Votes { n_neighbors: 5 },
                calibration: Calibration::default(),
                seed: 0,
                index: IndexParams::Exact,
                everyday: None,
            },
            Self::Everyday => everyday(),
            Self::Neighbors => Params {
                features: vec![(1.0, components(upright, 80))],
                prototypes: PrototypeParams::PerClass { n_clusters: 250, n_init: 1, max_iter: 50 },
                decision: Decision::Hyperplanes(Hyperplanes {
                    n_candidates: 200,
                    n_neighbors: 25,
                    least: 3,
                    ridge: 0.3,
                }),
                calibration: Calibration::default(),
                seed: 0,
                index: IndexParams::Exact,
                everyday: None,
            },
        };
        Params { calibration: self.calibration(), ..params }
    }

    /// Results of `handful select` for three held-out parts and five seeds.
    fn calibration(self) -> Calibration {
        let [votes, distance, novel] = match self {
            Self::Notebook => [0.2405, 18.32, 2.598],
            Self::Pixels => [0.19, 23.22, 0.9444],
            Self::Tiny => [0.02609, 11.56, 1.296],
            Self::Small => [0.1767, 10.6, 1.125],
            Self::Fast => [3.012, 6.884, 1.055],
            Self::Best => [1.154, 15.03, 1.05],
            Self::Neighbors => [1.124, 23.66, 1.126],
            Self::Everyday => [1.654, 7.977, 0.983],
        };
        // A scribble may resemble some distorted digit as much as real digits do, but no label is probable.
        let unsure = if self == Self::Everyday { 0.5 } else { 0.0 };
        Calibration { votes, distance, novel, unsure }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|preset| preset.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|preset| preset.name()).collect();
            format!("expected one of the presets {}, found {text:?}", names.join(", "))
        })
    }
}

/// Centroids of pixels.
fn pixels(deskew: Option<Deskew>, n_clusters: usize, n_init: usize) -> Params {
    Params {
        features: vec![(1.0, FeatureParams::Pixels { deskew })],
        prototypes: PrototypeParams::PerClass { n_clusters, n_init, max_iter: 300 },
        decision: Decision::Votes { n_neighbors: 1 },
        calibration: Calibration::default(),
        seed: 0,
        index: IndexParams::Exact,
        everyday: None,
    }
}

/// Discriminants of one dictionary of whole images; a few prototypes per class, some of which vote.
fn one_dictionary(
    gradients: Gradients,
    n_components: usize,
    n_atoms: usize,
    spread: f64,
    (n_clusters, n_neighbors): (usize, usize),
) -> Params {
    let block = whole(gradients, n_components, n_atoms, spread);
    Params {
        features: vec![(1.0, discriminants(Deskew::new().normalize(0.6), vec![block]))],
        prototypes: PrototypeParams::PerClass { n_clusters, n_init: 1, max_iter: 50 },
        decision: Decision::Votes { n_neighbors },
        calibration: Calibration::default(),
        seed: 0,
        index: IndexParams::Exact,
        everyday: None,
    }
}

/// One dictionary that is twice as large as that of [`Preset::Fast`], and a larger share of images that are emphasised:
/// of the distorted ones, many are hard to read.
fn everyday() -> Params {
    // A model that knows noise takes it for digits.
    let distortions = Distortions { noisy: 0.0, ..Distortions::default() };
    let mut params = one_dictionary(Gradients::new(12, 7), 80, 800, 0.3, (20, 5));
    for (_, features) in &mut params.features {
        if let FeatureParams::Discriminants(discriminants) = features {
            discriminants.emphasis = Some(Emphasis { share: 0.25, extra: 4 });
        }
    }
    Params { everyday: Some(Everyday { copies: 1, drawn: 40_000, distortions, seed: 0 }), ..params }
}

fn whole(gradients: Gradients, n_components: usize, n_atoms: usize, spread: f64) -> BlockParams {
    BlockParams::Local { gradients, window: gradients.n_cells(), n_components, n_atoms, spread, max_iter: 8 }
}

fn components(deskew: Deskew, n_components: usize) -> FeatureParams {
    let deskew = Some(deskew);
    FeatureParams::Components { deskew, gradients: Gradients::new(12, 7), n_components, whitening: 0.25 }
}

fn discriminants(deskew: Deskew, blocks: Vec<BlockParams>) -> FeatureParams {
    FeatureParams::Discriminants(DiscriminantsParams {
        deskew: Some(deskew),
        blocks,
        ridge: 1e-4,
        emphasis: Some(Emphasis { share: 0.1, extra: 3 }),
    })
}

/// Dictionaries of whole images, of large windows at fixed places, and of small windows anywhere.
fn three_dictionaries(deskew: Deskew) -> FeatureParams {
    let gradients = Gradients::new(12, 7);
    let places =
        BlockParams::Local { gradients, window: 4, n_components: 40, n_atoms: 25, spread: 0.4, max_iter: 8 };
    let anywhere = BlockParams::Shared {
        gradients: Gradients::new(8, 14),
        window: 5,
        n_components: 60,
        n_atoms: 200,
        n_pools: 4,
        max_iter: 12,
    };
    discriminants(deskew, vec![whole(gradients, 80, 400, 0.3), places, anywhere])
}
