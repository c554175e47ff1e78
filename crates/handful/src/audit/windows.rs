//! The middle of images, at one of several shifts.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::distance::Rows;

/// Images with a shorter side are not shifted: a pixel is a large part of them.
const LEAST_SIDE: usize = 16;

/// Rows and columns by which a copy was moved, down and to the right.
pub(super) type Shift = [isize; 2];

/// Images of which all but the outermost pixels are compared. After a shift by a pixel, the others have no counterpart.
pub(super) struct Windows<'a> {
    images: Rows<'a, u8>,
    shape: [usize; 2],
}

impl<'a> Windows<'a> {
    pub(super) fn new(images: ArrayView2<'a, u8>, shape: [usize; 2]) -> Self {
        Self { images: Rows::new(images), shape }
    }

    fn can_shift(&self) -> bool {
        self.shape.iter().all(|&side| side >= LEAST_SIDE)
    }

    /// No shift, and one of each two that are opposite: if a copy was moved up, its original was moved down.
    pub(super) fn shifts(&self) -> &'static [Shift] {
        const ALL: [Shift; 5] = [[0, 0], [0, 1], [1, -1], [1, 0], [1, 1]];
        if self.can_shift() { &ALL } else { &ALL[..1] }
    }

    /// For all images, the part that a copy which was moved by the opposite of `shift` has in its middle.
    pub(super) fn at(&self, shift: Shift) -> Array2<u8> {
        if !self.can_shift() {
            return self.images.view().to_owned();
        }
        let [height, width] = self.shape.map(|side| side - 2);
        let [top, left] = shift.map(|by| 1_usize.checked_add_signed(by).expect("at most one pixel"));
        let mut windows = Array2::zeros((self.images.nrows(), height * width));
        windows.outer_iter_mut().into_par_iter().zip(self.images.par_iter()).for_each(
            |(mut window, image)| {
                let window = window.as_slice_mut().expect("rows are contiguous");
                let rows = image.chunks_exact(self.shape[1]).skip(top);
                for (to, from) in window.chunks_exact_mut(width).zip(rows) {
                    to.copy_from_slice(&from[left..left + width]);
                }
            },
        );
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(i: usize, [height, width]: [usize; 2]) -> Vec<u8> {
        (0..height * width).map(|pixel| (pixel * pixel * (i + 3) % 251) as u8).collect()
    }

    #[test]
    fn the_window_of_a_moved_copy_is_that_of_the_original_at_the_opposite_shift() {
        let [height, width] = [17, 20];
        let original = image(0, [height, width]);
        let pixel = |y: usize, x: usize, [down, right]: Shift| {
            let from = y.checked_add_signed(down).zip(x.checked_add_signed(right));
            from.filter(|&(y, x)| y < height && x < width).map_or(0, |(y, x)| original[y * width + x])
        };
        for shift in [[0, 0], [0, 1], [1, -1], [1, 0], [1, 1]] {
            let moved = (0..height * width).map(|i| pixel(i / width, i % width, shift));
            let both: Vec<u8> = original.iter().copied().chain(moved).collect();
            let both = Array2::from_shape_vec((2, height * width), both).unwrap();
            let windows = Windows::new(both.view(), [height, width]);
            assert!(windows.shifts().contains(&shift));
            assert_eq!(windows.at(shift).row(0), windows.at([0, 0]).row(1), "{shift:?}");
        }
    }

    #[test]
    fn small_images_are_compared_as_they_are() {
        let original = image(1, [15, 40]);
        let windows = Windows::new(ArrayView2::from_shape((1, 600), &original).unwrap(), [15, 40]);
        assert_eq!(windows.shifts(), [[0, 0]]);
        assert_eq!(windows.at([0, 0]).row(0).to_vec(), original);
    }
}
