//! Pictures that follow each other in a stream, as `cat *.png` and `ffmpeg -f image2pipe` write them.
//!
//! Formats say where they end in different ways:
//!
//! ```text
//! PNG    chunks, each with its length, up to IEND
//! JPEG   segments, each with its length, and after SOS data up to a marker that is not part of them; up to EOI
//! PNM    width, height and the largest value give the number of bytes (P4 to P6)
//! BMP, WebP   the header has the length
//! others the stream's end
//! ```

#[cfg(test)]
mod tests;

use std::{
    io::{self, BufRead, Read},
    mem,
    path::PathBuf,
};

use super::{Format, attachments, foreign, pictures::MOST_BYTES, start};
use crate::dataset::{
    Error,
    files::input::{Input, has_more},
};

/// The bytes of each picture in a stream.
pub struct PictureStream {
    path: PathBuf,
    bytes: Box<dyn BufRead + Send>,
    /// The picture that is being read.
    picture: Vec<u8>,
    n_read: usize,
    /// Whether the next picture starts with bytes that have been read: those of a JPEG's start.
    has_start: bool,
    /// The end of what a photo says belongs to it, counted from its start.
    end: u64,
    /// Whether nothing more is read.
    is_over: bool,
}

/// The first bytes of a JPEG.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

impl PictureStream {
    pub(in crate::dataset::files) fn new(input: Input) -> Self {
        let Input { path, bytes, .. } = input;
        Self { path, bytes, picture: Vec::new(), n_read: 0, has_start: false, end: 0, is_over: false }
    }

    /// Appends `n` bytes to the picture, or as many as there are. A cut picture is recognised when it is decoded.
    fn take(&mut self, n: u64) -> io::Result<Option<&[u8]>> {
        let before = self.picture.len();
        let left = MOST_BYTES.saturating_sub(before as u64);
        self.bytes.by_ref().take(n.min(left)).read_to_end(&mut self.picture)?;
        if n > left {
            let problem = format!("expected pictures of at most {MOST_BYTES} bytes, found a larger one");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let taken = &self.picture[before..];
        Ok((taken.len() as u64 == n).then_some(taken))
    }

    fn number<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        Ok(self.take(N as u64)?.and_then(|bytes| bytes.try_into().ok()))
    }

    /// Reads up to the end of the picture that starts here; `None` if the stream ends before.
    fn read_picture(&mut self, is_after_jpeg: bool) -> io::Result<Option<()>> {
        let magic = if self.has_start { self.picture[..2].try_into().ok() } else { self.number::<2>()? };
        let Some(magic) = magic else { return Ok(None) };
        self.has_start = false;
        match &magic {
            [0x89, b'P'] => self.read_png(),
            [0xff, 0xd8] => self.read_jpeg(),
            [b'P', b'4'..=b'7'] => self.read_pnm(magic[1]),
            b"BM" => self.read_sized(u32::from_le_bytes, 6),
            b"RI" => {
                self.take(2)?;
                // The length is that of what follows, padded to an even number.
                self.read_sized(|bytes| (u32::from_le_bytes(bytes).saturating_add(9)) & !1, 8)
            }
            [b'P', b'1'..=b'3'] | b"GI" | b"II" | b"MM" => self.read_rest(),
            // Cameras append data of their own to a photo.
            _ if is_after_jpeg => {
                if self.skip_to_jpeg()? {
                    self.read_jpeg()
                } else {
                    Ok(None)
                }
            }
            _ => self.read_rest(),
        }
    }

    /// Skips everything before the next JPEG, whose first two bytes are then read; false if there is none.
    fn skip_to_jpeg(&mut self) -> io::Result<bool> {
        loop {
            while self.picture.last() != Some(&0xff) {
                self.picture.clear();
                let Some(n) = self.read_to(0xff)? else {
                    self.picture.clear();
                    return Ok(false);
                };
                self.take(n)?;
            }
            match self.number::<1>()? {
                None => {
                    self.picture.clear();
                    return Ok(false);
                }
                Some([0xd8]) => {
                    self.picture = JPEG[..2].to_vec();
                    return Ok(true);
                }
                Some(_) => {}
            }
        }
    }

