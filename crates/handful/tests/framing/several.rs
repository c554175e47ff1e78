//! Pictures of several digits are recognised, and pictures of one are not taken for several.

use std::path::Path;

use handful::{
    classifier::Preset,
    dataset::{self, Split},
    preprocess::Framing,
};
use ndarray::{Array2, ArrayView2, s};

const PAPER: u8 = 235;

/// Digits beside each other, `gap` pixels apart, in dark ink on grey paper, three times as large.
fn page(digits: &[ArrayView2<u8>], gap: usize) -> Array2<u8> {
    let cut = |digit: &ArrayView2<u8>| {
        let has_ink = |&x: &usize| digit.column(x).iter().any(|&value| value > 60);
        let first = (0..28).find(has_ink).unwrap_or(0);
        let last = (0..28).rev().find(has_ink).unwrap_or(27);
        digit.slice(s![.., first..=last]).to_owned()
    };
    let cut: Vec<Array2<u8>> = digits.iter().map(cut).collect();
    let width = 30 + cut.iter().map(|digit| digit.ncols() + gap).sum::<usize>();
    let (mut page, mut left) = (Array2::from_elem((48, width), PAPER), 15);
    for digit in cut {
        for ((y, x), &value) in digit.indexed_iter() {
            page[[y + 10, left + x]] =
                PAPER - u8::try_from(u16::from(value) * 200 / 255).expect("at most 200");
        }
        left += digit.ncols() + gap;
    }
    Array2::from_shape_fn((3 * page.nrows(), 3 * page.ncols()), |(y, x)| page[[y / 3, x / 3]])
}

#[test]
#[expect(clippy::print_stdout, reason = "docs/data.md gives these figures")]
fn digits_that_do_not_touch_are_counted() {
    let mnist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist");
    let images = dataset::load_images(&mnist, Split::Test).expect("MNIST").pixels;
    let image = |row: usize| images.row(row).into_shape_with_order((28, 28)).expect("28 x 28");
    let model = std::sync::Arc::new(Preset::Everyday.trained().expect("a preset"));
    let framer = model.framer(Framing::Auto);
    let n_digits = |page: Array2<u8>| framer.frame_counted(page.view()).expect("any size").1;
    let pairs = (0..500).filter(|i| n_digits(page(&[image(2 * i), image(2 * i + 7)], 6)) == 2).count();
    let singles = (0..500).filter(|&i| n_digits(page(&[image(i)], 6)) > 1).count();
    println!("{pairs} of 500 pairs are counted as two, and {singles} of 500 single digits as several");
    assert!(pairs >= 480 && singles == 0, "{pairs} pairs, {singles} single digits");
    assert_eq!(n_digits(Array2::from_elem((50, 50), PAPER)), 0);
}
