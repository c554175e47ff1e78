//! Output: files that appear only when they are complete, and JSON on stdout.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use handful::draft::Draft;
use serde::Serialize;

use crate::npz::NpzWriter;

/// A file that gets its name when [`commit`](Self::commit) has written it.
///
/// It is created before long work begins, so that errors are reported at once. If the path is not a regular file (a pipe,
/// a device), the output goes directly to it.
pub(crate) struct OutputFile {
    path: PathBuf,
    target: Target,
}

enum Target {
    Draft(Draft),
    Special(File),
}

impl OutputFile {
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let target = match path.metadata() {
            Ok(found) if found.is_dir() => {
                Err(io::Error::other("it is a folder, expected the name of a file"))
            }
            Ok(found) if !found.is_file() => File::options().write(true).open(&path).map(Target::Special),
            _ => Draft::create(&path).map(Target::Draft),
        };
        let target = target.with_context(|| cannot_be_written(&path))?;
        Ok(Self { path, target })
    }

    /// Writes the file, then gives it its name.
    pub(crate) fn commit(self, write: impl FnOnce(&File) -> anyhow::Result<()>) -> anyhow::Result<()> {
        commit_all(vec![self], |files| files[0].fill(write))
    }

    /// Writes a part of the file; [`commit_all`] gives it its name.
    pub(crate) fn fill(&mut self, write: impl FnOnce(&File) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let file = match &self.target {
            Target::Special(file) => file,
            Target::Draft(draft) => draft.file(),
        };
        write(file).with_context(|| cannot_be_written(&self.path))
    }

    /// Writes NumPy arrays to the file.
    pub(crate) fn commit_npz(
        self,
        write: impl FnOnce(&mut NpzWriter) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.commit(|file| {
            let mut npz = NpzWriter::new(file);
            write(&mut npz)?;
            npz.finish()
        })
    }
}

/// Writes files that belong together, then gives all of them their names.
pub(crate) fn commit_all(
    mut files: Vec<OutputFile>,
    write: impl FnOnce(&mut [OutputFile]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    write(&mut files)?;
    let drafts = files.into_iter().filter_map(|file| match file.target {
        Target::Draft(draft) => Some(draft),
        Target::Special(_) => None,
    });
    Draft::finish_all(drafts.collect())
        .map_err(|(path, error)| anyhow::Error::new(error).context(cannot_be_written(&path)))
}

fn cannot_be_written(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}

/// Prints one JSON document on stdout.
pub(crate) fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document)?;
    Ok(writeln!(out)?)
}
