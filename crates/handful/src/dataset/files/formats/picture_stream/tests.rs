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
    let whole = |bytes: &[&[u8]]| split(&bytes.concat()).into_iter().map(Result::unwrap).collect::<Vec<_>>();
    assert!(whole(&[&jpeg, trailer]) == [&jpeg[..]]);
    assert!(whole(&[&jpeg, b".", &jpeg]) == [&jpeg[..], &jpeg]);
    assert!(whole(&[&jpeg, trailer, &jpeg, &png]) == [&jpeg[..], &jpeg, &png]);
    let found = split(&[&png[..], trailer].concat());
    let message = found[1].as_ref().unwrap_err().to_string();
    assert!(found.len() == 2 && message.contains("expected another picture after 1, found"), "{message}");
    // A photo that lists its attachments: they are skipped, and what follows them is not.
    let size = u32::try_from(jpeg.len()).unwrap();
    let segment = |offset| [b"\xff\xe2\0\x54MPF\0", &attachments::tests::index(size, offset)[..]].concat();
    let length = u16::try_from(segment(0).len() - 2).unwrap().to_be_bytes();
    // The index starts after the start of the photo, and the marker, length and name of its segment.
    let mut listed = [&jpeg[..2], &segment(segment(0).len() as u32 + size - 2 - 8)[..], &jpeg[2..]].concat();
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
        assert!(found.len() == 1 && found[0].as_ref().map_or(true, |bytes| decode_picture(bytes).is_err()));
    }
}
