//! IDX, the format of MNIST: a big-endian header (magic number, then one size per axis), then the numbers.
//!
//! Memory grows with the data that is really there, so no header can exhaust it.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::PathBuf,
};

use super::{Batch, Rows, rows::MOST_BYTES_A_ROW};
use crate::dataset::{
    Error,
    files::{
        input::{Bytes, Input},
        values::shape_of,
    },
};

/// The third byte of the magic number.
const UNSIGNED_BYTE: u8 = 0x08;
const INT: u8 = 0x0c;

/// Whether a file starts like an IDX file.
pub(in crate::dataset::files) fn matches(head: &[u8]) -> bool {
    matches!(head, [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=4, ..])
}

/// A file whose header has been read.
struct Opened {
    path: PathBuf,
    bytes: Bytes,
    shape: Vec<u32>,
    /// Number of bytes per index of the first axis.
    row_len: u128,
    rows_left: u32,
}

impl Opened {
    fn new(input: Input, what: &'static str, expected: &[(u8, u8)]) -> Result<Self, Error> {
        let Input { path, head, mut bytes } = input;
        let magic = head.first_chunk::<4>().copied().map(u32::from_be_bytes);
        let kind = expected.iter().copied().find(|&(kind, axes)| magic == Some(magic_number(kind, axes)));
        let Some((kind, axes)) = kind else {
            let (kind, axes) = expected[0];
            return Err(match magic {
                Some(found) => Error::WrongMagic { path, what, expected: magic_number(kind, axes), found },
                None => Error::ShortHeader { path, expected: 4 + 4 * usize::from(axes), found: head.len() },
            });
        };
        let mut header = vec![0; 4 + 4 * usize::from(axes)];
        if head.len() < header.len() {
            return Err(Error::ShortHeader { path, expected: header.len(), found: head.len() });
        }
        bytes.read_exact(&mut header).map_err(|source| Error::Io { path: path.clone(), source })?;
        let words = header.as_chunks::<4>().0.iter().skip(1);
        let shape: Vec<u32> = words.map(|&word| u32::from_be_bytes(word)).collect();
        if shape.contains(&0) {
            return Err(Error::Empty { path, shape });
        }
        let size = if kind == INT { 4 } else { 1 };
        let row_len = shape[1..].iter().map(|&size| u128::from(size)).product::<u128>() * size;
        if row_len > MOST_BYTES_A_ROW {
            return Err(Error::TooLarge {
                path,
                shape: shape[1..].iter().map(|&size| size.into()).collect(),
            });
        }
        Ok(Self { path, bytes, rows_left: shape[0], shape, row_len })
    }

    /// Appends the bytes of up to `most` rows. At the end it checks whether there are more than declared.
    fn read(&mut self, most: usize, into: &mut Vec<u8>) -> Result<(), Error> {
        let io_error = |source| Error::Io { path: self.path.clone(), source };
        let n = u32::try_from(most).unwrap_or(u32::MAX).min(self.rows_left);
        let wanted = u128::from(n) * self.row_len;
        let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
        let found = self.bytes.by_ref().take(limit).read_to_end(into).map_err(io_error)? as u64;
        let expected = u128::from(self.shape[0]) * self.row_len;
        let before = u128::from(self.shape[0] - self.rows_left) * self.row_len;
        let wrong_size = |found: u64| Error::WrongSize {
            path: self.path.clone(),
            expected,
            found: u64::try_from(before).unwrap_or(u64::MAX).saturating_add(found),
        };
        if u128::from(found) < wanted {
            return Err(wrong_size(found));
        }
        self.rows_left -= n;
        if self.rows_left == 0 && self.bytes.read(&mut [0]).map_err(io_error)? > 0 {
            return Err(wrong_size(found + 1));
        }
        Ok(())
    }
}

fn magic_number(kind: u8, axes: u8) -> u32 {
    u32::from_be_bytes([0, 0, kind, axes])
}

/// Images (`idx3-ubyte`; with two axes, rows of pixels).
pub(in crate::dataset::files) struct Images(Opened, [usize; 2]);

impl Images {
    pub(in crate::dataset::files) fn new(input: Input) -> Result<Self, Error> {
        let opened = Opened::new(input, "images", &[(UNSIGNED_BYTE, 3), (UNSIGNED_BYTE, 2)])?;
        let shape = match opened.shape[..] {
            [_, height, width] => [height as usize, width as usize],
            _ => shape_of(opened.shape[1] as usize),
        };
        Ok(Self(opened, shape))
    }
}

impl Rows for Images {
    fn shape(&self) -> [usize; 2] {
        self.1
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        self.0.read(most, &mut into.pixels)
    }

    fn size_hint(&self) -> usize {
        self.0.rows_left as usize
    }

    fn is_plain(&self) -> bool {
        true
    }
}

/// Images with exchanged rows and columns, as in EMNIST.
pub(in crate::dataset::files) struct Transposed(pub(in crate::dataset) Images);

impl Rows for Transposed {
    fn shape(&self) -> [usize; 2] {
        let [height, width] = self.0.shape();
        [width, height]
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let [rows, columns] = self.0.shape();
        let before = into.pixels.len();
        self.0.read(most, into)?;
        let mut upright = vec![0; rows * columns];
        for image in into.pixels[before..].chunks_exact_mut(rows * columns) {
            for (i, pixel) in upright.iter_mut().enumerate() {
                *pixel = image[i % rows * columns + i / rows];
            }
            image.copy_from_slice(&upright);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.0.size_hint()
    }
}

/// Labels (`idx1-ubyte`), or, as in QMNIST, the first of several whole numbers per image (`idx2-int`).
pub(in crate::dataset::files) struct Labels {
    opened: Opened,
    names: HashMap<u32, String>,
}

impl Labels {
    /// Replaces labels by their names, if they have any.
    pub(in crate::dataset::files) fn new(input: Input, names: HashMap<u32, String>) -> Result<Self, Error> {
        let opened = Opened::new(input, "labels", &[(UNSIGNED_BYTE, 1), (INT, 1), (INT, 2)])?;
        Ok(Self { opened, names })
    }

    pub(in crate::dataset::files) fn len(&self) -> usize {
        self.opened.shape[0] as usize
    }

    pub(in crate::dataset::files) fn read(
        &mut self,
        most: usize,
        into: &mut Vec<String>,
    ) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.opened.read(most, &mut bytes)?;
        let row_len = usize::try_from(self.opened.row_len).expect("rows of that length were read");
        let is_byte = self.opened.shape.len() == 1 && row_len == 1;
        into.extend(bytes.chunks_exact(row_len).map(|row| {
            let label = match row {
                &[label] if is_byte => u32::from(label),
                _ => u32::from_be_bytes([row[0], row[1], row[2], row[3]]),
            };
            self.names.get(&label).cloned().unwrap_or_else(|| label.to_string())
        }));
        Ok(())
    }
}

/// Reads EMNIST's lists: a label, and the codes of the characters that it denotes. The first is its name.
pub(in crate::dataset::files) fn names(reader: impl Read) -> io::Result<HashMap<u32, String>> {
    let mut text = String::new();
    reader.take(1 << 16).read_to_string(&mut text)?;
    let entry = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        let (label, code) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some((label, char::from_u32(code)?.to_string()))
    };
    Ok(text.lines().filter_map(entry).collect())
}
