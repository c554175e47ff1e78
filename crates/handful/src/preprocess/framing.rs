//! Decides whether a picture is put into the frame, and how.

use std::{fmt::Debug, sync::Arc};

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::frame::{BOX, Candidate, Frame, Look, looks};

/// When pictures are put into the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Unless they are framed already: they have the frame's size, and their ink is light on black, as large as in the
    /// frame, and centred. Rows of numbers, as opposed to pictures, are assumed to be framed, unless a model that judges
    /// pictures says otherwise.
    #[default]
    Auto,
    /// All of them, including rows of numbers.
    Always,
    /// None of them: pictures must have the frame's size.
    Never,
}

/// Chooses among several ways to frame a picture, by how much each image looks like a digit.
pub trait Judge: Debug + Send + Sync {
    /// For each image, shape (n, height * width), how unlike a digit it is; a value of up to 1 is accepted as a digit.
    /// It returns n values.
    fn strangeness(&self, images: ArrayView2<u8>) -> Vec<f64>;

    /// Whether rows of numbers, too, are to be framed unless they look framed: see [`Framing::Auto`].
    fn frames_data(&self) -> bool {
        false
    }
}

/// Turns pictures into images of one shape.
///
/// Several ways to frame a picture can be plausible: dark or light ink, with or without what may be a line. They are
/// ordered by evidence. In the framer of a model ([`Model::framer`](crate::classifier::Model::framer)), the model rates
/// how strange each resulting image is, and this is weighed against the evidence. Otherwise the evidence alone decides.
///
/// ```
/// use handful::preprocess::{Framer, Framing};
/// use ndarray::Array2;
///
/// let framer = Framer::new([28, 28], Framing::Auto);
/// // A black bar in the corner of white paper.
/// let picture = Array2::from_shape_fn((90, 120), |(y, x)| if x < 60 && y < 12 { 0 } else { 255 });
/// let image = framer.frame(picture.view()).expect("pictures of any size can be framed");
/// assert_eq!((image.dim(), image[[14, 14]]), ((28, 28), 255));
/// // An image in its frame stays as it is.
/// assert_eq!(framer.frame(image.view()), Some(image));
/// ```
#[derive(Clone, Debug)]
pub struct Framer {
    shape: [usize; 2],
    framing: Framing,
    judge: Option<Arc<dyn Judge>>,
}

/// If the best image is stranger than this, which means that it is nearly rejected, more ways to frame the picture are
/// tried.
const DOUBTFUL: f64 = 0.95;
/// A difference in doubt of this much counts as much as a strangeness of 1. A larger difference counts no more.
const DECISIVE: f32 = 8.0;
/// Doubt about leaving a picture as it is although it does not look framed.
const DOUBT_UNFRAMED: f32 = 4.0;

impl Framer {
    /// A framer for images of `[height, width]` pixels.
    #[must_use]
    pub fn new(shape: [usize; 2], framing: Framing) -> Self {
        Self { shape, framing, judge: None }
    }

    /// The same framer with a judge.
    #[doc(hidden)]
    #[must_use]
    pub fn judged_by(self, judge: Arc<dyn Judge>) -> Self {
        Self { judge: Some(judge), ..self }
    }

    /// The image of a picture, which is grey and of any size; 255 is white. It is blank (all zeros) if there is no ink.
    /// `None` if the picture is to stay as it is but has the wrong size.
    ///
    /// Takes time proportional to the number of pixels of the picture.
    #[must_use]
    pub fn frame(&self, picture: ArrayView2<u8>) -> Option<Array2<u8>> {
        self.as_it_is(picture).unwrap_or_else(|| Some(self.choose(&looks(picture), picture)))
    }

    /// The [`frame`](Self::frame) of a picture, and the number of digits in the picture: of parts that lie apart and each look
    /// like a digit, if the framer has a judge, and they look more like digits than all of them together; otherwise 1.
    /// 0 if there is no ink.
    #[doc(hidden)]
    #[must_use]
    pub fn frame_counted(&self, picture: ArrayView2<u8>) -> Option<(Array2<u8>, usize)> {
        let is_blank = |image: &Array2<u8>| image.iter().all(|&value| value == 0);
        if let Some(as_it_is) = self.as_it_is(picture) {
            return as_it_is.map(|image| {
                let n_digits = usize::from(!is_blank(&image));
                (image, n_digits)
            });
        }
        let seen = looks(picture);
        let image = self.choose(&seen, picture);
        let n_digits = if is_blank(&image) { 0 } else { self.n_digits(&seen, picture) };
        Some((image, n_digits))
    }

