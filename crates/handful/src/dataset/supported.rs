//! The names of the supported formats.

use std::path::Path;

/// The supported formats of pictures.
pub const PICTURE_FORMATS: &str = "PNG, JPEG, TIFF, GIF, BMP, WebP, PNM";
/// The supported formats of files with many images.
pub const DATA_FORMATS: &str =
    "IDX, NumPy (.npy, .npz), CSV, Parquet with pictures, numbers as text (UCI, USPS), libsvm";
/// Extensions of picture files, including some unsupported ones, so that errors can name them.
const PICTURE_EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "tif", "tiff", "gif", "bmp", "webp", "pnm", "pbm", "pgm", "ppm", "pam", "heic",
    "heif", "avif", "jxl", "jp2",
];

/// Whether a file has the extension of a picture, supported or not.
#[must_use]
pub fn is_named_as_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    PICTURE_EXTENSIONS.contains(&&*extension)
}
