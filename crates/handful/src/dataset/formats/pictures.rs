//! Pictures: PNG, JPEG and others, grey or coloured, alone or in a folder for each class.

use std::{
    io::{Cursor, Read},
    path::PathBuf,
};

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use ndarray::Array2;
use rayon::prelude::*;

use super::{Batch, Rows, one_line};
use crate::{
    dataset::{Error, ReadOptions, framed::FRAME, input::Input},
    preprocess::{Framer, Framing},
};

/// A larger file is no picture of a digit.
const MOST_BYTES: u64 = 1 << 27;
const MOST_MEMORY: u64 = 1 << 27;
/// Texts and colour profiles, which are not needed, may be packed a thousandfold.
const MOST_METADATA: u64 = 1 << 24;
const LONGEST_SIDE: u32 = 20_000;

/// Grey values of a picture in PNG, JPEG, GIF, BMP, WebP or PNM, shape (height, width); 255 is white. What is
/// transparent becomes black behind light ink, and white behind dark.
///
/// # Errors
/// What is wrong with it, in one sentence.
#[expect(clippy::missing_panics_doc, reason = "as many pixels as there are")]
pub fn decode_picture(bytes: &[u8]) -> Result<Array2<u8>, String> {
    if is_cut_jpeg(bytes) {
        return Err("expected a picture, found a part of a JPEG file".to_owned());
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

/// Height and width of a picture, by its first bytes alone: before [`decode_picture`] takes memory for all of it.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub fn picture_size(bytes: &[u8]) -> Result<[usize; 2], String> {
    let (width, height) = decoder(bytes).map_err(damaged)?.dimensions();
    Ok([height as usize, width as usize])
}

/// Has read what comes before the picture itself.
fn decoder(bytes: &[u8]) -> image::ImageResult<impl ImageDecoder> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
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

fn damaged(error: image::ImageError) -> String {
    format!("expected a picture, found a damaged one ({})", one_line(error))
}

/// Decoders make grey of what is missing. Picture data, which follow the last marker `SOS`, end with a marker `EOI`.
fn is_cut_jpeg(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    bytes.starts_with(&[0xff, 0xd8, 0xff]) && last(0xd9) <= last(0xda)
}

/// What is transparent shows the paper.
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

/// Reads a file of one picture.
pub(in crate::dataset) fn read(input: Input) -> Result<Array2<u8>, Error> {
    let Input { path, mut bytes, .. } = input;
    let mut all = Vec::new();
    let read = bytes.by_ref().take(MOST_BYTES + 1).read_to_end(&mut all);
    read.map_err(|source| Error::Io { path: path.clone(), source })?;
    if all.len() as u64 > MOST_BYTES {
        let problem = format!("expected a picture of at most {MOST_BYTES} bytes, found more");
        return Err(Error::Content { path, problem });
    }
    decode_picture(&all).map_err(|problem| Error::Content { path, problem })
}

/// A file of one picture, as it is.
pub(super) struct One(Option<Array2<u8>>, [usize; 2]);

impl One {
    pub(super) fn new(input: Input) -> Result<Self, Error> {
        let picture = read(input)?;
        let shape = [picture.nrows(), picture.ncols()];
        Ok(Self(Some(picture), shape))
    }
}

impl Rows for One {
    fn shape(&self) -> [usize; 2] {
        self.1
    }

    fn read(&mut self, _most: usize, into: &mut Batch) -> Result<(), Error> {
        into.pixels.extend(self.0.take().into_iter().flatten());
        Ok(())
    }
}

/// Pictures in a folder for each class, whose name is the label.
pub(in crate::dataset) struct Folder {
    files: std::vec::IntoIter<(PathBuf, String)>,
    shape: [usize; 2],
    framer: Framer,
}

impl Folder {
    pub(in crate::dataset) fn new(
        files: Vec<(PathBuf, String)>,
        options: &ReadOptions,
    ) -> Result<Self, Error> {
        let shape = match options.image_shape {
            Some(shape) => shape,
            None if options.framing == Framing::Always => FRAME,
            None => common_shape(&files)?.unwrap_or(FRAME),
        };
        Ok(Self { files: files.into_iter(), shape, framer: options.framer(shape) })
    }
}

fn common_shape(files: &[(PathBuf, String)]) -> Result<Option<[usize; 2]>, Error> {
    let mut common = None;
    for (path, _) in files {
        let size = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
        let size = size.map_err(|source| Error::Io { path: path.clone(), source })?;
        let (width, height) = size
            .into_dimensions()
            .map_err(|error| Error::Content { path: path.clone(), problem: damaged(error) })?;
        let shape = [height as usize, width as usize];
        if *common.get_or_insert(shape) != shape {
            return Ok(None);
        }
    }
    Ok(common)
}

impl Rows for Folder {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let files: Vec<_> = self.files.by_ref().take(most).collect();
        let open = |(path, _): &(PathBuf, String)| {
            let picture = read(Input::open(path)?)?;
            let found = [picture.nrows(), picture.ncols()];
            self.framer.frame(picture.view()).ok_or_else(|| Error::ShapeMismatch {
                path: path.clone(),
                expected: self.shape,
                found,
            })
        };
        let pixels: Vec<Array2<u8>> = files.par_iter().map(open).collect::<Result<_, Error>>()?;
        into.pixels.extend(pixels.into_iter().flatten());
        into.labels.extend(files.into_iter().map(|(_, label)| label));
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.files.len()
    }
}