    /// The picture, if it is to stay as it is; an inner `None` if it then has the wrong size.
    #[expect(clippy::option_option, reason = "the outer one asks for a frame")]
    fn as_it_is(&self, picture: ArrayView2<u8>) -> Option<Option<Array2<u8>>> {
        let has_shape = picture.dim() == (self.shape[0], self.shape[1]);
        match self.framing {
            Framing::Never => Some(has_shape.then(|| picture.to_owned())),
            Framing::Auto if has_shape && is_framed(picture) => Some(Some(picture.to_owned())),
            _ => None,
        }
    }

    fn n_digits(&self, seen: &[Look], picture: ArrayView2<u8>) -> usize {
        let Some(judge) = &self.judge else { return 1 };
        let images = Frame::new(self.shape).parts(seen, picture);
        let n = images.len();
        if n == 0 {
            return 1;
        }
        let pixels: Vec<u8> = images.into_iter().flatten().collect();
        let images =
            ArrayView2::from_shape((n, self.shape[0] * self.shape[1]), &pixels).expect("images of one shape");
        let strangeness = judge.strangeness(images);
        let Some((whole, parts)) = strangeness.split_last() else { return 1 };
        let mut digits: Vec<f64> = parts.iter().copied().filter(|&part| part <= 1.0).collect();
        digits.sort_by(f64::total_cmp);
        // The second must be one, too.
        if digits.get(1).is_some_and(|second| second < whole) { digits.len() } else { 1 }
    }

    fn choose(&self, seen: &[Look], picture: ArrayView2<u8>) -> Array2<u8> {
        let frame = Frame::new(self.shape);
        let Some(judge) = &self.judge else {
            let best = frame.candidates(&seen[..seen.len().min(1)], picture).pop();
            return best.map_or_else(|| Array2::zeros(self.shape), |best| best.image);
        };
        let mut candidates = frame.candidates(seen, picture);
        let Some(least) = candidates.first().map(|candidate| candidate.doubt) else {
            return Array2::zeros(self.shape);
        };
        if picture.dim() == (self.shape[0], self.shape[1])
            && self.framing == Framing::Auto
            && has_dark_border(picture)
        {
            candidates.push(Candidate { image: picture.to_owned(), doubt: least + DOUBT_UNFRAMED });
        }
        let mut best = Verdict::best(judge.as_ref(), candidates, least);
        if best.strangeness > DOUBTFUL {
            let variations = frame.variations(seen, picture);
            if !variations.is_empty() {
                let other = Verdict::best(judge.as_ref(), variations, least);
                if other.cost < best.cost {
                    best = other;
                }
            }
        }
        best.image
    }
}

struct Verdict {
    image: Array2<u8>,
    strangeness: f64,
    /// Strangeness and evidence together.
    cost: f64,
}

impl Verdict {
    /// The best of some candidates, of which there must be at least one. `least` is the doubt about the most plausible
    /// of all.
    fn best(judge: &dyn Judge, candidates: Vec<Candidate>, least: f32) -> Self {
        let n_pixels = candidates[0].image.len();
        let pixels: Vec<u8> =
            candidates.iter().flat_map(|candidate| candidate.image.iter().copied()).collect();
        let images =
            ArrayView2::from_shape((candidates.len(), n_pixels), &pixels).expect("images of one shape");
        let verdict = |(candidate, strangeness): (Candidate, f64)| {
            let evidence = ((candidate.doubt - least) / DECISIVE).min(1.0);
            Self { image: candidate.image, strangeness, cost: strangeness + f64::from(evidence) }
        };
        let verdicts = candidates.into_iter().zip(judge.strangeness(images)).map(verdict);
        verdicts.min_by(|a, b| a.cost.total_cmp(&b.cost)).expect("at least one candidate")
    }
}

/// Grey values up to this are black.
const BLACK: u8 = 8;
/// Values from this on are ink of full strength somewhere in every framed digit.
const BRIGHT: u8 = 128;
/// Values from this on belong to the digit's box.
const IN_BOX: u8 = 16;

