//! Parts of a Parquet file.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use super::{Images, Reader, formats::parquet};
use crate::dataset::Error;

/// A Parquet file of pictures, of which some row groups can be read without the others, so that each of several
/// machines reads its share.
///
/// ```no_run
/// use handful::dataset::RowGroups;
///
/// let file = RowGroups::open("train-00000-of-00001.parquet".as_ref())?;
/// let first = file.images(0..1)?;
/// assert_eq!(first.pixels.nrows(), file.sizes()[0]);
/// # Ok::<(), handful::dataset::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RowGroups {
    path: PathBuf,
    sizes: Vec<usize>,
}

impl RowGroups {
    /// Opens a file; only its footer is read.
    ///
    /// # Errors
    /// If it is not Parquet, or damaged.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { path: path.to_owned(), sizes: parquet::group_sizes(path)? })
    }

    /// Number of rows in each row group.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The images of some row groups, with their labels.
    ///
    /// # Errors
    /// If they cannot be read, or there are none.
    pub fn images(&self, groups: Range<usize>) -> Result<Images, Error> {
        Reader::new(&self.path, parquet::open_groups(&self.path, groups)?).read_all()
    }

    /// The labels of some row groups; no picture is decoded.
    ///
    /// # Errors
    /// If they cannot be read, or there are none.
    pub fn labels(&self, groups: Range<usize>) -> Result<Vec<String>, Error> {
        parquet::labels(&self.path, groups)
    }
}
