//! Images as pictures in the page.

use handful::Dataset;
use maud::{Markup, html};

use crate::picture;

/// One image, as ink on whatever paper the page has: a pixel's value is its opacity.
pub(super) fn picture(dataset: &Dataset, row: usize, alt: &str) -> Markup {
    ink(&dataset.images().row(row).to_vec(), dataset.image_shape(), alt)
}

/// Pixels, row by row, as [`picture`].
pub(super) fn ink(pixels: &[u8], shape: [usize; 2], alt: &str) -> Markup {
    let [height, width] = shape;
    html! { img.ink src=(picture::ink(pixels, shape)) width=(width) height=(height) alt=(alt); }
}
