//! Pairs of images that are equal, or nearly so.

use std::collections::HashMap;

use ndarray::ArrayView2;

use super::{
    Error,
    groups::Groups,
    near,
    windows::{Shift, Windows},
};
use crate::{Dataset, distance::Rows, progress::Observer};

/// A pair of images that are equal, or nearly so.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicate {
    /// The images, in order.
    pub rows: [usize; 2],
    /// Rows and columns by which the second image is moved, down and to the right.
    pub shift: [isize; 2],
    /// The root mean square of the differences of their pixels, in grey levels; where one is moved, without the pixels
    /// that have no counterpart.
    pub distance: f64,
    /// Whether all pixels are equal.
    pub is_exact: bool,
}

/// All pairs, and the groups that they connect.
pub(super) fn find(images: &Dataset, observer: &Observer) -> Result<(Vec<Duplicate>, Groups), Error> {
    let rows = Rows::new(images.images().view());
    let mut groups = Groups::new(images.n_samples());
    let mut found = exact(rows);
    for pair in &found {
        groups.join(pair.rows[0], pair.rows[1]);
    }
    // Of equal images, the first is compared with others.
    let first: Vec<usize> = (0..images.n_samples()).filter(|&row| groups.first(row) == row).collect();
    let distinct = images.images().select(ndarray::Axis(0), &first);
    let windows = Windows::new(distinct.view(), images.image_shape());
    let mut near: Vec<Duplicate> = near::find(&windows, observer)?
        .into_iter()
        .map(|(pair, shift)| {
            let rows = pair.map(|i| first[i]);
            let distance = root_mean_square(images, rows, shift);
            Duplicate { rows, shift, distance, is_exact: false }
        })
        .collect();
    near.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.rows.cmp(&b.rows)));
    for pair in &near {
        groups.join(pair.rows[0], pair.rows[1]);
    }
    found.append(&mut near);
    Ok((found, groups))
}

/// Each image that is equal to an earlier one, with the first of these.
fn exact(rows: Rows<u8>) -> Vec<Duplicate> {
    let mut first_of: HashMap<&[u8], usize> = HashMap::with_capacity(rows.nrows());
    let mut found = Vec::new();
    for (row, pixels) in rows.iter().enumerate() {
        let first = *first_of.entry(pixels).or_insert(row);
        if first < row {
            found.push(Duplicate { rows: [first, row], shift: [0, 0], distance: 0.0, is_exact: true });
        }
    }
    found
}

/// The root mean square difference of an image and a copy that was moved by `shift`, where both have pixels.
fn root_mean_square(images: &Dataset, [first, second]: [usize; 2], shift: Shift) -> f64 {
    let image = |row: usize| {
        let shape = images.image_shape();
        let pixels = images.images().row(row).to_slice().expect("rows are contiguous");
        ArrayView2::from_shape((shape[0], shape[1]), pixels).expect("as many pixels")
    };
    let (first, second) = (image(first), image(second));
    let [down, right] = shift;
    let (mut sum, mut n) = (0_u64, 0_u64);
    for ((y, x), &pixel) in first.indexed_iter() {
        let to = y.checked_add_signed(down).zip(x.checked_add_signed(right));
        if let Some(&other) = to.and_then(|to| second.get(to)) {
            sum += u64::from(pixel.abs_diff(other)).pow(2);
            n += 1;
        }
    }
    (sum as f64 / n as f64).sqrt()
}
