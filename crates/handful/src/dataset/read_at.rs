//! Reads a part of a file.

use std::fs::File;

/// Fills a buffer with the bytes of a file from offset `start`, without moving the cursor.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, into: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, start)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, mut into: &mut [u8], mut start: u64) -> std::io::Result<()> {
    while !into.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, into, start)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => (into, start) = (&mut into[n..], start + n as u64),
        }
    }
    Ok(())
}
