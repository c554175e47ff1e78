//! The prototypes that decided on an image.

use handful::classifier::{Explanation, Model};
use maud::{Markup, html};

use super::pictures::ink;
use crate::pictures::Pictures;

/// Maximum number of voters shown per image.
pub(super) const MOST: usize = 8;

/// The nearest voters, each with its class, its distance and, if there is one, its picture.
pub(super) fn voters(explanation: &Explanation, model: &Model, pictures: Option<&Pictures>) -> Markup {
    html! {
        div.neighbors {
            @for voter in explanation.neighbors.iter().take(MOST) {
                @let class = &model.classes()[voter.label as usize];
                div {
                    @if let Some(pictures) = pictures {
                        (ink(&pictures.of(voter.prototype), model.image_shape(), &format!("neighbour of class {class}")))
                    }
                    small { b { (class) } " " (format!("{:.0}", (voter.distance as f64).sqrt())) }
                }
            }
        }
    }
}
