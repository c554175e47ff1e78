//! The output files. Either all of them appear, or none.

use std::{
    fs, io,
    num::NonZeroU16,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use handful::draft::NewFolder;

use super::{idx, parquet, rows::Rows};
use crate::output::{OutputFile, commit_all};

/// The format and the names of the output files.
pub(super) struct Destination {
    format: Format,
    folder: Option<PathBuf>,
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy)]
enum Format {
    Idx,
    Parquet,
}

impl Destination {
    /// The destination that the options name; the error says why they do not fit.
    pub(super) fn new(output: &Path, shards: Option<NonZeroU16>, count: u64) -> Result<Self, String> {
        let is_parquet =
            output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
        match shards {
            Some(_) if is_parquet => {
                Err(format!("--shards: expected a folder as --output, found {}", output.display()))
            }
            Some(shards) if u64::from(shards.get()) > count => {
                Err(format!("--shards is {shards}: expected at most {count}, the number of images"))
            }
            Some(shards) => {
                let name = |shard: u16| format!("train-{shard:05}-of-{shards:05}.parquet");
                let files = (0..shards.get()).map(|shard| output.join(name(shard))).collect();
                Ok(Self { format: Format::Parquet, folder: Some(output.to_owned()), files })
            }
            None if is_parquet => {
                Ok(Self { format: Format::Parquet, folder: None, files: vec![output.to_owned()] })
            }
            None if count > u64::from(u32::MAX) => Err(format!(
                "--count is {count}: expected at most {}, the most that IDX can hold; \
                 to store more, write a Parquet file or use --shards",
                u32::MAX
            )),
            None => {
                let files = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
                let files = files.map(|name| output.join(name)).to_vec();
                Ok(Self { format: Format::Idx, folder: Some(output.to_owned()), files })
            }
        }
    }

    /// Creates the files before the long work, so that errors are reported at once.
    pub(super) fn create(self) -> anyhow::Result<Files> {
        let Self { format, folder, files: paths } = self;
        let new_folder = match &folder {
            Some(folder) => open(folder, &paths)?,
            None => None,
        };
        let begun = paths.iter().map(|path| OutputFile::create(path)).collect::<anyhow::Result<_>>()?;
        Ok(Files { format, paths, begun, _new_folder: new_folder })
    }
}

/// Creates the folder if needed, and checks that it contains no other training images.
fn open(folder: &Path, files: &[PathBuf]) -> anyhow::Result<Option<NewFolder>> {
    match NewFolder::create(folder) {
        Ok(folder) => return Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be created as a folder", folder.display()));
        }
    }
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        let is_other = path.file_name().is_some_and(|name| name.to_string_lossy().contains("train"));
        if is_other && !files.contains(&path) {
            bail!("{} already exists: expected a folder without other training images", path.display());
        }
    }
    Ok(None)
}

/// Unfinished files. They are removed before their folder is.
pub(super) struct Files {
    format: Format,
    paths: Vec<PathBuf>,
    begun: Vec<OutputFile>,
    _new_folder: Option<NewFolder>,
}

impl Files {
    /// Writes all rows. Returns the paths of the files.
    pub(super) fn write(self, rows: &Rows) -> anyhow::Result<Vec<PathBuf>> {
        let Self { format, paths, begun, _new_folder } = self;
        commit_all(begun, |files| match format {
            Format::Idx => {
                let [images, labels] = files else { unreachable!("a file of images and one of labels") };
                idx::write(rows, images, labels)
            }
            Format::Parquet => parquet::write(rows, files),
        })?;
        Ok(paths)
    }
}
