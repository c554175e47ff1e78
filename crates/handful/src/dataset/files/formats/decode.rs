//! Grey values of encoded pictures: PNG, JPEG, TIFF and others, grey or coloured.

use std::io::{self, BufRead, Cursor, Seek};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use ndarray::Array2;

use super::{Format, foreign, rows::one_line, start, tiff};
use crate::dataset::supported::PICTURE_FORMATS;

const MOST_MEMORY: u64 = 1 << 27;
/// Texts and colour profiles, which are not needed, may be compressed a thousandfold.
const MOST_METADATA: u64 = 1 << 24;
const LONGEST_SIDE: u32 = 20_000;

/// Grey values of a picture in one of the [`PICTURE_FORMATS`], shape (height, width); 255 is white. Transparent pixels
/// become black behind light ink, and white behind dark ink.
///
/// # Errors
/// A sentence that says what is wrong with it; a TIFF file of several pages is not one picture.
pub fn decode_picture(bytes: &[u8]) -> Result<Array2<u8>, String> {
    if tiff::matches(bytes) {
        let n_pages = tiff::Pages::new(bytes).len();
        if n_pages > 1 {
            return Err(format!("expected one picture, found a TIFF file of {n_pages} pages"));
        }
    }
    decode(bytes)
}

/// The first picture of a file.
pub(super) fn decode(bytes: &[u8]) -> Result<Array2<u8>, String> {
    check_format(bytes)?;
    if is_cut_jpeg(bytes) {
        return Err("expected a whole picture, found only a part of a JPEG file".to_owned());
    }
    let decoded = || {
        let mut decoder = decoder(bytes)?;
        let orientation = decoder.orientation()?;
        let (width, height) = decoder.dimensions();
        if decoder.total_bytes() > MOST_MEMORY {
            return Ok(Err(format!(
                "expected a picture of at most {MOST_MEMORY} bytes, found {width} x {height} pixels"
            )));
        }
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok::<_, image::ImageError>(Ok(picture))
    };
    let picture = decoded().map_err(damaged)??;
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    let pixels =
        if picture.color().has_alpha() { on_paper(&picture) } else { picture.into_luma8().into_raw() };
    Ok(Array2::from_shape_vec((height, width), pixels).expect("as many pixels as there are"))
}

/// Height and width of a picture, from its first bytes only, before [`decode_picture`] allocates memory for all of it.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn picture_size(bytes: &[u8]) -> Result<[usize; 2], String> {
    check_format(bytes)?;
    let (width, height) = decoder(bytes).map_err(damaged)?.dimensions();
    Ok([height as usize, width as usize])
}

/// Whether a file is a picture, by its first bytes.
pub(super) fn check_format(bytes: &[u8]) -> Result<(), String> {
    if Format::of(bytes) == Some(Format::Picture) {
        return Ok(());
    }
    let unknown = || format!("expected a picture ({PICTURE_FORMATS}), found {}", start(bytes));
    Err(foreign::advice(bytes).unwrap_or_else(unknown))
}

/// A decoder that has read everything before the pixels.
fn decoder(bytes: &[u8]) -> image::ImageResult<impl ImageDecoder> {
    let mut reader = with_format(ImageReader::new(Cursor::new(bytes)), bytes)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_METADATA);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    limits.max_alloc = Some(MOST_MEMORY);
    decoder.set_limits(limits)?;
    Ok(decoder)
}

/// TIFF for large files starts differently from what the library recognises as TIFF.
pub(super) fn with_format<R: BufRead + Seek>(
    reader: ImageReader<R>,
    head: &[u8],
) -> io::Result<ImageReader<R>> {
    let mut reader = reader.with_guessed_format()?;
    if tiff::matches(head) {
        reader.set_format(ImageFormat::Tiff);
    }
    Ok(reader)
}

pub(super) fn damaged(error: image::ImageError) -> String {
    match error {
        image::ImageError::Unsupported(error) => {
            format!("this kind of picture is not supported ({}): save it as PNG or JPEG", one_line(error))
        }
        error => format!("expected a picture, found a damaged file ({})", one_line(error)),
    }
}

/// Decoders fill missing data with grey. Picture data follow the last `SOS` marker, and end with an `EOI` marker.
fn is_cut_jpeg(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    bytes.starts_with(&[0xff, 0xd8, 0xff]) && last(0xd9) <= last(0xda)
}

/// Transparent pixels show the paper.
fn on_paper(picture: &DynamicImage) -> Vec<u8> {
    let pixels = picture.to_luma_alpha8();
    let weighted = |[grey, alpha]: [u8; 2]| u64::from(grey) * u64::from(alpha);
    let ink: u64 = pixels.pixels().map(|pixel| weighted(pixel.0)).sum();
    let opaque: u64 = pixels.pixels().map(|pixel| u64::from(pixel.0[1])).sum();
    let paper: u32 = if ink > 127 * opaque { 0 } else { 255 };
    let mixed = |[grey, alpha]: [u8; 2]| {
        let (grey, alpha) = (u32::from(grey), u32::from(alpha));
        u8::try_from((grey * alpha + paper * (255 - alpha) + 127) / 255).expect("a mean of two bytes")
    };
    pixels.pixels().map(|pixel| mixed(pixel.0)).collect()
}
