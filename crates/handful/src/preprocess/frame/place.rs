//! Puts ink into the frame.

use ndarray::{Array2, ArrayView2};

use super::{
    BOX, Frame,
    blots::EDGE,
    region::Region,
    resize::{enlarge, resize},
};

/// Ink smaller than the box is enlarged by this factor first.
const ENLARGED: usize = 3;

impl Frame {
    /// The ink of a region in the frame.
    pub(super) fn draw(&self, ink: ArrayView2<f32>, region: Region) -> Array2<u8> {
        let longest_of_box = BOX * self.shape[0].max(self.shape[1]) as f64;
        if region.longer_side() as f64 >= longest_of_box {
            return self.place(ink.slice(region.slice()));
        }
        let around = ink.slice(region.with_margin(0.25, [ink.nrows(), ink.ncols()]).slice());
        let larger = enlarge(around, [around.nrows(), around.ncols()].map(|side| ENLARGED * side));
        let region = Region::of(larger.view(), EDGE);
        let region = if region.is_empty() { Region::whole([larger.nrows(), larger.ncols()]) } else { region };
        self.place(larger.slice(region.slice()))
    }

    /// Scales ink into the box and puts its centre of mass into the middle.
    fn place(&self, ink: ArrayView2<f32>) -> Array2<u8> {
        let [height, width] = self.shape;
        let (rows, columns) = ink.dim();
        let scale = (BOX * height as f64 / rows as f64).min(BOX * width as f64 / columns as f64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the frame's sides"
        )]
        let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
        let mut scaled = resize(ink, [side(rows), side(columns)]);
        // Thin strokes fade when they are scaled; the strongest pixel of MNIST's digits has full strength.
        let most = scaled.iter().copied().fold(0.0, f32::max);
        if most > 0.0 {
            scaled.mapv_inplace(|value| (value / most).max(0.0));
        }
        let [top, left] = centred(scaled.view(), self.shape);
        let mut frame = Array2::zeros(self.shape);
        for ((y, x), &value) in scaled.indexed_iter() {
            let at = (top.checked_add_unsigned(y), left.checked_add_unsigned(x));
            if let (Some(y), Some(x)) = at
                && let (Ok(y), Ok(x)) = (usize::try_from(y), usize::try_from(x))
                && let Some(pixel) = frame.get_mut([y, x])
            {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
                let byte = (255.0 * value + 0.5) as u8;
                *pixel = byte;
            }
        }
        frame
    }
}

/// The position of the first row and column that puts the centre of mass into the middle.
fn centred(ink: ArrayView2<f32>, [height, width]: [usize; 2]) -> [isize; 2] {
    let (mut mass, mut y_sum, mut x_sum) = (0.0, 0.0, 0.0);
    for ((y, x), &value) in ink.indexed_iter() {
        let value = f64::from(value);
        mass += value;
        y_sum += value * (y as f64 + 0.5);
        x_sum += value * (x as f64 + 0.5);
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the frame")]
    let first = |middle: usize, sum: f64| (middle as f64 / 2.0 - sum / mass).round() as isize;
    [first(height, y_sum), first(width, x_sum)]
}
