//! Pages about a single model: its prototypes, and its results on labelled images.

use handful::{classifier::Model, features::FeatureParams};
use maud::{Markup, html};

use super::{
    matrices, page,
    pictures::ink,
    voters::{self, voters},
};
use crate::{
    evaluation::{self, Evaluation, Mistake},
    pictures::Pictures,
    text,
};

/// Maximum number of prototypes shown per class.
const MOST_PROTOTYPES: usize = 100;

/// The page of `info`.
pub(crate) fn prototypes(name: &str, model: &Model, pictures: Option<&Pictures>) -> String {
    let n = model.prototypes().n_samples();
    let verdict = format!(
        "{name} has {} in {}.",
        text::plural(n, "prototype"),
        text::plural(model.classes().len(), "class")
    );
    let is_pixels = matches!(model.params().features[..], [(_, FeatureParams::Pixels { .. })]);
    let lead = html! {
        @if is_pixels { "The prototypes are images: the means of clusters." }
        @else if pictures.is_some() {
            "The prototypes are vectors of " (text::plural(model.prototypes().n_features(), "number"))
            "; each is shown as the training image nearest to it."
        }
        @else {
            "The prototypes are vectors. They cannot be shown as pictures, because the training images were not found and "
            "the model was trained without " code { "--pictures" } "."
        }
    };
    let shape = model.image_shape();
    let picture = |prototype: usize, class: &str| -> Option<Markup> {
        let alt = format!("prototype {prototype}, class {class}");
        let pixels = if is_pixels {
            model.prototypes().images().row(prototype).to_vec()
        } else {
            pictures?.of(prototype)
        };
        Some(ink(&pixels, shape, &alt))
    };
    let content = html! {
        section {
            h2 { "Prototypes" }
            @for (class, rows) in model.classes().iter().zip(model.prototypes().rows_by_class()) {
                h3 { (class) ": " (text::plural(rows.len(), "prototype")) }
                div.gallery {
                    @for &row in rows.iter().take(MOST_PROTOTYPES) { @if let Some(picture) = picture(row, class) { (picture) } }
                }
                @if rows.len() > MOST_PROTOTYPES && (is_pixels || pictures.is_some()) {
                    p.note { "Only the first " (MOST_PROTOTYPES) " are shown." }
                }
            }
        }
    };
    page(name, &verdict, lead, content)
}

/// The page of `evaluate`.
pub(crate) fn evaluation(found: &Evaluation, model: &Model, pictures: Option<&Pictures>) -> String {
    let matrix = &found.confusion_matrix;
    let lead = html! {
        "The 95 % interval of the accuracy is " (text::interval(matrix.accuracy_interval())) " %. The test took "
        (text::seconds(found.seconds)) ", that is, " (text::rough(found.n_images() as f64 / found.seconds))
        " images per second, including explanations."
    };
    let content = html! {
        section {
            h2 { "Errors" }
            (matrices::figures(&found.name, matrix, model.classes()))
        }
        section {
            h2 { "The neighbours behind the mistakes" }
            (mistakes(found, model, pictures))
        }
    };
    page(&found.name, &evaluation::verdict(found, model), lead, content)
}

fn mistakes(found: &Evaluation, model: &Model, pictures: Option<&Pictures>) -> Markup {
    let classes = model.classes();
    let n_mistakes =
        found.n_images() - usize::try_from(found.confusion_matrix.correct()).expect("some of them");
    html! {
        p {
            (text::plural(n_mistakes, "mistake")) ". Those with the highest confidence in each class are shown, with the prototypes that "
            "decided"
            @if pictures.is_some() { ", each as the training image nearest to it" }
            "."
        }
        div.mistakes style=(format!("--neighbors:{}", model.n_neighbors().min(voters::MOST))) {
            @for (truth, mistakes) in classes.iter().zip(&found.mistakes) {
                @for Mistake { row, pixels, explanation } in mistakes {
                    figure.mistake {
                        div.seen { (ink(pixels, model.image_shape(), &format!("test image {row}"))) }
                        (voters(explanation, model, pictures))
                        figcaption {
                            @if explanation.has_ink {
                                "a " b { (truth) } " read as " b { (classes[explanation.label as usize]) }
                                " (" (text::percent(explanation.confidence)) ")"
                            } @else {
                                "a " b { (truth) } " without ink"
                            }
                        }
                    }
                }
            }
        }
    }
}
