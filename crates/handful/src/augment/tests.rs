use ndarray::{Array2, ArrayView1, s};
use proptest::prelude::*;

use super::*;
use crate::distance::Level;

/// Blobs of ink in the middle of images of this shape, with margins of a third.
fn blobs(n: usize, [height, width]: [usize; 2]) -> Dataset {
    let images = Array2::from_shape_fn((n, height * width), |(i, pixel)| {
        let inside = |at: usize, length: usize| (length / 3..length - length / 3).contains(&at);
        let is_ink = inside(pixel / width, height) && inside(pixel % width, width);
        if is_ink { (100 + 37 * i + 11 * pixel) as u8 | 1 } else { 0 }
    });
    let labels = (0..n as u32).map(|i| i % 3).collect();
    Dataset::new(images, [height, width], labels, ["a", "b", "c"].map(str::to_owned).to_vec()).unwrap()
}

fn still() -> Augmenter {
    Augmenter {
        rotation: 0.0,
        scale: 0.0,
        shear: 0.0,
        translation: 0.0,
        elastic: 0.0,
        ..Augmenter::default()
    }
}

fn mass(image: ArrayView1<u8>) -> f64 {
    image.iter().map(|&pixel| f64::from(pixel)).sum()
}

fn shapes() -> impl Strategy<Value = [usize; 2]> {
    prop_oneof![Just([28, 28]), [1_usize..40, 1_usize..40]]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_row_follows_from_the_seed_its_number_and_its_image_alone(
        shape in shapes(), n in 1_usize..9, seed: u64, start in 0_u64..1 << 40, threads in 1_usize..4,
    ) {
        let data = blobs(n, shape);
        let augmented = Augmenter::default().augment(&data, seed).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let many = pool.install(|| augmented.rows(start..start + 300)).unwrap();
        for i in [0, 1, 127, 128, 299] {
            let row = start + i as u64;
            let source = (row % n as u64) as usize;
            let alone = augmented.rows(row..row + 1).unwrap();
            prop_assert_eq!(many.images().row(i), alone.images().row(0));
            prop_assert_eq!(many.labels()[i], data.labels()[source]);
            // The result does not depend on the other images.
            let mut others = data.images().to_owned();
            (0..n).filter(|&j| j != source).for_each(|j| others.row_mut(j).fill(9));
            let others = data.with_images(others, shape).unwrap();
            let again = Augmenter::default().augment(&others, seed).unwrap().rows(row..row + 1).unwrap();
            prop_assert_eq!(alone, again);
        }
    }

    #[test]
    fn no_deformation_is_no_change(shape in shapes(), n in 1_usize..9, seed: u64) {
        let data = blobs(n, shape);
        let rounds = still().augment(&data, seed).unwrap().rows(0..3 * n as u64).unwrap();
        for round in 0..3 {
            prop_assert_eq!(rounds.images().slice(s![round * n..(round + 1) * n, ..]), data.images());
        }
    }

    #[test]
    fn whatever_the_deformation_no_pixel_is_darker_than_all_were(
        shape in shapes(), rotation in 0.0..180.0, scale in 0.0..0.9, shear in 0.0..2.0, translation in 0.0..1.0,
        elastic in 0.0..1.0, smoothness in 0.02..1.0,
    ) {
        let data = blobs(3, shape);
        let augmenter =
            Augmenter { rotation, scale, shear, translation, elastic, smoothness, distortions: None };
        let rows = augmenter.augment(&data, 0).unwrap().rows(0..90).unwrap();
        for (i, row) in rows.images().outer_iter().enumerate() {
            prop_assert!(row.iter().max() <= data.images().row(i % 3).iter().max());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn distorted_rows_are_the_same_in_any_range_and_for_any_number_of_threads(
        shape in shapes(), seed: u64, start in 0_u64..1 << 40, threads in 1_usize..4,
    ) {
        let distorted = Augmenter { distortions: Some(Distortions::default()), ..Augmenter::default() };
        let distorted = distorted.augment(&blobs(3, shape), seed).unwrap();
        let drawn = Pen::default().digits(seed).unwrap().framed(shape, Distortions::default()).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let rows: [&(dyn Fn(Range<u64>) -> Dataset + Sync); 2] =
            [&|rows| distorted.rows(rows).unwrap(), &|rows| drawn.rows(rows).unwrap()];
        for rows in rows {
            let many = pool.install(|| rows(start..start + 20));
            prop_assert_eq!(many.image_shape(), shape);
            for i in [0, 1, 19] {
                prop_assert_eq!(many.select(&[i]), rows(start + i as u64..start + i as u64 + 1));
            }
        }
    }
}

#[test]
fn originals_are_not_distorted_and_copies_are() {
    let data = blobs(3, [28, 28]);
    let rows = |distortions| {
        let augmenter = Augmenter { distortions, ..still() };
        augmenter.augment(&data, 0).unwrap().rows(0..60).unwrap().images().to_owned()
    };
    let (plain, distorted) = (rows(None), rows(Some(Distortions::default())));
    assert_eq!(distorted.slice(s![..3, ..]), plain.slice(s![..3, ..]));
    assert_ne!(distorted.slice(s![3.., ..]), plain.slice(s![3.., ..]));
    let wrong = Distortions { binary: -1.0, ..Distortions::NONE };
    let error = Augmenter { distortions: Some(wrong), ..still() }.augment(&data, 0).unwrap_err();
    assert_eq!(error.to_string(), "binary is -1: expected a number from 0 to 1");
}

#[test]
fn the_first_round_are_the_originals_and_every_seed_and_round_is_another() {
    let data = blobs(4, [28, 28]);
    let rows = |seed| Augmenter::default().augment(&data, seed).unwrap().rows(0..12).unwrap();
    let (one, two) = (rows(0), rows(1));
    assert_eq!(one.images().slice(s![..4, ..]), data.images());
    assert_eq!(two.images().slice(s![..4, ..]), data.images());
    for i in 4..12 {
        assert_ne!(one.images().row(i), two.images().row(i));
        assert_ne!(one.images().row(i), one.images().row((i + 4) % 12));
    }
}

#[test]
fn ink_is_kept_where_images_are_turned_moved_and_bent() {
    let data = blobs(1, [28, 28]);
    for augmenter in [
        Augmenter { rotation: 40.0, ..still() },
        Augmenter { shear: 0.5, ..still() },
        Augmenter { translation: 0.2, ..still() },
        Augmenter { elastic: 0.03, ..still() },
        Augmenter { scale: 0.0, ..Augmenter::default() },
    ] {
        let rows = augmenter.augment(&data, 3).unwrap().rows(1..401).unwrap();
        let ratio = |row| mass(row) / mass(data.images().row(0));
        let ratios: Vec<f64> = rows.images().outer_iter().map(ratio).collect();
        let mean = ratios.iter().sum::<f64>() / 400.0;
        assert!((0.96..1.04).contains(&mean), "{augmenter:?}: {mean}");
        for ratio in ratios {
            assert!((0.5..1.8).contains(&ratio), "{augmenter:?}: {ratio}");
        }
    }
}

#[test]
fn what_leaves_the_image_does_not_come_back_on_the_other_side() {
    let images = Array2::from_shape_fn((1, 784), |(_, pixel)| if pixel % 28 < 4 { 200 } else { 0 });
    let data = Dataset::new(images, [28, 28], vec![0], vec!["bar".into()]).unwrap();
    let rows = Augmenter { translation: 0.5, ..still() }.augment(&data, 0).unwrap().rows(1..201).unwrap();
    let mut gone = 0;
    for row in rows.images().outer_iter() {
        let columns: Vec<usize> = (0..28).filter(|x| (0..28).any(|y| row[28 * y + x] > 0)).collect();
        let (Some(&first), Some(&last)) = (columns.first(), columns.last()) else {
            gone += 1;
            continue;
        };
        assert!(last - first < 5 && last < 4 + 14, "{columns:?}");
    }
    assert!((40..120).contains(&gone), "{gone} of 200 have left to the left");
}

#[test]
fn elastic_deformation_is_as_strong_as_it_says_and_smooth() {
    for (width, least) in [(0.12, 0.95), (0.5, 0.99)] {
        let smoothing = elastic::Smoothing::new(28, width);
        let n = smoothing.n_points();
        let mut weights = vec![0.0; 28 * n];
        smoothing.spread(Array2::<f32>::eye(n).as_slice().unwrap(), n, &mut weights);
        let weights = Array2::from_shape_vec((28, n), weights).unwrap();
        let covariance = weights.dot(&weights.t());
        for x in 0..28 {
            assert!((covariance[(x, x)] - 1.0).abs() < 1e-5, "noise of variance 1 keeps its variance");
            assert!(x == 0 || covariance[(x, x - 1)] > least, "neighbours move together");
        }
    }
}

#[test]
fn every_level_makes_the_same_bytes() {
    let image = blobs(1, [28, 28]).images().row(0).to_vec();
    let deformer = Deformer::new(&Augmenter::default(), [28, 28]);
    let deformed = |level| {
        let mut out = vec![0; 784 * 50];
        for (stream, out) in (0..).zip(out.chunks_exact_mut(784)) {
            let mut random = RandomNumbers::new(7, stream);
            deformer.deform(Kernel::new(level), &image, &mut random.0, &mut deformer.buffers(), out);
        }
        out
    };
    for &level in Level::ALL.iter().filter(|level| level.is_available()) {
        assert!(deformed(level) == deformed(Level::Scalar), "{level:?}");
    }
}

#[test]
fn parameters_out_of_range_and_no_rows_are_refused() {
    let data = blobs(3, [5, 5]);
    for (augmenter, expected) in [
        (Augmenter { rotation: -1.0, ..still() }, "rotation is -1: expected a number from 0 to 180"),
        (Augmenter { scale: 1.0, ..still() }, "scale is 1: "),
        (Augmenter { shear: f64::NAN, ..still() }, "shear is NaN: "),
        (Augmenter { translation: f64::INFINITY, ..still() }, "translation is inf: "),
        (Augmenter { elastic: 1.5, ..still() }, "elastic is 1.5: "),
        (Augmenter { smoothness: 0.0, ..still() }, "smoothness is 0: expected a number from 0.02 to 1"),
    ] {
        let error = augmenter.augment(&data, 0).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(still().augment(&data, 0).unwrap().rows(7..7).is_err());
}

#[test]
fn the_last_row_that_has_a_number_can_be_made() {
    let augmented = still().augment(&blobs(3, [5, 5]), 0).unwrap();
    assert_eq!(augmented.rows(u64::MAX - 2..u64::MAX).unwrap().n_samples(), 2);
}
