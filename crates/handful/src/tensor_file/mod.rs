//! Files of named tensors with metadata (safetensors). A checksum covers metadata, names, shapes and values.

mod error;
mod header;
pub(crate) mod sealed;
mod tensors;

pub(crate) use error::Error;
pub(crate) use tensors::{Reader, Tensor, Writer};

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
