//! The answers of the API about an image.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use handful::classifier::Voter;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{asked::Asked, images::Layout, predictor::Verdict, problem::Document};
use crate::picture;

/// A prediction, and its explanation.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    /// `None` if there is no ink.
    label: Option<&'a str>,
    confidence: f64,
    is_digit: bool,
    probabilities: Probabilities<'a>,
    neighbors: Vec<Neighbor<'a>>,
    /// The nearest prototypes of the true class, if the client named it.
    true_label_neighbors: Option<Vec<Neighbor<'a>>>,
    /// Position of the image on the map, each coordinate from 0 to 1.
    position: [f64; 2],
    /// The image that the model saw, as a PNG in a `data:` address.
    input: String,
    microseconds: u64,
}

/// What becomes of an image.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Outcome<'a> {
    Read(Answer<'a>),
    Unread(Document),
}

/// The answer about several images.
#[derive(Serialize)]
struct Predictions<'a> {
    predictions: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    /// Only in answers about files; null for one without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<Value>,
    #[serde(flatten)]
    outcome: Outcome<'a>,
}

/// The answer about these images, in their order.
pub(super) fn arranged(mut outcomes: Vec<Outcome>, layout: Layout) -> Response {
    let names = match layout {
        Layout::Single => return Json(outcomes.swap_remove(0)).into_response(),
        Layout::List => vec![None; outcomes.len()],
        Layout::Named(names) => names.into_iter().map(|name| Some(name.into())).collect(),
    };
    let entry = |(filename, outcome)| Entry { filename, outcome };
    let predictions = names.into_iter().zip(outcomes).map(entry).collect();
    Json(Predictions { predictions }).into_response()
}

/// A prototype near the image.
#[derive(Serialize)]
struct Neighbor<'a> {
    label: &'a str,
    /// The squared distance in the model's space.
    distance: u64,
    prototype: usize,
    /// The number of the training image nearest to it, and its picture if it was found.
    medoid: u32,
    /// Which of the images that the client taught the model it is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    taught: Option<usize>,
    image: Option<&'a str>,
}

/// Probability of each class by its name, in the order of the classes.
struct Probabilities<'a>(Vec<(&'a str, f64)>);

impl Serialize for Probabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(class, p)| map.serialize_entry(class, p))?;
        map.end()
    }
}

impl Asked {
    pub(super) async fn answer(
        &self,
        image: &[u8],
        Verdict { explanation: found, of_true_label, .. }: Verdict,
        elapsed: Duration,
    ) -> Answer<'_> {
        let classes = self.base.model.classes();
        let class = |label: u32| classes[label as usize].as_str();
        let (map, portraits) = (self.base.map().await, self.base.portraits().await);
        let neighbor = |voter: &Voter| {
            let own = self.taught.as_deref().and_then(|taught| Some((taught, taught.image_of(voter)?)));
            Neighbor {
                label: class(voter.label),
                distance: voter.distance,
                prototype: voter.prototype,
                medoid: voter.medoid,
                taught: own.map(|(_, image)| image),
                image: match own {
                    Some((taught, image)) => Some(taught.portrait(image)),
                    None => portraits.of(voter.prototype),
                },
            }
        };
        Answer {
            label: found.has_ink.then(|| class(found.label)),
            confidence: found.confidence,
            is_digit: found.is_digit,
            probabilities: Probabilities(
                classes.iter().map(String::as_str).zip(found.probabilities).collect(),
            ),
            neighbors: found.neighbors.iter().map(neighbor).collect(),
            true_label_neighbors: of_true_label.map(|voters| voters.iter().map(neighbor).collect()),
            position: map.position(&found.vector),
            input: picture::grey(image, self.base.model.image_shape()),
            microseconds: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        }
    }
}
