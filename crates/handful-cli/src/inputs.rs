//! The inputs of `predict`: pictures, folders, files of images and streams. They are read while the model works.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use handful::dataset::{self, ReadOptions, Reader, Split};
use ndarray::Array2;
use rayon::prelude::*;

use crate::console::Console;

/// Number of images that are predicted together.
const BATCH: usize = 1024;
/// Maximum number of batches that wait for the model.
const WAITING: usize = 2;
/// Maximum time until Ctrl-C is noticed.
const PATIENCE: Duration = Duration::from_millis(50);
/// Maximum depth of folders that are searched for pictures.
const DEEPEST: usize = 8;

/// Images of one shape, in the order of the input, and the inputs that could not be read.
pub(crate) struct Batch {
    /// Shape (n, pixels).
    pub(crate) images: Array2<u8>,
    /// Origin of each image: a file, and the image's number in it.
    pub(crate) places: Vec<(Arc<str>, usize)>,
    pub(crate) failures: Vec<Failure>,
}

/// An input that could not be read.
pub(crate) struct Failure {
    pub(crate) source: String,
    pub(crate) error: anyhow::Error,
}

/// Reads inputs on a separate thread. `options` must contain the shape of the images. `None` follows the last batch.
pub(crate) fn read(paths: Vec<PathBuf>, options: ReadOptions) -> Receiver<Option<Batch>> {
    let (sender, receiver) = sync_channel(WAITING);
    thread::spawn(move || {
        // If the receiver is gone, nothing more is needed.
        let all = paths.iter().try_for_each(|path| send(path, &options, &sender));
        let _ = all.and_then(|()| sender.send(None).map_err(|_| Gone));
    });
    receiver
}

/// The next batch; `None` at the end, or after Ctrl-C, even if there is more input.
pub(crate) fn next(batches: &Receiver<Option<Batch>>, console: &Console) -> anyhow::Result<Option<Batch>> {
    while !console.was_interrupted() {
        match batches.recv_timeout(PATIENCE) {
            Ok(batch) => return Ok(batch),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                anyhow::bail!(
                    "the thread that reads the images stopped before the last image: please report this"
                )
            }
        }
    }
    Ok(None)
}

struct Gone;

fn send(path: &Path, options: &ReadOptions, to: &SyncSender<Option<Batch>>) -> Result<(), Gone> {
    let sent = if path.is_dir() { send_folder(path, options, to) } else { send_file(path, options, to) };
    match sent {
        Err(Stop::Failed(error)) => {
            let failures = vec![Failure { source: path.display().to_string(), error }];
            let nothing = Array2::zeros((0, n_pixels(options)));
            to.send(Some(Batch { images: nothing, places: Vec::new(), failures })).map_err(|_| Gone)
        }
        Err(Stop::Gone) => Err(Gone),
        Ok(()) => Ok(()),
    }
}

enum Stop {
    Failed(anyhow::Error),
    Gone,
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Sends the pictures in a folder or, if there are none, the test images of the data set in it.
fn send_folder(path: &Path, options: &ReadOptions, to: &SyncSender<Option<Batch>>) -> Result<(), Stop> {
    let mut pictures = Vec::new();
    find_pictures(path, DEEPEST, &mut pictures)?;
    if pictures.is_empty() {
        return send_rows(Reader::open_with(path, Split::Test, options)?, path, to);
    }
    for files in pictures.chunks(BATCH) {
        let read = |path: &PathBuf| {
            let source = path.display().to_string();
            match open_pictures(path, options) {
                Ok(pages) => Ok((pages, source)),
                Err(error) => Err(Failure { source, error }),
            }
        };
        let (mut pixels, mut places, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for result in files.par_iter().map(read).collect::<Vec<_>>() {
            match result {
                Ok((pages, source)) => {
                    let source: Arc<str> = Arc::from(source);
                    places.extend((0..pages.len()).map(|page| (Arc::clone(&source), page)));
                    pixels.extend(pages.into_iter().flatten());
                }
                Err(failure) => failures.push(failure),
            }
        }
        let images = rows(pixels, n_pixels(options));
        to.send(Some(Batch { images, places, failures })).map_err(|_| Stop::Gone)?;
    }
    Ok(())
}

fn n_pixels(options: &ReadOptions) -> usize {
    options.image_shape.map_or(0, |[height, width]| height * width)
}

fn rows(pixels: Vec<u8>, n_pixels: usize) -> Array2<u8> {
    Array2::from_shape_vec((pixels.len() / n_pixels, n_pixels), pixels).expect("whole images")
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

/// The pages of a file; only TIFF files can have several.
fn open_pictures(path: &Path, options: &ReadOptions) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut reader = Reader::open_with(path, Split::Test, options)?;
    let mut pages = Vec::new();
    while let Some(images) = reader.read(1)? {
        pages.push(images.pixels.row(0).to_vec());
    }
    Ok(pages)
}

fn send_file(path: &Path, options: &ReadOptions, to: &SyncSender<Option<Batch>>) -> Result<(), Stop> {
    let reader = if path == Path::new("-") {
        Reader::stream_with("standard input".as_ref(), io::stdin(), options)?
    } else {
        Reader::open_with(path, Split::Test, options)?
    };
    send_rows(reader, path, to)
}

fn send_rows(mut reader: Reader, path: &Path, to: &SyncSender<Option<Batch>>) -> Result<(), Stop> {
    let source: Arc<str> = Arc::from(path.display().to_string());
    let mut first = 0;
    while let Some(images) = reader.read(BATCH)? {
        let n = images.pixels.nrows();
        let places = (first..first + n).map(|index| (Arc::clone(&source), index)).collect();
        first += n;
        let images = images.pixels.into_owned();
        to.send(Some(Batch { images, places, failures: Vec::new() })).map_err(|_| Stop::Gone)?;
    }
    Ok(())
}
