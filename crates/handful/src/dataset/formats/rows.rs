//! Rows of pixels, read some at a time: what every format gives.

use std::path::Path;

use crate::dataset::Error;

/// Bytes of images between two reports of progress, at most.
pub(in crate::dataset) const REPORTED: usize = 1 << 22;
/// An image of more bytes is none that anything here is made for; a header that says so is wrong.
pub(super) const MOST_BYTES_A_ROW: u128 = 1 << 26;

/// What rows of pixels are read from, some at a time.
pub(in crate::dataset) trait Rows: Send {
    /// Height and width; of rows that tell their length alone, those of a square, or one row.
    fn shape(&self) -> [usize; 2];

    /// Appends the next rows, `most` of them unless there are fewer left. Either all rows have labels, or none.
    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error>;

    /// How many rows there are said to be, if that is said; not to be relied on.
    fn size_hint(&self) -> usize {
        0
    }

    /// How many rows can be read at once in next to no time, at most; large rows are fewer in any case.
    fn at_once(&self) -> usize {
        8192
    }

    /// Whether rows stand in the unpacked file as they are given, up to its end.
    fn is_plain(&self) -> bool {
        false
    }

    /// Whether the images are in the frame already, as those of pictures that differ in shape have to be.
    fn is_framed(&self) -> bool {
        false
    }
}

/// Rows as they come: pixels, one image behind the other, and what labels say.
#[derive(Debug, Default)]
pub(in crate::dataset) struct Batch {
    pub(in crate::dataset) pixels: Vec<u8>,
    pub(in crate::dataset) labels: Vec<String>,
}

/// What a library says is wrong, without what it says below that.
pub(super) fn one_line(error: impl std::fmt::Display) -> String {
    error.to_string().split(['\n', '\r']).next().unwrap_or_default().to_owned()
}

/// A row that is not as it should be.
pub(super) fn wrong(path: &Path, row: u64, problem: impl Into<String>) -> Error {
    Error::Row { path: path.to_owned(), row, problem: problem.into() }
}

/// Whether a column is called as labels are.
pub(super) fn is_label(name: &str) -> bool {
    ["label", "labels", "class", "target", "digit", "y"].iter().any(|label| name.eq_ignore_ascii_case(label))
}
