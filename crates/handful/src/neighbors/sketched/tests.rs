use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, Axis};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rayon::prelude::*;

use super::*;
use crate::{
    distance::{Level, Rows, all_shifted_norms},
    neighbors::{
        engine::{PointDistances, Searchable},
        index::in_parts,
        scan,
        top_k::TopK,
    },
    sketch::Projection,
};

const N: usize = 5000;
const D: usize = 200;

fn sorted(best: Vec<TopK>) -> Vec<Vec<(u64, usize)>> {
    best.into_iter().map(TopK::into_sorted).collect()
}

/// The nearest of all points, each of which is measured.
fn naive(pairs: &impl PointDistances, n: usize, k: usize) -> Vec<Vec<(u64, usize)>> {
    let of_query = |query| {
        let mut best = TopK::new(k);
        (0..n).for_each(|row| best.offer(pairs.distance(query, row), row));
        best.into_sorted()
    };
    (0..pairs.queries().nrows()).into_par_iter().map(of_query).collect()
}

/// At every level, sketch and scan find the nearest points, also where a sketch rules out nothing.
fn check_vectors<T: Searchable>(rows: &Array2<T>, queries: &Array2<T>, k: usize) {
    let (rows, queries) = (Rows::new(rows.view()), Rows::new(queries.view()));
    let (n, scaled) = (rows.nrows(), T::scale(rows));
    let bytes = T::bytes(rows, &scaled).view();
    let terms = all_shifted_norms(bytes);
    for level in Level::ALL.iter().copied().filter(|level| level.is_available()) {
        let kernel = Kernel::new(level);
        let pairs = T::pairs(kernel, rows, &terms, &scaled, queries);
        let expected = naive(&pairs, n, k);
        let wanted = vec![TopK::new(k); queries.nrows()];
        assert_eq!(
            sorted(
                scan::scan(kernel, bytes, &terms, &pairs, &wanted, 0..n, &|_| Ok(())).expect("not cancelled")
            ),
            expected,
            "{level}"
        );
        let projection = Projection::new(kernel, bytes).expect("eigenvalues converge");
        let sketch = Sketch::new(kernel, bytes, &Arc::new(projection));
        let search = Search::new(kernel, &sketch, &pairs, &wanted);
        let ticks = AtomicUsize::new(0);
        let tick = |pairs| {
            ticks.fetch_add(pairs, Ordering::Relaxed);
            Ok(())
        };
        let (found, looked_at) = search.stream(0..n, &tick).expect("not cancelled");
        assert_eq!(sorted(found), expected, "{level}");
        assert!(looked_at >= k * queries.nrows());
        assert_eq!(ticks.into_inner(), n * queries.nrows());
        let ticks = AtomicUsize::new(0);
        let tick = |pairs| {
            ticks.fetch_add(pairs, Ordering::Relaxed);
            Ok(())
        };
        let parts = in_parts(n, 3, |range| Ok(search.stream(range, &tick)?.0));
        assert_eq!(ticks.load(Ordering::Relaxed), n * queries.nrows());
        assert_eq!(sorted(parts.expect("not cancelled")), expected, "{level}, in parts");
    }
}

fn check(rows: &Array2<u8>, k: usize) {
    let n = rows.nrows();
    let every = (0..n).step_by(n / 200).chain(n - 9..n).collect::<Vec<_>>();
    check_vectors(rows, &rows.select(Axis(0), &every).mapv(|x| x.saturating_add(x % 3)), k);
}

fn random(seed: u64) -> impl FnMut((usize, usize)) -> u8 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    move |_| rng.random()
}

/// Rows that are mixtures of a few.
fn mixtures(directions: usize, d: usize) -> Array2<u8> {
    let shares = Array2::from_shape_fn((N, directions), random(1)).mapv(u32::from);
    let pure = Array2::from_shape_fn((directions, d), random(2)).mapv(u32::from);
    let most = 256 * directions as u32;
    shares.dot(&pure).mapv(|sum| (sum / most) as u8)
}

