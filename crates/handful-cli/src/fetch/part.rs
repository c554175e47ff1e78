//! A partial download, which has a separate name until it is complete and verified.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use md5::{Digest, Md5};

use super::reason::Reason;

/// `FILE.part`. It stays if a run is cut off, so that the next one can resume.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    digest: Md5,
    len: u64,
}

impl Part {
    /// Opens the partial download of `target`, with the bytes that an earlier run left.
    pub(super) fn open(target: &Path) -> Result<Self, Reason> {
        let mut path = target.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let open = || {
            let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            // If files cannot be locked at all, the checksum shows whether two runs interfered.
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Err(io::Error::other("another run is writing it"));
            }
            let mut digest = Md5::new();
            let len = hash(&mut file, &mut digest)?;
            Ok((file, digest, len))
        };
        match open() {
            Ok((file, digest, len)) => Ok(Self { path, file, digest, len }),
            Err(source) => Err(Reason::Local { path, source }),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn md5(&self) -> String {
        hex(self.digest.clone())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))?;
        self.digest.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Starts over.
    pub(super) fn clear(&mut self) -> Result<(), Reason> {
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(|source| self.failed(source))?;
        self.digest.reset();
        self.len = 0;
        Ok(())
    }

    /// Gives the file its name, atomically.
    pub(super) fn finish(self, target: &Path) -> Result<u64, Reason> {
        let named = self.file.sync_all().and_then(|()| fs::rename(&self.path, target));
        named.map_err(|source| Reason::Local { path: target.to_owned(), source })?;
        Ok(self.len)
    }

    /// Keeps the file only if a later run can resume it.
    pub(super) fn leave(self) {
        if self.len == 0 {
            let _ = fs::remove_file(self.path);
        }
    }

    fn failed(&self, source: io::Error) -> Reason {
        Reason::Local { path: self.path.clone(), source }
    }
}

/// Length and MD5 of a file, if there is one.
pub(super) fn measure(path: &Path) -> io::Result<Option<(u64, String)>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut digest = Md5::new();
    let len = hash(&mut file, &mut digest)?;
    Ok(Some((len, hex(digest))))
}

fn hash(file: &mut File, digest: &mut Md5) -> io::Result<u64> {
    let (mut buffer, mut len) = (vec![0; 1 << 16], 0);
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(len);
        }
        digest.update(&buffer[..n]);
        len += n as u64;
    }
}

fn hex(digest: Md5) -> String {
    digest.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
