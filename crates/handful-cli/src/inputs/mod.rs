//! The inputs of `predict`: pictures, folders, files of images and streams. They are read while the model works.

mod archive;
mod folder;
mod pictures;
mod stream;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use handful::dataset::{ReadOptions, Reader};
use ndarray::Array2;

use crate::console::Console;

/// Number of images that are predicted together.
const BATCH: usize = 1024;
/// Maximum number of batches that wait for the model.
const WAITING: usize = 2;
/// Maximum time until Ctrl-C is noticed.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long images may wait for others of their batch, roughly.
const WAIT: Duration = Duration::from_millis(50);

/// Images of one shape, in the order of the input, and the inputs that could not be read.
pub(crate) struct Batch {
    /// Shape (n, pixels).
    pub(crate) images: Array2<u8>,
    pub(crate) places: Vec<Place>,
    pub(crate) failures: Vec<Failure>,
}

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// A file, a member of an archive, or `-`.
    pub(crate) source: Arc<str>,
    /// The image's number in it.
    pub(crate) index: usize,
    /// Whether the source may have several images, so that the number belongs to the name.
    pub(crate) is_numbered: bool,
    /// Number of digits that are apart in the picture; 0 if it is blank, 1 for images in data files.
    pub(crate) n_digits: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self { source, index, is_numbered, .. } = self;
        if *is_numbered { write!(out, "{source}[{index}]") } else { out.write_str(source) }
    }
}

/// An input that could not be read.
pub(crate) struct Failure {
    pub(crate) place: Place,
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
    let sent =
        if path.is_dir() { folder::send(path, options, to) } else { stream::send_file(path, options, to) };
    match sent {
        Err(Stop::Failed(error)) => {
            let source = Arc::from(path.display().to_string());
            let place = Place { source, index: 0, is_numbered: false, n_digits: 0 };
            let failures = vec![Failure { place, error }];
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

fn n_pixels(options: &ReadOptions) -> usize {
    options.image_shape.map_or(0, |[height, width]| height * width)
}

/// Sends the images of a data set. If they come slowly, a batch has few of them, so that results need not wait.
fn send_rows(mut reader: Reader, path: &Path, to: &SyncSender<Option<Batch>>) -> Result<(), Stop> {
    let source: Arc<str> = Arc::from(path.display().to_string());
    let (mut first, mut most, mut start) = (0, 1, Instant::now());
    while let Some(images) = reader.read(most)? {
        let n = images.pixels.nrows();
        let in_time = n as f64 * WAIT.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any batch will do")]
        {
            most = (in_time as usize).clamp(1, BATCH.min(2 * most));
        }
        let place = |index| Place { source: Arc::clone(&source), index, is_numbered: true, n_digits: 1 };
        let places = (first..first + n).map(place).collect();
        first += n;
        let images = images.pixels.into_owned();
        to.send(Some(Batch { images, places, failures: Vec::new() })).map_err(|_| Stop::Gone)?;
        // The model may be slow, too.
        start = Instant::now();
    }
    Ok(())
}
