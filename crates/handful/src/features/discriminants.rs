//! Reduces images to a few bytes that separate the classes: blocks of features, and the discriminants of all of them.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use serde::{Deserialize, Serialize};

use super::{BlockParams, Error, Lda, blocks::Block, moments::Moments, views::Views};
use crate::{
    Dataset,
    distance::MOST_DIMENSIONS,
    preprocess::Deskew,
    progress::{Observer, Tally},
    step::{BATCH, Step, check_number, transform_observed},
    tensor_file::{self, Reader, Writer},
};

/// The ridge is at least this, divided by the number of images: with as many atoms as images, a class would otherwise
/// collapse to a point. Chosen on 3 to 300 images per class of MNIST's training set.
const LEAST_RIDGE: f64 = 3.0;

/// Number of images whose features are in memory at once while sums are computed.
const TOGETHER: usize = 4096;

/// How discriminants are learned. They map images to c - 1 bytes for c classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscriminantsParams {
    /// How images are deskewed first, if at all.
    pub deskew: Option<Deskew>,
    /// The features, block by block.
    pub blocks: Vec<BlockParams>,
    /// Added to each feature's variance, relative to its block's mean variance within classes. From few images, more is
    /// added: three divided by their number.
    pub ridge: f64,
    /// A second pass in which hard images have a larger weight.
    pub emphasis: Option<Emphasis>,
}

impl DiscriminantsParams {
    /// A class with fewer images has fewer atoms.
    pub(super) fn enough_per_class(&self) -> usize {
        let of_block = |block: &BlockParams| match *block {
            BlockParams::Local { n_atoms, .. } => n_atoms,
            BlockParams::Shared { .. } => 1,
        };
        self.blocks.iter().map(of_block).max().unwrap_or(1)
    }

    /// Checks the values as far as that is possible without the data.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.blocks.is_empty() {
            return Err("expected at least one block of features, found none".to_owned());
        }
        self.deskew.map_or(Ok(()), Deskew::check)?;
        check_number("ridge", self.ridge, None)?;
        if let Some(Emphasis { share, .. }) = self.emphasis {
            check_number("share of emphasised images", share, Some(1.0))?;
        }
        self.blocks.iter().try_for_each(BlockParams::check)
    }

    /// Number of images, out of `n_images`, that a second pass emphasises.
    fn n_emphasised(&self, n_images: usize) -> usize {
        self.emphasis.map_or(0, |emphasis| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of the images"
            )]
            {
                (emphasis.share * n_images as f64) as usize
            }
        })
    }

    /// Total number of images that all passes over `n_images` images process.
    pub(super) fn n_seen(&self, n_images: usize) -> usize {
        let emphasised = self.n_emphasised(n_images);
        (2 + usize::from(emphasised > 0)) * n_images + emphasised
    }
}

/// Gives a larger weight in a second pass to the images that the first pass separates least clearly from other classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Emphasis {
    /// The share of images that are emphasised.
    pub share: f64,
    /// Additional weight of these images.
    pub extra: u32,
}

/// Blocks of features and their linear discriminants: they map images to c - 1 bytes for c classes.
#[derive(Clone, Debug)]
pub(super) struct Discriminants {
    shape: [usize; 2],
    deskew: Option<Deskew>,
    blocks: Vec<Block>,
    lda: Lda,
}

impl Discriminants {
    /// Learns from labelled images, with a tally that also counts the images of other features.
    ///
    /// Sums of products take 8 bytes for each pair of features, twice that with emphasis. O(n d²) for d features.
    ///
    /// # Errors
    /// If K-Means cannot learn the dictionaries, there is only one class, the
    /// ridge is too small, or the observer breaks.
    #[cfg(feature = "training")]
    pub(super) fn fit(
        params: &DiscriminantsParams,
        images: &Dataset,
        seed: u64,
        observer: &Observer,
        tally: &Tally,
    ) -> Result<Self, Error> {
        let shape = images.image_shape();
        let mut views = Views::new(images.images().view(), shape);
        let fit = |(number, block): (u64, &BlockParams)| {
            let cells = views.cells_observed(params.deskew, block.gradients(), tally)?;
            block.fit(cells, images, seed.wrapping_add(number), observer, tally)
        };
        let blocks: Vec<Block> = (0..).zip(&params.blocks).map(fit).collect::<Result<_, Error>>()?;
        drop(views);

        let lengths: Vec<usize> = blocks.iter().map(Step::n_features_out).collect();
        let n_features = lengths.iter().sum();
        if n_features > MOST_DIMENSIONS {
            return Err(Error::Params(format!(
                "expected at most {MOST_DIMENSIONS} features, found {n_features}"
            )));
        }
        let nothing = Lda::none();
        let mut found = Self { shape, deskew: params.deskew, blocks, lda: nothing };
        let mut moments = Moments::new(n_features, images.classes().len());
        let ridge = params.ridge.max(LEAST_RIDGE / images.n_samples() as f64);
        let all: Vec<usize> = (0..images.n_samples()).collect();
        let emphasised = params.n_emphasised(all.len());
        found.add(images, &all, 1, &mut moments, tally)?;
        let mut places;
        if let Some(Emphasis { extra, .. }) = params.emphasis.filter(|_| emphasised > 0) {
            found.lda = Lda::solve(moments.copy(tally)?, &lengths, ridge, tally)?;
            places = found.places(images, tally)?;
            let mut hardest = all;
            let margins = margins(places.view(), images.labels(), images.classes().len());
            hardest.sort_by(|&a, &b| margins[a].total_cmp(&margins[b]));
            hardest.truncate(emphasised);
            hardest.sort_unstable();
            found.add(images, &hardest, extra, &mut moments, tally)?;
        }
        found.lda = Lda::solve(moments, &lengths, ridge, tally)?;
        places = found.places(images, tally)?;
        found.lda.fit_range(places.view());
        Ok(found)
    }

