//! Files of tensors and metadata, which are checked.

#[cfg(feature = "training")]
use std::io::{self, Write};
use std::{io::Read, path::Path};

use super::{
    Error, Reader,
    header::{Header, PREFIX, serialize},
    tensors::{self, Tensor},
};
#[cfg(feature = "training")]
use crate::draft::Draft;

const SEAL: &str = ",\"sha256\":\"";
/// More than any model that is loaded into memory: twenty million images.
const MOST_BYTES: u64 = 1 << 34;

/// Tensors in the order of their names, and an entry of metadata: a JSON object to which a checksum of everything else
/// is appended as the last value.
pub(crate) fn seal(key: &str, metadata: &str, tensors: &[(String, Tensor)]) -> Result<Vec<u8>, Error> {
    let parts = tensors.iter().map(|(name, tensor)| {
        let (shape, bytes) = tensor.parts();
        (name.as_str(), shape, bytes)
    });
    let sha256 = tensors::sha256(metadata, parts);
    let sealed = format!("{}{SEAL}{sha256}\"}}", &metadata[..metadata.len() - 1]);
    let tensors = tensors.iter().map(|(name, tensor)| {
        let (shape, bytes) = tensor.parts();
        (name.as_str(), tensor.dtype(), shape, bytes)
    });
    serialize((key, &sealed), tensors)
}

/// All bytes of a file of tensors, and one more if it is too long. A file that does not start like one is recognised by
/// its first bytes, so that neither a device nor another file is read into memory.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let io_error = |source| Error::Io { path: path.to_owned(), source };
    let (mut file, mut bytes) = (crate::dataset::open(path).map_err(io_error)?, Vec::new());
    let mut append = |n: u64, to: &mut Vec<u8>| (&mut file).take(n).read_to_end(to).map_err(io_error);
    append(PREFIX as u64 + 1, &mut bytes)?;
    let length = Header::length(&bytes)?;
    append(length - 1, &mut bytes)?;
    let data = Header::parse(&bytes[PREFIX..])?.n_bytes();
    if data > MOST_BYTES {
        return Err(Error::TooLarge { found: data, most: MOST_BYTES });
    }
    append(data + 1, &mut bytes)?;
    Ok(bytes)
}

/// An entry of the metadata, which is not checked yet.
pub(crate) fn metadata(key: &str, bytes: &[u8]) -> Result<Option<String>, Error> {
    Ok(Header::of(bytes)?.0.metadata.remove(key))
}

/// The entry without its checksum, which has been verified, and the tensors.
pub(crate) fn open<'a>(entry: &str, bytes: &'a [u8]) -> Result<(String, Reader<'a>), Error> {
    let unsealed = || {
        let (rest, sha256) = entry.strip_suffix("\"}")?.rsplit_once(SEAL)?;
        Some((format!("{rest}}}"), sha256))
    };
    let (rest, expected) = unsealed().ok_or_else(|| {
        Error::Content("expected a checksum at the end of the metadata, found none".to_owned())
    })?;
    let tensors = Reader::of(bytes)?;
    let found = tensors::sha256(&rest, tensors.parts());
    if found != expected {
        return Err(Error::Checksum { expected: expected.to_owned(), found });
    }
    Ok((rest, tensors))
}

/// Writes a file that is either complete or absent.
#[cfg(feature = "training")]
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = Draft::create(path)?;
    draft.file().write_all(bytes)?;
    draft.finish()
}
