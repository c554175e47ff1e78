//! Small windows anywhere on an image: they describe the parts of strokes, and roughly where they are (Coates, Ng and
//! Lee 2011).

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};

use super::{
    Dictionary, DictionaryParams, Error, Gradients, Pca, activation::Activation, pca::most_components,
};
use crate::{
    distance::{CONTIGUOUS, Kernel, Rows, contiguous, evenly, vectorize},
    progress::Tally,
    step::{BATCH, Step, to_byte, transform_observed},
    tensor_file::{self, Reader, Writer},
};

/// Whitening of the components from which dictionaries are learned: their variance is that of the data to the power of
/// ¾.
pub(super) const WHITENING: f64 = 0.25;

/// Maximum number of images, and of windows, from which a dictionary is learned.
const IMAGES: usize = 6000;
const WINDOWS: usize = 250_000;
/// Number of images whose windows are processed at once: their activations stay in cache.
const TOGETHER: usize = 2;
/// Windows with less ink than this share of a window with much ink (the 90th percentile) are empty.
const EMPTY: f32 = 0.1;
/// The root mean square of a window's values, after scaling to unit length and then to bytes.
const ROOT_MEAN_SQUARE: f32 = 21.0;

/// One dictionary for the windows at all places, with activations that are summed in a coarse grid.
#[derive(Clone, Debug)]
pub(super) struct Patches {
    windows: Windows,
    pca: Pca,
    dictionary: Dictionary,
    pooling: Pooling,
    /// Factor from the square root of a sum to bytes.
    scale: f32,
}

impl Patches {
    /// From cells of images, ordered as [`Gradients`] gives them.
    #[cfg(feature = "training")]
    pub(super) fn fit(
        gradients: Gradients,
        size: usize,
        n_components: usize,
        n_pools: usize,
        params: &DictionaryParams,
        cells: ArrayView2<u8>,
        tally: &Tally,
    ) -> Result<Self, Error> {
        let sample = cells.select(Axis(0), &evenly(cells.nrows(), IMAGES.min(cells.nrows())));
        let mut windows = Windows { gradients, size, least: 0.0 };
        windows.least = windows.usual_length(sample.view()) * EMPTY;
        let mut rows = Array2::zeros((windows.most(sample.nrows()), windows.length()));
        let (mut n, mut origins) = (0, Vec::new());
        for cells in sample.axis_chunks_iter(Axis(0), BATCH) {
            let rest = &mut rows.as_slice_mut().expect(CONTIGUOUS)[n * windows.length()..];
            windows.cut(cells, rest, &mut origins);
            n += origins.len();
            tally.ask()?;
        }
        if n == 0 {
            return Err(Error::NoStrokes);
        }
        let rows = rows.slice(s![..n, ..]);
        let rows = rows.select(Axis(0), &evenly(n, WINDOWS.min(n)));
        let pca =
            Pca::fit_observed(rows.view(), most_components(n_components, rows.nrows()), WHITENING, tally)?;
        let places = transform_observed(&pca, rows.view(), &|_| tally.ask())?;
        let params = DictionaryParams { n_atoms: params.n_atoms.min(places.nrows()), ..params.clone() };
        let dictionary = Dictionary::fit(&params, places.view())?;
        let pooling = Pooling::new(windows.per_side(), n_pools);
        let mut found = Self { windows, pca, dictionary, pooling, scale: 1.0 };
        // Scaled so that the sample fits into bytes.
        let sums = transform_observed(&found, sample.view(), &|_| tally.ask())?;
        let largest = f32::from(sums.iter().copied().max().unwrap_or(0));
        found.scale = 250.0 / largest.max(1.0);
        Ok(found)
    }
}

impl Patches {
    pub(super) fn gradients(&self) -> Gradients {
        self.windows.gradients
    }

    pub(super) fn write(&self, prefix: &str, writer: &mut Writer) {
        self.pca.write(prefix, writer);
        self.dictionary.write(prefix, writer);
        writer.put(format!("{prefix}.windows"), ArrayView1::from(&[self.windows.least, self.scale]));
    }