    fn read_rest(&mut self) -> io::Result<Option<()>> {
        self.is_over = true;
        let left = MOST_BYTES + 1 - self.picture.len() as u64;
        self.bytes.by_ref().take(left).read_to_end(&mut self.picture)?;
        self.take(0)?;
        Ok(Some(()))
    }

    /// A picture whose header has its length; `so_far` bytes of it have been read after that.
    fn read_sized(&mut self, length: fn([u8; 4]) -> u32, so_far: u32) -> io::Result<Option<()>> {
        let Some(found) = self.number()? else { return Ok(None) };
        let rest = length(found).saturating_sub(so_far);
        if rest == 0 { self.read_rest() } else { Ok(self.take(rest.into())?.map(|_| ())) }
    }

    fn read_png(&mut self) -> io::Result<Option<()>> {
        if self.take(6)?.is_none() {
            return Ok(None);
        }
        loop {
            let Some([a, b, c, d, kind @ ..]) = self.number::<8>()? else { return Ok(None) };
            // A checksum follows the data.
            if self.take(u64::from(u32::from_be_bytes([a, b, c, d])) + 4)?.is_none() {
                return Ok(None);
            }
            if &kind == b"IEND" {
                return Ok(Some(()));
            }
        }
    }

    fn read_jpeg(&mut self) -> io::Result<Option<()>> {
        let mut marker = self.number::<2>()?;
        loop {
            marker = match marker {
                None => return Ok(None),
                Some([0xff, 0xd9]) => return Ok(Some(())),
                // The picture was cut, and another starts.
                Some([0xff, 0xd8]) => {
                    self.picture.truncate(self.picture.len() - 2);
                    self.has_start = true;
                    return Ok(Some(()));
                }
                Some([0xff, 0x01 | 0xd0..=0xd7]) => self.number()?,
                // Markers may be preceded by any number of these bytes.
                Some([_, 0xff]) => self.number::<1>()?.map(|[next]| [0xff, next]),
                Some([0xff, kind]) => {
                    let Some(length) = self.number()? else { return Ok(None) };
                    let length = u16::from_be_bytes(length).saturating_sub(2);
                    let start = self.picture.len() as u64;
                    let Some(segment) = self.take(length.into())? else { return Ok(None) };
                    if kind == 0xe2
                        && let Some(index) = segment.strip_prefix(b"MPF\0")
                    {
                        self.end = attachments::end(index).map_or(0, |end| start + 4 + end);
                    }
                    if kind == 0xda { self.skip_scan()? } else { self.number()? }
                }
                // Not a marker: the decoder says what is wrong, and the next photo is found by its start.
                Some(_) => return Ok(Some(())),
            };
        }
    }

    /// Reads compressed data up to the next marker that ends them.
    fn skip_scan(&mut self) -> io::Result<Option<[u8; 2]>> {
        loop {
            let Some(n) = self.read_to(0xff)? else { return Ok(None) };
            self.take(n)?;
            match self.number::<1>()? {
                None => return Ok(None),
                Some([0x00 | 0xd0..=0xd7]) => {}
                Some([next]) => return Ok(Some([0xff, next])),
            }
        }
    }

    /// Number of bytes up to and including the next `byte`; takes those that come before the buffered ones.
    fn read_to(&mut self, byte: u8) -> io::Result<Option<u64>> {
        while has_more(&mut self.bytes)? {
            let buffer = self.bytes.fill_buf()?;
            let n = buffer.len() as u64;
            if let Some(at) = buffer.iter().position(|&found| found == byte) {
                return Ok(Some(at as u64 + 1));
            }
            self.take(n)?;
        }
        Ok(None)
    }

    /// P4 to P7: the header, and as many bytes as it says.
    fn read_pnm(&mut self, kind: u8) -> io::Result<Option<()>> {
        let n = if kind == b'7' { self.read_pam_header()? } else { self.read_pnm_header(kind)? };
        match n {
            Some(n) => Ok(self.take(n)?.map(|_| ())),
            None => self.read_rest(),
        }
    }

