//! IDX, the format of MNIST: a big-endian header (magic number, then one size per axis), then the bytes.
//!
//! A file may be gzipped, whatever its name. What the header declares is compared with what the file can
//! hold before memory is taken, and memory is taken for what is really there: no header can exhaust it.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use ndarray::{ArcArray2, Array2};

use super::Error;

/// IDX type 0x08 (unsigned byte) with three axes, or with one.
const IMAGES_MAGIC: u32 = 0x0803;
const LABELS_MAGIC: u32 = 0x0801;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Deflate cannot expand further than this (RFC 1951: 258 bytes from two bits).
const MAX_DEFLATE_RATIO: u64 = 1032;
/// Memory taken beforehand for decompressed data, as a multiple of the file's size; more is taken as it comes.
const USUAL_DEFLATE_RATIO: u64 = 8;

/// Images as rows of bytes, with the shape that one row folds back into.
#[derive(Clone, Debug)]
pub struct Images {
    /// Shape (n, height * width).
    pub pixels: ArcArray2<u8>,
    /// Height and width.
    pub shape: [usize; 2],
}

/// Reads IDX images (`idx3-ubyte`), plain or gzipped.
///
/// # Errors
/// If the file cannot be read, is not an IDX file of images, is empty, truncated or has bytes to spare.
#[expect(clippy::missing_panics_doc, reason = "the data was read to the declared size")]
pub fn read_images(path: &Path) -> Result<Images, Error> {
    let (sizes, pixels) = read(path, "images", IMAGES_MAGIC)?;
    let [n, height, width] = sizes;
    let pixels = Array2::from_shape_vec((n, height * width), pixels).expect("the data has the declared size");
    Ok(Images { pixels: pixels.into_shared(), shape: [height, width] })
}

/// Reads IDX labels (`idx1-ubyte`), plain or gzipped.
///
/// # Errors
/// As [`read_images`].
pub fn read_labels(path: &Path) -> Result<Vec<u8>, Error> {
    let ([_], labels) = read(path, "labels", LABELS_MAGIC)?;
    Ok(labels)
}

fn read<const AXES: usize>(
    path: &Path,
    what: &'static str,
    magic: u32,
) -> Result<([usize; AXES], Vec<u8>), Error> {
    let io_error = |source| Error::Io { path: path.to_owned(), source };
    let Opened { mut reader, most, usual } = Opened::new(path).map_err(io_error)?;

    let header_len = 4 + 4 * AXES;
    let mut header = Vec::with_capacity(header_len);
    reader.by_ref().take(header_len as u64).read_to_end(&mut header).map_err(io_error)?;
    let mut words = header.as_chunks::<4>().0.iter().map(|&word| u32::from_be_bytes(word));
    if let Some(found) = words.next()
        && found != magic
    {
        return Err(Error::WrongMagic { path: path.to_owned(), what, expected: magic, found });
    }
    if header.len() < header_len {
        return Err(Error::ShortHeader { path: path.to_owned(), expected: header_len, found: header.len() });
    }

    let shape: Vec<u32> = words.collect();
    if shape.contains(&0) {
        return Err(Error::Empty { path: path.to_owned(), shape });
    }
    // Three factors below 2^32 fit: no overflow.
    let expected: u128 = shape.iter().map(|&size| u128::from(size)).product();
    let wrong_size = |found| Error::WrongSize { path: path.to_owned(), expected, found };
    let length = match usize::try_from(expected) {
        Ok(length) if length as u64 <= most => length,
        // Too long even for the best compression: count what is there without keeping it.
        _ => return Err(wrong_size(io::copy(&mut reader, &mut io::sink()).map_err(io_error)?)),
    };
    let mut data = Vec::with_capacity(length.min(usize::try_from(usual).unwrap_or(length)));
    reader.by_ref().take(length as u64).read_to_end(&mut data).map_err(io_error)?;
    let surplus = reader.read(&mut [0]).map_err(io_error)?;
    if data.len() < length || surplus > 0 {
        return Err(wrong_size((data.len() + surplus) as u64));
    }

    let sizes = std::array::from_fn(|axis| shape[axis] as usize);
    Ok((sizes, data))
}

/// A file about to be read.
struct Opened {
    /// Of the decompressed bytes.
    reader: Box<dyn Read>,
    /// The most of them that a file of this size can hold.
    most: u64,
    /// What it usually holds.
    usual: u64,
}

