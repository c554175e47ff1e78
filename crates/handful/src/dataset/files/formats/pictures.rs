//! Pictures: PNG, JPEG, TIFF and others, grey or coloured, single or in one folder per class.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Cursor, Read, Seek},
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use ndarray::Array2;
use rayon::prelude::*;

use super::{Batch, Format, Rows, foreign, rows::one_line, start, tiff};
use crate::{
    dataset::{
        Error,
        files::{ReadOptions, input::Input, options::FRAME},
        supported::PICTURE_FORMATS,
    },
    preprocess::{Framer, Framing},
};

/// A larger file is not a picture of a digit.
pub(super) const MOST_BYTES: u64 = 1 << 27;
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
fn decode(bytes: &[u8]) -> Result<Array2<u8>, String> {
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
fn check_format(bytes: &[u8]) -> Result<(), String> {
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
fn with_format<R: BufRead + Seek>(reader: ImageReader<R>, head: &[u8]) -> io::Result<ImageReader<R>> {
    let mut reader = reader.with_guessed_format()?;
    if tiff::matches(head) {
        reader.set_format(ImageFormat::Tiff);
    }
    Ok(reader)
}

fn damaged(error: image::ImageError) -> String {
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

/// All bytes of a file that should be a picture, unpacked if it is compressed.
///
/// # Errors
/// As [`read_picture`].
pub fn read_picture_file(path: &Path) -> Result<Vec<u8>, Error> {
    read_picture(path, Input::open(path)?.bytes)
}

/// All bytes of a file that should be a picture, which errors call `path`.
///
/// # Errors
/// If it cannot be read, or is larger than any picture of a digit.
pub fn read_picture(path: &Path, bytes: impl Read) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    let read = bytes.take(MOST_BYTES + 1).read_to_end(&mut all);
    read.map_err(|source| Error::Io { path: path.to_owned(), source })?;
    if all.len() as u64 > MOST_BYTES {
        let problem = format!("expected a picture of at most {MOST_BYTES} bytes, found a larger file");
        return Err(Error::Content { path: path.to_owned(), problem });
    }
    Ok(all)
}

/// The pictures of a file in one of the [`PICTURE_FORMATS`], which errors call `path`: a TIFF file may have several pages.
pub fn decode_pages(path: &Path, bytes: Vec<u8>) -> impl Iterator<Item = Result<Array2<u8>, Error>> {
    Pages::of(path.to_owned(), bytes)
}

/// The pictures of a file, one after the other: a TIFF file may have several pages.
struct Pages {
    path: PathBuf,
    bytes: Vec<u8>,
    /// `None` for a file of one picture.
    directories: Option<tiff::Pages>,
    next: usize,
}

impl Pages {
    fn new(input: Input) -> Result<Self, Error> {
        let Input { path, bytes, .. } = input;
        let all = read_picture(&path, bytes)?;
        Ok(Self::of(path, all))
    }

    fn of(path: PathBuf, bytes: Vec<u8>) -> Self {
        let pages = tiff::matches(&bytes).then(|| tiff::Pages::new(&bytes));
        Self { path, bytes, directories: pages.filter(|pages| pages.len() > 1), next: 0 }
    }

    fn len(&self) -> usize {
        self.directories.as_ref().map_or(1, tiff::Pages::len)
    }

    /// The name of the last page read, for error messages.
    fn name(&self) -> PathBuf {
        if self.len() == 1 { self.path.clone() } else { self.path.join(format!("page {}", self.next)) }
    }
}

impl Iterator for Pages {
    type Item = Result<Array2<u8>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.len() {
            return None;
        }
        if let Some(pages) = &self.directories {
            pages.turn_to(self.next, &mut self.bytes);
        }
        self.next += 1;
        Some(decode(&self.bytes).map_err(|problem| Error::Content { path: self.name(), problem }))
    }
}

fn shape_of(picture: &Array2<u8>) -> [usize; 2] {
    [picture.nrows(), picture.ncols()]
}

/// A file of pictures, kept as they are.
pub(super) struct File {
    pages: Pages,
    next: Option<Array2<u8>>,
    /// Shape of the next picture, or of the last one.
    shape: [usize; 2],
}

impl File {
    pub(super) fn new(input: Input) -> Result<Self, Error> {
        let mut found = Self { pages: Pages::new(input)?, next: None, shape: [0, 0] };
        found.turn()?;
        Ok(found)
    }

    fn turn(&mut self) -> Result<(), Error> {
        self.next = self.pages.next().transpose()?;
        self.shape = self.next.as_ref().map_or(self.shape, shape_of);
        Ok(())
    }
}

impl Rows for File {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Stops before a picture of another shape.
    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let shape = self.shape;
        for _ in 0..most {
            let Some(picture) = self.next.take_if(|_| self.shape == shape) else { break };
            into.pixels.extend(picture);
            self.turn()?;
        }
        Ok(())
    }
}

