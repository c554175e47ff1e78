//! Removes slant, position and size by the moments of the ink.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use serde::{Deserialize, Serialize};

use crate::{
    distance::{CONTIGUOUS, Kernel, Rows, vectorize},
    step::{Step, check_number, to_byte, transform},
};

/// Standard deviations of the ink of normalised digits, relative to the frame's height and width. They are slightly
/// larger than MNIST's own mean, so that most digits grow.
const HEIGHT: f64 = 5.2 / 28.0;
const WIDTH: f64 = 3.6 / 28.0;
/// Minimum variance from which a size can be estimated, and limits of the scaling.
const LEAST_VARIANCE: f64 = 0.25;
const HEIGHT_LIMITS: (f64, f64) = (0.7, 1.3);
const WIDTH_LIMITS: (f64, f64) = (0.6, 1.3);

/// 2⁵²: doubles from here to twice this value are whole, and their lowest bits are those of the whole number.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// Shears an image so that its ink is upright (`LeCun` et al. 1998), and moves its centre of mass to the middle of the
/// frame. With [`normalize`](Self::normalize) it also scales the ink part of the way to a common size.
///
/// A single bilinear resampling does all of this, and pixels from outside the frame are empty. An image without ink
/// does not change. O(pixels).
///
/// ```
/// use handful::preprocess::Deskew;
/// use ndarray::array;
///
/// // A slanted stroke becomes a vertical one, in the middle.
/// let image = array![[0_u8, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]];
/// let upright = Deskew::new().transform(image.view(), [5, 5]);
/// assert_eq!(upright, array![[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deskew {
    normalize: f64,
}

impl Deskew {
    /// Removes only slant and position.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far height and width are scaled to a common size: 0 not at all (unless set), 1 completely, within limits
    /// (0.7 to 1.3 times the height, 0.6 to 1.3 times the width).
    #[must_use]
    pub fn normalize(self, power: f64) -> Self {
        Self { normalize: power }
    }

    /// Checks the values as far as that is possible without the images.
    pub(crate) fn check(self) -> Result<(), String> {
        check_number("normalize", self.normalize, Some(1.0))
    }

    /// The deskewed images, shape (n, height · width) as before; `shape` is `[height, width]`.
    ///
    /// # Panics
    /// If the length of the rows does not match that shape.
    #[must_use]
    pub fn transform(&self, images: ArrayView2<u8>, shape: [usize; 2]) -> Array2<u8> {
        assert_eq!(images.ncols(), shape[0] * shape[1], "images of {} x {} pixels", shape[0], shape[1]);
        transform(&Framed { deskew: *self, shape }, images)
    }
}

/// Deskewing for images of a given shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framed {
    pub(crate) deskew: Deskew,
    pub(crate) shape: [usize; 2],
}

impl Step for Framed {
    fn n_features_out(&self) -> usize {
        self.shape[0] * self.shape[1]
    }

    fn run(&self, x: ArrayView2<u8>, mut out: ArrayViewMut2<u8>) {
        let mut buffers = Buffers::new(self.shape[1]);
        for (image, mut out) in Rows::new(x).iter().zip(out.outer_iter_mut()) {
            let out = out.as_slice_mut().expect(CONTIGUOUS);
            vectorize!(
                Kernel::detect(),
                match Place::of(image, self.shape, self.deskew.normalize) {
                    Some(place) => place.resample(image, self.shape, &mut buffers, out),
                    None => out.copy_from_slice(image),
                }
            );
        }
    }
}

/// Memory that is reused for all images.
struct Buffers {
    /// A row between margins of zeros.
    line: Vec<f32>,
    /// For each column of the deskewed image, its source column without the shear.
    columns: Vec<f64>,
    /// For each column of a row: the pixel of `line` to the left of its source, the weight of the pixel to the right,
    /// and both pixels.
    firsts: Vec<u32>,
    parts: Vec<f32>,
    pairs: Vec<[f32; 2]>,
}

impl Buffers {
    fn new(width: usize) -> Self {
        Self {
            line: vec![0.0; 3 * width + 4],
            columns: vec![0.0; width],
            firsts: vec![0; width],
            parts: vec![0.0; width],
            pairs: vec![[0.0; 2]; width],
        }
    }
}

/// The source of the deskewed image: the middle of the frame is at (`x`, `y`). A step down is `down` rows and `shear`
/// times as many columns; a step to the right is `right` columns.
#[derive(Clone, Copy, Debug)]
struct Place {
    x: f64,
    y: f64,
    shear: f64,
    down: f64,
    right: f64,
}

