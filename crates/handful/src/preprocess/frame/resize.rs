//! Antialiased resizing of grey values.

use ndarray::{Array2, ArrayView2, Axis};

/// The picture with a height and width of `[rows, columns]`. Each pixel is a weighted sum of those near it, with a
/// cubic kernel that extends over two pixels of the coarser grid.
pub(crate) fn resize(picture: ArrayView2<f32>, shape: [usize; 2]) -> Array2<f32> {
    Resize::new([picture.nrows(), picture.ncols()], shape).of(picture)
}

/// From one shape to another, for many pictures.
struct Resize {
    rows: Vec<Weights>,
    columns: Vec<Weights>,
}

/// Index of the first source value, and the weights of it and of the values after it.
type Weights = (usize, Vec<f32>);

impl Resize {
    fn new(from: [usize; 2], to: [usize; 2]) -> Self {
        let weights_of = |axis: usize| (0..to[axis]).map(|i| weights(i, from[axis], to[axis])).collect();
        Self { rows: weights_of(0), columns: weights_of(1) }
    }

    fn of(&self, picture: ArrayView2<f32>) -> Array2<f32> {
        if picture.dim() == (self.rows.len(), self.columns.len()) {
            return picture.to_owned();
        }
        let across = sums_of_rows(picture.t(), &self.columns);
        sums_of_rows(across.t(), &self.rows)
    }
}

/// Rows that are weighted sums of other rows, computed for many columns at once.
fn sums_of_rows(picture: ArrayView2<f32>, weights: &[Weights]) -> Array2<f32> {
    let picture = picture.as_standard_layout();
    let mut out = Array2::zeros((weights.len(), picture.ncols()));
    for ((first, weights), mut out) in weights.iter().zip(out.outer_iter_mut()) {
        let out = out.as_slice_mut().expect("rows are contiguous");
        for (at, &weight) in (*first..).zip(weights) {
            let row = picture.row(at);
            let row = row.as_slice().expect("rows are contiguous");
            out.iter_mut().zip(row).for_each(|(out, value)| *out += weight * value);
        }
    }
    out
}

/// The shape of a picture reduced to a longer side of at most `longest` pixels.
pub(super) fn reduced_shape(shape: [usize; 2], longest: usize) -> [usize; 2] {
    let reduction = reduction(shape, longest);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "smaller than before")]
    shape.map(|side| ((side as f64 / reduction).round() as usize).max(1))
}

fn reduction([height, width]: [usize; 2], longest: usize) -> f64 {
    (height.max(width) as f64 / longest as f64).max(1.0)
}

/// The picture reduced to a longer side of at most `longest` pixels.
pub(super) fn reduce(picture: ArrayView2<u8>, longest: usize) -> Array2<f32> {
    let shape = [picture.nrows(), picture.ncols()];
    let small = reduced_shape(shape, longest);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole part")]
    match (reduction(shape, longest) / 2.0) as usize {
        0 | 1 => resize(picture.mapv(f32::from).view(), small),
        // Means of whole pixels are fast, and half of the reduction is left for a better filter.
        factor => resize(means(picture, factor).view(), small),
    }
}

/// Means of squares of `factor` x `factor` pixels, with fewer pixels at the end of rows and columns.
fn means(picture: ArrayView2<u8>, factor: usize) -> Array2<f32> {
    let (height, width) = picture.dim();
    let columns = width.div_ceil(factor);
    let mut out = Array2::zeros((height.div_ceil(factor), columns));
    let mut sums = vec![0_u32; columns];
    for (rows, mut out) in picture.axis_chunks_iter(Axis(0), factor).zip(out.outer_iter_mut()) {
        sums.fill(0);
        for row in rows.outer_iter() {
            match row.to_slice() {
                Some(row) => add_chunks(row.chunks(factor).map(|chunk| chunk.iter().copied()), &mut sums),
                None => add_chunks(
                    row.axis_chunks_iter(Axis(0), factor).map(|chunk| chunk.into_iter().copied()),
                    &mut sums,
                ),
            }
        }
        for (x, (out, &sum)) in out.iter_mut().zip(&sums).enumerate() {
            let n = rows.nrows() * factor.min(width - x * factor);
            *out = sum as f32 / n as f32;
        }
    }
    out
}

fn add_chunks<T: Iterator<Item = u8>>(chunks: impl Iterator<Item = T>, sums: &mut [u32]) {
    for (sum, chunk) in sums.iter_mut().zip(chunks) {
        *sum += chunk.map(u32::from).sum::<u32>();
    }
}

/// Number of rounds of back-projection; more do not improve training digits.
const ROUNDS: usize = 8;

/// The picture at a larger size, with strokes as sharp as possible: values of 0 to 1 that give the original picture
/// when they are reduced. They are found by repeatedly correcting the difference (Irani and Peleg, Improving resolution
/// by image registration, 1991).
pub(super) fn enlarge(picture: ArrayView2<f32>, shape: [usize; 2]) -> Array2<f32> {
    let small = [picture.nrows(), picture.ncols()];
    let (up, down) = (Resize::new(small, shape), Resize::new(shape, small));
    let mut large = up.of(picture);
    for _ in 0..ROUNDS {
        let difference = &picture - &down.of(large.view());
        large += &up.of(difference.view());
        large.mapv_inplace(|value| value.clamp(0.0, 1.0));
    }
    large
}

/// Index of the first of `n` values that contribute to the i-th of `m`, and the weights of all that contribute.
fn weights(i: usize, n: usize, m: usize) -> Weights {
    let scale = n as f64 / m as f64;
    let centre = (i as f64 + 0.5) * scale;
    let step = scale.max(1.0);
    let reach = 2.0 * step;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to the row")]
    let bound = |at: f64| (at.max(0.0) as usize).min(n);
    let (first, end) = (bound((centre - reach).floor()), bound((centre + reach).ceil()));
    let weight = |at: usize| cubic((at as f64 + 0.5 - centre) / step);
    let sum: f64 = (first..end).map(weight).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a weight of 0 to 1")]
    (first, (first..end).map(|at| (weight(at) / sum) as f32).collect())
}

/// Keys's kernel, which extends over two pixels (Cubic convolution interpolation, 1981).
fn cubic(x: f64) -> f64 {
    match x.abs() {
        x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        x if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn means_are_kept_and_nothing_changes_at_the_same_size() {
        let picture = Array2::from_shape_fn((12, 8), |(y, x)| (7 * y + 3 * x) as f32);
        assert_eq!(resize(picture.view(), [12, 8]), picture);
        for shape in [[6, 4], [3, 2], [24, 16]] {
            let resized = resize(picture.view(), shape);
            assert_eq!(resized.dim(), (shape[0], shape[1]));
            assert!((resized.mean().unwrap() - picture.mean().unwrap()).abs() < 0.2, "{resized}");
        }
        assert_eq!(resize(array![[1.0, 2.0]].view(), [1, 1]), array![[1.5]]);
    }
}
