//! Pages of a single model: its prototypes, and how it did on labelled images.

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

/// Prototypes shown of each class.
const MOST_PROTOTYPES: usize = 100;

/// The page of `info`.
pub(crate) fn prototypes(name: &str, model: &Model, pictures: Option<&Pictures>) -> String {
    let n = model.prototypes().n_samples();
    let verdict = format!(
        "{name} decides by {} in {}.",
        text::plural(n, "prototype"),
        text::plural(model.classes().len(), "class")
    );
    let is_pixels = matches!(model.params().features[..], [(_, FeatureParams::Pixels { .. })]);
    let lead = html! {
        @if is_pixels { "Prototypes are images themselves: the means of clusters." }
        @else if pictures.is_some() {
            "Prototypes are vectors of " (text::plural(model.prototypes().n_features(), "number"))
            "; each is shown as the training image that is nearest to it."
        }
        @else {
            "Prototypes are vectors; what they look like is not known here, for the images that the model was learned from "
            "are not at hand, and it was trained without " code { "--pictures" } "."
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
                    p.note { "The first " (MOST_PROTOTYPES) " of them." }
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
        "The 95 % interval of its accuracy is " (text::interval(matrix.accuracy_interval())) " %; all took "
        (text::seconds(found.seconds)) ", which is " (text::rough(found.n_images() as f64 / found.seconds))
        " images a second, explanations included."
    };
    let content = html! {
        section {
            h2 { "Where it errs" }
            (matrices::figures(&found.name, matrix, model.classes()))
        }
        section {
            h2 { "Who misled it" }
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
            (text::plural(n_mistakes, "mistake")) ". Of each class the surest ones are shown, with the prototypes that "
            "decided"
            @if pictures.is_some() { ", each as the training image nearest to it" }
            "."
        }
        div.mistakes style=(format!("--neighbors:{}", model.params().decision.n_neighbors().min(voters::MOST))) {
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