    pub(super) fn read(
        prefix: &str,
        gradients: Gradients,
        size: usize,
        n_pools: usize,
        [n_atoms, n_components]: [usize; 2],
        reader: &Reader,
    ) -> Result<Self, tensor_file::Error> {
        let pca = Pca::read(prefix, n_components, size * size * gradients.n_bins(), reader)?;
        let dictionary = Dictionary::read(prefix, [None, Some(pca.n_components())], false, reader)?;
        let found = dictionary.atoms().nrows();
        if found > n_atoms {
            let problem = format!("tensor {prefix}.atoms: expected at most {n_atoms} atoms, found {found}");
            return Err(tensor_file::Error::Content(problem));
        }
        let windows = reader.floats(&format!("{prefix}.windows"), Some(2))?;
        let (least, scale) = (windows[0], windows[1]);
        let windows = Windows { gradients, size, least };
        let pooling = Pooling::new(windows.per_side(), n_pools);
        Ok(Self { windows, pca, dictionary, pooling, scale })
    }
}

impl Step for Patches {
    fn n_features_out(&self) -> usize {
        self.pooling.n_pools * self.pooling.n_pools * self.dictionary.atoms().nrows()
    }

    fn run(&self, cells: ArrayView2<u8>, mut out: ArrayViewMut2<u8>) {
        debug_assert_eq!(self.dictionary.activation(), Activation::Triangle);
        let (n_atoms, padded) = (self.dictionary.atoms().nrows(), self.dictionary.padded());
        let most = self.windows.most(TOGETHER);
        let mut windows = Array2::zeros((most, self.windows.length()));
        let mut origins = Vec::with_capacity(most);
        let mut places = Array2::zeros((most, self.pca.n_components()));
        let mut activations = Array2::zeros((most, padded));
        let mut sums = vec![0.0; self.pooling.n_pools * self.pooling.n_pools * padded];
        let together = cells.axis_chunks_iter(Axis(0), TOGETHER);
        for (cells, mut out) in together.zip(out.axis_chunks_iter_mut(Axis(0), TOGETHER)) {
            let all = windows.as_slice_mut().expect(CONTIGUOUS);
            vectorize!(Kernel::detect(), self.windows.cut(cells, all, &mut origins));
            let windows = windows.slice(s![..origins.len(), ..]);
            let mut places = places.slice_mut(s![..origins.len(), ..]);
            let mut activations = activations.slice_mut(s![..origins.len(), ..]);
            self.pca.run(windows, places.view_mut());
            self.dictionary.triangles(places.view(), activations.view_mut());
            let mut found = origins.iter().zip(activations.outer_iter()).peekable();
            for (image, mut out) in out.outer_iter_mut().enumerate() {
                let out = out.as_slice_mut().expect(CONTIGUOUS);
                vectorize!(Kernel::detect(), {
                    sums.fill(0.0);
                    while let Some((origin, found)) = found.next_if(|(origin, _)| origin.image == image) {
                        self.pooling.add(origin, contiguous(found), &mut sums);
                    }
                    for (out, sums) in out.chunks_exact_mut(n_atoms).zip(sums.chunks_exact(padded)) {
                        for (out, sum) in out.iter_mut().zip(sums) {
                            *out = to_byte(sum.sqrt() * self.scale);
                        }
                    }
                });
            }
        }
    }
}

/// The position of a window.
struct Origin {
    image: usize,
    row: usize,
    column: usize,
}

/// Windows of cells.
#[derive(Clone, Debug)]
struct Windows {
    gradients: Gradients,
    size: usize,
    /// Shorter windows are empty.
    least: f32,
}

impl Windows {
    fn per_side(&self) -> usize {
        self.gradients.n_cells() - self.size + 1
    }

    /// Number of values in a window.
    fn length(&self) -> usize {
        self.size * self.size * self.gradients.n_bins()
    }

    /// Maximum number of windows of `images` images.
    fn most(&self, images: usize) -> usize {
        images * self.per_side() * self.per_side()
    }

