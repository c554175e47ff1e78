//! The width of strokes, and widening or narrowing them.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut1};

/// The mean width of strokes in pixels: their area over half the length of their outline, which is the total variation.
pub(crate) fn mean_width(ink: ArrayView2<f32>) -> f64 {
    let (mut area, mut outline) = (0.0, 0.0);
    let at = |y: usize, x: usize| ink.get([y, x]).copied().map_or(0.0, f64::from);
    for ((y, x), &value) in ink.indexed_iter() {
        let value = f64::from(value);
        area += value;
        outline += (value - at(y, x + 1)).hypot(value - at(y + 1, x));
    }
    if outline == 0.0 { 0.0 } else { 2.0 * area / outline }
}

/// Widens strokes by a radius in pixels on both sides: grey dilation with a square.
pub(crate) fn widened(ink: ArrayView2<f32>, radius: usize) -> Array2<f32> {
    filtered(ink, radius, f32::max)
}

/// Narrows strokes by a radius in pixels on both sides: grey erosion with a square.
pub(crate) fn narrowed(ink: ArrayView2<f32>, radius: usize) -> Array2<f32> {
    filtered(ink, radius, f32::min)
}

fn filtered(ink: ArrayView2<f32>, radius: usize, pick: fn(f32, f32) -> f32) -> Array2<f32> {
    let mut across = ink.to_owned();
    for (row, out) in ink.outer_iter().zip(across.outer_iter_mut()) {
        filter_line(row, out, radius, pick);
    }
    let mut filtered = across.clone();
    for (column, out) in across.columns().into_iter().zip(filtered.columns_mut()) {
        filter_line(column, out, radius, pick);
    }
    filtered
}

fn filter_line(line: ArrayView1<f32>, mut out: ArrayViewMut1<f32>, radius: usize, pick: fn(f32, f32) -> f32) {
    for (x, out) in out.iter_mut().enumerate() {
        let window = x.saturating_sub(radius)..(x + radius + 1).min(line.len());
        *out = window.map(|x| line[x]).fold(*out, pick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(width: usize) -> Array2<f32> {
        let half = width / 2;
        Array2::from_shape_fn((60, 31), |(_, x)| if x.abs_diff(15) <= half { 1.0 } else { 0.0 })
    }

    #[test]
    fn a_bar_is_as_wide_as_it_is_and_becomes_wider_and_narrower() {
        for width in [3, 5, 9] {
            assert!((mean_width(bar(width).view()) - width as f64).abs() < 0.1 * width as f64, "{width}");
            assert_eq!(widened(bar(width).view(), 2), bar(width + 4));
            assert_eq!(narrowed(bar(width).view(), 1), bar(width - 2));
        }
        assert!(mean_width(Array2::zeros((4, 4)).view()) < 1e-9);
    }
}
