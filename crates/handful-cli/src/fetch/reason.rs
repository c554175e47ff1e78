//! Reasons why a file could not be fetched.

use std::{fmt, io, path::PathBuf};

use ureq::{Timeout, http::StatusCode};

use crate::text;

/// The reason why a mirror did not deliver a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Reason {
    #[error("there is no such host")]
    NoHost,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it refused the connection")]
    Refused,
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("it stopped sending")]
    Stalled,
    #[error("it ended the connection")]
    Closed,
    #[error("it ended the connection after {} of {} bytes", text::count(*.got), text::count(*.total))]
    Cut { got: u64, total: u64 },
    #[error("its file has more than {} bytes", text::count(*.0))]
    TooLong(u64),
    #[error("its file has the MD5 {found}, expected {expected}")]
    Checksum { found: String, expected: &'static str },
    #[error("{0}")]
    Http(ureq::Error),
    #[error("{0}")]
    Io(io::Error),
    /// Not the mirror's fault.
    #[error("{} cannot be written", path.display())]
    Local { path: PathBuf, source: io::Error },
    #[error("interrupted")]
    Interrupted,
}

impl Reason {
    /// Whether another mirror may succeed.
    pub(super) fn is_the_mirrors(&self) -> bool {
        !matches!(self, Self::Local { .. } | Self::Interrupted)
    }
}

impl From<ureq::Error> for Reason {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::HostNotFound => Self::NoHost,
            ureq::Error::Timeout(Timeout::PerRead) => Self::Stalled,
            ureq::Error::Timeout(_) => Self::Unreachable,
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => Self::Refused,
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Self::Closed,
                _ => Self::Io(error),
            },
            error => Self::Http(error),
        }
    }
}

/// No mirror delivered a file.
#[derive(Debug, thiserror::Error)]
#[error(
    "{file} could not be fetched: {}. Name another mirror with --mirror URL, or put the file into {} by hand",
    Told(.failures), .folder.display()
)]
pub(super) struct NoMirror {
    pub(super) file: &'static str,
    pub(super) folder: PathBuf,
    pub(super) failures: Vec<(String, Reason)>,
}

struct Told<'a>(&'a [(String, Reason)]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (i, (mirror, reason)) in self.0.iter().enumerate() {
            write!(f, "{}{mirror} ({reason})", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}
