//! Pictures of a digit anywhere, of any size and on any paper, made like the images of MNIST.
//!
//! MNIST's digits were scaled into a box of 20 x 20 pixels, antialiased, and put into a frame of 28 x 28 with their
//! centre of mass in its middle (`LeCun` et al. 1998). Before that, paper has to be told from ink.

mod ink;
mod resize;

use ndarray::{Array2, ArrayView2};

use ink::{Box2, EDGE, Ink};
use resize::{enlarge, resize};

/// The box's part of the frame.
const BOX: f64 = 20.0 / 28.0;
/// Pictures are looked at in about this size, which is enough for a stroke to be some pixels wide.
const WORKING_SIDE: usize = 140;
/// A digit that takes less of what was looked at is looked at again, from nearby.
const SMALL_PART: f64 = 0.45;
/// Ink smaller than the box is looked at so many times as large.
const ENLARGED: usize = 3;

/// Puts a picture's ink into a frame as MNIST's digits are: light on dark, in a box of 5/7 of the frame's sides,
/// centred by mass.
///
/// ```
/// use handful::preprocess::Frame;
/// use ndarray::Array2;
///
/// // A black bar on grey paper, in the corner of a picture.
/// let picture = Array2::from_shape_fn((90, 120), |(y, x)| if x < 60 && y < 12 { 10 } else { 180 });
/// let image = Frame::new([28, 28]).fit(picture.view());
/// assert_eq!(image.dim(), (28, 28));
/// assert_eq!((image[[14, 14]], image[[14, 2]], image[[24, 14]]), (255, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    shape: [usize; 2],
}

impl Frame {
    /// Of `[height, width]` pixels.
    #[must_use]
    pub fn new(shape: [usize; 2]) -> Self {
        Self { shape }
    }

    /// The picture's ink in the frame, shape (height, width); blank where there is none. `picture` is grey, 255 is
    /// white; which of both is ink is found out.
    ///
    /// Takes time in proportion to the picture's pixels.
    #[must_use]
    pub fn fit(&self, picture: ArrayView2<u8>) -> Array2<u8> {
        let Some(mut found) = look(picture) else { return Array2::zeros(self.shape) };
        let (height, width) = picture.dim();
        let part = (found.place.height() / height as f64).max(found.place.width() / width as f64);
        if part < SMALL_PART && height.max(width) > WORKING_SIDE {
            let nearby = picture.slice(found.place.with_margin(0.3, [height, width]).slice());
            found = look(nearby).unwrap_or(found);
        }
        let Ink { values, bounds } = found.ink;
        let longest_of_box = BOX * self.shape[0].max(self.shape[1]) as f64;
        if bounds.height().max(bounds.width()) >= longest_of_box {
            return self.place(values.slice(bounds.slice()));
        }
        let around = values.slice(bounds.with_margin(0.25, [values.nrows(), values.ncols()]).slice());
        let larger = enlarge(around, [around.nrows(), around.ncols()].map(|side| ENLARGED * side));
        self.place(cropped(larger.view()))
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
        // Thin strokes fade when they are scaled; the darkest place of MNIST's digits is black.
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

/// Without paper around it.
fn cropped(ink: ArrayView2<f32>) -> ArrayView2<f32> {
    let mut bounds = Box2::new();
    ink.indexed_iter().filter(|(_, value)| **value >= EDGE).for_each(|(place, _)| bounds.add(place));
    if bounds.bottom == 0 { ink } else { ink.slice_move(bounds.slice()) }
}

/// Where the first row and column belong for the centre of mass to be in the middle.
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

/// What is ink in a picture, in a size that is quick to look at.
struct Found {
    ink: Ink,
    /// Where it is in the picture.
    place: Box2,
}

fn look(picture: ArrayView2<u8>) -> Option<Found> {
    let (height, width) = picture.dim();
    if picture.is_empty() {
        return None;
    }
    let reduction = (height.max(width) as f64 / WORKING_SIDE as f64).max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "smaller than before")]
    let side = |length: usize| ((length as f64 / reduction).round() as usize).max(1);
    let mut reduced = picture.mapv(f32::from);
    if reduction > 1.0 {
        reduced = resize(reduced.view(), [side(height), side(width)]);
    }
    let ink = Ink::find(reduced)?;
    let scale = [height as f64 / ink.values.nrows() as f64, width as f64 / ink.values.ncols() as f64];
    Some(Found { place: ink.bounds.scaled(scale), ink })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thick L, 20 pixels high and 12 wide, where it is put.
    fn picture([height, width]: [usize; 2], [top, left]: [usize; 2], paper: u8, ink: u8) -> Array2<u8> {
        Array2::from_shape_fn((height, width), |(y, x)| {
            let (y, x) = (y.wrapping_sub(top), x.wrapping_sub(left));
            let is_ink = y < 20 && x < 12 && (x < 4 || y >= 16);
            if is_ink { ink } else { paper }
        })
    }

    #[test]
    fn an_image_in_its_frame_stays_as_it_is() {
        let framed = Frame::new([28, 28]).fit(picture([28, 28], [3, 11], 0, 255).view());
        assert_eq!(Frame::new([28, 28]).fit(framed.view()), framed);
        assert_eq!(framed.iter().filter(|&&value| value == 255).count(), 4 * 20 + 4 * 8);
    }

    #[test]
    fn place_and_paper_make_no_difference() {
        let expected = Frame::new([28, 28]).fit(picture([28, 28], [3, 11], 0, 255).view());
        for (shape, place, paper, ink) in [
            ([28, 28], [8, 16], 0, 255),
            ([60, 90], [2, 70], 255, 0),
            ([40, 40], [20, 0], 120, 30),
            ([40, 40], [0, 28], 40, 200),
        ] {
            let found = Frame::new([28, 28]).fit(picture(shape, place, paper, ink).view());
            assert_eq!(found, expected, "{shape:?}, {place:?}");
        }
    }

    #[test]
    fn specks_and_light_make_none_either() {
        let expected = Frame::new([28, 28]).fit(picture([28, 28], [3, 11], 0, 255).view());
        let mut lit = picture([64, 64], [10, 20], 0, 255);
        for ((y, x), value) in lit.indexed_iter_mut() {
            *value = 230 - (y + x) as u8 - *value / 3;
        }
        lit[[60, 60]] = 20;
        lit[[50, 3]] = 20;
        let found = Frame::new([28, 28]).fit(lit.view());
        let far = found.iter().zip(&expected).filter(|(a, b)| a.abs_diff(**b) > 40).count();
        assert!(far < 8, "{far} pixels differ");
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        for shape in [(1, 1), (1, 50), (28, 28), (300, 200), (0, 5), (0, 0)] {
            for value in [0, 128, 255] {
                let blank = Frame::new([28, 28]).fit(Array2::from_elem(shape, value).view());
                assert_eq!(blank.sum(), 0, "{shape:?}");
            }
        }
        let dot = Array2::from_shape_fn((5, 5), |place| if place == (2, 2) { 255 } else { 0 });
        assert!(Frame::new([28, 28]).fit(dot.view()).iter().any(|&value| value == 255));
    }
}