/// Whether an image looks like those of MNIST: light ink on black, whose longer side is that of the box, and whose
/// centre of mass is in the middle. This holds for all 70,000 images of MNIST.
fn is_framed(image: ArrayView2<u8>) -> bool {
    let (height, width) = image.dim();
    let n_black = image.iter().filter(|&&value| value <= BLACK).count();
    if 2 * n_black < image.len() || image.iter().all(|&value| value < BRIGHT) {
        return false;
    }
    let has_ink = |line: ArrayView1<u8>| line.iter().any(|&value| value >= IN_BOX);
    let rows: Vec<usize> = (0..height).filter(|&y| has_ink(image.row(y))).collect();
    let columns: Vec<usize> = (0..width).filter(|&x| has_ink(image.column(x))).collect();
    let extent = |lines: &[usize]| lines.last().map_or(0, |last| last + 1 - lines[0]);
    let longer_side = extent(&rows).max(extent(&columns)) as f64;
    let unit = height.max(width) as f64 / 28.0;
    let is_of_size = (longer_side - BOX * height.max(width) as f64).abs() <= 1.5 * unit.max(1.0);
    let (mut mass, mut y_sum, mut x_sum) = (0.0, 0.0, 0.0);
    for ((y, x), &value) in image.indexed_iter() {
        mass += f64::from(value);
        y_sum += f64::from(value) * (y as f64 + 0.5);
        x_sum += f64::from(value) * (x as f64 + 0.5);
    }
    let off_centre = |sum: f64, side: usize| (sum / mass - side as f64 / 2.0).abs();
    is_of_size && off_centre(y_sum, height).max(off_centre(x_sum, width)) <= 1.05 * unit.max(1.0)
}

/// Whether most of the border is darker than middle grey, so that ink may be light.
fn has_dark_border(picture: ArrayView2<u8>) -> bool {
    let (bottom, right) = (picture.nrows() - 1, picture.ncols() - 1);
    let lines = [picture.row(0), picture.row(bottom), picture.column(0), picture.column(right)];
    let values = || lines.iter().flat_map(|line| line.iter());
    2 * values().filter(|&&value| value < BRIGHT).count() > values().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts the images for which the function is true as digits.
    #[derive(Debug)]
    struct Likes(fn(ArrayView1<u8>) -> bool);

    impl Judge for Likes {
        fn strangeness(&self, images: ArrayView2<u8>) -> Vec<f64> {
            images.outer_iter().map(|image| if self.0(image) { 0.1 } else { 3.0 }).collect()
        }
    }

    /// A ring that touches all four edges: 70 % of the picture is one grey value, which may be ink or paper.
    fn ring() -> Array2<u8> {
        Array2::from_shape_fn((56, 56), |(y, x)| {
            let radius = (y as f64 - 27.5).hypot(x as f64 - 27.5);
            if (8.0..28.0).contains(&radius) { 20 } else { 220 }
        })
    }

    fn middle(image: &Array2<u8>) -> u8 {
        image[[14, 14]]
    }

    #[test]
    fn the_evidence_decides_and_a_judge_may_know_better() {
        let framer = Framer::new([28, 28], Framing::Auto);
        let by_evidence = framer.frame(ring().view()).unwrap();
        assert_eq!(middle(&by_evidence), 0, "the hole is paper");
        let filled = framer.judged_by(Arc::new(Likes(|image| image[14 * 28 + 14] > 200)));
        assert!(middle(&filled.frame(ring().view()).unwrap()) > 200, "the hole is ink");
    }

    #[test]
    fn what_is_framed_stays_as_it_is_and_what_is_not_is_framed() {
        let framer = Framer::new([28, 28], Framing::Auto);
        let framed = framer.frame(ring().view()).unwrap();
        assert_eq!(framer.frame(framed.view()).unwrap(), framed);
        // On grey, dark on light, off centre, too small.
        let on_grey = framed.mapv(|value| 60 + value / 2);
        let dark = framed.mapv(|value| 255 - value);
        let mut aside = Array2::zeros((28, 28));
        aside.slice_mut(ndarray::s![.., ..24]).assign(&framed.slice(ndarray::s![.., 4..]));
        for (name, picture) in [("grey", on_grey), ("dark", dark), ("aside", aside)] {
            assert!(!is_framed(picture.view()), "{name}");
            let found = framer.frame(picture.view()).unwrap();
            let far = found.iter().zip(&framed).filter(|(a, b)| a.abs_diff(**b) > 64).count();
            assert!(far < 20, "{name}: {far} pixels differ");
        }
    }

    #[test]
    fn without_framing_only_the_right_size_is_taken() {
        let framer = Framer::new([28, 28], Framing::Never);
        let picture = Array2::from_shape_fn((28, 28), |(y, x)| (y * x % 251) as u8);
        assert_eq!(framer.frame(picture.view()), Some(picture));
        assert_eq!(framer.frame(ring().view()), None);
    }

    #[test]
    fn without_ink_the_image_is_blank() {
        let judge = Arc::new(Likes(|_| true));
        for framing in [Framing::Auto, Framing::Always] {
            let framer = Framer::new([28, 28], framing).judged_by(Arc::clone(&judge) as _);
            for picture in [Array2::from_elem((60, 40), 200), Array2::zeros((28, 28)), Array2::zeros((0, 5))]
            {
                assert_eq!(framer.frame(picture.view()), Some(Array2::zeros((28, 28))));
            }
        }
    }
}
