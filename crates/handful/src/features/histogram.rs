//! The strength of gradients of one image, by cell and direction, in plain loops that compilers vectorise.

use crate::step::to_byte;

/// Bins are summed in parallel, with one extra bin for directions that wrap around.
pub(super) const LANES: usize = 16;
/// The root mean square of the resulting features, as bytes; the largest value that fits is 12 times as much.
const ROOT_MEAN_SQUARE: f32 = 21.0;
/// Smaller gradients count as zero; differences of bytes are whole numbers.
const FLAT: f32 = 0.5;

/// The weight of a cell for a pixel row or column, and that of the next cell.
#[derive(Clone, Copy)]
struct Split {
    /// The index of the first cell plus one; the index is -1 at the edge.
    first: usize,
    parts: [f32; 2],
}

type Bins = [f32; LANES];

const NUMBERS: Bins = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];

/// The sums of one image, and the buffers for them.
pub(super) struct Histogram {
    n_bins: usize,
    n_cells: usize,
    rows: Vec<Split>,
    columns: Vec<Split>,
    /// Three rows of pixels with their ends repeated, and padded with zeros: the row above, the current row, the row
    /// below.
    lines: [Vec<f32>; 3],
    /// The gradients of the current row.
    magnitudes: Vec<f32>,
    directions: Vec<f32>,
    /// A row of cells, with an extra cell at either end for what falls outside.
    line_of_cells: Vec<Bins>,
    /// Rows of cells, with an extra row at either end.
    cells: Vec<Bins>,
    bytes: Vec<[u8; LANES]>,
}

#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
impl Histogram {
    /// For images of `[height, width]`.
    pub(super) fn new(n_bins: usize, n_cells: usize, [height, width]: [usize; 2]) -> Self {
        let split = |length: usize| {
            let of_pixel = |i: usize| {
                let place = (i as f32 + 0.5) / length as f32 * n_cells as f32 + 0.5;
                let part = place.fract();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to n")]
                Split { first: place as usize, parts: [1.0 - part, part] }
            };
            (0..length).map(of_pixel).collect()
        };
        Self {
            n_bins,
            n_cells,
            rows: split(height),
            columns: split(width),
            lines: [(); 3].map(|()| vec![0.0; width.next_multiple_of(LANES) + 2]),
            magnitudes: vec![0.0; width.next_multiple_of(LANES)],
            directions: vec![0.0; width.next_multiple_of(LANES)],
            line_of_cells: vec![[0.0; LANES]; n_cells + 2],
            cells: vec![[0.0; LANES]; (n_cells + 2) * (n_cells + 2)],
            bytes: vec![[0; LANES]; n_cells],
        }
    }

    #[inline(always)]
    pub(super) fn count(&mut self, image: &[u8]) {
        let (height, width) = (self.rows.len(), self.columns.len());
        let n_bins = self.n_bins as f32;
        let line = |r: usize| &image[r.min(height - 1) * width..][..width];
        self.cells.fill([0.0; LANES]);
        read(&mut self.lines[1], line(0));
        read(&mut self.lines[2], line(0));
        for (r, row) in self.rows.iter().enumerate() {
            self.lines.rotate_left(1);
            read(&mut self.lines[2], line(r + 1));
            let [above, here, below] = &self.lines;
            for first in (0..width).step_by(LANES) {
                let (magnitudes, directions) = polar(
                    lanes(here, first),
                    lanes(here, first + 2),
                    lanes(above, first + 1),
                    lanes(below, first + 1),
                );
                self.magnitudes[first..first + LANES].copy_from_slice(&magnitudes);
                self.directions[first..first + LANES].copy_from_slice(&directions);
            }
            // Many rows are empty.
            if self.magnitudes.iter().filter(|&&magnitude| magnitude >= FLAT).count() == 0 {
                continue;
            }
            self.line_of_cells.fill([0.0; LANES]);
            // Columns between the same cells are summed in registers.
            let mut polar = self.magnitudes.iter().zip(&self.directions);
            for between in self.columns.chunk_by(|column, next| column.first == next.first) {
                let mut sums = [[0.0; LANES]; 2];
                for (column, (&magnitude, &direction)) in between.iter().zip(&mut polar) {
                    if magnitude >= FLAT {
                        let bins = hat(direction * n_bins, magnitude);
                        add(&mut sums[0], &bins, column.parts[0]);
                        add(&mut sums[1], &bins, column.parts[1]);
                    }
                }
                let first = between[0].first;
                add(&mut self.line_of_cells[first], &sums[0], 1.0);
                add(&mut self.line_of_cells[first + 1], &sums[1], 1.0);
            }
            let n = self.line_of_cells.len();
            for (next, part) in row.parts.into_iter().enumerate() {
                let cells = &mut self.cells[(row.first + next) * n..][..n];
                add(cells.as_flattened_mut(), self.line_of_cells.as_flattened(), part);
            }
        }
    }

