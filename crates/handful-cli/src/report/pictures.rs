//! Images as pictures in the page: PNG in `data:` addresses.

use base64::{Engine, engine::general_purpose::STANDARD};
use handful::Dataset;
use maud::{Markup, html};

/// One image, as ink on whatever paper the page has: a pixel's value is its opacity.
pub(super) fn picture(dataset: &Dataset, row: usize, alt: &str) -> Markup {
    ink(&dataset.images().row(row).to_vec(), dataset.image_shape(), alt)
}

/// Pixels, row by row, as [`picture`].
pub(super) fn ink(pixels: &[u8], [height, width]: [usize; 2], alt: &str) -> Markup {
    html! { img.ink src=(data_uri(pixels, width, height)) width=(width) height=(height) alt=(alt) loading="lazy"; }
}

fn data_uri(pixels: &[u8], width: usize, height: usize) -> String {
    let size = |length: usize| u32::try_from(length).expect("an image's side");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size(width), size(height));
    encoder.set_color(png::ColorType::GrayscaleAlpha);
    encoder.set_compression(png::Compression::High);
    let ink: Vec<u8> = pixels.iter().flat_map(|&value| [0, value]).collect();
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&ink));
    written.expect("writing to memory");
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}
