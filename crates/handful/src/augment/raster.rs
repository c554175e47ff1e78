//! Draws lines with a pen whose tip is an ellipse.

use ndarray::Array2;

/// The end of a line, with the pen's width there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dot {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
}

/// The tip of a pen: as wide as a [`Dot`] says in one direction, and `flatness` times as wide across it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nib {
    /// Cosine and sine of the direction.
    pub(super) direction: (f32, f32),
    /// Above 0, at most 1.
    pub(super) flatness: f32,
}

impl Nib {
    pub(super) const ROUND: Self = Self { direction: (1.0, 0.0), flatness: 1.0 };

    /// A place in the coordinates in which the tip is a circle.
    fn rounded(self, x: f32, y: f32) -> (f32, f32) {
        let (cos, sin) = self.direction;
        (x * cos + y * sin, (y * cos - x * sin) / self.flatness)
    }
}

/// Draws strokes as ink of 255 on paper of 0, in pixels. The border of a stroke is as soft as if each pixel measured
/// how much of it is covered. O(segments · pixels near them).
pub(super) fn draw(strokes: &[Vec<Dot>], nib: Nib, shape: [usize; 2]) -> Array2<u8> {
    let mut ink = Array2::<f32>::zeros(shape);
    for stroke in strokes {
        for pair in stroke.windows(2) {
            segment(&mut ink, pair[0], pair[1], nib);
        }
    }
    ink.mapv(|ink| crate::step::to_byte(255.0 * ink))
}

/// Adds one segment: a pixel's ink is the most that any segment gives it.
fn segment(ink: &mut Array2<f32>, from: Dot, to: Dot, nib: Nib) {
    let (height, width) = ink.dim();
    let reach = 0.5 * from.width.max(to.width) + 1.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates at a picture's borders"
    )]
    let range = |a: f32, b: f32, n: usize| {
        let (first, last) = (a.min(b) - reach, a.max(b) + reach);
        first as usize..(last as usize + 1).min(n)
    };
    let (a, b) = (nib.rounded(from.x, from.y), nib.rounded(to.x, to.y));
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let squared_length = dx * dx + dy * dy;
    for row in range(from.y, to.y, height) {
        for column in range(from.x, to.x, width) {
            let p = nib.rounded(column as f32 + 0.5, row as f32 + 0.5);
            let along = ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / squared_length.max(f32::MIN_POSITIVE);
            let along = along.clamp(0.0, 1.0);
            let (x, y) = (p.0 - a.0 - along * dx, p.1 - a.1 - along * dy);
            let radius = 0.5 * (from.width + along * (to.width - from.width));
            let covered = (radius - (x * x + y * y).sqrt() + 0.5).clamp(0.0, 1.0);
            let ink = &mut ink[[row, column]];
            *ink = ink.max(covered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(nib: Nib) -> Array2<u8> {
        let dot = |x, y| Dot { x, y, width: 6.0 };
        draw(&[vec![dot(10.0, 20.0), dot(30.0, 20.0)]], nib, [40, 40])
    }

    #[test]
    fn a_line_has_the_width_of_the_pen() {
        let drawn = line(Nib::ROUND);
        let across: u32 = drawn.column(20).iter().map(|&ink| u32::from(ink)).sum();
        assert!((f64::from(across) / 255.0 - 6.0).abs() < 0.1, "{across}");
        assert_eq!((drawn[[20, 5]], drawn[[20, 8]], drawn[[20, 20]]), (0, 255, 255));
    }

    #[test]
    fn a_flat_nib_draws_thin_lines_along_itself() {
        let drawn = line(Nib { direction: (1.0, 0.0), flatness: 0.25 });
        let across: u32 = drawn.column(20).iter().map(|&ink| u32::from(ink)).sum();
        assert!((1.0..3.0).contains(&(f64::from(across) / 255.0)), "{across}");
    }

    #[test]
    fn strokes_may_leave_the_picture() {
        let dot = |x, y| Dot { x, y, width: 3.0 };
        let drawn = draw(
            &[vec![dot(-50.0, -50.0), dot(90.0, 90.0)], vec![dot(500.0, 5.0), dot(600.0, 5.0)]],
            Nib::ROUND,
            [40, 40],
        );
        assert_eq!((drawn[[0, 0]], drawn[[39, 39]], drawn[[5, 39]]), (255, 255, 0));
    }
}
