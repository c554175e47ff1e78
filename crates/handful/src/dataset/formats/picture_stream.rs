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

use std::{
    io::{self, BufRead, Read},
    mem,
    path::PathBuf,
};

use super::{Format, attachments, foreign, pictures::MOST_BYTES, start};
use crate::dataset::{
    Error,
    input::{Input, has_more},
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
    pub(in crate::dataset) fn new(input: Input) -> Self {
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
            self.picture.clear();
            let Some(n) = self.read_to(0xff)? else {
                self.picture.clear();
                return Ok(false);
            };
            io::copy(&mut self.bytes.by_ref().take(n), &mut io::sink())?;
            let mut next = self.number::<1>()?;
            while next == Some([0xff]) {
                next = self.number::<1>()?;
            }
            if next == Some([0xd8]) {
                self.picture.splice(.., JPEG[..2].iter().copied());
                return Ok(true);
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

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageFormat};

    use super::*;
    use crate::dataset::decode_picture;

    /// Passes on one byte at a time, as a slow pipe may.
    struct Slow(io::Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = buffer.len().min(1);
            self.0.read(&mut buffer[..n])
        }
    }

    fn split(bytes: &[u8]) -> Vec<Result<Vec<u8>, Error>> {
        let fast = Input::new("stream".as_ref(), io::Cursor::new(bytes.to_vec())).unwrap();
        let fast: Vec<_> = PictureStream::new(fast).collect();
        let slow = Input::new("stream".as_ref(), Slow(io::Cursor::new(bytes.to_vec()))).unwrap();
        let slow: Vec<_> = PictureStream::new(slow).collect();
        let parts = |all: &[Result<Vec<u8>, Error>]| -> Vec<Option<Vec<u8>>> {
            all.iter().map(|part| part.as_ref().ok().cloned()).collect()
        };
        assert!(parts(&fast) == parts(&slow));
        fast
    }

    /// A picture of 9 x 5 pixels that differs from others by its shade. Its data contain all bytes that could be markers.
    fn picture(format: ImageFormat, shade: u8) -> Vec<u8> {
        let pixels: Vec<u8> = (0..135_u8).map(|i| i.wrapping_mul(53).wrapping_add(shade)).collect();
        let mut file = io::Cursor::new(Vec::new());
        image::write_buffer_with_format(&mut file, &pixels, 9, 5, ExtendedColorType::Rgb8, format).unwrap();
        file.into_inner()
    }

    /// One picture in each format that says where it ends.
    fn pictures() -> Vec<Vec<u8>> {
        let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Pnm, ImageFormat::Bmp];
        let mut all: Vec<_> = formats.into_iter().map(|format| picture(format, 7)).collect();
        let grey = |header: &str, n: usize| {
            let mut file = header.as_bytes().to_vec();
            file.extend((0..n).map(|i| (i * 71 % 256) as u8));
            file
        };
        all.push(grey("P4\n# bits\n12 3\n", 6));
        all.push(grey("P5 9\n 5 # wide, then high\n255\n", 45));
        all.push(grey("P5\n9 5\n65535\n", 90));
        all.push(grey("P7\nWIDTH 9\nHEIGHT 5\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n", 45));
        all
    }

    #[test]
    fn pictures_of_all_formats_are_told_apart() {
        let mut pictures = pictures();
        pictures.extend(pictures.clone());
        // Only the end of the stream ends this one.
        pictures.push(picture(ImageFormat::Gif, 7));
        let found: Vec<_> = split(&pictures.concat()).into_iter().map(Result::unwrap).collect();
        assert!(found == pictures);
        assert!(found.iter().all(|bytes| decode_picture(bytes).is_ok()));
        // Some programs write line ends or fill blocks with zeros.
        let found: Vec<_> = split(&pictures.join(&b"\n\0\0"[..])).into_iter().map(Result::unwrap).collect();
        assert!(found == pictures);
    }

    #[test]
    fn a_cut_stream_ends_with_a_cut_picture() {
        let pictures = pictures();
        let (all, mut start) = (pictures.concat(), 0);
        for (number, picture) in pictures.iter().enumerate() {
            for end in [start + 1, start + 9, start + picture.len() / 2, start + picture.len() - 1] {
                let found = split(&all[..end.min(start + picture.len() - 1)]);
                let whole = found.iter().flatten().zip(&pictures).filter(|(found, whole)| found == whole);
                assert_eq!(whole.count(), number);
                assert!(found.len() <= number + 1);
            }
            start += picture.len();
        }
    }

    #[test]
    fn what_follows_a_photo_belongs_to_it_and_what_follows_another_picture_is_an_error() {
        let (jpeg, png) = (picture(ImageFormat::Jpeg, 0), picture(ImageFormat::Png, 0));
        let trailer = b"a camera's own data, \xff\xff\xd7".as_slice();
        let whole =
            |bytes: &[&[u8]]| split(&bytes.concat()).into_iter().map(Result::unwrap).collect::<Vec<_>>();
        assert!(whole(&[&jpeg, trailer]) == [&jpeg[..]]);
        assert!(whole(&[&jpeg, trailer, &jpeg, &png]) == [&jpeg[..], &jpeg, &png]);
        let found = split(&[&png[..], trailer].concat());
        let message = found[1].as_ref().unwrap_err().to_string();
        assert!(found.len() == 2 && message.contains("expected another picture after 1, found"), "{message}");
        // A photo that lists its attachments: they are skipped, and what follows them is not.
        let size = u32::try_from(jpeg.len()).unwrap();
        let segment =
            |offset| [b"\xff\xe2\0\x54MPF\0", &attachments::tests::index(size, offset)[..]].concat();
        let length = u16::try_from(segment(0).len() - 2).unwrap().to_be_bytes();
        // The index starts after the start of the photo, and the marker, length and name of its segment.
        let mut listed =
            [&jpeg[..2], &segment(segment(0).len() as u32 + size - 2 - 8)[..], &jpeg[2..]].concat();
        listed[4..6].copy_from_slice(&length);
        assert!(whole(&[&listed, &jpeg, &jpeg, &png]) == [&listed[..], &jpeg, &png]);
        assert!(whole(&[&jpeg, &jpeg]) == [&jpeg[..], &jpeg]);
    }

    #[test]
    fn a_cut_photo_does_not_swallow_the_next() {
        let (jpeg, png) = (picture(ImageFormat::Jpeg, 0), picture(ImageFormat::Png, 0));
        for cut in [20, 60, jpeg.len() - 40, jpeg.len() - 2] {
            let found = split(&[&jpeg[..cut], &jpeg, &jpeg, &png].concat());
            let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
            assert!(found.ends_with(&[jpeg.clone(), png.clone()]), "{cut}");
            assert!(decode_picture(&found[0]).is_err(), "{cut}");
        }
        let found: Vec<_> =
            split(&[&jpeg[..jpeg.len() - 2], &jpeg, &png].concat()).into_iter().map(Result::unwrap).collect();
        assert!(found[1..] == [&jpeg[..], &png]);
    }

    #[test]
    fn comments_may_follow_a_number_at_once() {
        let mut first = b"P5 9#width\n 5 255\n".to_vec();
        first.extend([7; 45]);
        let found: Vec<_> = split(&first.repeat(2)).into_iter().map(Result::unwrap).collect();
        assert!(found == [&first[..], &first]);
    }

    #[test]
    fn lengths_that_a_file_declares_are_not_trusted() {
        for start in [
            &b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT"[..],
            b"P5 999999999 999999999 255\n0",
            b"P6 99999999999999999999 1 255\n0123456789",
            b"P7\nWIDTH 18446744073709551615\nHEIGHT 9\nENDHDR\n00",
            b"BM\xff\xff\xff\xff\0\0\0\0abcdefgh",
            b"RIFF\xff\xff\xff\xffWEBPVP8 ",
            b"\xff\xd8\xff\xe0\xff\xff0123456789",
        ] {
            let found = split(start);
            assert!(
                found.len() == 1 && found[0].as_ref().map_or(true, |bytes| decode_picture(bytes).is_err())
            );
        }
    }
}
