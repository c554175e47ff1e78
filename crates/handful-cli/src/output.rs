//! Output files appear whole or not at all.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use ndarray_npy::NpzWriter;
use tempfile::NamedTempFile;

/// A file in the making: under a temporary name in its folder until [`commit`](Self::commit).
///
/// Made before long work begins, so that a place that cannot be written to is told at once.
pub(crate) struct OutputFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl OutputFile {
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".handful-");
        #[cfg(unix)]
        {
            // As any new file has it: the umask takes away from this.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = if path.is_dir() {
            Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, expected the name of a file"))
        } else {
            builder.tempfile_in(folder)
        };
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Fills the file, then gives it its name.
    pub(crate) fn commit(self, write: impl FnOnce(&mut File) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let Self { path, mut file } = self;
        let finish = || -> anyhow::Result<()> {
            write(file.as_file_mut())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        finish().with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Fills the file with NumPy arrays.
    pub(crate) fn commit_npz(
        self,
        write: impl FnOnce(&mut NpzWriter<&mut File>) -> Result<(), ndarray_npy::WriteNpzError>,
    ) -> anyhow::Result<()> {
        self.commit(|file| {
            let mut npz = NpzWriter::new_compressed(file);
            write(&mut npz)?;
            npz.finish()?;
            Ok(())
        })
    }
}
