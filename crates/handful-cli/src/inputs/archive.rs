//! Archives in the format tar: the pictures in them, one after the other. Nothing is unpacked onto the disk.

use std::{
    io::Read,
    path::Path,
    sync::{Arc, mpsc::SyncSender},
};

use handful::dataset;
use tar::Archive;

use super::{Stop, pictures::Raw};

/// Reads the pictures in an archive. Their names follow that of its file.
pub(super) fn read(archive: impl Read, path: &Path, to: &SyncSender<Raw>) -> Result<(), Stop> {
    let is_standard_input = path == Path::new("-");
    let called = if is_standard_input { Path::new("standard input") } else { path };
    let io_error = |source| dataset::Error::Io { path: called.to_owned(), source };
    let mut n_found = 0;
    for entry in Archive::new(archive).entries().map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let inner = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = Path::new(&inner);
        let is_hidden =
            name.iter().any(|part| part.to_string_lossy().starts_with('.') && part != "." && part != "..");
        let kind = entry.header().entry_type();
        if kind.is_dir() || is_hidden || !dataset::is_named_as_picture(name) {
            continue;
        }
        n_found += 1;
        let source: Arc<str> = Arc::from(if is_standard_input {
            inner.trim_start_matches("./").to_owned()
        } else {
            path.join(name.strip_prefix("/").unwrap_or(name)).display().to_string()
        });
        let bytes = if kind.is_file() {
            dataset::read_picture(Path::new(&*source), entry).map_err(Into::into)
        } else {
            Err(anyhow::anyhow!(
                "{source}: expected a file, found a link or another special member of the archive"
            ))
        };
        to.send(Raw { source, number: None, bytes }).map_err(|_| Stop::Gone)?;
    }
    if n_found == 0 {
        return Err(dataset::Error::NoImages { path: called.to_owned() }.into());
    }
    Ok(())
}
