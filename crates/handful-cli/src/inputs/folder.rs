//! Folders: pictures wherever they are in it, or a data set.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc::SyncSender},
};

use handful::dataset::{self, ReadOptions, Reader, Split};

use super::{
    BATCH, Batch, Stop,
    pictures::{Pictures, Raw},
    send_rows,
};

/// Maximum depth of folders that are searched for pictures.
const DEEPEST: usize = 8;

/// Sends the pictures in a folder or, if there are none, the test images of the data set in it.
pub(super) fn send(path: &Path, options: &ReadOptions, to: &SyncSender<Option<Batch>>) -> Result<(), Stop> {
    let mut found = Vec::new();
    find_pictures(path, DEEPEST, &mut found)?;
    if found.is_empty() {
        return send_rows(Reader::open_with(path, Split::Test, options)?, path, to);
    }
    let pictures = Pictures::new(options);
    for files in found.chunks(BATCH) {
        pictures.send(files.iter().collect(), |path| read(path), to)?;
    }
    Ok(())
}

fn read(path: &Path) -> Raw {
    let bytes = dataset::read_picture_file(path).map_err(Into::into);
    Raw { source: Arc::from(path.display().to_string()), number: None, bytes }
}

/// All files with the name of a picture, sorted by name, folder by folder, without hidden files.
fn find_pictures(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let error = |source| dataset::Error::Io { path: folder.to_owned(), source };
    let entries = folder.read_dir().map_err(error)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>().map_err(error)?;
    entries.sort_by(|a, b| dataset::natural_order(a, b));
    for path in entries {
        if path.file_name().unwrap_or_default().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            // A link may lead back to a folder above it.
            if deeper > 0 && !path.is_symlink() {
                find_pictures(&path, deeper - 1, found)?;
            }
        } else if dataset::is_named_as_picture(&path) {
            found.push(path);
        }
    }
    Ok(())
}
