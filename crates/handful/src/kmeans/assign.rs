//! The assignment step: the nearest centroid of every row, exactly.
//!
//! The kernels multiply bytes, so a centroid is given to them rounded to bytes. That moves it by a known length,
//! some units for images, and a row's distance from it by no more. Where the nearest is nearer than the next by
//! more than twice that, it is certain. The other rows, some in a hundred, are measured from the few centroids in
//! question with a second byte, which leaves an error of √d / 512; what is open then, some rows in a million, is
//! decided by comparing fractions.

use ndarray::{ArrayView2, ArrayViewMut2, Axis, concatenate};
use rayon::prelude::*;

use super::{
    centroids::{Centroids, Fraction},
    rounded::{PARTS, Rounded},
    samples::{CONTIGUOUS, NARROW, PANELS, Samples},
};
use crate::distance::{Kernel, LANES, Lanes, MOST_DIMENSIONS, Packed, Scratch, with_kernel};

/// Writes the nearest centroid of each row, for each of several sets of as many centroids, into `nearest`, shape
/// (n, sets); of equally near ones the lowest.
///
/// O(n k d) for each set; beside the labels, memory for the centroids and for a panel's products per thread.
pub(super) fn assign(samples: &Samples, sets: &[&Centroids], mut nearest: ArrayViewMut2<u32>) {
    let rounded: Vec<Rounded> =
        sets.par_iter().map(|centroids| Rounded::new(samples.level, centroids)).collect();
    let blocks = nearest.axis_chunks_iter_mut(Axis(0), PANELS * LANES).into_par_iter().enumerate();
    with_kernel!(samples.level, |kernel| {
        let step = Step { kernel, samples, sets, rounded: &rounded };
        if samples.rows.ncols() > NARROW {
            return blocks.for_each(|(block, nearest)| step.measure_all(block * PANELS * LANES, nearest));
        }
        let uppers: Vec<ArrayView2<i8>> = rounded.iter().map(|rounded| rounded.upper.view()).collect();
        let uppers = concatenate(Axis(0), &uppers).expect("all have as many features");
        let packed = Packed::new(kernel, uppers.view());
        blocks.for_each_init(
            || (vec![[0; LANES]; uppers.nrows()], Scratch::default()),
            |(dots, scratch), (block, mut nearest)| {
                let panels = samples.panels(block).iter().zip(nearest.axis_chunks_iter_mut(Axis(0), LANES));
                for (number, (panel, nearest)) in panels.enumerate() {
                    packed.multiply_all(panel, scratch, dots);
                    step.assign_panel((block * PANELS + number) * LANES, dots, nearest);
                }
            },
        );
    });
}

/// One assignment step.
struct Step<'a, 's, K> {
    kernel: K,
    samples: &'a Samples<'s>,
    sets: &'a [&'a Centroids],
    rounded: &'a [Rounded],
}

impl<K: Kernel> Step<'_, '_, K> {
    /// The nearest centroids of a panel's rows, given their products with the centroids of all sets.
    fn assign_panel(&self, first: usize, dots: &[Lanes], mut nearest: ArrayViewMut2<u32>) {
        let mut terms = [0; LANES];
        for (term, row) in terms.iter_mut().zip(first..first + nearest.nrows()) {
            *term = i32::try_from(self.samples.term(row)).expect("at most 128² for each feature");
        }
        let k = self.sets[0].n_clusters();
        for (set, dots) in dots.chunks(k).enumerate() {
            let Rounded { norms, moved, .. } = &self.rounded[set];
            let (found, open) = self.kernel.run(|| {
                let found = Nearest::of(dots, norms);
                (found, found.open(&terms, *moved))
            });
            for (lane, nearest) in nearest.column_mut(set).iter_mut().enumerate() {
                *nearest = if open[lane] {
                    let limit = i64::from(found.least[lane]) + i64::from(terms[lane]);
                    let limit = ((limit as f64).sqrt() + 2.0 * moved).powi(2) * (1.0 + 1e-12) + 1.0;
                    let key = |j: usize| norms[j] - 2 * i64::from(dots[j][lane]) + i64::from(terms[lane]);
                    let contenders = (0..k).filter(|&j| key(j) as f64 <= limit);
                    self.settle(set, first + lane, contenders.map(|j| (j, i64::from(dots[j][lane]))))
                } else {
                    found.index[lane].cast_unsigned()
                };
            }
        }
    }

