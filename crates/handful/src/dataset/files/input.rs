//! A file or a stream to be read: it is unpacked, and not trusted.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, Seek},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bzip2::read::MultiBzDecoder;
use flate2::read::{DeflateDecoder, MultiGzDecoder};

use crate::dataset::{Error, pipe};

/// Number of bytes that identify a format: a whole binary header, or most of the first line of a table.
pub(super) const HEAD: usize = 4096;
/// Number of bytes that identify a picture.
const ENOUGH: usize = 16;
/// A file may always unpack to this many bytes, and beyond that to a multiple of its own size. Images do not compress
/// better; decompression bombs do.
const SMALL: u64 = 64 << 20;
const LARGEST_RATIO: u64 = 200;

pub(super) type Bytes = Box<dyn BufRead + Send>;

/// What is to be read, from its start, with its first bytes for inspection.
pub(super) struct Input {
    /// The path for error messages.
    pub(super) path: PathBuf,
    /// The first bytes, unpacked; all of them if there are fewer than [`HEAD`].
    pub(super) head: Vec<u8>,
    /// All of it, unpacked.
    pub(super) bytes: Bytes,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let io_error = |source| Error::Io { path: path.to_owned(), source };
        let file = pipe::open(path).map_err(io_error)?;
        Self::new(path, file)
    }

    pub(super) fn new(path: &Path, raw: impl Read + Send + 'static) -> Result<Self, Error> {
        let unpack = || {
            let (head, raw) = peek(BufReader::new(raw))?;
            match &head[..] {
                [0x1f, 0x8b, ..] => peek(Unpacked::new(raw, MultiGzDecoder::new)),
                [b'B', b'Z', b'h', b'1'..=b'9', ..] => peek(Unpacked::new(raw, MultiBzDecoder::new)),
                _ => Ok((head, raw)),
            }
        };
        let (head, bytes) = unpack().map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), head, bytes })
    }

    /// A seekable file; unpacked data and streams are copied to a temporary file.
    pub(super) fn into_file(mut self) -> Result<File, Error> {
        // Opening a pipe again would lose its content.
        if self.path.is_file()
            && let Ok(mut file) = File::open(&self.path)
        {
            let mut start = vec![0; self.head.len()];
            if file.read_exact(&mut start).is_ok() && start == self.head && file.rewind().is_ok() {
                return Ok(file);
            }
        }
        let mut spool = || {
            let mut file = tempfile::tempfile()?;
            io::copy(&mut self.bytes, &mut file)?;
            file.rewind()?;
            Ok(file)
        };
        spool().map_err(|source| Error::Io { path: self.path.clone(), source })
    }
}

/// A member of an archive, unpacked.
pub(super) fn inflated(raw: impl Read + Send + 'static) -> Bytes {
    Unpacked::new(raw, DeflateDecoder::new)
}

/// Whether these are the first bytes of a picture.
pub(super) fn is_picture(head: &[u8]) -> bool {
    matches!(
        head,
        [0x89, b'P', b'N', b'G', ..]
            | [0xff, 0xd8, 0xff, ..]
            | [b'G', b'I', b'F', b'8', ..]
            | [b'R', b'I', b'F', b'F', ..]
            | [b'B', b'M', _, _, _, _, 0, 0, ..]
            | [b'P', b'1'..=b'7', b'\n' | b'\r' | b'\t' | b' ', ..]
            | [b'I', b'I', 42 | 43, 0, ..]
            | [b'M', b'M', 0, 42 | 43, ..]
    )
}

/// Whether a reader has more bytes, which are then in its buffer.
pub(super) fn has_more(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        match reader.fill_buf() {
            // A signal, after which reading goes on.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            found => return Ok(!found?.is_empty()),
        }
    }
}

/// The first bytes, and a reader of all bytes. For a picture these are as many as are there, so that a small one need not
/// wait for the next in the stream.
fn peek(mut reader: impl BufRead + Send + 'static) -> io::Result<(Vec<u8>, Bytes)> {
    let mut head = Vec::new();
    while head.len() < HEAD && !(head.len() >= ENOUGH && is_picture(&head)) && has_more(&mut reader)? {
        let there = reader.fill_buf()?;
        let n = there.len().min(HEAD - head.len());
        head.extend(&there[..n]);
        reader.consume(n);
    }
    let bytes = Box::new(Cursor::new(head.clone()).chain(reader));
    Ok((head, bytes))
}

/// Counts the bytes read.
struct Meter<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The output of a decompressor, which ends in an error if it is out of all proportion to the input.
struct Unpacked<D> {
    decoder: D,
    /// Bytes in and bytes out.
    taken: Arc<AtomicU64>,
    made: u64,
}

impl<D: Read + Send + 'static> Unpacked<D> {
    #[expect(clippy::new_ret_no_self, reason = "it is of use as a reader only")]
    fn new<R: Read>(raw: R, decoder: impl FnOnce(Meter<R>) -> D) -> Bytes {
        let taken = Arc::new(AtomicU64::new(0));
        let decoder = decoder(Meter(raw, Arc::clone(&taken)));
        Box::new(BufReader::with_capacity(1 << 16, Self { decoder, taken, made: 0 }))
    }
}

impl<D: Read> Read for Unpacked<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buffer)?;
        self.made += n as u64;
        let taken = self.taken.load(Ordering::Relaxed);
        if self.made > SMALL.max(taken.saturating_mul(LARGEST_RATIO)) {
            return Err(io::Error::other(format!(
                "expected a file that unpacks to at most {LARGEST_RATIO} times its size, found a larger one: if \
                 that is right, unpack it first"
            )));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(byte: u8, n: usize) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![byte; n]).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn packed_or_not_the_bytes_are_the_same() {
        let plain = vec![7; 3 * HEAD];
        for bytes in [plain.clone(), packed(7, plain.len())] {
            let mut input = Input::new(Path::new("-"), Cursor::new(bytes)).expect("readable");
            assert_eq!(input.head, plain[..HEAD]);
            let mut all = Vec::new();
            input.bytes.read_to_end(&mut all).expect("readable");
            assert_eq!(all, plain);
        }
    }

    #[test]
    fn bombs_are_refused_when_they_have_gone_off_a_little() {
        let mut input = Input::new(Path::new("-"), Cursor::new(packed(0, 200 << 20))).expect("a start");
        let error = io::copy(&mut input.bytes, &mut io::sink()).expect_err("a bomb");
        assert!(error.to_string().contains("unpacks to at most 200 times its size"), "{error}");
    }
}
