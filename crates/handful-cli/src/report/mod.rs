//! The report: one self-contained HTML file.

mod about;
pub(crate) mod audit;
mod charts;
mod confidence;
mod frontier;
mod labels;
mod matrices;
mod mistakes;
pub(crate) mod model;
mod pictures;
mod plot;
pub(crate) mod predictions;
mod sweep;
mod voters;

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::{disputed, evaluated::Evaluated, experiment::Experiment, experiment_options, table, text};
use pictures::picture;

/// Maximum number of prototypes shown per class. If there are more, only the largest clusters are shown.
const MOST_PROTOTYPES: usize = 25;
const SAMPLES_PER_CLASS: usize = 12;

pub(crate) fn render(
    experiment: &Experiment,
    args: &experiment_options::Args,
    seed: u64,
    total_seconds: f64,
) -> String {
    let mut sections = vec![
        ("result", "The result", scoreboard(experiment)),
        ("prototypes", "What K-Means keeps", prototypes(experiment)),
        ("sizes", "How many prototypes?", sizes(experiment)),
        ("errors", "The errors of each model", matrices::section(experiment)),
        ("mistakes", "The neighbours behind the mistakes", mistakes::section(experiment)),
        ("data", "The data", data(experiment)),
        ("about", "About this report", about::section(experiment, args, seed, total_seconds)),
    ];
    if !experiment.presets.is_empty() {
        sections.insert(
            1,
            (
                "presets",
                "Error against time and size",
                frontier::section(&experiment.models, &experiment.presets),
            ),
        );
        sections.insert(2, ("confidence", "Confidence", confidence::section(&experiment.presets)));
    }
    let (contents, content) = divided(sections);
    page(
        &experiment.data.name,
        &verdict(experiment),
        html! { (unbroken(&control(experiment))) },
        &contents,
        content,
    )
}

/// Table of contents: the ids of parts of the page, with their titles.
type Contents = [(String, String)];

/// Sections, each with its id and title, as a page's table of contents and content.
fn divided(sections: Vec<(&str, &str, Markup)>) -> (Vec<(String, String)>, Markup) {
    let contents = sections.iter().map(|(id, title, _)| ((*id).to_owned(), (*title).to_owned())).collect();
    let content = html! {
        @for (id, title, content) in sections {
            section id=(id) { h2 { (title) } (content) }
        }
    };
    (contents, content)
}

/// A self-contained page.
fn page(title: &str, verdict: &str, lead: Markup, contents: &Contents, content: Markup) -> String {
    page_with(Additions::default(), title, verdict, lead, contents, content)
}

/// What a page has in addition to text and pictures.
#[derive(Clone, Copy, Default)]
struct Additions {
    style: &'static str,
    script: &'static str,
}

/// A self-contained page with a style and a script of its own.
fn page_with(
    Additions { style, script }: Additions,
    title: &str,
    verdict: &str,
    lead: Markup,
    contents: &Contents,
    content: Markup,
) -> String {
    // Makes the browser refuse to fetch anything, and to run any other script.
    let scripts = if script.is_empty() {
        String::new()
    } else {
        format!("; script-src 'sha256-{}'", STANDARD.encode(Sha256::digest(script)))
    };
    let policy = format!("default-src 'none'; img-src data:; style-src 'unsafe-inline'{scripts}");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { "handful: " (title) }
                style { (PreEscaped(include_str!("style.css"))) (PreEscaped(style)) }
            }
            body {
                header {
                    p.wordmark { "handful" }
                    h1 { (unbroken(verdict)) }
                    p.lead { (lead) }
                    @if contents.len() > 1 {
                        nav aria-label="Contents" {
                            @for (id, title) in contents { a href=(format!("#{id}")) { (title) } }
                        }
                    }
                }
                main { (content) }
                @if !script.is_empty() { script { (PreEscaped(script)) } }
            }
        }
    };
    page.into_string()
}

/// Keeps a number and its sign on one line.
fn unbroken(sentence: &str) -> String {
    sentence.replace(" %", "\u{a0}%").replace("p < ", "p\u{a0}<\u{a0}")
}