#[test]
fn exact_where_a_few_directions_say_most() {
    for directions in [3, 20, 60, 100] {
        check(&mixtures(directions, D), 10);
    }
}

/// Points on a plane, whose distances are as small as their rounding errors.
#[test]
fn exact_where_rounding_matters_most() {
    let plane = Array2::from_shape_fn((N, 2), random(8));
    check(&Array2::from_shape_fn((N, D), |(i, j)| if j % 100 == 7 { plane[[i, j / 100]] } else { 9 }), 5);
}

#[test]
fn exact_to_the_last_row() {
    let mixed = mixtures(20, D);
    for n in (4096..4107).chain([4127, 4128, 4129]) {
        check(&mixed.slice(ndarray::s![..n, ..]).to_owned(), 10);
    }
}

#[test]
fn exact_where_no_direction_is_better_than_another() {
    check(&Array2::from_shape_fn((N, D), random(3)), 10);
}

#[test]
fn exact_with_duplicates_and_near_ties() {
    let few = Array2::from_shape_fn((20, D), random(4));
    check(&Array2::from_shape_fn((N, D), |(i, j)| few[[i % 20, j]]), 7);
    // Each row differs from the next by one unit in one value.
    check(&Array2::from_shape_fn((N, D), |(i, j)| few[[0, j]] / 2 + u8::from(i % D == j)), 7);
}

#[test]
fn exact_with_extremes() {
    check(&Array2::zeros((N, D)), 3);
    check(&Array2::from_elem((N, D), 255), 3);
    check(&Array2::from_shape_fn((N, D), |(i, _)| if i % 3 == 0 { 0 } else { 255 }), 3);
    check(&Array2::from_shape_fn((N, D), |(i, j)| if i % D == j { 255 } else { 0 }), 30);
}

#[test]
fn chosen_where_it_pays_and_only_there() {
    let chosen = |rows: &Array2<u8>| {
        let (rows, terms) = (Rows::new(rows.view()), all_shifted_norms(rows.view()));
        let queries = rows.view().select(Axis(0), &trials(rows.nrows()));
        let pairs = u8::pairs(Kernel::new(Level::Scalar), rows, &terms, &(), Rows::new(queries.view()));
        TestedSketch::new(Kernel::new(Level::Scalar), rows.view(), &pairs, 1.0, rows.view()).is_some()
    };
    assert!(chosen(&mixtures(4, 784)), "four directions say it all");
    assert!(!chosen(&Array2::from_shape_fn((N, D), random(5))), "a flat spectrum");
    assert!(!chosen(&Array2::zeros((N, D))), "all points equal");
    assert!(!chosen(&Array2::from_shape_fn((N, 32), random(6))), "short vectors");
}

#[test]
fn exact_between_floats_with_some_far_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut rows = mixtures(20, D).mapv(|x| f64::from(x) / 100.0 - 1.0);
    rows.mapv_inplace(|x| x + rng.random_range(-1e-3..1e-3));
    for (row, factor) in [(3, 1e3), (777, -1e12), (1500, 1e100), (4999, -1e149)] {
        rows.row_mut(row).mapv_inplace(|x| x * factor);
    }
    let queries = rows.select(Axis(0), &[0, 3, 100, 777, 1500, 2500, 4998, 4999]).mapv(|x| x * 0.999);
    check_vectors(&rows, &queries, 10);
    let narrow = |x: &f64| x.clamp(f32::MIN.into(), f32::MAX.into()) as f32;
    check_vectors(&rows.map(narrow), &queries.map(narrow), 10);
    // Values far from 1, so small that their squares are subnormal.
    check_vectors(
        &rows.mapv(|x| x.clamp(-1.0, 1.0) * 1e-160),
        &queries.mapv(|x| x.clamp(-1.0, 1.0) * 1e-160),
        10,
    );
}
