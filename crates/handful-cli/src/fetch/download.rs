//! Downloads a file from the first mirror that delivers it complete and with the right checksum.

use std::{path::Path, sync::mpsc::RecvTimeoutError, time::Duration};

use anyhow::Context;
use ureq::Agent;

use super::{
    http::{self, Message},
    part::{self, Part},
    reason::{NoMirror, Reason},
    sources::RemoteFile,
};
use crate::console::Console;

/// Maximum size of a file; no file of a data set is larger.
pub(super) const MOST_BYTES: u64 = 1 << 30;
/// Maximum time until Ctrl-C is noticed while no data arrive.
const GLANCE: Duration = Duration::from_millis(100);

/// Settings of all downloads.
pub(super) struct Downloads<'a> {
    pub(super) agent: Agent,
    pub(super) mirrors: Vec<String>,
    pub(super) folder: &'a Path,
    /// Maximum size of a file in bytes.
    pub(super) most: u64,
    pub(super) console: &'a Console,
}

/// A file that exists now.
pub(super) struct Download {
    pub(super) bytes: u64,
    /// The mirror that it was fetched from; `None` if it already existed.
    pub(super) mirror: Option<String>,
}

impl Downloads<'_> {
    pub(super) fn get(&self, file: &RemoteFile) -> anyhow::Result<Download> {
        let target = self.folder.join(file.name);
        let found = part::measure(&target).with_context(|| format!("{} cannot be read", target.display()))?;
        if let Some((bytes, md5)) = found {
            if file.is_right(&md5) {
                self.console.detail(&format!("{} already exists", target.display()));
                return Ok(Download { bytes, mirror: None });
            }
            self.console
                .detail(&format!("{} exists, but its MD5 is {md5}: fetching it again", target.display()));
        }
        let mut part = Part::open(&target)?;
        if file.is_right(&part.md5()) {
            return Ok(Download { bytes: part.finish(&target)?, mirror: None });
        }
        let mut failures = Vec::new();
        for mirror in &self.mirrors {
            match self.try_mirror(mirror, file, &mut part) {
                Ok(()) => {
                    let bytes = part.finish(&target)?;
                    self.console.detail(&format!("fetched {} from {mirror}", target.display()));
                    return Ok(Download { bytes, mirror: Some(mirror.clone()) });
                }
                Err(reason) if reason.is_the_mirrors() => {
                    if failures.len() + 1 < self.mirrors.len() {
                        self.console
                            .note(&format!("{mirror}{}: {reason}; trying the next mirror", file.name));
                    }
                    failures.push((mirror.clone(), reason));
                }
                Err(reason) => {
                    part.leave();
                    return Err(reason.into());
                }
            }
        }
        part.leave();
        Err(NoMirror { file: file.name, folder: self.folder.to_owned(), failures }.into())
    }

    /// Resumes the download of the file. If the checksum is then wrong, tries once more from the start.
    fn try_mirror(&self, mirror: &str, file: &RemoteFile, part: &mut Part) -> Result<(), Reason> {
        loop {
            let start = self.transfer(mirror, file.name, part)?;
            let found = part.md5();
            if file.is_right(&found) {
                return Ok(());
            }
            part.clear()?;
            if start == 0 {
                return Err(Reason::Checksum { found, expected: file.md5[0] });
            }
        }
    }

    /// Appends what the mirror sends. Returns the number of the first byte that it sent.
    fn transfer(&self, mirror: &str, name: &str, part: &mut Part) -> Result<u64, Reason> {
        let bar = self.console.byte_bar(name);
        let messages = http::request(&self.agent, &format!("{mirror}{name}"), part.len());
        let (mut begin, mut length) = (0, None);
        loop {
            if self.console.was_interrupted() {
                return Err(Reason::Interrupted);
            }
            match messages.recv_timeout(GLANCE) {
                Ok(Ok(Message::Start { start, total })) => {
                    if total.is_some_and(|total| total > self.most) {
                        return Err(Reason::TooLong(self.most));
                    }
                    if start == 0 {
                        part.clear()?;
                    }
                    (begin, length) = (start, total);
                }
                Ok(Ok(Message::Bytes(bytes))) => part.append(&bytes)?,
                Ok(Err(reason)) => {
                    return Err(match (reason, length) {
                        (Reason::Closed, Some(total)) => Reason::Cut { got: part.len(), total },
                        (reason, _) => reason,
                    });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if part.len() > self.most {
                part.clear()?;
                return Err(Reason::TooLong(self.most));
            }
            bar.set(part.len(), length);
        }
        match length {
            Some(total) if part.len() < total => Err(Reason::Cut { got: part.len(), total }),
            _ => Ok(begin),
        }
    }
}