/// Pictures in one folder per class, whose name is the label.
pub(in crate::dataset::files) struct Folder {
    files: std::vec::IntoIter<(PathBuf, String)>,
    /// Images that were read but not yet requested, with their labels.
    waiting: VecDeque<(Array2<u8>, String)>,
    shape: [usize; 2],
    framer: Framer,
}

impl Folder {
    pub(in crate::dataset::files) fn new(
        files: Vec<(PathBuf, String)>,
        options: &ReadOptions,
    ) -> Result<Self, Error> {
        let shape = match options.image_shape {
            Some(shape) => shape,
            None if options.framing == Framing::Always => FRAME,
            None => common_shape(&files)?.unwrap_or(FRAME),
        };
        Ok(Self { files: files.into_iter(), waiting: VecDeque::new(), shape, framer: options.framer(shape) })
    }
}

fn common_shape(files: &[(PathBuf, String)]) -> Result<Option<[usize; 2]>, Error> {
    let mut common = None;
    for (path, _) in files {
        let shape = size_of_file(path)?;
        if *common.get_or_insert(shape) != shape {
            return Ok(None);
        }
    }
    Ok(common)
}

/// Height and width of the first picture in a file.
fn size_of_file(path: &Path) -> Result<[usize; 2], Error> {
    let io_error = |source| Error::Io { path: path.to_owned(), source };
    let problem = |problem| Error::Content { path: path.to_owned(), problem };
    let head = Input::open(path)?.head;
    check_format(&head).map_err(problem)?;
    let reader = ImageReader::open(path).and_then(|reader| with_format(reader, &head)).map_err(io_error)?;
    let (width, height) = reader.into_dimensions().map_err(|error| problem(damaged(error)))?;
    Ok([height as usize, width as usize])
}

impl Rows for Folder {
    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn read(&mut self, most: usize, into: &mut Batch) -> Result<(), Error> {
        let files: Vec<_> = self.files.by_ref().take(most.saturating_sub(self.waiting.len())).collect();
        let open = |(path, label): &(PathBuf, String)| {
            let mut pages = Pages::new(Input::open(path)?)?;
            let mut images = Vec::new();
            while let Some(picture) = pages.next().transpose()? {
                let image = self.framer.frame(picture.view()).ok_or_else(|| Error::ShapeMismatch {
                    path: pages.name(),
                    expected: self.shape,
                    found: shape_of(&picture),
                })?;
                images.push((image, label.clone()));
            }
            Ok(images)
        };
        let images: Vec<Vec<_>> = files.par_iter().map(open).collect::<Result<_, Error>>()?;
        self.waiting.extend(images.into_iter().flatten());
        for (image, label) in self.waiting.drain(..most.min(self.waiting.len())) {
            into.pixels.extend(image);
            into.labels.push(label);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.waiting.len() + self.files.len()
    }

    /// Decoding a photograph takes a while.
    fn at_once(&self) -> usize {
        4 * rayon::current_num_threads()
    }

    fn is_framed(&self) -> bool {
        true
    }
}
