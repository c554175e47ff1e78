//! NumPy's arrays, `.npy`: images, and labels for them.

mod columns;
mod header;

use std::{
    io::{BufReader, Read},
    path::PathBuf,
};

use ndarray::{Array2, ShapeBuilder};

use super::{Batch, Rows};
use crate::dataset::{
    Error, ReadOptions,
    formats::rows::{MOST_BYTES_A_ROW, wrong},
    input::{Bytes, Input},
    labels,
    values::{Scale, shape_of},
};
use columns::{Columns, keep};
use header::Header;

/// More columns than this cannot be labels.
const MOST_CLASSES: usize = 1 << 16;
/// Enough for a hundred thousand centroids of MNIST's size; a gigabyte once they are floats.
const MOST_VALUES: u64 = 1 << 27;
/// Neither side of a picture is longer than this multiple of the other.
const LONGEST: u64 = 4;

/// An array whose header has been read.
pub(super) struct Array {
    /// The path for error messages.
    path: PathBuf,
    bytes: Bytes,
    kind: char,
    size: usize,
    is_big_endian: bool,
    is_fortran: bool,
    shape: Vec<u64>,
}

impl Array {
    pub(super) fn new(path: PathBuf, mut bytes: Bytes) -> Result<Self, Error> {
        let problem = |problem: String| Error::Content { path: path.clone(), problem };
        let text = header::read(&mut bytes).map_err(|source| Error::Io { path: path.clone(), source })?;
        let text = text.ok_or_else(|| problem("expected a NumPy array, found another header".to_owned()))?;
        let parsed = header::parse(&text).ok_or_else(|| {
            problem(format!("expected a NumPy array's header, found {:?}", text.trim_end()))
        })?;
        let Header { descr, is_fortran, shape } = parsed;
        let mut letters = descr.chars();
        let (order, kind) = (letters.next().unwrap_or(' '), letters.next().unwrap_or(' '));
        let size = letters.as_str().parse().unwrap_or(0);
        let fits = match kind {
            'u' | 'i' => matches!(size, 1 | 2 | 4 | 8),
            'f' => matches!(size, 4 | 8),
            'b' => size == 1,
            'U' | 'S' => (1..256).contains(&size),
            _ => false,
        };
        if !fits || !matches!(order, '<' | '>' | '|' | '=') {
            return Err(problem(format!(
                "expected an array of numbers or text, found one of type {descr:?}"
            )));
        }
        let size = if kind == 'U' { 4 * size } else { size };
        Ok(Self { path, bytes, kind, size, is_big_endian: order == '>', is_fortran, shape })
    }

    /// Decodes numbers of the array, in the order of the file.
    fn decode(&self, bytes: &mut [u8]) -> Vec<f64> {
        if self.is_big_endian {
            bytes.chunks_exact_mut(self.size).for_each(<[u8]>::reverse);
        }
        macro_rules! all {
            ($type:ty) => {{
                let number =
                    |bytes: &[u8]| <$type>::from_le_bytes(bytes.try_into().expect("of its size")) as f64;
                bytes.chunks_exact(size_of::<$type>()).map(number).collect()
            }};
        }
        #[expect(clippy::cast_lossless, reason = "one cast for all types")]
        match (self.kind, self.size) {
            ('b', _) => bytes.iter().map(|&bit| if bit == 0 { 0.0 } else { 255.0 }).collect(),
            ('u', 1) => all!(u8),
            ('i', 1) => all!(i8),
            ('u', 2) => all!(u16),
            ('i', 2) => all!(i16),
            ('u', 4) => all!(u32),
            ('i', 4) => all!(i32),
            ('u', _) => all!(u64),
            ('i', _) => all!(i64),
            ('f', 4) => all!(f32),
            _ => all!(f64),
        }
    }

    /// The array's values as label names.
    fn names(&self, bytes: &mut [u8]) -> Vec<String> {
        match (self.kind, self.size) {
            ('U' | 'S', size) => bytes.chunks_exact(size).map(|text| self.text(text)).collect(),
            ('b', _) => bytes.iter().map(|&bit| u8::from(bit != 0).to_string()).collect(),
            ('u' | 'i', 8) => {
                // Not all of these are floats.
                let bytes = bytes.as_chunks::<8>().0.iter();
                let number = |&bytes: &[u8; 8]| {
                    if self.is_big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
                };
                match self.kind {
                    'u' => bytes.map(|bytes| number(bytes).to_string()).collect(),
                    _ => bytes.map(|bytes| number(bytes).cast_signed().to_string()).collect(),
                }
            }
            _ => self.decode(bytes).into_iter().map(|number| labels::name(&number.to_string())).collect(),
        }
    }

