//! Results: files that appear whole or not at all, and JSON on stdout.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use ndarray_npy::NpzWriter;
use serde::Serialize;
use tempfile::NamedTempFile;

/// A file in the making: under a temporary name in its folder until [`commit`](Self::commit).
///
/// Made before long work begins, so that a place that cannot be written to is told at once. What is there
/// and is no file (a pipe, a device) is written to as it is.
pub(crate) struct OutputFile {
    path: PathBuf,
    target: Target,
}

enum Target {
    Temporary(NamedTempFile),
    Special(File),
}

impl OutputFile {
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        // A link stays, and what it points to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let target = match path.metadata() {
            Ok(found) if found.is_dir() => {
                Err(io::Error::other("it is a folder, expected the name of a file"))
            }
            Ok(found) if !found.is_file() => File::options().write(true).open(&path).map(Target::Special),
            _ => temporary_beside(&path).map(Target::Temporary),
        };
        let target = target.with_context(|| cannot_be_written(&path))?;
        Ok(Self { path, target })
    }

    /// Fills the file, then gives it its name.
    pub(crate) fn commit(self, write: impl FnOnce(&mut File) -> anyhow::Result<()>) -> anyhow::Result<()> {
        commit_all(vec![self], |files| files[0].fill(write))
    }

    /// Writes some of what goes into the file; [`commit_all`] gives it its name.
    pub(crate) fn fill(&mut self, write: impl FnOnce(&mut File) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let file = match &mut self.target {
            Target::Special(file) => file,
            Target::Temporary(file) => file.as_file_mut(),
        };
        write(file).with_context(|| cannot_be_written(&self.path))
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

/// Fills files that belong together, then gives all of them their names.
pub(crate) fn commit_all(
    mut files: Vec<OutputFile>,
    write: impl FnOnce(&mut [OutputFile]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    write(&mut files)?;
    for OutputFile { path, target } in &files {
        if let Target::Temporary(file) = target {
            file.as_file().sync_all().with_context(|| cannot_be_written(path))?;
        }
    }
    for OutputFile { path, target } in files {
        if let Target::Temporary(file) = target {
            file.persist(&path).with_context(|| cannot_be_written(&path))?;
        }
    }
    Ok(())
}

fn cannot_be_written(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
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
    builder.tempfile_in(folder)
}

/// One JSON document on stdout.
pub(crate) fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document)?;
    Ok(writeln!(out)?)
}
