//! Encodes images as PNG, also in `data:` URIs.

use base64::{Engine, engine::general_purpose::STANDARD};
use png::{ColorType, Compression};

/// Grey values, row by row: 255 is white.
pub(crate) fn grey(pixels: &[u8], shape: [usize; 2]) -> String {
    data_uri(pixels, shape, ColorType::Grayscale, Compression::Fast)
}

/// Ink on transparent paper: a value is a pixel's opacity.
pub(crate) fn ink(pixels: &[u8], shape: [usize; 2]) -> String {
    let ink: Vec<u8> = pixels.iter().flat_map(|&value| [0, value]).collect();
    data_uri(&ink, shape, ColorType::GrayscaleAlpha, Compression::High)
}

/// Grey values, row by row, as a file in PNG.
pub(crate) fn grey_png(pixels: &[u8], shape: [usize; 2]) -> Vec<u8> {
    png(pixels, shape, ColorType::Grayscale, Compression::Fast)
}

fn data_uri(data: &[u8], shape: [usize; 2], color: ColorType, compression: Compression) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png(data, shape, color, compression)))
}

fn png(data: &[u8], [height, width]: [usize; 2], color: ColorType, compression: Compression) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).expect("an image's side");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size(width), size(height));
    encoder.set_color(color);
    encoder.set_compression(compression);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(data));
    written.expect("writing to memory");
    bytes
}