    /// Number of bytes per image.
    pub(super) fn n_components(&self) -> usize {
        self.lda.n_components()
    }

    pub(super) fn write(&self, prefix: &str, writer: &mut Writer) {
        for (number, block) in self.blocks.iter().enumerate() {
            block.write(&format!("{prefix}.{number}"), writer);
        }
        self.lda.write(&format!("{prefix}.lda"), writer);
    }

    pub(super) fn read(
        prefix: &str,
        params: &DiscriminantsParams,
        shape: [usize; 2],
        n_classes: usize,
        reader: &Reader,
    ) -> Result<Self, tensor_file::Error> {
        let read = |(number, params)| Block::read(&format!("{prefix}.{number}"), params, reader);
        let blocks: Vec<Block> =
            params.blocks.iter().enumerate().map(read).collect::<Result<_, tensor_file::Error>>()?;
        let n_features: usize = blocks.iter().map(Step::n_features_out).sum();
        if n_features > MOST_DIMENSIONS {
            let problem = format!("expected at most {MOST_DIMENSIONS} features, found {n_features}");
            return Err(tensor_file::Error::Content(problem));
        }
        let lda = Lda::read(&format!("{prefix}.lda"), n_features, n_classes, reader)?;
        Ok(Self { shape, deskew: params.deskew, blocks, lda })
    }

    pub(super) fn deskew(&self) -> Option<Deskew> {
        self.deskew
    }

    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        self.shape
    }

    pub(super) fn shrink(&mut self, factor: f64) {
        self.lda.shrink(factor);
    }

    /// Adds the features of some images to sums.
    fn add(
        &self,
        images: &Dataset,
        rows: &[usize],
        weight: u32,
        moments: &mut Moments,
        tally: &Tally,
    ) -> Result<(), Error> {
        for rows in rows.chunks(TOGETHER) {
            let some = images.images().select(Axis(0), rows);
            let features = transform_observed(&Features(self), some.view(), &|_| tally.ask())?;
            moments.add(features.view(), |row| images.labels()[rows[row]], weight, tally)?;
            tally.add(rows.len())?;
        }
        Ok(())
    }

    /// The positions of images along the discriminants, before they are rounded to bytes.
    fn places(&self, images: &Dataset, tally: &Tally) -> Result<Array2<f64>, Error> {
        let mut places = Array2::zeros((images.n_samples(), self.lda.n_components()));
        let parts = places.axis_chunks_iter_mut(Axis(0), TOGETHER);
        for (mut places, images) in parts.zip(images.images().axis_chunks_iter(Axis(0), TOGETHER)) {
            let features = transform_observed(&Features(self), images, &|_| tally.ask())?;
            for (mut places, features) in
                places.axis_chunks_iter_mut(Axis(0), BATCH).zip(features.axis_chunks_iter(Axis(0), BATCH))
            {
                places.assign(&self.lda.places(features));
                tally.add(features.nrows())?;
            }
        }
        Ok(places)
    }
}

impl Discriminants {
    /// The bytes of up to [`BATCH`] images, shape (n, `n_components`).
    pub(super) fn run_on(&self, views: &mut Views, out: ArrayViewMut2<u8>) {
        let features = Features(self);
        let mut between = Array2::zeros((views.n_images(), features.n_features_out()));
        features.run_on(views, between.view_mut());
        self.lda.run(between.view(), out);
    }
}

impl Step for Discriminants {
    fn n_features_out(&self) -> usize {
        self.n_components()
    }

    fn run(&self, x: ArrayView2<u8>, out: ArrayViewMut2<u8>) {
        self.run_on(&mut Views::new(x, self.shape), out);
    }
}

/// All steps before the discriminants.
struct Features<'a>(&'a Discriminants);

impl Features<'_> {
    fn run_on(&self, views: &mut Views, mut out: ArrayViewMut2<u8>) {
        let mut first = 0;
        for block in &self.0.blocks {
            let end = first + block.n_features_out();
            block.run_on(self.0.deskew, views, out.slice_mut(s![.., first..end]));
            first = end;
        }
    }
}

impl Step for Features<'_> {
    fn n_features_out(&self) -> usize {
        self.0.blocks.iter().map(Step::n_features_out).sum()
    }

    fn run(&self, x: ArrayView2<u8>, out: ArrayViewMut2<u8>) {
        self.run_on(&mut Views::new(x, self.0.shape), out);
    }
}

/// The margin of each row: its squared distance to the nearest mean of another class minus that to the mean of its own
/// class.
fn margins(places: ArrayView2<f64>, labels: &[u32], n_classes: usize) -> Vec<f64> {
    let mut means = Array2::<f64>::zeros((n_classes, places.ncols()));
    let mut counts = vec![0.0; n_classes];
    for (place, &label) in places.outer_iter().zip(labels) {
        let mut mean = means.row_mut(label as usize);
        mean += &place;
        counts[label as usize] += 1.0;
    }
    for (mut mean, &count) in means.outer_iter_mut().zip(&counts) {
        mean /= count;
    }
    let distance = |place: ndarray::ArrayView1<f64>, class: usize| {
        place.iter().zip(means.row(class)).map(|(x, mean)| (x - mean).powi(2)).sum::<f64>()
    };
    let margin = |(place, &label): (ndarray::ArrayView1<f64>, &u32)| {
        let others = (0..n_classes).filter(|&class| class != label as usize && counts[class] > 0.0);
        let nearest = others.map(|class| distance(place, class)).fold(f64::INFINITY, f64::min);
        nearest - distance(place, label as usize)
    };
    places.outer_iter().zip(labels).map(margin).collect()
}
