//! Streams, which can be read only once, kept in a file.

use std::{io, path::Path};

use tempfile::{NamedTempFile, TempPath};

use super::{formats, input::Input};
use crate::dataset::{Error, pipe::is_stream};

/// Copies a pipe or a device into a temporary file, for callers that read it more than once. The file is deleted when
/// the returned path is dropped. Returns `None` for a regular file or folder.
///
/// # Errors
/// [`Error::Unrecognized`] if it does not start like a supported format; [`Error::Io`] if it cannot be read, or the
/// file cannot be written.
pub fn keep_stream(path: &Path) -> Result<Option<TempPath>, Error> {
    if !is_stream(path) {
        return Ok(None);
    }
    let mut input = Input::open(path)?;
    // Some devices never end.
    formats::check(&input)?;
    let mut copy = || {
        let mut file = NamedTempFile::new()?;
        io::copy(&mut input.bytes, &mut file)?;
        Ok(file.into_temp_path())
    };
    copy().map(Some).map_err(|source| Error::Io { path: path.to_owned(), source })
}