    /// For rows too long for the kernels' sums: every product one by one.
    fn measure_all(&self, first: usize, mut nearest: ArrayViewMut2<u32>) {
        for ((lane, set), nearest) in nearest.indexed_iter_mut() {
            let all = (0..self.sets[set].n_clusters()).map(|j| {
                (j, self.dot(first + lane, self.rounded[set].upper.row(j).to_slice().expect(CONTIGUOUS)))
            });
            *nearest = self.settle(set, first + lane, all);
        }
    }

    fn dot(&self, row: usize, signed: &[i8]) -> i64 {
        let row = self.samples.rows.row(row).to_slice().expect(CONTIGUOUS);
        let parts = row.chunks(MOST_DIMENSIONS).zip(signed.chunks(MOST_DIMENSIONS));
        parts.map(|(row, signed)| i64::from(self.kernel.dot(row, signed))).sum()
    }

    /// The nearest of some centroids, which come with the product of the row and their upper bytes.
    fn settle(&self, set: usize, row: usize, contenders: impl Iterator<Item = (usize, i64)>) -> u32 {
        let (rounded, term) = (&self.rounded[set], self.samples.term(row));
        let scaled: Vec<(usize, i64)> = contenders
            .map(|(j, upper)| {
                let lower = self.dot(row, rounded.lower.row(j).to_slice().expect(CONTIGUOUS));
                (j, rounded.scaled_distance(j, term, upper, lower))
            })
            .collect();
        let least = scaled.iter().map(|(_, distance)| *distance).min().expect("at least one contender");
        let margin = 2.0 * PARTS as f64 * rounded.moved_least;
        let limit = ((least as f64).sqrt() + margin).powi(2) * (1.0 + 1e-12) + 1.0;
        let mut open = scaled.into_iter().filter(|&(_, distance)| distance as f64 <= limit).map(|(j, _)| j);
        let first = open.next().expect("the least is among them");
        let exact = |j| self.sets[set].squared_distance(self.samples.rows.row(row), j);
        let nearest = match open.next() {
            None => first,
            Some(second) => {
                let rest = [second].into_iter().chain(open).map(|j| (j, exact(j)));
                let nearer = |best: (usize, Fraction), next: (usize, Fraction)| {
                    if next.1.compare(best.1).is_lt() { next } else { best }
                };
                rest.fold((first, exact(first)), nearer).0
            }
        };
        u32::try_from(nearest).expect("fewer than 2^32 clusters")
    }
}

/// For each row of a panel the nearest of some rounded centroids, and how near the next one is. Keys are squared
/// distances less the row's term.
#[derive(Clone, Copy)]
struct Nearest {
    least: Lanes,
    second: Lanes,
    index: Lanes,
}

impl Nearest {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    fn of(dots: &[Lanes], norms: &[i64]) -> Self {
        let mut found = Self { least: [i32::MAX; LANES], second: [i32::MAX; LANES], index: [0; LANES] };
        for (index, (dots, &norm)) in (0..).zip(dots.iter().zip(norms)) {
            #[expect(clippy::cast_possible_truncation, reason = "at most 255² for each of NARROW features")]
            let norm = norm as i32;
            for (lane, dot) in dots.iter().enumerate() {
                let (key, least) = (norm - 2 * dot, found.least[lane]);
                found.second[lane] = found.second[lane].min(key.max(least));
                found.index[lane] = if key < least { index } else { found.index[lane] };
                found.least[lane] = key.min(least);
            }
        }
        found
    }