    #[inline(always)]
    pub(super) fn write(&mut self, out: &mut [u8]) {
        let (n_bins, n_cells) = (self.n_bins, self.n_cells);
        let inner = |row: usize| 1 + (row + 1) * (n_cells + 2)..1 + (row + 1) * (n_cells + 2) + n_cells;
        let mut total = [0.0; LANES];
        for row in 0..n_cells {
            for cell in &mut self.cells[inner(row)] {
                // The last bin is the first one again.
                cell[0] += cell[n_bins];
                cell[n_bins] = 0.0;
            }
            for cell in &self.cells[inner(row)] {
                total.iter_mut().zip(cell).for_each(|(total, bin)| *total += bin);
            }
        }
        let total: f32 = total.iter().sum();
        if total <= 0.0 {
            return out.fill(0);
        }
        let scale = ROOT_MEAN_SQUARE * ROOT_MEAN_SQUARE * out.len() as f32 / total;
        for row in 0..n_cells {
            let strengths = self.cells[inner(row)].as_flattened();
            for (byte, strength) in self.bytes.as_flattened_mut().iter_mut().zip(strengths) {
                *byte = to_byte((strength * scale).sqrt());
            }
            for (cell, bytes) in self.bytes.iter().enumerate() {
                let out = &mut out[(row * n_cells + cell) * n_bins..];
                // Writes all lanes at once: the next cell's bytes overwrite the surplus.
                match out.first_chunk_mut() {
                    Some(out) => *out = *bytes,
                    None => out[..n_bins].copy_from_slice(&bytes[..n_bins]),
                }
            }
        }
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn add(to: &mut [f32], bins: &[f32], part: f32) {
    to.iter_mut().zip(bins).for_each(|(to, bin)| *to += bin * part);
}

/// A hat function over the bins, which extends one bin to either side.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn hat(top: f32, height: f32) -> Bins {
    let mut bins = NUMBERS;
    for bin in &mut bins {
        *bin = (1.0 - (*bin - top).abs()).max(0.0) * height;
    }
    bins
}

/// Copies a row of pixels, and repeats its ends.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn read(line: &mut [f32], pixels: &[u8]) {
    let width = pixels.len();
    line[1..=width].iter_mut().zip(pixels).for_each(|(to, &pixel)| *to = f32::from(pixel));
    (line[0], line[width + 1]) = (line[1], line[width]);
}

/// Copies the floats, so that nothing else points to them and loops over them are vectorised.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn lanes(line: &[f32], first: usize) -> Bins {
    line[first..first + LANES].try_into().expect("so many")
}

/// Length and direction of gradients; directions are in turns.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the instruction set of each caller")]
fn polar(left: Bins, right: Bins, above: Bins, below: Bins) -> (Bins, Bins) {
    let (mut magnitudes, mut directions) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        let (x, y) = (right[i] - left[i], below[i] - above[i]);
        magnitudes[i] = (x * x + y * y).sqrt();
        directions[i] = turns(x, y);
    }
    (magnitudes, directions)
}

/// The angle of (x, y) in turns, 0 to 1, to 1e-5: the arc tangent of the smaller by the larger, and the rest by
/// symmetry. It uses plain arithmetic, so that all levels agree.
#[inline(always)]
fn turns(x: f32, y: f32) -> f32 {
    // Abramowitz and Stegun 4.4.49, scaled to turns.
    const COEFFICIENTS: [f32; 5] = [0.159_133_6, -0.052_568_8, 0.028_670_33, -0.013_549_34, 0.003_316_009];
    let (across, up) = (x.abs(), y.abs());
    let ratio = across.min(up) / across.max(up).max(f32::MIN_POSITIVE);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for coefficient in COEFFICIENTS.into_iter().rev() {
        sum = sum * square + coefficient;
    }
    let octant = sum * ratio;
    let quadrant = if up > across { 0.25 - octant } else { octant };
    let half = if x < 0.0 { 0.5 - quadrant } else { quadrant };
    if y < 0.0 { 1.0 - half } else { half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_those_of_the_arc_tangent() {
        for degree in 0..3600_u16 {
            let angle = f32::from(degree) / 3600.0;
            let (y, x) = (angle * std::f32::consts::TAU).sin_cos();
            let difference = (turns(x * 77.0, y * 77.0) - angle).abs();
            assert!(difference.min(1.0 - difference) < 2e-5, "{angle}: {}", turns(x, y));
        }
        assert_eq!(turns(0.0, 0.0).to_bits(), 0.0_f32.to_bits());
    }
}
