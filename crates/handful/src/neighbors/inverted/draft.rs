//! A file in the making.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::Error;

/// A file under a temporary name in its folder, until all of it is there: it is whole or not there.
pub(super) struct Draft {
    file: NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// Tells at once if there can be no such file. A link stays one, and what it leads to is replaced.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let io_error = |source| Error::Io { path: path.to_owned(), source };
        if path.exists() && !path.is_file() {
            return Err(io_error(io::Error::other("expected the name of a file, found something else")));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".handful-");
        #[cfg(unix)]
        {
            // As any new file has it: the umask takes away from this.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder).map_err(io_error)?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// The name that it will have.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn error(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }

    pub(super) fn write_at(&self, bytes: &[u8], start: u64) -> Result<(), Error> {
        write_at(self.file(), bytes, start).map_err(|source| self.error(source))
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<(), Error> {
        let io_error = |source| Error::Io { path: self.path.clone(), source };
        self.file.as_file().sync_all().map_err(io_error)?;
        self.file.persist(&self.path).map_err(|error| io_error(error.error))?;
        Ok(())
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
