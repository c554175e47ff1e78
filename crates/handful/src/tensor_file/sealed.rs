//! Files of tensors and metadata, every byte of which is checked.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    path::Path,
};

use safetensors::SafeTensors;
use serde::Deserialize;

use super::{
    Error, Reader,
    tensors::{self, Tensor},
};
use crate::draft::Draft;

const SEAL: &str = ",\"sha256\":\"";
/// Maximum length of a header in the format.
const LONGEST_HEADER: u64 = 100_000_000;
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
    let tensors = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    safetensors::serialize(tensors, Some(HashMap::from([(key.to_owned(), sealed)]))).map_err(format)
}

/// All bytes of a file of tensors, and one more if it is too long. A file that does not start like one is recognised by
/// its first bytes, so that neither a device nor another file is read into memory.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(default)]
        data_offsets: [u64; 2],
    }

    let io_error = |source| Error::Io { path: path.to_owned(), source };
    let (mut file, mut bytes) = (crate::dataset::open(path).map_err(io_error)?, Vec::new());
    let mut append = |n: u64, to: &mut Vec<u8>| (&mut file).take(n).read_to_end(to).map_err(io_error);
    append(9, &mut bytes)?;
    let Some((&length, [b'{'])) = bytes.split_first_chunk::<8>() else {
        return Err(Error::Format("it does not start like a .safetensors file".to_owned()));
    };
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER {
        return Err(Error::Format(format!("it declares a header of {length} bytes")));
    }
    append(length.saturating_sub(1), &mut bytes)?;
    let header: HashMap<String, Info> =
        serde_json::from_slice(&bytes[8..]).map_err(|error| Error::Format(error.to_string()))?;
    let data = header.values().map(|info| info.data_offsets[1]).max().unwrap_or(0);
    if data > MOST_BYTES {
        return Err(Error::TooLarge { found: data, most: MOST_BYTES });
    }
    append(data + 1, &mut bytes)?;
    Ok(bytes)
}

/// An entry of the metadata, which is not checked yet.
pub(crate) fn metadata(key: &str, bytes: &[u8]) -> Result<Option<String>, Error> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
    Ok(header.metadata().as_ref().and_then(|metadata| metadata.get(key)).cloned())
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
    let tensors = SafeTensors::deserialize(bytes).map_err(format)?;
    let mut all = tensors.tensors();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    let parts = all.iter().map(|(name, tensor)| (name.as_str(), tensor.shape(), tensor.data()));
    let found = tensors::sha256(&rest, parts);
    if found != expected {
        return Err(Error::Checksum { expected: expected.to_owned(), found });
    }
    Ok((rest, Reader(tensors)))
}

/// Writes a file that is either complete or absent.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = Draft::create(path)?;
    draft.file().write_all(bytes)?;
    draft.finish()
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn format(error: safetensors::SafeTensorError) -> Error {
    Error::Format(error.to_string())
}