    /// The rows for which rounding, by at most `moved` a centroid, leaves open which is the nearest.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
    fn open(&self, terms: &Lanes, moved: f64) -> [bool; LANES] {
        #[expect(clippy::cast_possible_truncation, reason = "an upper bound either way")]
        let margin = (2.0 * moved) as f32 * 1.000_01;
        let mut open = [false; LANES];
        for lane in 0..LANES {
            // f32 loses less than the last factor.
            let distance = |key: i32| key.saturating_add(terms[lane]) as f32;
            let limit = distance(self.least[lane]).sqrt() + margin;
            open[lane] = distance(self.second[lane]) <= limit * limit * 1.000_01 + 1.0;
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array, s};
    use proptest::prelude::*;

    use super::*;

    fn naive(x: &Array2<u8>, centroids: &Centroids) -> Vec<u32> {
        let nearest = |row: ndarray::ArrayView1<u8>| {
            (0..centroids.n_clusters() as u32)
                .min_by(|&a, &b| {
                    let distance = |j: u32| centroids.squared_distance(row, j as usize);
                    distance(a).compare(distance(b))
                })
                .expect("at least one")
        };
        x.outer_iter().map(nearest).collect()
    }

    fn labels(x: &Array2<u8>, sets: &[&Centroids]) -> Array2<u32> {
        let mut labels = Array2::from_elem((x.nrows(), sets.len()), 99);
        assign(&Samples::new(x.view()), sets, labels.view_mut());
        labels
    }

    #[test]
    fn rows_too_long_for_the_kernels_are_measured_one_by_one() {
        for d in [NARROW, NARROW + 1, MOST_DIMENSIONS + 3] {
            let x = Array2::from_shape_fn((40, d), |(i, j)| (i * 37 + j * 11 + i * j) as u8);
            let sums = Array2::from_shape_fn((5, d), |(i, j)| (i * 53 + j * 11 + i * j) as u64 % 1000);
            let centroids = Centroids { sums, counts: vec![4; 5] };
            assert_eq!(labels(&x, &[&centroids]).column(0).to_vec(), naive(&x, &centroids));
        }
        let extremes = Array2::from_shape_fn((3, NARROW), |(i, _)| if i == 1 { 255 } else { 0 });
        let centroids = Centroids {
            sums: array![[255], [0]].broadcast((2, NARROW)).unwrap().to_owned(),
            counts: vec![1; 2],
        };
        assert_eq!(labels(&extremes, &[&centroids]), array![[1], [0], [1]]);
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            (n, k, d) in (1_usize..40, 1_usize..12, 1_usize..900),
            levels in prop::sample::select(vec![2_u8, 4, 255]),
            bytes in prop::collection::vec(any::<u8>(), 1009),
            counts in prop::collection::vec(1_u64..70_000, 12),
            // How far centroids lie apart, in parts of their counts: far below the kernel's rounding, or above.
            spread in prop::sample::select(vec![0_u64, 1, 3, 50, 4000, 1_000_000]),
        ) {
            let byte = |i: usize| bytes[i % 1009] % levels;
            let x = Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j));
            let counts = counts[..k].to_vec();
            let sums = Array2::from_shape_fn((k, d), |(j, i)| {
                let moved = u64::from(bytes[(31 * j + 7 * i) % 1009]) * spread / 8;
                (counts[j] * u64::from(byte(500 + i)) + moved).min(255 * counts[j])
            });
            let centroids = Centroids { sums, counts };
            // The others of a set do not matter.
            let turned = Centroids {
                sums: centroids.sums.slice(s![..;-1, ..]).to_owned(),
                counts: centroids.counts.iter().rev().copied().collect(),
            };
            let found = labels(&x, &[&centroids, &turned]);
            prop_assert_eq!(found.column(0).to_vec(), naive(&x, &centroids));
            prop_assert_eq!(found.column(1).to_vec(), naive(&x, &turned));
        }
    }

    #[test]
    fn ties_and_differences_far_below_rounding_are_decided_exactly() {
        // 100 ± 1/n and 100 - 1/(n+1): the last is the nearest of 99 by one part in 10^10.
        let n = 100_000;
        let sums = array![[100 * n + 1], [100 * n - 1], [100 * (n + 1) - 1], [100 * n - 1]];
        let centroids = Centroids { sums, counts: vec![n, n, n + 1, n] };
        let x = array![[100_u8], [99], [101]];
        assert_eq!(labels(&x, &[&centroids]), array![[2], [1], [0]]);
    }
}
