//! A rectangle of pixels.

use ndarray::{ArrayView2, Ix2, SliceInfo, SliceInfoElem, s};

/// Rows `top..bottom` and columns `left..right`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) left: usize,
    pub(super) right: usize,
}

impl Region {
    pub(super) const EMPTY: Self = Self { top: usize::MAX, bottom: 0, left: usize::MAX, right: 0 };

    /// Of a whole picture of `[height, width]`.
    pub(super) fn whole([height, width]: [usize; 2]) -> Self {
        Self { top: 0, bottom: height, left: 0, right: width }
    }

    /// The smallest region that contains all pixels of at least `threshold`.
    pub(super) fn of(values: ArrayView2<f32>, threshold: f32) -> Self {
        let mut region = Self::EMPTY;
        values
            .indexed_iter()
            .filter(|(_, value)| **value >= threshold)
            .for_each(|(place, _)| region.add(place));
        region
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bottom <= self.top
    }

    pub(super) fn add(&mut self, (y, x): (usize, usize)) {
        (self.top, self.bottom) = (self.top.min(y), self.bottom.max(y + 1));
        (self.left, self.right) = (self.left.min(x), self.right.max(x + 1));
    }

    /// The smallest region that contains both.
    pub(super) fn union(&self, other: &Self) -> Self {
        Self {
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.min(other.left),
            right: self.right.max(other.right),
        }
    }

    pub(super) fn contains(&self, other: &Self) -> bool {
        self.union(other) == *self
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.top.max(other.top) < self.bottom.min(other.bottom)
            && self.left.max(other.left) < self.right.min(other.right)
    }

    pub(super) fn height(&self) -> usize {
        self.bottom.saturating_sub(self.top)
    }

    pub(super) fn width(&self) -> usize {
        self.right.saturating_sub(self.left)
    }

    pub(super) fn longer_side(&self) -> usize {
        self.height().max(self.width())
    }

    /// Whether it reaches a border of a picture of `[height, width]`.
    pub(super) fn touches_border(&self, [height, width]: [usize; 2]) -> bool {
        !self.is_empty() && (self.top == 0 || self.left == 0 || self.bottom == height || self.right == width)
    }

    pub(super) fn slice(&self) -> SliceInfo<[SliceInfoElem; 2], Ix2, Ix2> {
        s![self.top..self.bottom, self.left..self.right]
    }

    /// The same part of a picture that is larger by these factors.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the picture")]
    pub(super) fn scaled(&self, [by_rows, by_columns]: [f64; 2]) -> Self {
        let scale = |at: usize, by: f64| (at as f64 * by).round() as usize;
        Self {
            top: scale(self.top, by_rows),
            bottom: scale(self.bottom, by_rows),
            left: scale(self.left, by_columns),
            right: scale(self.right, by_columns),
        }
    }

    /// Larger on all sides by a share of its longer side, within a picture of `[height, width]`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the picture")]
    pub(super) fn with_margin(&self, share: f64, [height, width]: [usize; 2]) -> Self {
        let margin = (share * self.longer_side() as f64).ceil() as usize;
        Self {
            top: self.top.saturating_sub(margin),
            bottom: (self.bottom + margin).min(height),
            left: self.left.saturating_sub(margin),
            right: (self.right + margin).min(width),
        }
    }
}
