//! A calibration that is measured on the images a recipe is fitted to.

use super::{HeldOut, IMAGES, Validation, folds};
use crate::{
    Dataset,
    classifier::{Calibration, Error, Params},
    dataset,
    progress::Observer,
};

/// Number of parts, of six, that are held out to measure a calibration, and of images of which they can be parts.
const HELD_OUT: usize = 3;
const LEAST_IMAGES: usize = 12;

impl Params {
    /// Measures how confident the recipe may be of images such as these: fits it three times without a sixth of each
    /// class, and calibrates it on the images that it has not seen. Images of a class that follow each other are held
    /// out together, because they often come from one source.
    ///
    /// # Errors
    /// If there are fewer than 12 images, or a single image of a class; as [`fit`](Self::fit).
    pub fn calibrate(&self, images: &Dataset) -> Result<Calibration, Error> {
        self.calibrate_observed(images, &Observer::default())
    }

    pub(super) fn calibrate_observed(
        &self,
        images: &Dataset,
        observer: &Observer,
    ) -> Result<Calibration, Error> {
        let n = images.n_samples();
        if n < LEAST_IMAGES {
            let problem =
                format!("a calibration needs {LEAST_IMAGES} images, to hold out parts of them, found {n}");
            return Err(Error::Params(problem));
        }
        if let Some(class) = images.class_counts().iter().position(|&count| count == 1) {
            let class = images.classes()[class].clone();
            return Err(dataset::Error::ClassTooSmall { class, expected: 2, found: 1 }.into());
        }
        let images = images.select(&spread(images));
        let (mut all, mut own) = (Vec::new(), Vec::new());
        for (number, fold) in folds(n, HELD_OUT).iter().enumerate() {
            let HeldOut { params, rest, unseen } = self.hold_out(&images, fold, number)?;
            let model = params.fit_as_it_is(&rest, observer)?;
            for (source, unseen) in &unseen {
                let found = Validation::new(&model, unseen)?;
                if *source == IMAGES {
                    own.push(found.clone());
                }
                all.push(found);
            }
        }
        // Images that the recipe distorts may be illegible: only given images decide what is unlike them.
        let novel = Validation::join(own).calibration().novel;
        let unsure = self.calibration.unsure;
        Ok(Calibration { novel, unsure, ..Validation::join(all).calibration() })
    }
}

/// The rows in an order in which each contiguous part has its share of each class, and the images of a class are in
/// their own order.
fn spread(images: &Dataset) -> Vec<usize> {
    let mut rows = Vec::with_capacity(images.n_samples());
    for of_class in images.rows_by_class() {
        let n = of_class.len();
        rows.extend(of_class.into_iter().enumerate().map(|(rank, row)| (rank, n, row)));
    }
    // By the share of their class that is before them. Products of counts of images do not overflow 128 bits.
    let product = |a: usize, b: usize| a as u128 * b as u128;
    rows.sort_by(|a, b| product(2 * a.0 + 1, b.1).cmp(&product(2 * b.0 + 1, a.1)).then(a.2.cmp(&b.2)));
    rows.into_iter().map(|(_, _, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::classifier::{Preset, hold_out};

    #[test]
    fn images_sorted_by_class_are_held_out_of_each_class() {
        let labels: Vec<u32> = [60, 30, 6].iter().zip(0..).flat_map(|(&n, class)| vec![class; n]).collect();
        let names = vec!["a".into(), "b".into(), "c".into()];
        let images = Array2::from_shape_fn((96, 1), |(i, _)| i as u8);
        let images = Dataset::new(images, [1, 1], labels, names).unwrap();
        let order = spread(&images);
        let sorted = images.select(&order);
        for fold in folds(96, 6) {
            let (rest, unseen) = hold_out(&sorted, &fold);
            assert_eq!((unseen.class_counts(), rest.class_counts()), (vec![10, 5, 1], vec![50, 25, 5]));
            // Those of a class follow each other in the data set.
            let of_a: Vec<u8> = unseen.images().iter().copied().filter(|&row| row < 60).collect();
            assert!(of_a.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{of_a:?}");
        }
    }

    #[test]
    fn few_images_cannot_be_held_out() {
        for n in [1, 2, 11] {
            let labels = (0..n).map(|i| i % 2).collect();
            let images = Array2::from_shape_fn((n as usize, 4), |(i, j)| (i * 20 + j) as u8);
            let images = Dataset::new(images, [2, 2], labels, vec!["a".into(), "b".into()]).unwrap();
            let error = Preset::Notebook.params().calibrate(&images).unwrap_err().to_string();
            let expected = format!("a calibration needs 12 images, to hold out parts of them, found {n}");
            assert_eq!(error, expected);
        }
        let images = Array2::from_shape_fn((12, 4), |(i, j)| (i * 20 + j) as u8);
        let labels = (0..12).map(|i| u32::from(i == 5)).collect();
        let images = Dataset::new(images, [2, 2], labels, vec!["a".into(), "b".into()]).unwrap();
        let error = Preset::Notebook.params().calibrate(&images).unwrap_err().to_string();
        assert_eq!(error, "expected at least 2 images of class \"b\", found 1");
    }

    #[test]
    fn a_recipe_is_calibrated_on_the_images_given() {
        // The second class is like the first in every tenth image.
        let pixel = |i: usize, j: usize| {
            ((i * 31 + j * 17) % 40 + if i % 2 == 1 && i % 20 != 1 { 120 } else { 0 }) as u8
        };
        let images = Array2::from_shape_fn((240, 9), |(i, j)| pixel(i, j));
        let labels = (0..240).map(|i| i % 2).collect();
        let images = Dataset::new(images, [3, 3], labels, vec!["low".into(), "high".into()]).unwrap();
        let params = Preset::Notebook.params().with_prototypes(Some(2)).with_n_neighbors(3);
        let found = params.calibrate(&images).unwrap();
        assert_ne!(found, params.calibration);
        assert!(found.votes >= 0.0 && found.distance >= 0.0 && found.novel > 0.0, "{found:?}");
        let model = Params { calibration: found, ..params }.fit(&images).unwrap();
        let shares = model.predict_proba(images.images().view()).unwrap();
        let right: f64 =
            shares.outer_iter().zip(images.labels()).map(|(row, &label)| row[label as usize]).sum();
        // One image in twenty cannot be told from the other class.
        assert!((0.85..0.99).contains(&(right / 240.0)), "{right}");
    }
}