/// The experiment in one sentence.
pub(crate) fn verdict(experiment: &Experiment) -> String {
    let [all, kmeans, ..] = &experiment.models[..] else { return String::new() };
    let n_prototypes = kmeans.n_prototypes;
    let (times, one) = (all.predict_seconds / kmeans.predict_seconds, n_prototypes == 1);
    format!(
        "{} answer{} {} times {} than all {}, and {} right on {} of the test images instead of {}.",
        text::plural(n_prototypes, "K-Means prototype"),
        if one { "s" } else { "" },
        text::rough(times.max(1.0 / times)),
        if times < 1.0 { "slower" } else { "faster" },
        text::plural(all.n_prototypes, "training image"),
        if one { "is" } else { "are" },
        text::percent(kmeans.confusion_matrix.accuracy()),
        text::percent(all.confusion_matrix.accuracy()),
    )
}

/// The gain of K-Means over random images, in one sentence.
pub(crate) fn control(experiment: &Experiment) -> String {
    let [_, kmeans, random, ..] = &experiment.models[..] else { return String::new() };
    let gain = 100.0 * (kmeans.confusion_matrix.accuracy() - random.confusion_matrix.accuracy());
    let p_value = experiment
        .comparisons
        .iter()
        .find(|pair| (pair.a, pair.b) == (kmeans.name, random.name))
        .map_or(1.0, |pair| pair.test.p_value);
    let difference = match gain {
        _ if p_value >= 0.05 => "makes no statistically significant difference".to_owned(),
        gain if gain < 0.0 => format!("costs {:.2} points", -gain),
        gain => format!("brings {gain:.2} points"),
    };
    format!(
        "As many training images drawn at random reach {}: choosing prototypes by K-Means {difference} \
         (McNemar's test, {}).",
        text::percent(random.confusion_matrix.accuracy()),
        text::p_value(p_value),
    )
}

/// A short explanation of a model's name.
fn explain(model: &Evaluated) -> &'static str {
    match model.name {
        "knn-all" => "every training image votes",
        "kmeans-knn" => "the centroids of each class vote",
        "random-knn" => "as many random training images vote",
        _ => "a preset",
    }
}

fn scoreboard(experiment: &Experiment) -> Markup {
    let models = &experiment.models;
    html! {
        div.scroll {
            table.scoreboard.stack {
                thead { tr {
                    th scope="col" { "model" }
                    @for (label, _) in table::figures(&models[0], &models[0]) { th scope="col" { (label) } }
                } }
                tbody {
                    @for model in models {
                        tr {
                            th scope="row" { (model.name) small { (explain(model)) } }
                            @for (label, figure) in table::figures(model, &models[0]) {
                                td.big[label == "accuracy"] data-label=(label) { (figure) }
                            }
                        }
                    }
                }
            }
        }
        (charts::intervals(models))
        (tests(experiment))
        @if experiment.disputed.is_some() { (undisputed(experiment)) }
    }
}

/// The accuracy of each model as labelled, and without disputed labels.
fn undisputed(experiment: &Experiment) -> Markup {
    html! {
        div.scroll { table.plain.dense {
            caption { (disputed::NOTE) }
            thead { tr {
                th scope="col" { "model" } th scope="col" { "right, as labelled" } th scope="col" { "accuracy" }
                th scope="col" { "right, without disputed labels" } th scope="col" { "accuracy" }
            } }
            tbody { @for model in &experiment.models {
                @if let Some(kept) = experiment.undisputed(model) {
                    @let all = &model.confusion_matrix;
                    tr {
                        th scope="row" { (model.name) }
                        td { (text::count(all.correct())) " of " (text::count(all.total())) }
                        td { (unbroken(&text::percent(all.accuracy()))) }
                        td { (text::count(kept.correct)) " of " (text::count(kept.n_test)) }
                        td { (unbroken(&text::percent(kept.accuracy))) }
                    }
                }
            } }
        } }
    }
}

