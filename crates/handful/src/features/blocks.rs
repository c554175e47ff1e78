//! Blocks of features: the activations of dictionaries on an image's gradients.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use serde::{Deserialize, Serialize};

use super::{
    Dictionary, DictionaryParams, Error, Gradients, Pca,
    patches::{Patches, WHITENING},
    pca::most_components,
    views::Views,
};
use crate::{
    Dataset,
    distance::MOST_DIMENSIONS,
    kmeans,
    preprocess::Deskew,
    progress::{Observer, Tally},
    step::{Step, check_number, transform_observed},
    tensor_file::{self, Reader, Writer},
};

/// Maximum number of rows and columns of a coarse grid.
const MOST_POOLS: usize = 64;
/// Maximum number of atoms that windows at all places share, because the activations of several images are in memory at
/// once.
const MOST_ATOMS: usize = 4096;
/// Maximum number of components: squared distances of this many bytes fit into 31 bits.
const MOST_COMPONENTS: usize = 1 << 15;
/// Maximum variance of radial bases, in median squared distances. At this value all atoms respond alike, and it fits
/// into an `f32`.
const MOST_SPREAD: f64 = 1e6;

/// A block of features, and how it is learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockParams {
    /// Windows of cells, each with its own components and radial bases for its place.
    Local {
        /// The gradients that make up the cells.
        gradients: Gradients,
        /// Number of rows and columns of cells in a window. If it is that of the whole grid, the only window is the
        /// whole image.
        window: usize,
        /// Number of components to which a window's cells are reduced; fewer if there are not more images.
        n_components: usize,
        /// Number of radial bases per place and class. A class with fewer images has as many as it has images.
        n_atoms: usize,
        /// Variance of the radial bases, relative to the median squared distance.
        spread: f64,
        /// Number of Lloyd iterations.
        max_iter: usize,
    },
    /// Windows at all places with a shared dictionary of triangle activations, which are summed in a coarse grid.
    Shared {
        /// The gradients that make up the cells.
        gradients: Gradients,
        /// Number of rows and columns of cells in a window.
        window: usize,
        /// Number of components to which a window's cells are reduced.
        n_components: usize,
        /// Number of atoms in all; fewer if there are fewer windows.
        n_atoms: usize,
        /// Number of rows and columns of the coarse grid.
        n_pools: usize,
        /// Number of Lloyd iterations.
        max_iter: usize,
    },
}

impl BlockParams {
    pub(super) fn gradients(&self) -> Gradients {
        match self {
            Self::Local { gradients, .. } | Self::Shared { gradients, .. } => *gradients,
        }
    }

    /// Checks the values as far as that is possible without the data.
    pub(super) fn check(&self) -> Result<(), String> {
        let (Self::Local { gradients, window, n_components, .. }
        | Self::Shared { gradients, window, n_components, .. }) = self;
        if !(1..=gradients.n_cells()).contains(window) {
            return Err(format!("expected a window of 1 to {} cells, found {window}", gradients.n_cells()));
        }
        check_components(*n_components, window * window * gradients.n_bins())?;
        match self {
            Self::Local { spread, .. } => check_number("spread", *spread, Some(MOST_SPREAD)),
            Self::Shared { n_pools, .. } if !(1..=MOST_POOLS).contains(n_pools) => {
                Err(format!("expected 1 to {MOST_POOLS} rows of pools, found {n_pools}"))
            }
            Self::Shared { n_atoms, .. } if !(1..=MOST_ATOMS).contains(n_atoms) => Err(format!(
                "expected 1 to {MOST_ATOMS} atoms for a dictionary that all places share, found {n_atoms}"
            )),
            Self::Shared { n_pools, n_atoms, .. } if n_pools * n_pools * n_atoms > MOST_DIMENSIONS => {
                let found = n_pools * n_pools * n_atoms;
                Err(format!("expected at most {MOST_DIMENSIONS} features (atoms times pools), found {found}"))
            }
            Self::Shared { .. } => Ok(()),
        }
    }

    /// Learns from the cells of labelled images.
    #[cfg(feature = "training")]
    pub(super) fn fit(
        &self,
        cells: ArrayView2<u8>,
        labels: &Dataset,
        seed: u64,
        observer: &Observer,
        tally: &Tally,
    ) -> Result<Block, Error> {
        let params = |n_atoms, spread, max_iter| DictionaryParams {
            n_atoms,
            spread,
            max_iter,
            seed,
            observer: observer.clone(),
        };
        match *self {
            Self::Local { gradients, window, n_components, n_atoms, spread, max_iter } => {
                let params = params(n_atoms, spread, max_iter);
                let places = places(gradients, window).map(|origin| {
                    let cut = cut(cells, gradients, window, origin);
                    let n_components = most_components(n_components, cut.nrows());
                    let pca = Pca::fit_observed(cut.view(), n_components, WHITENING, tally)?;
                    let reduced = transform_observed(&pca, cut.view(), &|_| tally.ask())?;
                    let reduced =
                        labels.with_images(reduced, [1, n_components]).map_err(kmeans::Error::from)?;
                    let dictionary = Dictionary::fit_per_class(&params, &reduced)?;
                    Ok(Place { origin, pca, dictionary })
                });
                Ok(Block::Local { gradients, window, places: places.collect::<Result<_, Error>>()? })
            }
            Self::Shared { gradients, window, n_components, n_atoms, n_pools, max_iter } => {
                let params = params(n_atoms, 0.0, max_iter);
                Ok(Block::Shared(Box::new(Patches::fit(
                    gradients,
                    window,
                    n_components,
                    n_pools,
                    &params,
                    cells,
                    tally,
                )?)))
            }
        }
    }
}

