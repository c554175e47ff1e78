//! An array in a file: its header, and its values as numbers or names.

use std::{io::Read, path::PathBuf};

use super::header::{self, Header};
use crate::dataset::{Error, files::input::Bytes, labels};

/// An array whose header has been read.
pub(in crate::dataset::files::formats) struct Array {
    /// The path for error messages.
    pub(super) path: PathBuf,
    pub(super) bytes: Bytes,
    pub(super) kind: char,
    pub(super) size: usize,
    pub(super) is_big_endian: bool,
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<u64>,
}

impl Array {
    pub(in crate::dataset::files::formats) fn new(path: PathBuf, mut bytes: Bytes) -> Result<Self, Error> {
        let problem = |problem: String| Error::Content { path: path.clone(), problem };
        let text = header::read(&mut bytes).map_err(|source| Error::Io { path: path.clone(), source })?;
        let text = text.ok_or_else(|| {
            problem("expected a NumPy array, but the header is not one of NumPy".to_owned())
        })?;
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
    pub(super) fn decode(&self, bytes: &mut [u8]) -> Vec<f64> {
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
    pub(super) fn names(&self, bytes: &mut [u8]) -> Vec<String> {
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
    pub(super) fn text(&self, bytes: &[u8]) -> String {
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

    pub(super) fn io_error(&self, source: std::io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }

    /// Reads up to `n` bytes.
    pub(super) fn take(&mut self, n: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let read = self.bytes.by_ref().take(n).read_to_end(&mut bytes);
        read.map_err(|source| self.io_error(source))?;
        Ok(bytes)
    }
}