/// McNemar's test of pairs of models.
fn tests(experiment: &Experiment) -> Markup {
    html! {
        div.scroll { table.plain.dense {
            caption { "Number of test images that only one of two models gets right, with McNemar's exact test" }
            thead { tr {
                th scope="col" { "models" }
                th scope="col" { "only the first is right" } th scope="col" { "only the second is right" }
                th scope="col" { "p-value" }
            } }
            tbody { @for pair in &experiment.comparisons {
                tr {
                    th scope="row" { span { (pair.a) " and" } " " span { (pair.b) } }
                    @for count in [pair.test.only_a, pair.test.only_b] {
                        td { (text::count(count)) }
                    }
                    td { (unbroken(&text::p_value(pair.test.p_value))) }
                }
            } }
        } }
    }
}

fn prototypes(experiment: &Experiment) -> Markup {
    let prototypes = &experiment.prototypes;
    let of_class = |class: usize| {
        let rows =
            prototypes.dataset.labels().iter().zip(0..).filter(move |(label, _)| **label as usize == class);
        let mut rows: Vec<usize> = rows.map(|(_, row)| row).collect();
        rows.sort_by_key(|&row| std::cmp::Reverse(prototypes.cluster_sizes[row]));
        rows
    };
    let classes: Vec<(&String, Vec<usize>)> = prototypes
        .dataset
        .classes()
        .iter()
        .zip((0..).map(of_class))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let n_clusters = classes.first().map_or(0, |(_, rows)| rows.len());
    let shown = n_clusters.min(MOST_PROTOTYPES);
    // As square as possible: nine prototypes make a grid of three by three.
    let columns = (1..=shown).find(|side| side * side >= shown).unwrap_or(1);
    html! {
        p {
            "The images of each class are grouped into " (text::plural(n_clusters, "cluster")) ". Only the mean of each "
            "cluster is kept; the training images are no longer needed. The number below each mean is the number of images "
            "that it replaces."
            @if shown < n_clusters { " Only the " (shown) " largest clusters of each class are shown." }
        }
        div.prototypes {
            @for (class, rows) in &classes {
                figure.centroids aria-label=(format!("Class {class}")) {
                    div.grid style=(format!("--columns:{columns}")) {
                        @for &row in rows.iter().take(shown) {
                            div {
                                (picture(&prototypes.dataset, row, &format!("centroid of class {class}")))
                                small { (text::count(prototypes.cluster_sizes[row])) }
                            }
                        }
                    }
                    p.numeral { (class) }
                }
            }
        }
    }
}

fn sizes(experiment: &Experiment) -> Markup {
    html! {
        @match experiment.sweep.as_deref() {
            None => p {
                "Run " code { "handful compare --sweep" } " to measure the accuracy for 1 to 300 prototypes per class, and "
                "to see the curve here."
            }
            Some([]) => p { "No size of the sweep fits: the smallest class has too few images, or there are too many neighbours." }
            Some(points) => {
                p {
                    "The error on the test images for some numbers of prototypes per class, with 95\u{a0}% intervals (the shaded "
                    "bands). The prototypes are chosen by K-Means (one run for each size), or drawn at random. Do not use this "
                    "curve to choose a size; use validation data for that."
                }
                (sweep::chart(&experiment.models[0], points))
            }
        }
    }
}

fn data(experiment: &Experiment) -> Markup {
    let train = &experiment.data.train;
    // Names are larger than the texts of plots.
    let left = 1.4 * plot::widest(train.classes().iter().map(String::as_str)) + 4.0;
    html! {
        div.pair {
            (charts::frequencies("Training images", train))
            (charts::frequencies("Test images", &experiment.data.test))
        }
        h3 { "The first training images of each class" }
        div.pair.samples style=(format!("--columns:{SAMPLES_PER_CLASS};--left:{left:.0}px")) {
            @for (class, rows) in train.classes().iter().zip(train.rows_by_class()) {
                div {
                    span { (class) }
                    @for &row in rows.iter().take(SAMPLES_PER_CLASS) {
                        (picture(train, row, &format!("training image {row}, class {class}")))
                    }
                }
            }
        }
    }
}