    /// Writes all windows that are not empty, scaled to one length, one after the other, and records their positions.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    fn cut(&self, cells: ArrayView2<u8>, windows: &mut [u8], origins: &mut Vec<Origin>) {
        let (n, bins) = (self.gradients.n_cells(), self.gradients.n_bins());
        let (length, part) = (self.length(), self.size * bins);
        let unit = ROOT_MEAN_SQUARE * (length as f32).sqrt();
        let mut before = vec![0; cells.ncols() + 1];
        origins.clear();
        for (image, cells) in Rows::new(cells).iter().enumerate() {
            // Cumulative sums of squares: the difference of two is the sum over the cells between them.
            let mut sum = 0;
            for (before, &x) in before[1..].iter_mut().zip(cells) {
                sum += u32::from(x) * u32::from(x);
                *before = sum;
            }
            for row in 0..self.per_side() {
                for column in 0..self.per_side() {
                    let parts = (row..row + self.size).map(|row| (row * n + column) * bins);
                    let squared: u32 = parts.clone().map(|first| before[first + part] - before[first]).sum();
                    let squared = squared as f32;
                    if squared <= self.least * self.least {
                        continue;
                    }
                    let scale = unit / (squared + self.least * self.least / 4.0).sqrt();
                    let window = &mut windows[origins.len() * length..][..length];
                    for (to, first) in window.chunks_exact_mut(part).zip(parts) {
                        let from = &cells[first..][..part];
                        to.iter_mut().zip(from).for_each(|(to, &x)| *to = to_byte(f32::from(x) * scale));
                    }
                    origins.push(Origin { image, row, column });
                }
            }
        }
    }

    /// The length of a window with much ink, which one in ten exceeds.
    fn usual_length(&self, cells: ArrayView2<u8>) -> f32 {
        let (n, bins) = (self.gradients.n_cells(), self.gradients.n_bins());
        let mut all = Vec::new();
        for cells in cells.outer_iter() {
            let squares: Vec<u32> = cells.iter().map(|&x| u32::from(x).pow(2)).collect();
            let squares: Vec<u32> = squares.chunks(bins).map(|cell| cell.iter().sum()).collect();
            for (row, column) in
                (0..self.per_side()).flat_map(|row| (0..self.per_side()).map(move |c| (row, c)))
            {
                let rows = (row..row + self.size).map(|row| &squares[row * n + column..][..self.size]);
                all.push(rows.flatten().sum::<u32>());
            }
        }
        let place = all.len() * 9 / 10;
        (*all.select_nth_unstable(place).1 as f32).sqrt()
    }
}

/// A coarse grid in which windows are summed, each into its four nearest cells.
#[derive(Clone, Debug)]
struct Pooling {
    n_pools: usize,
    /// For each row or column of windows, its pools and their weights.
    splits: Vec<[(usize, f32); 2]>,
}

impl Pooling {
    fn new(per_side: usize, n_pools: usize) -> Self {
        let split = |i: usize| {
            let place = (i as f32 + 0.5) / per_side as f32 * n_pools as f32 - 0.5;
            let (first, part) = (place.floor(), place - place.floor());
            // What falls outside the grid is dropped.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to n_pools")]
            let pool = |place: f32, part: f32| {
                if place >= 0.0 && place < n_pools as f32 { (place as usize, part) } else { (0, 0.0) }
            };
            [pool(first, 1.0 - part), pool(first + 1.0, part)]
        };
        Self { n_pools, splits: (0..per_side).map(split).collect() }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    fn add(&self, origin: &Origin, activations: &[f32], sums: &mut [f32]) {
        for (row, row_part) in self.splits[origin.row] {
            for (column, column_part) in self.splits[origin.column] {
                let part = row_part * column_part;
                if part > 0.0 {
                    let sums =
                        &mut sums[(row * self.n_pools + column) * activations.len()..][..activations.len()];
                    sums.iter_mut().zip(activations).for_each(|(sum, x)| *sum += x * part);
                }
            }
        }
    }
}
