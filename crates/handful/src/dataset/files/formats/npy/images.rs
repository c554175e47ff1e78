//! Arrays of images, with or without an array of labels.

use std::io::{BufReader, Read};

use super::{
    array::Array,
    columns::{Columns, keep},
};
use crate::dataset::{
    Error,
    files::{
        formats::rows::{Batch, MOST_BYTES_A_ROW, Rows, wrong},
        values::{Scale, shape_of},
    },
};

/// More columns than this cannot be labels.
const MOST_CLASSES: usize = 1 << 16;
/// Neither side of a picture is longer than this multiple of the other.
const LONGEST: u64 = 4;

/// The shape of a stack of images, for an array that may hold a single image: of (height, width), (height, width, 1) or
/// (pixels). Only the expected image shape decides which it is. `None` if it can be either.
fn as_stack(shape: &[u64], wanted: Option<[usize; 2]>) -> Option<Vec<u64>> {
    let Some(wanted) = wanted.map(|sides| sides.map(|side| side as u64)) else { return Some(shape.to_vec()) };
    let n_pixels = wanted[0] * wanted[1];
    let is_square = |n: u64| n.isqrt().pow(2) == n;
    match *shape {
        [n] if n == n_pixels => Some(vec![1, n]),
        [_, width] if width == n_pixels => Some(shape.to_vec()),
        [height, width] | [height, width, 1] if [height, width] == wanted => Some(vec![1, height, width]),
        [height, width] if height == width && is_square(width) => None,
        [height, width]
            if !is_square(width) && height.max(width) <= LONGEST.saturating_mul(height.min(width)) =>
        {
            Some(vec![1, height, width])
        }
        _ => Some(shape.to_vec()),
    }
}

/// An array of images: (n, height, width), (n, pixels), or with a single channel.
pub(in crate::dataset::files::formats) struct Images {
    array: Array,
    shape: [usize; 2],
    row_len: u64,
    rows_left: u64,
    scale: Scale,
    row: u64,
}

impl Images {
    /// `wanted` is the shape that images should have, if the array may be a single image.
    pub(in crate::dataset::files::formats) fn new(
        mut array: Array,
        wanted: Option<[usize; 2]>,
    ) -> Result<Self, Error> {
        let Some(stack) = as_stack(&array.shape, wanted) else {
            let (n, side) = (array.shape[0], array.shape[1].isqrt());
            return Err(Error::Content {
                problem: format!(
                    "an array of shape ({n}, {n}) may be one image, or {n} images of {side} x {side}: expected shape \
                     (1, {n}, {n}) or ({n}, {side}, {side})"
                ),
                path: array.path,
            });
        };
        array.shape = stack;
        let side = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        let shape = match array.shape[..] {
            [_, d] => Some(shape_of(side(d))),
            [_, height, width] | [_, height, width, 1] | [_, 1, height, width] => {
                Some([side(height), side(width)])
            }
            _ => None,
        };
        let Some(shape) = shape.filter(|_| !matches!(array.kind, 'U' | 'S')) else {
            return Err(Error::Content {
                problem: format!(
                    "expected numbers of shape (n, height, width) or (n, pixels), found {} of shape {:?}",
                    if matches!(array.kind, 'U' | 'S') { "text" } else { "an array" },
                    array.shape
                ),
                path: array.path,
            });
        };
        if array.shape.contains(&0) {
            return Err(Error::NoImages { path: array.path });
        }
        let bytes: u128 =
            array.shape[1..].iter().fold(array.size as u128, |all, &size| all.saturating_mul(size.into()));
        if bytes > MOST_BYTES_A_ROW {
            return Err(Error::TooLarge { shape: array.shape[1..].to_vec(), path: array.path });
        }
        let row_len = u64::try_from(bytes).expect("checked");
        let found = Self { rows_left: array.shape[0], array, shape, row_len, scale: Scale::Unknown, row: 0 };
        if found.array.is_fortran { found.in_rows() } else { Ok(found) }
    }

    /// Transposes a column-major array, for which all of it must be present: in a temporary file.
    fn in_rows(mut self) -> Result<Self, Error> {
        let expected = self.rows_left.saturating_mul(self.row_len);
        let (file, found) = keep(&mut self.array.bytes, expected).map_err(|e| self.array.io_error(e))?;
        if found < expected {
            return Err(self.short(found));
        }
        let sizes: Vec<usize> =
            self.array.shape.iter().map(|&size| usize::try_from(size).expect("so much was read")).collect();
        let rows = Columns::new(file, sizes[0], &sizes[1..], self.array.size);
        self.array.bytes = Box::new(BufReader::new(rows).chain(self.array.bytes));
        Ok(self)
    }