    /// Number of bytes after the header: width, height and, but for bits, the largest value, each followed by a space.
    fn read_pnm_header(&mut self, kind: u8) -> io::Result<Option<u64>> {
        let mut numbers = [0_u64, 0, 1];
        let n_numbers = if kind == b'4' { 2 } else { 3 };
        let mut is_comment = false;
        for number in &mut numbers[..n_numbers] {
            let mut digits = String::new();
            loop {
                let Some([byte]) = self.number::<1>()? else { return Ok(None) };
                match byte {
                    b'\n' | b'\r' => is_comment = false,
                    _ if is_comment => continue,
                    b'#' => is_comment = true,
                    b'0'..=b'9' if digits.len() < 9 => digits.push(char::from(byte)),
                    b' ' | b'\t' | 0x0b | 0x0c => {}
                    _ => return Ok(None),
                }
                if !byte.is_ascii_digit() && !digits.is_empty() {
                    break;
                }
            }
            *number = digits.parse().unwrap_or(0);
        }
        let [width, height, most] = numbers;
        let row = if kind == b'4' { width.div_ceil(8) } else { width };
        let channels = if kind == b'6' { 3 } else { 1 };
        let bytes = if most > 255 { 2 } else { 1 };
        Ok(row.checked_mul(height).and_then(|n| n.checked_mul(channels * bytes)))
    }

    /// Number of bytes after the header, which has a line for each property.
    fn read_pam_header(&mut self) -> io::Result<Option<u64>> {
        let mut product = Some(1_u64);
        loop {
            let before = self.picture.len();
            let Some(n) = self.read_to(b'\n')? else { return Ok(None) };
            self.take(n)?;
            let line = String::from_utf8_lossy(&self.picture[before..]);
            let mut words = line.split_ascii_whitespace();
            let (name, value) = (words.next(), words.next().and_then(|value| value.parse::<u64>().ok()));
            let factor = match (name, value) {
                (Some("ENDHDR"), _) => return Ok(product),
                (Some("WIDTH" | "HEIGHT" | "DEPTH"), Some(factor)) => factor,
                (Some("MAXVAL"), Some(256..)) => 2,
                _ => 1,
            };
            product = product.and_then(|product| product.checked_mul(factor));
        }
    }

    /// Skips line ends and zero bytes between pictures, and says whether anything follows.
    fn has_next(&mut self) -> io::Result<bool> {
        while has_more(&mut self.bytes)? {
            let buffer = self.bytes.fill_buf()?;
            let n = buffer.iter().position(|byte| !matches!(byte, 0 | b'\n' | b'\r'));
            let skipped = n.unwrap_or(buffer.len());
            self.bytes.consume(skipped);
            if n.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let is_after_jpeg = self.picture.starts_with(&JPEG);
        let mut read = || {
            if is_after_jpeg && !self.has_start {
                let n = mem::take(&mut self.end).saturating_sub(self.picture.len() as u64);
                io::copy(&mut self.bytes.by_ref().take(n), &mut io::sink())?;
            }
            self.end = 0;
            self.picture.clear();
            if self.has_start {
                self.picture.extend(&JPEG[..2]);
            }
            let is_whole =
                (self.has_start || self.has_next()?) && self.read_picture(is_after_jpeg)?.is_some();
            self.is_over |= !is_whole;
            io::Result::Ok(())
        };
        read().map_err(|source| Error::Io { path: self.path.clone(), source })?;
        let picture = &self.picture;
        if picture.is_empty() {
            return Ok(None);
        }
        if self.n_read > 0 && Format::of(picture) != Some(Format::Picture) {
            let found = foreign::advice(picture).unwrap_or_else(|| format!("found {}", start(picture)));
            let problem = format!("expected another picture after {}, {found}", self.n_read);
            return Err(Error::Content { path: self.path.clone(), problem });
        }
        self.n_read += 1;
        Ok(Some(picture.clone()))
    }
}

impl Iterator for PictureStream {
    type Item = Result<Vec<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let found = self.read_next();
        self.is_over |= found.is_err();
        found.transpose()
    }
}
