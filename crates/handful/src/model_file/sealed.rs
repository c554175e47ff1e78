//! Files of tensors and metadata, every byte of which is checked.

use std::{collections::HashMap, io, io::Write, path::Path};

use safetensors::SafeTensors;
use tempfile::NamedTempFile;

use super::{
    Error, Reader,
    tensors::{self, Tensor},
};

const SEAL: &str = ",\"sha256\":\"";

/// Tensors in the order of their names and an entry of metadata, a JSON object that gets a checksum of everything else as its
/// last value.
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

/// An entry of the metadata as it is, not checked yet.
pub(crate) fn metadata(key: &str, bytes: &[u8]) -> Result<Option<String>, Error> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
    Ok(header.metadata().as_ref().and_then(|metadata| metadata.get(key)).cloned())
}

/// The entry without its checksum, which is right, and the tensors.
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

/// Writes a file under a temporary name first, so that it is whole or not there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::with_prefix_in(".handful-", folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn format(error: safetensors::SafeTensorError) -> Error {
    Error::Format(error.to_string())
}