    fn short(&self, found: u64) -> Error {
        let before = u128::from(self.row) * u128::from(self.row_len);
        Error::WrongSize {
            path: self.array.path.clone(),
            expected: u128::from(self.array.shape[0]) * u128::from(self.row_len),
            found: u64::try_from(before).unwrap_or(u64::MAX).saturating_add(found),
        }
    }
}

impl Rows for Images {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let n = (most as u64).min(self.rows_left);
        let expected = n.saturating_mul(self.row_len);
        let mut bytes = self.array.take(expected)?;
        if (bytes.len() as u64) < expected {
            return Err(self.short(bytes.len() as u64));
        }
        if self.array.kind == 'u' && self.array.size == 1 {
            into.pixels.append(&mut bytes);
        } else {
            let values = self.array.decode(&mut bytes);
            if matches!(self.array.kind, 'u' | 'i' | 'b') {
                self.scale = Scale::Byte;
            }
            for (i, row) in (self.row + 1..).zip(values.chunks_exact(self.shape[0] * self.shape[1])) {
                self.scale.push(row, &mut into.pixels).map_err(|outside| {
                    wrong(&self.array.path, i, format!("pixel {}: {}", outside.column, outside.problem))
                })?;
            }
        }
        self.rows_left -= n;
        self.row += n;
        if self.rows_left == 0 && !self.array.take(1)?.is_empty() {
            return Err(self.short(1));
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        usize::try_from(self.rows_left).unwrap_or(usize::MAX)
    }

    fn is_plain(&self) -> bool {
        self.array.kind == 'u' && self.array.size == 1 && !self.array.is_fortran
    }
}

/// Images with labels of their own.
pub(in crate::dataset::files::formats) struct Labelled {
    images: Images,
    labels: Array,
    /// 1, or one per class.
    n_columns: usize,
}

impl Labelled {
    pub(in crate::dataset::files::formats) fn new(images: Images, labels: Array) -> Result<Self, Error> {
        let n_columns = match labels.shape[..] {
            [_] | [_, 1] => Some(1),
            [_, n] if !labels.is_fortran && !matches!(labels.kind, 'U' | 'S') => usize::try_from(n).ok(),
            _ => None,
        };
        let Some(n_columns) = n_columns.filter(|n| (1..=MOST_CLASSES).contains(n)) else {
            return Err(Error::Content {
                problem: format!(
                    "expected labels of shape (n), or of shape (n, classes) with one 1 in each row, found shape {:?}",
                    labels.shape
                ),
                path: labels.path,
            });
        };
        if labels.shape[0] != images.rows_left {
            return Err(Error::CountMismatch {
                images: images.size_hint(),
                labels: usize::try_from(labels.shape[0]).unwrap_or(usize::MAX),
                images_path: images.array.path,
                labels_path: labels.path,
            });
        }
        Ok(Self { images, labels, n_columns })
    }
}

impl Rows for Labelled {
    fn shape(&self) -> [usize; 2] {
        self.images.shape
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let before = self.images.row;
        self.images.read(most, into)?;
        let n = self.images.row - before;
        let size = self.labels.size * self.n_columns;
        let mut bytes = self.labels.take(n * size as u64)?;
        if bytes.len() as u64 != n * size as u64 {
            return Err(Error::WrongSize {
                expected: u128::from(self.labels.shape[0]) * size as u128,
                found: before * size as u64 + bytes.len() as u64,
                path: self.labels.path.clone(),
            });
        }
        if self.n_columns == 1 {
            into.labels.append(&mut self.labels.names(&mut bytes));
            return Ok(());
        }
        for (row, values) in (before + 1..).zip(self.labels.decode(&mut bytes).chunks_exact(self.n_columns)) {
            let mut ones = (0..).zip(values).filter(|(_, value)| **value != 0.0);
            let (Some((class, _)), None) = (ones.next(), ones.next()) else {
                let problem =
                    format!("expected one 1 and otherwise zeros in the {} columns of labels", self.n_columns);
                return Err(wrong(&self.labels.path, row, problem));
            };
            into.labels.push(u64::to_string(&class));
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.images.size_hint()
    }

    fn is_plain(&self) -> bool {
        self.images.is_plain()
    }
}