#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
impl Place {
    /// `None` if there is no ink.
    #[inline(always)]
    fn of(image: &[u8], shape: [usize; 2], normalize: f64) -> Option<Self> {
        let [height, width] = shape;
        // Whole numbers, so the order of summation does not matter.
        let (mut mass, mut x, mut y, mut xx, mut xy, mut yy) = (0, 0, 0, 0, 0, 0);
        for (r, row) in (0_u64..).zip(image.chunks_exact(width)) {
            let (mut sum, mut first, mut second) = (0_u64, 0_u64, 0_u64);
            for (c, &ink) in (0_u32..).zip(row) {
                let moment = c * u32::from(ink);
                sum += u64::from(ink);
                first += u64::from(moment);
                second += u64::from(moment) * u64::from(c);
            }
            mass += sum;
            x += first;
            xx += second;
            y += r * sum;
            xy += r * first;
            yy += r * r * sum;
        }
        if mass == 0 {
            return None;
        }
        let per_mass = |sum: u64| sum as f64 / mass as f64;
        let (x, y) = (per_mass(x), per_mass(y));
        let (xx, xy, yy) = (per_mass(xx) - x * x, per_mass(xy) - x * y, per_mass(yy) - y * y);
        let shear = if yy > 1e-9 { xy / yy } else { 0.0 };
        let (mut down, mut right) = (1.0, 1.0);
        if normalize != 0.0 {
            let scale = |variance: f64, part: f64, length: usize, limits: (f64, f64)| {
                let deviation = variance.max(LEAST_VARIANCE).sqrt();
                libm::pow(deviation / (part * length as f64), normalize).clamp(limits.0, limits.1)
            };
            down = scale(yy, HEIGHT, height, HEIGHT_LIMITS);
            right = scale(xx - shear * xy, WIDTH, width, WIDTH_LIMITS);
        }
        Some(Self { x, y, shear, down, right })
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "pixels, and places clamped to the frame")]
    #[expect(clippy::cast_sign_loss, reason = "as above")]
    fn resample(self, image: &[u8], shape: [usize; 2], buffers: &mut Buffers, out: &mut [u8]) {
        let [height, width] = shape;
        let middle = |length: usize| (length as f64 - 1.0) / 2.0;
        let margin = width + 2;
        let Buffers { line, columns, firsts, parts, pairs } = buffers;
        for (c, column) in (0_u32..).zip(&mut *columns) {
            *column = self.x + (f64::from(c) - middle(width)) * self.right;
        }
        for (r, out) in out.chunks_exact_mut(width).enumerate() {
            let step = (r as f64 - middle(height)) * self.down;
            let row = (self.y + step).clamp(-1.0, height as f64);
            let upper = row.floor();
            let (lower_part, upper) = ((row - upper) as f32, upper as isize);
            let pixels = |row: isize| {
                let inside = usize::try_from(row).ok().filter(|&row| row < height);
                inside.map(|row| &image[row * width..][..width])
            };
            let between = &mut line[margin..margin + width];
            match (pixels(upper), pixels(upper + 1)) {
                (None, None) => {
                    out.fill(0);
                    continue;
                }
                (Some(one), None) => blend(between, one, 1.0 - lower_part),
                (None, Some(one)) => blend(between, one, lower_part),
                (Some(upper), Some(lower)) => {
                    for (to, (&upper, &lower)) in between.iter_mut().zip(upper.iter().zip(lower)) {
                        *to = f32::from(upper) * (1.0 - lower_part) + f32::from(lower) * lower_part;
                    }
                }
            }
            let shift = self.shear * step;
            #[expect(clippy::float_cmp, reason = "1 is set, or the result of a clamp")]
            let is_sheared_only = self.right == 1.0;
            if is_sheared_only {
                // The fraction is the same for the whole row.
                let column = columns[0] + shift;
                let (first, right_part) = (column.floor(), (column - column.floor()) as f32);
                let first = first.clamp(-(margin as f64), width as f64) as isize + margin.cast_signed();
                let line = &line[first as usize..][..=width];
                for (out, pair) in out.iter_mut().zip(line.windows(2)) {
                    *out = to_byte(pair[0] * (1.0 - right_part) + pair[1] * right_part);
                }
            } else {
                // Where, what and how much, one after the other: all but what is done side by side.
                for (column, (to, part)) in columns.iter().zip(firsts.iter_mut().zip(&mut *parts)) {
                    let column = column + shift;
                    let first = column.floor();
                    *part = (column - first) as f32;
                    *to = (first.max(-2.0).min(width as f64) + margin as f64 + WHOLE).to_bits() as u32;
                }
                for (pair, &first) in pairs.iter_mut().zip(&*firsts) {
                    pair.copy_from_slice(&line[first as usize..][..2]);
                }
                for (out, (pair, right_part)) in out.iter_mut().zip(pairs.iter().zip(&*parts)) {
                    *out = to_byte(pair[0] * (1.0 - right_part) + pair[1] * right_part);
                }
            }
        }
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn blend(to: &mut [f32], row: &[u8], part: f32) {
    to.iter_mut().zip(row).for_each(|(to, &pixel)| *to = f32::from(pixel) * part);
}
