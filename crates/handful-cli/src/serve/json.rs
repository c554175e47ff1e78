//! Images as numbers in JSON, one or several.

use std::fmt;

use axum::http::StatusCode;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use super::{
    images::{Images, Layout, Sent, too_many},
    limits,
    problem::Problem,
};

/// The model's own pixels, row by row: of one image, or of several.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    pixels: Option<Vec<f64>>,
    images: Option<Several<{ limits::IMAGES }>>,
}

/// As many images as are accepted, and whether there were more, which take no memory.
pub(super) struct Several<const MOST: usize> {
    pub(super) images: Vec<Vec<f64>>,
    pub(super) are_all: bool,
}

impl<'de, const MOST: usize> Deserialize<'de> for Several<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Collect)
    }
}

struct Collect<const MOST: usize>;

impl<'de, const MOST: usize> Visitor<'de> for Collect<MOST> {
    type Value = Several<MOST>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a list of images")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Several<MOST>, A::Error> {
        let mut several = Several { images: Vec::new(), are_all: true };
        while several.images.len() < MOST {
            let Some(image) = sequence.next_element()? else { return Ok(several) };
            several.images.push(image);
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {
            several.are_all = false;
        }
        Ok(several)
    }
}

/// Reads a document for a model whose images have this number of pixels.
pub(super) fn read(body: &[u8], n_pixels: usize) -> Result<Sent, Problem> {
    let refused = |status, found: String| {
        let image = format!("[{n_pixels} numbers from 0 to 255]");
        let expected = format!("Expected {{\"pixels\": {image}}} or {{\"images\": [{image}, ...]}}");
        Problem::new(status, format!("{expected}, found {found}."))
    };
    let document: Document = serde_json::from_slice(body).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        refused(status, format!("something else: {error}"))
    })?;
    let (images, layout) = match document {
        Document { pixels: Some(pixels), images: None } => (vec![pixels], Layout::Single),
        Document { pixels: None, images: Some(Several { images, are_all: true }) } => (images, Layout::List),
        Document { pixels: None, images: Some(_) } => return Err(too_many()),
        Document { pixels: Some(_), images: Some(_) } => {
            return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "both".to_owned()));
        }
        Document { pixels: None, images: None } => {
            return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "neither".to_owned()));
        }
    };
    Ok(Sent { images: Images::Pixels(images), layout })
}
