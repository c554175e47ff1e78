//! The formats that handful reads, by their names.

use std::path::Path;

/// The formats of pictures that handful reads.
pub const PICTURE_FORMATS: &str = "PNG, JPEG, TIFF, GIF, BMP, WebP, PNM";
/// The formats of files with many images that handful reads.
pub const DATA_FORMATS: &str =
    "IDX, NumPy (.npy, .npz), CSV, Parquet with pictures, numbers as text (UCI, USPS), libsvm";
/// How the names of pictures end: of those that are read, and of some that are not, so that it is told.
const PICTURE_EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "tif", "tiff", "gif", "bmp", "webp", "pnm", "pbm", "pgm", "ppm", "pam", "heic",
    "heif", "avif", "jxl", "jp2",
];

/// Whether a file is named as pictures are, be it one that is read or not.
#[must_use]
pub fn is_named_as_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    PICTURE_EXTENSIONS.contains(&&*extension)
}
