//! What `predict` looks at: pictures, folders, files of images and streams, read while the model works.

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

use handful::{
    dataset::{self, Reader, Split},
    preprocess::Framing,
};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::console::Console;

/// Images that are predicted together.
const BATCH: usize = 1024;
/// Batches that may wait for the model.
const WAITING: usize = 2;
/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(50);
/// Folders within folders that pictures are looked for in.
const DEEPEST: usize = 8;

/// Images of one shape, in the order of the input, and what could not be read.
pub(crate) struct Batch {
    /// Shape (n, pixels).
    pub(crate) images: Array2<u8>,
    /// Where each comes from: a file, and the image's number in it.
    pub(crate) places: Vec<(Arc<str>, usize)>,
    pub(crate) failures: Vec<Failure>,
}

/// Something that could not be read.
pub(crate) struct Failure {
    pub(crate) source: String,
    pub(crate) error: anyhow::Error,
}

/// How rows are made of what is found.
#[derive(Clone, Copy)]
pub(crate) struct Shaping {
    pub(crate) shape: [usize; 2],
    /// Pictures are framed unless told otherwise, images in files of data are not unless told so.
    pub(crate) framing: Option<Framing>,
}

/// Reads on a thread of its own.
pub(crate) fn read(paths: Vec<PathBuf>, shaping: Shaping) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel(WAITING);
    thread::spawn(move || {
        // A receiver that is gone wants no more.
        let _ = paths.iter().try_for_each(|path| send(path, shaping, &sender));
    });
    receiver
}

/// The next batch; none at the end, or when Ctrl-C was pressed while the input kept us waiting.
pub(crate) fn next(batches: &Receiver<Batch>, console: &Console) -> Option<Batch> {
    loop {
        match batches.recv_timeout(PATIENCE) {
            Ok(batch) => return Some(batch),
            Err(RecvTimeoutError::Timeout) if !console.was_interrupted() => {}
            Err(_) => return None,
        }
    }
}

struct Gone;

fn send(path: &Path, shaping: Shaping, to: &SyncSender<Batch>) -> Result<(), Gone> {
    let sent = if path.is_dir() { send_folder(path, shaping, to) } else { send_file(path, shaping, to) };
    match sent {
        Err(Stop::Failed(error)) => {
            let failures = vec![Failure { source: path.display().to_string(), error }];
            let nothing = Array2::zeros((0, shaping.shape[0] * shaping.shape[1]));
            to.send(Batch { images: nothing, places: Vec::new(), failures }).map_err(|_| Gone)
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

/// The pictures in a folder, or else what it holds as a data set: of that, the images to be tested on.
fn send_folder(path: &Path, shaping: Shaping, to: &SyncSender<Batch>) -> Result<(), Stop> {
    let mut pictures = Vec::new();
    find_pictures(path, DEEPEST, &mut pictures)?;
    if pictures.is_empty() {
        return send_rows(Reader::open(path, Split::Test)?, path, shaping, to);
    }
    for files in pictures.chunks(BATCH) {
        let read = |path: &PathBuf| {
            let source = path.display().to_string();
            match open_picture(path, shaping) {
                Ok(pixels) => Ok((pixels, source)),
                Err(error) => Err(Failure { source, error }),
            }
        };
        let (mut pixels, mut places, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for result in files.par_iter().map(read).collect::<Vec<_>>() {
            match result {
                Ok((row, source)) => {
                    pixels.extend(row);
                    places.push((Arc::from(source), 0));
                }
                Err(failure) => failures.push(failure),
            }
        }
        let images = rows(pixels, shaping.shape);
        to.send(Batch { images, places, failures }).map_err(|_| Stop::Gone)?;
    }
    Ok(())
}

fn rows(pixels: Vec<u8>, [height, width]: [usize; 2]) -> Array2<u8> {
    Array2::from_shape_vec((pixels.len() / (height * width), height * width), pixels).expect("whole images")
}

/// All files that are named as pictures, by name, folder by folder; hidden ones are none.
fn find_pictures(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let error = |source| dataset::Error::Io { path: folder.to_owned(), source };
    let entries = folder.read_dir().map_err(error)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>().map_err(error)?;
    entries.sort();
    for path in entries {
        if path.file_name().unwrap_or_default().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            // A link may lead back to where it is.
            if deeper > 0 && !path.is_symlink() {
                find_pictures(&path, deeper - 1, found)?;
            }
        } else if dataset::is_named_as_picture(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn open_picture(path: &Path, shaping: Shaping) -> anyhow::Result<Vec<u8>> {
    let mut reader = Reader::open(path, Split::Test)?;
    let found = reader.image_shape();
    let images = reader.read(1)?.expect("a picture is one image");
    frame(images.pixels.row(0).to_vec(), found, path, shaping)
}

fn frame(pixels: Vec<u8>, found: [usize; 2], path: &Path, shaping: Shaping) -> anyhow::Result<Vec<u8>> {
    let picture =
        ArrayView2::from_shape((found[0], found[1]), &pixels).expect("as many pixels as the shape says");
    let framed = shaping.framing.unwrap_or_default().apply(picture, shaping.shape);
    framed.ok_or_else(|| mismatch(path, found, shaping.shape))
}

fn mismatch(path: &Path, [height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> anyhow::Error {
    anyhow::anyhow!(
        "{}: expected images of {rows} x {columns} pixels, as the model was trained on, found {height} x {width}; \
         --framing always scales the ink in them",
        path.display()
    )
}

fn send_file(path: &Path, shaping: Shaping, to: &SyncSender<Batch>) -> Result<(), Stop> {
    let reader = if path == Path::new("-") {
        Reader::from_stream("standard input".as_ref(), io::stdin())?
    } else {
        Reader::open(path, Split::Test)?
    };
    send_rows(reader, path, shaping, to)
}

fn send_rows(mut reader: Reader, path: &Path, shaping: Shaping, to: &SyncSender<Batch>) -> Result<(), Stop> {
    let (found, [height, width]) = (reader.image_shape(), shaping.shape);
    let framing =
        if reader.is_picture() { Some(shaping.framing.unwrap_or_default()) } else { shaping.framing };
    let is_framed = match framing {
        Some(Framing::Always) => true,
        Some(Framing::Auto) => reader.is_picture(),
        _ => false,
    };
    // Some formats tell the number of pixels only.
    if !is_framed && found != shaping.shape && (found[0] != 1 || found[1] != height * width) {
        return Err(mismatch(path, found, shaping.shape).into());
    }
    let source: Arc<str> = Arc::from(path.display().to_string());
    let mut first = 0;
    while let Some(images) = reader.read(BATCH)? {
        let n = images.pixels.nrows();
        let images = if is_framed {
            let framing = framing.unwrap_or_default();
            let frame = |row: ndarray::ArrayView1<u8>| {
                let picture = row.into_shape_with_order((found[0], found[1])).expect("contiguous");
                framing.apply(picture, shaping.shape).expect("whatever its size")
            };
            let framed: Vec<Vec<u8>> = images.pixels.outer_iter().into_par_iter().map(frame).collect();
            rows(framed.concat(), shaping.shape)
        } else {
            images.pixels.into_owned()
        };
        let places = (first..first + n).map(|index| (Arc::clone(&source), index)).collect();
        first += n;
        to.send(Batch { images, places, failures: Vec::new() }).map_err(|_| Stop::Gone)?;
    }
    Ok(())
}
