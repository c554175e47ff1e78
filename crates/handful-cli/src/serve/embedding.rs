//! Places points in the plane so that near ones stay near: t-SNE (van der Maaten and Hinton 2008), exact, and started
//! from given places, as Kobak and Berens (2019) advise, so that the whole keeps its shape.

use handful::distance::squared_euclidean;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// A place in the plane.
pub(super) type Place = [f64; 2];

/// The number of neighbours that a point keeps near, in effect.
const PERPLEXITY: f64 = 50.0;
/// Steps in all, and those of them in which neighbours attract each other more, so that groups form.
const STEPS: usize = 350;
const EARLY_STEPS: usize = 50;
const EXAGGERATION: f64 = 4.0;
/// Spread of the places to start from.
const START: f64 = 1e-2;

/// The places of some vectors, near `start`. O(n²) per step, for n vectors. The same bits for any number of threads.
pub(super) fn embed(vectors: ArrayView2<u8>, start: &[Place]) -> Vec<Place> {
    let n = start.len();
    let mean = [0, 1].map(|axis| start.iter().map(|place| place[axis]).sum::<f64>() / n as f64);
    let mut places: Vec<Place> =
        start.iter().map(|place| [0, 1].map(|axis| START * (place[axis] - mean[axis]))).collect();
    // Two points are near and far at once.
    if n < 3 {
        return places;
    }
    let affinities = affinities(vectors);
    let rate = (n as f64 / EXAGGERATION).max(10.0);
    let mut motion = vec![[0.0; 2]; n];
    let mut gains = vec![[1.0_f64; 2]; n];
    for step in 0..STEPS {
        let (exaggeration, momentum) = if step < EARLY_STEPS { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
        let slopes = slopes(&places, &affinities, exaggeration);
        for (((place, motion), gain), slope) in places.iter_mut().zip(&mut motion).zip(&mut gains).zip(slopes)
        {
            for axis in [0, 1] {
                let goes_on = (slope[axis] > 0.0) != (motion[axis] > 0.0);
                gain[axis] = if goes_on { gain[axis] + 0.2 } else { (0.8 * gain[axis]).max(0.01) };
                motion[axis] = momentum * motion[axis] - rate * gain[axis] * slope[axis];
                place[axis] += motion[axis];
            }
        }
    }
    places
}

/// How much each point and each other one belong together, shape (n, n); the sum is 1.
fn affinities(vectors: ArrayView2<u8>) -> Vec<Vec<f64>> {
    let n = vectors.nrows();
    let row = |i: usize| vectors.row(i).to_slice().expect("rows are contiguous");
    let toward: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|i| {
            let squared: Vec<f64> = (0..n).map(|j| squared_euclidean(row(i), row(j)) as f64).collect();
            neighborhood(&squared, i)
        })
        .collect();
    let mutual = |i: usize| (0..n).map(|j| (toward[i][j] + toward[j][i]) / (2 * n) as f64).collect();
    (0..n).into_par_iter().map(mutual).collect()
}

/// Shares of the other points in the neighbourhood of point `own`, by a Gaussian that is as wide as the perplexity says.
fn neighborhood(squared: &[f64], own: usize) -> Vec<f64> {
    let others = || (0..squared.len()).filter(|&j| j != own);
    let least = others().map(|j| squared[j]).fold(f64::INFINITY, f64::min);
    let perplexity = PERPLEXITY.min((squared.len() - 1) as f64 / 3.0).max(1.0);
    let mean = others().map(|j| squared[j] - least).sum::<f64>() / (squared.len() - 1) as f64;
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0 / mean.max(1.0));
    let mut shares = vec![0.0; squared.len()];
    for _ in 0..50 {
        others().for_each(|j| shares[j] = (-precision * (squared[j] - least)).exp());
        let total: f64 = shares.iter().sum();
        for share in &mut shares {
            *share /= total;
        }
        let entropy: f64 = -shares.iter().filter(|&&p| p > 0.0).map(|p| p * p.ln()).sum::<f64>();
        if entropy > perplexity.ln() {
            low = precision;
        } else {
            high = precision;
        }
        precision = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * precision };
    }
    shares
}

/// The gradient of the divergence between the affinities and those in the plane.
fn slopes(places: &[Place], affinities: &[Vec<f64>], exaggeration: f64) -> Vec<Place> {
    let forces: Vec<(f64, Place, Place)> = places
        .par_iter()
        .zip(affinities)
        .map(|(own, affinities)| {
            let (mut total, mut pull, mut push) = (0.0, [0.0; 2], [0.0; 2]);
            for (other, affinity) in places.iter().zip(affinities) {
                let [x, y] = [own[0] - other[0], own[1] - other[1]];
                let near = 1.0 / (1.0 + x * x + y * y);
                total += near;
                pull = [pull[0] + affinity * near * x, pull[1] + affinity * near * y];
                push = [push[0] + near * near * x, push[1] + near * near * y];
            }
            // Each point is near itself.
            (total - 1.0, pull, push)
        })
        .collect();
    let total: f64 = forces.iter().map(|(total, ..)| total).sum();
    let slope = |(_, pull, push): (f64, Place, Place)| {
        [0, 1].map(|axis| 4.0 * (exaggeration * pull[axis] - push[axis] / total))
    };
    forces.into_iter().map(slope).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rayon::ThreadPoolBuilder;

    use super::*;

    /// Three groups of points.
    fn groups() -> Array2<u8> {
        Array2::from_shape_fn((60, 6), |(i, j)| {
            let noise = u8::try_from((i * 7 + j * 13) % 5).unwrap();
            if j == i % 3 { 200 + noise } else { noise }
        })
    }

    fn apart(a: Place, b: Place) -> f64 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn near_points_stay_near_with_any_number_of_threads() {
        let (vectors, start) = (groups(), [[0.0, 0.0], [0.1, 0.3], [0.2, 0.1]].repeat(20));
        let of_threads = |n| {
            let pool = ThreadPoolBuilder::new().num_threads(n).build().unwrap();
            pool.install(|| embed(vectors.view(), &start))
        };
        let places = of_threads(1);
        assert_eq!(places, of_threads(3));
        for i in 0..60 {
            let nearest = (0..60)
                .filter(|&j| j != i)
                .min_by(|&a, &b| apart(places[i], places[a]).total_cmp(&apart(places[i], places[b])));
            assert_eq!(nearest.unwrap() % 3, i % 3);
        }
    }

    #[test]
    fn few_points_and_equal_points_have_places() {
        for n in [1, 2, 3, 10] {
            let places = embed(Array2::from_elem((n, 4), 7).view(), &vec![[0.5, 0.5]; n]);
            assert!(places.len() == n && places.iter().flatten().all(|axis| axis.is_finite()));
        }
    }
}
