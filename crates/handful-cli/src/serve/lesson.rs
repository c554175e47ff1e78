//! Images with their labels, which a model is taught.

use axum::http::StatusCode;
use handful::{Dataset, classifier::Model};
use ndarray::Array2;
use serde::Deserialize;

use super::{decode::from_pixels, json::Several, limits, problem::Problem};

/// What clients send.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    images: Several<{ limits::TAUGHT_IMAGES }>,
    labels: Vec<String>,
}

/// Images for a model.
pub(super) struct Lesson {
    /// Those of the model's classes; `None` if there are none.
    pub(super) images: Option<Dataset>,
    /// Number of images whose labels the model does not know.
    pub(super) left_out: usize,
}

/// Reads a document for a model.
///
/// # Errors
/// If it is something else, has too many images, or has an image that the model cannot read.
pub(super) fn read(body: &[u8], model: &Model) -> Result<Lesson, Problem> {
    let shape = model.image_shape();
    let document: Document = serde_json::from_slice(body).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        let image = format!("[{} numbers from 0 to 255]", shape[0] * shape[1]);
        let expected = format!("Expected {{\"images\": [{image}, ...], \"labels\": [\"7\", ...]}}");
        Problem::new(status, format!("{expected}, found something else: {error}."))
    })?;
    let Document { images: Several { images, are_all }, labels } = document;
    if !are_all {
        let most = limits::TAUGHT_IMAGES;
        return Err(Problem::too_large(format!("Expected at most {most} images to learn from, found more.")));
    }
    if images.len() != labels.len() {
        let (images, labels) = (images.len(), labels.len());
        let found = format!("found {images} images and {labels} labels");
        return Err(Problem::unreadable(&format!("expected one label for each image, {found}")));
    }
    let (mut pixels, mut known) = (Vec::new(), Vec::new());
    for (i, (image, label)) in images.iter().zip(&labels).enumerate() {
        let read = from_pixels(image, shape);
        let read = read.map_err(|why| Problem::unreadable(&format!("image {i}: {why}")))?;
        let class = model.classes().iter().position(|class| class == label);
        if let Some(class) = class.and_then(|class| u32::try_from(class).ok()) {
            pixels.extend(read);
            known.push(class);
        }
    }
    let left_out = labels.len() - known.len();
    if known.is_empty() {
        return Ok(Lesson { images: None, left_out });
    }
    let pixels = Array2::from_shape_vec((known.len(), shape[0] * shape[1]), pixels).expect("checked images");
    let images = Dataset::new(pixels, shape, known, model.classes().to_vec());
    let images = images.map_err(|error| Problem::unreadable(&error.to_string()))?;
    Ok(Lesson { images: Some(images), left_out })
}
