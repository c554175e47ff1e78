//! Pages about a single model: its prototypes, and its results on labelled images.

use handful::{classifier::Model, features::FeatureParams};
use maud::{Markup, html};

use super::{
    divided, matrices, page,
    pictures::ink,
    unbroken,
    voters::{self, voters},
};
use crate::{
    disputed,
    evaluation::{self, Evaluation, Mistake},
    models,
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
        @if let Some(reason) = models::fewer_prototypes(model) { " Note: " (reason) "." }
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
    let rows_by_class = model.prototypes().rows_by_class();
    let most = rows_by_class.iter().map(|rows| rows.len().min(MOST_PROTOTYPES)).max().unwrap_or(1);
    let content = html! {
        section {
            h2 { "Prototypes" }
            div.galleries style=(Columns::of(most).style()) {
                @for ((class, rows), i) in model.classes().iter().zip(&rows_by_class).zip(0..) {
                    div id=(format!("class-{i}")) {
                        h3 { (class) ": " (text::plural(rows.len(), "prototype")) }
                        div.gallery {
                            @for &row in rows.iter().take(MOST_PROTOTYPES) { @if let Some(picture) = picture(row, class) { (picture) } }
                        }
                        @if rows.len() > MOST_PROTOTYPES && (is_pixels || pictures.is_some()) {
                            p.note { "Only the first " (MOST_PROTOTYPES) " are shown." }
                        }
                    }
                }
            }
        }
    };
    let contents: Vec<(String, String)> =
        model.classes().iter().zip(0..).map(|(class, i)| (format!("class-{i}"), class.clone())).collect();
    page(name, &verdict, lead, &contents, content)
}

/// How many classes and pictures are side by side, so that pictures fill their rows.
struct Columns {
    classes: usize,
    pictures: usize,
    classes_on_phones: usize,
    pictures_on_phones: usize,
}

impl Columns {
    /// For classes of `n` pictures.
    fn of(n: usize) -> Self {
        // The number of columns that leaves the fewest places empty, and of these the one nearest to the usual number.
        let best = |columns: std::ops::RangeInclusive<usize>, usual: usize| {
            columns.min_by_key(|&c| (n.next_multiple_of(c) - n, c.abs_diff(usual))).unwrap_or(usual)
        };
        let (classes, pictures) = match n {
            0..=4 => (5, n.max(1)),
            5..=10 => (2, n),
            _ => (1, best(12..=25, 20)),
        };
        let (classes_on_phones, pictures_on_phones) = match n {
            0..=4 => (2, n.max(1)),
            5..=10 => (1, n),
            _ => (1, best(6..=10, 9)),
        };
        Self { classes, pictures, classes_on_phones, pictures_on_phones }
    }

    fn style(&self) -> String {
        let Self { classes, pictures, classes_on_phones, pictures_on_phones } = self;
        format!(
            "--classes:{classes};--pictures:{pictures};\
             --narrow-classes:{classes_on_phones};--narrow-pictures:{pictures_on_phones}"
        )
    }
}

/// The page of `evaluate`.
pub(crate) fn evaluation(found: &Evaluation, model: &Model, pictures: Option<&Pictures>) -> String {
    let matrix = &found.confusion_matrix;
    let lead = html! {
        "The 95 % interval of the accuracy is " (text::interval(matrix.accuracy_interval())) " %. The test took "
        (text::seconds(found.seconds)) ", that is, " (text::rough(found.n_images() as f64 / found.seconds))
        " images per second, including explanations."
        @if let Some(undisputed) = found.undisputed() {
            " The same, " (unbroken(&undisputed.sentence())) ". " (disputed::NOTE)
        }
    };
    let (contents, content) = divided(vec![
        ("errors", "Errors", matrices::figures(&found.name, matrix, model.classes())),
        ("mistakes", "The neighbours behind the mistakes", mistakes(found, model, pictures)),
    ]);
    page(&found.name, &evaluation::verdict(found, model), lead, &contents, content)
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
                                " (" (unbroken(&text::percent(explanation.confidence))) ")"
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
