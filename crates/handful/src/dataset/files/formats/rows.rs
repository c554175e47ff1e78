//! Rows of pixels, read some at a time: the common interface of all formats.

use std::path::Path;

use crate::dataset::Error;

/// Maximum number of bytes of images between two reports of progress.
pub(in crate::dataset::files) const REPORTED: usize = 1 << 22;
/// A larger image is beyond anything supported here; a header that declares one is wrong.
pub(super) const MOST_BYTES_A_ROW: u128 = 1 << 26;

/// A source of rows of pixels, read some at a time.
pub(in crate::dataset::files) trait Rows: Send {
    /// Height and width. For rows that give only their length, those of a square, or one row.
    fn shape(&self) -> [usize; 2];

    /// Appends the next `most` rows, or fewer if fewer are left. Either all rows have labels, or none.
    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error>;

    /// Number of rows that the source declares, if it does; not to be relied on.
    fn size_hint(&self) -> usize {
        0
    }

    /// Maximum number of rows that can be read at once with no noticeable delay; large rows are limited further.
    fn at_once(&self) -> usize {
        8192
    }

    /// Whether the unpacked file contains the rows exactly as they are returned, up to its end.
    fn is_plain(&self) -> bool {
        false
    }

    /// Whether the images are already framed, as is necessary for pictures of different shapes.
    fn is_framed(&self) -> bool {
        false
    }
}

/// Rows as they are read: the pixels, one image after the other, and the labels.
#[derive(Debug, Default)]
pub(in crate::dataset::files) struct Batch {
    pub(in crate::dataset::files) pixels: Vec<u8>,
    pub(in crate::dataset::files) labels: Vec<String>,
}

/// The error message of a library, without the causes below it.
pub(super) fn one_line(error: impl std::fmt::Display) -> String {
    error.to_string().split(['\n', '\r']).next().unwrap_or_default().to_owned()
}

/// An error for a malformed row.
pub(super) fn wrong(path: &Path, row: u64, problem: impl Into<String>) -> Error {
    Error::Row { path: path.to_owned(), row, problem: problem.into() }
}

/// Whether a column has a usual name for labels.
pub(super) fn is_label(name: &str) -> bool {
    ["label", "labels", "class", "target", "digit", "y"].iter().any(|label| name.eq_ignore_ascii_case(label))
}