impl Opened {
    fn new(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut start = Vec::new();
        file.by_ref().take(2).read_to_end(&mut start)?;
        file.rewind()?;
        let times = |ratio: u64| size.saturating_mul(ratio);
        if start == GZIP_MAGIC {
            let reader = Box::new(MultiGzDecoder::new(BufReader::new(file)));
            Ok(Self { reader, most: times(MAX_DEFLATE_RATIO), usual: times(USUAL_DEFLATE_RATIO) })
        } else {
            Ok(Self { reader: Box::new(BufReader::new(file)), most: size, usual: size })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, path::PathBuf};

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn idx(sizes: &[u32], data: &[u8]) -> Vec<u8> {
        let magic = if sizes.len() == 3 { IMAGES_MAGIC } else { LABELS_MAGIC };
        let words = std::iter::once(&magic).chain(sizes).flat_map(|word| word.to_be_bytes());
        words.chain(data.iter().copied()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("file-ubyte");
        std::fs::write(&path, bytes).expect("temporary file");
        (folder, path)
    }

    fn images_error(bytes: &[u8]) -> Error {
        let (_folder, path) = file(bytes);
        read_images(&path).expect_err("a damaged file")
    }

    #[test]
    fn reads_plain_and_gzipped_alike() {
        let bytes = idx(&[2, 2, 3], &[0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255]);
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let (_folder, path) = file(&bytes);
            let images = read_images(&path).expect("valid");
            assert_eq!(images.shape, [2, 3]);
            assert_eq!(images.pixels.row(1).to_vec(), [250, 251, 252, 253, 254, 255]);
        }
        let (_folder, path) = file(&gzip(&idx(&[3], &[7, 0, 9])));
        assert_eq!(read_labels(&path).expect("valid"), [7, 0, 9]);
    }

    #[test]
    fn truncated_and_trailing_bytes_are_told_with_both_counts() {
        let whole = idx(&[2, 1, 2], &[1, 2, 3, 4]);
        let longer = [whole.as_slice(), &[5, 6]].concat();
        for wrap in [<[u8]>::to_vec, gzip] {
            let short = images_error(&wrap(&whole[..whole.len() - 1]));
            assert!(matches!(short, Error::WrongSize { expected: 4, found: 3, .. }), "{short}");
            let long = images_error(&wrap(&longer));
            assert!(matches!(long, Error::WrongSize { expected: 4, found: 5, .. }), "{long}");
        }
    }

    #[test]
    fn a_header_never_takes_memory_that_the_file_cannot_fill() {
        for sizes in [[u32::MAX; 3], [60_000, 28, 28], [1 << 31, 1 << 31, 4]] {
            for bytes in [idx(&sizes, &[1, 2, 3]), gzip(&idx(&sizes, &[1, 2, 3]))] {
                let error = images_error(&bytes);
                assert!(matches!(error, Error::WrongSize { found: 3, .. }), "{error}");
            }
        }
    }

    #[test]
    fn other_damage_is_named() {
        assert!(matches!(images_error(&[]), Error::ShortHeader { expected: 16, found: 0, .. }));
        assert!(matches!(images_error(&idx(&[1, 1, 1], &[0])[..9]), Error::ShortHeader { found: 9, .. }));
        assert!(matches!(images_error(&idx(&[1], &[0])), Error::WrongMagic { found: LABELS_MAGIC, .. }));
        assert!(matches!(images_error(b"not an IDX file"), Error::WrongMagic { .. }));
        assert!(matches!(images_error(&idx(&[0, 28, 28], &[])), Error::Empty { .. }));
        assert!(matches!(images_error(&idx(&[5, 0, 28], &[])), Error::Empty { .. }));
        let mut cut = gzip(&idx(&[1, 1, 4], &[9, 8, 7, 6]));
        cut.truncate(cut.len() - 9);
        assert!(matches!(images_error(&cut), Error::Io { .. }));
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(
            (n, height, width) in (1_u32..5, 1_u32..4, 1_u32..4),
            pack: bool,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = idx(&[n, height, width], &vec![7; (n * height * width) as usize]);
            let mut bytes = if pack { gzip(&bytes) } else { bytes };
            for (at, value) in &damage {
                *at.get_mut(&mut bytes) = *value;
            }
            let (_folder, path) = file(&bytes);
            if let Ok(images) = read_images(&path) {
                prop_assert_eq!(images.pixels.ncols(), images.shape[0] * images.shape[1]);
            } else {
                prop_assert!(!damage.is_empty());
            }
            let _ = read_labels(&path);
            bytes.truncate(cut.index(bytes.len()));
            std::fs::write(&path, &bytes).unwrap();
            prop_assert!(read_images(&path).is_err());
        }
    }
}