/// Checks the number of components for rows of `n_features` features.
pub(super) fn check_components(n_components: usize, n_features: usize) -> Result<(), String> {
    let most = n_features.min(MOST_COMPONENTS);
    if (1..=most).contains(&n_components) {
        Ok(())
    } else {
        Err(format!("expected 1 to {most} components, found {n_components}"))
    }
}

/// A learned block of features.
#[derive(Clone, Debug)]
pub(super) enum Block {
    Local { gradients: Gradients, window: usize, places: Vec<Place> },
    Shared(Box<Patches>),
}

/// What is learned for the windows at one place.
#[derive(Clone, Debug)]
pub(super) struct Place {
    origin: [usize; 2],
    pub(super) pca: Pca,
    pub(super) dictionary: Dictionary,
}

impl Block {
    /// The gradients from which it is computed.
    pub(super) fn gradients(&self) -> Gradients {
        match self {
            Self::Local { gradients, .. } => *gradients,
            Self::Shared(patches) => patches.gradients(),
        }
    }

    pub(super) fn write(&self, prefix: &str, writer: &mut Writer) {
        match self {
            Self::Local { places, .. } => {
                for (number, place) in places.iter().enumerate() {
                    place.pca.write(&format!("{prefix}.{number}"), writer);
                    place.dictionary.write(&format!("{prefix}.{number}"), writer);
                }
            }
            Self::Shared(patches) => patches.write(prefix, writer),
        }
    }

    pub(super) fn read(
        prefix: &str,
        params: &BlockParams,
        reader: &Reader,
    ) -> Result<Self, tensor_file::Error> {
        match *params {
            BlockParams::Local { gradients, window, n_components, .. } => {
                let n_features = window * window * gradients.n_bins();
                let place = |(number, origin)| {
                    let prefix = format!("{prefix}.{number}");
                    let pca = Pca::read(&prefix, n_components, n_features, reader)?;
                    let shape = [None, Some(pca.n_components())];
                    let dictionary = Dictionary::read(&prefix, shape, true, reader)?;
                    Ok(Place { origin, pca, dictionary })
                };
                let places = places(gradients, window).enumerate().map(place);
                Ok(Self::Local {
                    gradients,
                    window,
                    places: places.collect::<Result<_, tensor_file::Error>>()?,
                })
            }
            BlockParams::Shared { gradients, window, n_components, n_atoms, n_pools, .. } => {
                let patches =
                    Patches::read(prefix, gradients, window, n_pools, [n_atoms, n_components], reader)?;
                Ok(Self::Shared(Box::new(patches)))
            }
        }
    }
}

impl Place {
    fn reduced(&self, cut: ArrayView2<u8>) -> Array2<u8> {
        let mut reduced = Array2::zeros((cut.nrows(), self.pca.n_components()));
        self.pca.run(cut, reduced.view_mut());
        reduced
    }

    /// The output of the only place on whole images, and the squared distance of each image to its nearest atom.
    fn run_nearest(&self, cells: ArrayView2<u8>, out: ArrayViewMut2<u8>) -> Vec<i32> {
        self.dictionary.run_nearest(self.reduced(cells).view(), out)
    }
}

impl Block {
    /// The block's output on images.
    pub(super) fn run_on(&self, deskew: Option<Deskew>, views: &mut Views, out: ArrayViewMut2<u8>) {
        match self {
            Self::Local { gradients, places, .. }
                if places.len() == 1 && views.is_watched(&places[0].dictionary) =>
            {
                let nearest = places[0].run_nearest(views.cells(deskew, *gradients), out);
                views.nearest = Some(nearest);
            }
            _ => self.run(views.cells(deskew, self.gradients()), out),
        }
    }
}

impl Step for Block {
    fn n_features_out(&self) -> usize {
        match self {
            Self::Local { places, .. } => places.iter().map(|place| place.dictionary.n_features_out()).sum(),
            Self::Shared(patches) => patches.n_features_out(),
        }
    }

    fn run(&self, cells: ArrayView2<u8>, mut out: ArrayViewMut2<u8>) {
        match self {
            Self::Local { gradients, window, places } => {
                let mut first = 0;
                for place in places {
                    let cut = cut(cells, *gradients, *window, place.origin);
                    let reduced = place.reduced(cut.view());
                    let end = first + place.dictionary.n_features_out();
                    place.dictionary.run(reduced.view(), out.slice_mut(s![.., first..end]));
                    first = end;
                }
            }
            Self::Shared(patches) => patches.run(cells, out),
        }
    }
}

/// The positions of all windows.
fn places(gradients: Gradients, window: usize) -> impl Iterator<Item = [usize; 2]> {
    let per_side = gradients.n_cells() - window + 1;
    (0..per_side * per_side).map(move |place| [place / per_side, place % per_side])
}

/// The cells of one window of all images.
fn cut(cells: ArrayView2<u8>, gradients: Gradients, window: usize, [row, column]: [usize; 2]) -> Array2<u8> {
    let (n, bins) = (gradients.n_cells(), gradients.n_bins());
    let mut cut = Array2::zeros((cells.nrows(), window * window * bins));
    for i in 0..window {
        let (first, length) = (((row + i) * n + column) * bins, window * bins);
        let from = cells.slice(s![.., first..first + length]);
        cut.slice_mut(s![.., i * length..(i + 1) * length]).assign(&from);
    }
    cut
}