    /// Text of fixed length, padded with zeros.
    fn text(&self, bytes: &[u8]) -> String {
        let letter = |&bytes: &[u8; 4]| {
            let code = if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        let text: String = match self.kind {
            'U' => bytes.as_chunks::<4>().0.iter().map(letter).collect(),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        };
        labels::name(text.trim_end_matches('\0'))
    }

    fn io_error(&self, source: std::io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }

    /// Reads up to `n` bytes.
    fn take(&mut self, n: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let read = self.bytes.by_ref().take(n).read_to_end(&mut bytes);
        read.map_err(|source| self.io_error(source))?;
        Ok(bytes)
    }
}

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
pub(super) struct Images {
    array: Array,
    shape: [usize; 2],
    row_len: u64,
    rows_left: u64,
    scale: Scale,
    row: u64,
}

impl Images {
    /// `wanted` is the shape that images should have, if the array may be a single image.
    pub(super) fn new(mut array: Array, wanted: Option<[usize; 2]>) -> Result<Self, Error> {
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
                    "expected numbers of shape (n, height, width) or (n, pixels), found shape {:?}",
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
pub(super) struct Labelled {
    images: Images,
    labels: Array,
    /// 1, or one per class.
    n_columns: usize,
}

impl Labelled {
    pub(super) fn new(images: Images, labels: Array) -> Result<Self, Error> {
        let n_columns = match labels.shape[..] {
            [_] | [_, 1] => Some(1),
            [_, n] if !labels.is_fortran && !matches!(labels.kind, 'U' | 'S') => usize::try_from(n).ok(),
            _ => None,
        };
        let Some(n_columns) = n_columns.filter(|n| (1..=MOST_CLASSES).contains(n)) else {
            return Err(Error::Content {
                problem: format!(
                    "expected labels of shape (n), or (n, classes) with a 1 for each, found shape {:?}",
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
                let problem = format!("expected one 1 in {} columns of labels, and zeros", self.n_columns);
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

pub(super) fn open(input: Input, options: &ReadOptions) -> Result<Box<dyn Rows>, Error> {
    Ok(Box::new(Images::new(Array::new(input.path, input.bytes)?, options.image_shape)?))
}

/// Images from one file, labels from another.
pub(in crate::dataset) fn open_pair(images: Input, labels: Input) -> Result<Box<dyn Rows>, Error> {
    let images = Images::new(Array::new(images.path, images.bytes)?, None)?;
    Ok(Box::new(Labelled::new(images, Array::new(labels.path, labels.bytes)?)?))
}

/// Reads an array of numbers with two axes.
pub(in crate::dataset) fn read_matrix(input: Input) -> Result<Array2<f64>, Error> {
    let mut array = Array::new(input.path, input.bytes)?;
    let path = array.path.clone();
    let problem = |problem: String| Error::Content { path: path.clone(), problem };
    if matches!(array.kind, 'U' | 'S' | 'b') {
        return Err(problem("expected an array of numbers, found one of text or booleans".to_owned()));
    }
    let [rows, columns] = array.shape[..] else {
        return Err(problem(format!(
            "expected an array of shape (rows, columns), found shape {:?}",
            array.shape
        )));
    };
    let n_values = rows.checked_mul(columns).filter(|&n_values| (1..=MOST_VALUES).contains(&n_values));
    let Some(n_values) = n_values else {
        return Err(problem(format!(
            "expected 1 to {MOST_VALUES} values, found an array of shape ({rows}, {columns})"
        )));
    };
    let expected = n_values * array.size as u64;
    let mut bytes = array.take(expected)?;
    if (bytes.len() as u64) < expected || !array.take(1)?.is_empty() {
        let found =
            if (bytes.len() as u64) < expected { format!("{}", bytes.len()) } else { "more".to_owned() };
        return Err(problem(format!("expected {expected} bytes of values, found {found}")));
    }
    let shape = [rows, columns].map(|size| usize::try_from(size).expect("the values are in memory"));
    let values = array.decode(&mut bytes);
    Ok(Array2::from_shape_vec(shape.set_f(array.is_fortran), values)
        .expect("as many values as the shape has"))
}
