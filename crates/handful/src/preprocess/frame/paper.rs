//! The grey values of the paper, which may be lit unevenly.

use ndarray::Array2;

/// Maximum number of rounds of the fit, which converges sooner.
const ROUNDS: usize = 8;
/// Number of pixels that are enough to estimate the paper.
const SAMPLE: usize = 4096;
/// Grey values closer than this are the same.
pub(super) const SAME_GREY: f32 = 6.0;
const TERMS: usize = 6;
/// The ratio of the standard deviation of a normal variable to the median of its absolute value.
const SIGMA: f32 = 1.4826;

type Terms = [f64; TERMS];

/// The paper's grey value at each position: a constant, or a surface of the second degree.
pub(super) struct Paper {
    weights: Terms,
    is_constant: bool,
    /// The standard deviation of the paper's pixels from the surface.
    pub(super) noise: f32,
}

/// The terms at a position; coordinates are from -1 to 1.
fn terms(y: usize, x: usize, (rows, columns): (usize, usize)) -> Terms {
    let coordinate = |at: usize, n: usize| 2.0 * (at as f64 + 0.5) / n as f64 - 1.0;
    let (y, x) = (coordinate(y, rows), coordinate(x, columns));
    [1.0, y, x, y * y, x * y, x * x]
}

impl Paper {
    /// Finds the paper among the pixels whose grey values are between `darkest` and `lightest`, most of which are
    /// paper. Uses iteratively reweighted least squares with Tukey's biweight, which ignores pixels far from the
    /// surface.
    pub(super) fn fit(picture: &Array2<f32>, [darkest, lightest]: [f32; 2]) -> Option<Self> {
        let step = picture.len().div_ceil(SAMPLE).max(1);
        let is_sampled = |value: &f32| (darkest..=lightest).contains(value);
        let mut values: Vec<f32> = picture.iter().copied().step_by(step).filter(is_sampled).collect();
        if values.is_empty() {
            return None;
        }
        let middle = median(&mut values);
        let mut paper = Self { weights: [0.0; TERMS], is_constant: true, noise: 0.0 };
        paper.weights[0] = f64::from(middle);
        // A surface would bend towards the ink of a small picture, so it is used only where it is needed.
        let n_same = values.iter().filter(|value| (**value - middle).abs() <= SAME_GREY).count();
        if 2 * n_same > values.len() {
            for value in &mut values {
                *value = (*value - middle).abs();
            }
            return Some(Self { noise: SIGMA * median(&mut values), ..paper });
        }
        let sample: Vec<(Terms, f64)> = picture
            .indexed_iter()
            .step_by(step)
            .filter(|(_, value)| is_sampled(value))
            .map(|((y, x), &value)| (terms(y, x, picture.dim()), f64::from(value)))
            .collect();
        paper.bend(&sample);
        let distance = |(terms, value): &(Terms, f64)| (value - paper.at(terms)).abs();
        let mut distances: Vec<f64> = sample.iter().map(distance).collect();
        #[expect(clippy::cast_possible_truncation, reason = "grey values")]
        let noise = SIGMA * median(&mut distances) as f32;
        Some(Self { noise, ..paper })
    }

    fn bend(&mut self, sample: &[(Terms, f64)]) {
        self.is_constant = false;
        for round in 0..ROUNDS {
            let rest: Vec<f64> = sample.iter().map(|(terms, value)| value - self.at(terms)).collect();
            let mut distances: Vec<f64> = rest.iter().map(|rest| rest.abs()).collect();
            let spread = f64::from(SIGMA) * median(&mut distances);
            let reach = (4.0 * spread).max(f64::from(SAME_GREY));
            let weight = |rest: f64| (1.0 - (rest / reach).powi(2)).max(0.0).powi(2);
            // A plane first: the curvature is fitted once the ink no longer counts.
            let n = if round < ROUNDS / 2 { 3 } else { TERMS };
            let weighted =
                sample.iter().zip(rest).map(|((terms, value), rest)| (*terms, *value, weight(rest)));
            match solve(weighted, n) {
                Some(weights) => self.weights = weights,
                None => break,
            }
        }
    }

    fn at(&self, terms: &Terms) -> f64 {
        self.weights.iter().zip(terms).map(|(weight, term)| weight * term).sum()
    }

    /// How much lighter than the paper each pixel is.
    pub(super) fn subtract_from(&self, picture: &Array2<f32>) -> Array2<f32> {
        let shape = picture.dim();
        #[expect(clippy::cast_possible_truncation, reason = "grey values")]
        if self.is_constant {
            picture - self.weights[0] as f32
        } else {
            Array2::from_shape_fn(shape, |(y, x)| picture[[y, x]] - self.at(&terms(y, x, shape)) as f32)
        }
    }
}

/// Weighted least squares in the first `n` terms by Gauss-Jordan elimination; `None` if the sample does not determine
/// them.
fn solve(sample: impl Iterator<Item = (Terms, f64, f64)>, n: usize) -> Option<Terms> {
    let mut rows = [[0.0; TERMS + 1]; TERMS];
    for (terms, value, weight) in sample {
        for i in 0..n {
            for j in 0..n {
                rows[i][j] += weight * terms[i] * terms[j];
            }
            rows[i][TERMS] += weight * terms[i] * value;
        }
    }
    for i in 0..n {
        if rows[i][i] < 1e-6 {
            return None;
        }
        for other in (0..n).filter(|&other| other != i) {
            let (pivot, factor) = (rows[i], rows[other][i] / rows[i][i]);
            rows[other].iter_mut().zip(pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    Some(std::array::from_fn(|i| if i < n { rows[i][TERMS] / rows[i][i] } else { 0.0 }))
}

fn median<T: Copy + PartialOrd>(values: &mut [T]) -> T {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, |a, b| a.partial_cmp(b).expect("grey values are numbers")).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

    #[test]
    fn paper_of_one_grey_is_flat_whatever_is_drawn_on_it() {
        let picture = Array2::from_shape_fn((20, 30), |(y, x)| if x < 12 && y > 4 { 20.0 } else { 190.0 });
        let paper = Paper::fit(&picture, ALL).unwrap();
        assert!(paper.subtract_from(&picture)[[0, 0]].abs() + paper.noise < 1e-6);
        assert!(Paper::fit(&picture, [200.0, 255.0]).is_none(), "there are no such pixels");
        let dark = Paper::fit(&picture, [0.0, 100.0]).unwrap();
        assert!(dark.subtract_from(&picture)[[19, 0]].abs() < 1e-6);
    }

    #[test]
    fn uneven_light_is_followed_past_the_ink() {
        let light = |y: usize, x: usize| 220.0 - 0.6 * y as f32 - 0.004 * (x * x) as f32;
        let is_ink = |y: usize, x: usize| (30..60).contains(&y) && (40..55).contains(&x);
        let ink = |y: usize, x: usize| if is_ink(y, x) { 0.4 } else { 1.0 };
        let picture = Array2::from_shape_fn((100, 120), |(y, x)| light(y, x) * ink(y, x));
        let difference = Paper::fit(&picture, ALL).unwrap().subtract_from(&picture);
        let wrong = difference.indexed_iter().filter(|((y, x), value)| !is_ink(*y, *x) && value.abs() > 1.0);
        assert_eq!(wrong.count(), 0);
    }
}
