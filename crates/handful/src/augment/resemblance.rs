//! Whether the images of a data set are digits: others number their classes, too.

use ndarray::{Array1, Axis};

use super::{Digits, Distortions, Pen};
use crate::{Dataset, distance::evenly};

/// Number of images that are looked at, and of drawn digits that they are compared with.
const LOOKED_AT: usize = 2000;
const DRAWN: u64 = 200;
/// The share of drawn digits that the nearest class mean must recognise. Those of MNIST recognise more than half, those
/// of garments a tenth, as many as by chance.
const LEAST: f64 = 0.2;
/// Fewer images are taken for digits, because the names of their classes say so: their means show too little.
const FEW: usize = 100;

/// Whether the images look like digits, where `labels` are the labels of 0 to 9.
pub(super) fn are_digits(data: &Dataset, labels: &[u32]) -> bool {
    if data.n_samples() < FEW {
        return true;
    }
    let some = data.select(&evenly(data.n_samples(), data.n_samples().min(LOOKED_AT)));
    let means: Vec<Option<Array1<f64>>> = labels.iter().map(|&label| mean(&some, label)).collect();
    let Some(drawn) = drawn(data.image_shape()) else { return false };
    let (mut n, mut n_right) = (0, 0);
    for (image, &digit) in drawn.images().outer_iter().zip(drawn.labels()) {
        let image = image.mapv(f64::from);
        let distance = |mean: &Array1<f64>| (&image - mean).mapv(|x| x * x).sum();
        let known =
            means.iter().enumerate().filter_map(|(digit, mean)| Some((digit, distance(mean.as_ref()?))));
        if means[digit as usize].is_some() {
            let nearest = known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(digit, _)| digit);
            n += 1;
            n_right += usize::from(nearest == Some(digit as usize));
        }
    }
    n_right as f64 > LEAST * f64::from(n)
}

/// The mean image of a class; `None` if it has no images.
fn mean(data: &Dataset, label: u32) -> Option<Array1<f64>> {
    let own: Vec<usize> = (0..data.n_samples()).filter(|&row| data.labels()[row] == label).collect();
    if own.is_empty() {
        return None;
    }
    data.images().select(Axis(0), &own).mapv(f64::from).mean_axis(Axis(0))
}

fn drawn(shape: [usize; 2]) -> Option<Dataset> {
    let pen: Digits = Pen::default().digits(0).and_then(|pen| pen.framed(shape, Distortions::NONE)).ok()?;
    pen.rows(0..DRAWN).ok()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn digits_of_another_hand_are_digits_and_other_pictures_are_not() {
        let labels: Vec<u32> = (0..10).collect();
        let digits = Pen { jitter: 0.06, ..Pen::default() }.digits(7).unwrap();
        let digits = digits.framed([28, 28], Distortions::default()).unwrap().rows(0..300).unwrap();
        assert!(are_digits(&digits, &labels));
        let three: Vec<usize> = (0..300).filter(|row| row % 10 < 3).cycle().take(150).collect();
        assert!(are_digits(&digits.select(&three), &labels), "some classes have no images");

        // Bars at a place that depends on the class.
        let bar = |(row, pixel): (usize, usize)| if pixel % 28 / 3 == row % 10 { 255 } else { 0 };
        let bars = digits.with_images(Array2::from_shape_fn((300, 784), bar), [28, 28]).unwrap();
        assert!(!are_digits(&bars, &labels));
        let other: Vec<u32> = (0..300).map(|row| (row * 7 + 3) % 10).collect();
        let shuffled = Dataset::new(digits.images().clone(), [28, 28], other, Digits::classes()).unwrap();
        assert!(!are_digits(&shuffled, &labels));
    }
}
