//! Files and standard input: pictures that follow each other, archives of pictures, and data sets.

use std::{
    io, iter,
    path::Path,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use handful::dataset::{PictureStream, ReadOptions, Stream};
use rayon::current_num_threads;

use super::{
    Batch, Stop, archive,
    pictures::{Pictures, Raw},
    send_rows,
};

/// Maximum number of further pictures that are decoded together with one.
const TOGETHER: usize = 64;

/// Sends the images of a file, of a pipe, or of standard input if the path is `-`.
pub(super) fn send_file(
    path: &Path,
    options: &ReadOptions,
    to: &SyncSender<Option<Batch>>,
) -> Result<(), Stop> {
    let stream = if path == Path::new("-") {
        Stream::of("standard input".as_ref(), io::stdin(), options)?
    } else {
        Stream::open(path, options)?
    };
    match stream {
        Stream::Rows(reader) => send_rows(reader, path, to),
        Stream::Picture(bytes) => {
            let raw = Raw { source: Arc::from(path.display().to_string()), number: None, bytes: Ok(bytes) };
            Pictures::new(options).send(vec![raw], |raw| raw, to)
        }
        Stream::Pictures(pictures) => send_pictures(path, options, to, |to| number(pictures, path, to)),
        Stream::Archive(bytes) => send_pictures(path, options, to, |to| archive::read(bytes, path, to)),
    }
}

/// Sends pictures that `read` reads on a separate thread: always all that have been read, so that none has to wait for
/// the next.
fn send_pictures(
    path: &Path,
    options: &ReadOptions,
    to: &SyncSender<Option<Batch>>,
    read: impl FnOnce(&SyncSender<Raw>) -> Result<(), Stop> + Send,
) -> Result<(), Stop> {
    let (sender, raw) = sync_channel(4 * current_num_threads());
    let pictures = Pictures::new(options);
    thread::scope(|scope| {
        let reading = scope.spawn(move || read(&sender));
        while let Ok(first) = raw.recv() {
            let waiting = iter::once(first).chain(raw.try_iter().take(TOGETHER)).collect();
            pictures.send(waiting, |raw| raw, to)?;
        }
        drop(raw);
        reading.join().unwrap_or_else(|_| {
            Err(anyhow::anyhow!("{}: the thread that reads it stopped: please report this", path.display())
                .into())
        })
    })
}

/// Numbers the pictures of a stream.
fn number(pictures: PictureStream, path: &Path, to: &SyncSender<Raw>) -> Result<(), Stop> {
    let source: Arc<str> = Arc::from(path.display().to_string());
    for (number, bytes) in pictures.enumerate() {
        let raw = Raw { source: Arc::clone(&source), number: Some(number), bytes: bytes.map_err(Into::into) };
        to.send(raw).map_err(|_| Stop::Gone)?;
    }
    Ok(())
}
