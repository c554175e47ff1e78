//! A file in the making.

use std::{fs::File, io, path::Path};

use super::Error;
use crate::draft;

/// A file that is written at several positions until it is complete.
pub(super) struct Draft(draft::Draft);

impl Draft {
    /// Fails at once if the file cannot be created.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let draft = draft::Draft::create(path);
        draft.map(Self).map_err(|source| Error::Io { path: path.to_owned(), source })
    }

    pub(super) fn file(&self) -> &File {
        self.0.file()
    }

    /// The final name of the file.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn error(&self, source: io::Error) -> Error {
        Error::Io { path: self.path().to_owned(), source }
    }

    pub(super) fn write_at(&self, bytes: &[u8], start: u64) -> Result<(), Error> {
        write_at(self.file(), bytes, start).map_err(|source| self.error(source))
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<(), Error> {
        let path = self.path().to_owned();
        self.0.finish().map_err(|source| Error::Io { path, source })
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, start)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, start)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => (bytes, start) = (&bytes[n..], start + n as u64),
        }
    }
    Ok(())
}
