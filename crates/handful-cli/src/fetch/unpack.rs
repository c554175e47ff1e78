//! Unpacks data sets that are ZIP archives of gzipped files.

use std::{
    fs::File,
    io::{Read, Seek, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use flate2::CrcReader;
use zip::{ZipArchive, read::ZipFile};

use super::download::MOST_BYTES;
use crate::{console::Console, output::OutputFile};

/// A member of the archive that is now a file.
pub(super) struct Unpacked {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// Whether the file already existed.
    pub(super) present: bool,
}

/// Unpacks data and tables of classes into the folder, and ignores the folders in the archive.
pub(super) fn unpack(archive: &Path, folder: &Path, console: &Console) -> anyhow::Result<Vec<Unpacked>> {
    let broken = || format!("{} cannot be unpacked", archive.display());
    let mut zip = ZipArchive::new(File::open(archive).with_context(broken)?).with_context(broken)?;
    let mut unpacked = Vec::new();
    for i in 0..zip.len() {
        let mut member = zip.by_index(i).with_context(broken)?;
        let Some(name) = wanted(member.name()).map(str::to_owned) else { continue };
        let (target, bytes) = (folder.join(&name), member.size());
        let present = is_there(&target, bytes, member.crc32());
        if !present {
            let bar = console.byte_bar(&name);
            OutputFile::create(&target)?.commit(|file| {
                copy(&mut member, file, |done| {
                    bar.set(done, Some(bytes));
                    !console.was_interrupted()
                })
                .with_context(broken)
            })?;
            console.detail(&format!("unpacked {}", target.display()));
        }
        unpacked.push(Unpacked { name, bytes, present });
    }
    ensure!(!unpacked.is_empty(), "{}: expected files whose names end in -ubyte.gz, found none", broken());
    Ok(unpacked)
}

/// The last component of a member's name, if it is the name of a data file. The rest of the name is ignored, so that no
/// archive can write outside the folder.
fn wanted(name: &str) -> Option<&str> {
    let name = name.rsplit(['/', '\\']).next()?;
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let is_data = name.ends_with("-ubyte.gz") || name.ends_with("-mapping.txt");
    (is_plain && is_data).then_some(name)
}

/// Reads as many bytes as the archive declares, and no more. Reading the last one checks the member's checksum.
fn copy<R: Read + Seek>(
    member: &mut ZipFile<R>,
    mut file: &File,
    mut go_on: impl FnMut(u64) -> bool,
) -> anyhow::Result<()> {
    let (name, declared) = (member.name().to_owned(), member.size());
    ensure!(declared <= MOST_BYTES, "{name}: expected at most {MOST_BYTES} bytes, found {declared}");
    let (mut buffer, mut done) = (vec![0; 1 << 16], 0);
    loop {
        let n = member.read(&mut buffer).with_context(|| name.clone())?;
        if n == 0 {
            break;
        }
        done += n as u64;
        ensure!(done <= declared, "{name}: expected {declared} bytes, as the archive declares, found more");
        file.write_all(&buffer[..n])?;
        ensure!(go_on(done), "interrupted");
    }
    ensure!(done == declared, "{name}: expected {declared} bytes, as the archive declares, found {done}");
    Ok(())
}

fn is_there(path: &Path, bytes: u64, crc32: u32) -> bool {
    let Ok(file) = File::open(path) else { return false };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes) {
        return false;
    }
    let mut reader = CrcReader::new(file);
    std::io::copy(&mut reader, &mut std::io::sink()).is_ok() && reader.crc().sum() == crc32
}
