//! The page of `predict`: each image, its prediction, and the neighbours that voted.

use handful::classifier::{Explanation, Model};
use maud::{Markup, html};
use ndarray::ArrayView1;

use super::{
    page,
    pictures::ink,
    unbroken,
    voters::{self, voters},
};
use crate::{pictures::Pictures, predictions::Prediction, text};

/// Maximum number of images shown. A page with more would be slow to open and long to read.
const MOST: usize = 500;

/// The images that the page shows, and a count of all.
pub(crate) struct Shown {
    model: String,
    n_images: usize,
    n_refused: usize,
    images: Vec<(String, Explanation, Vec<u8>)>,
}

impl Shown {
    pub(crate) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), n_images: 0, n_refused: 0, images: Vec::new() }
    }

    pub(crate) fn add(&mut self, Prediction { place, explanation }: &Prediction, image: ArrayView1<u8>) {
        self.n_images += 1;
        self.n_refused += usize::from(!explanation.is_digit);
        if self.images.len() < MOST {
            self.images.push((place.to_string(), (*explanation).clone(), image.to_vec()));
        }
    }
}

pub(crate) fn render(shown: &Shown, model: &Model, pictures: Option<&Pictures>) -> String {
    let verdict = match &shown.images[..] {
        [(_, explanation, _)] => one(explanation, model),
        _ => format!("{} classified by {}.", text::plural(shown.n_images, "image"), shown.model),
    };
    let lead = html! {
        "Each image as the model sees it, with the prototypes that decided, nearest first"
        @if pictures.is_some() { ", each shown as the training image nearest to it" }
        ". The numbers below them are distances in the model's space."
        @if shown.n_refused > 0 { " Images that look like nothing that the model knows: " (shown.n_refused) "." }
        @if pictures.is_none() {
            " Pictures are missing, because the training images were not found and the model was trained without "
            code { "--pictures" } "."
        }
    };
    let content = html! {
        section {
            h2 { "Explanations" }
            @if shown.n_images > shown.images.len() {
                p.note { "Only the first " (shown.images.len()) " are shown." }
            }
            div.mistakes.named style=(format!("--neighbors:{}", model.n_neighbors().min(voters::MOST))) {
                @for (place, explanation, image) in &shown.images {
                    (figure(place, explanation, image, model, pictures))
                }
            }
        }
    };
    page("predictions", &verdict, lead, &[], content)
}

fn one(explanation: &Explanation, model: &Model) -> String {
    let class = &model.classes()[explanation.label as usize];
    let confidence = text::percent(explanation.confidence);
    if !explanation.has_ink {
        "There is no ink in this image.".to_owned()
    } else if explanation.is_digit {
        format!("This is {class}, with a probability of {confidence}.")
    } else {
        format!("This looks like nothing that the model knows. The most similar class is {class}.")
    }
}

fn figure(
    place: &str,
    explanation: &Explanation,
    image: &[u8],
    model: &Model,
    pictures: Option<&Pictures>,
) -> Markup {
    let (shape, classes) = (model.image_shape(), model.classes());
    let label = &classes[explanation.label as usize];
    html! {
        figure.mistake {
            div.seen { (ink(image, shape, place)) }
            @if explanation.has_ink { (voters(explanation, model, pictures)) }
            figcaption {
                @if explanation.has_ink {
                    (place) ": " b { (label) } " (" (unbroken(&text::percent(explanation.confidence))) ")"
                    @if !explanation.is_digit { ", looks like nothing that the model knows" }
                } @else {
                    (place) ": " b { "no ink" }
                }
            }
        }
    }
}
