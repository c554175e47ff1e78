//! The page of `audit`: findings to look at one by one, and to decide.

use handful::{audit::Audit, model_file::Provenance};
use maud::{Markup, html};

use super::{Additions, charts, divided, page_with, pictures::ink, unbroken};
use crate::{
    audited::{COLUMNS, Finding, Images, Kind, Place, csv_line, findings, sentences},
    text,
};

/// Maximum number of findings of each kind. A page with more would be slow to open.
const MOST: usize = 500;
/// Maximum number of neighbours shown for each image, and in the list.
const MOST_NEIGHBORS: usize = 8;
const NEIGHBORS_IN_LIST: usize = 5;

const ADDITIONS: Additions = Additions { style: include_str!("audit.css"), script: include_str!("audit.js") };

pub(crate) fn render(audit: &Audit, images: &Images, seconds: f64) -> anyhow::Result<String> {
    let all = findings(audit, images);
    let of = |is_wanted: fn(Kind) -> bool| -> Vec<&Finding> {
        all.iter().filter(move |finding| is_wanted(finding.kind)).collect()
    };
    let labels = of(|kind| kind == Kind::Label);
    let duplicates = of(|kind| matches!(kind, Kind::Duplicate | Kind::Leak));
    let outliers = of(|kind| kind == Kind::Outlier);
    let lead = html! {
        "Every image was compared with all others. Neither an image nor its duplicates voted on its label. A label that looks "
        "wrong may be right, and the image unusual: look at it, and decide."
    };
    let sections = vec![
        ("labels", "Labels that look wrong", section(&labels, LABELS, "No label looks wrong.")?),
        ("duplicates", "Duplicates", section(&duplicates, &sentences::duplicates(&all), "No duplicates.")?),
        ("outliers", "Unusual images", section(&outliers, OUTLIERS, "No image is unlike all others.")?),
        ("classes", "Classes", classes(audit, images)),
        ("about", "About this report", about(images, seconds)),
    ];
    let (contents, content) = divided(sections);
    let content = html! {
        @if !all.is_empty() { (desk(images)) }
        (content)
    };
    Ok(page_with(
        ADDITIONS,
        &images.name,
        &unbroken(&sentences::verdict(audit, images)),
        lead,
        &contents,
        content,
    ))
}

const OUTLIERS: &str = "These are unlike all others, or have no ink. They may belong to no class. Beside each are the images that are nearest.";

const LABELS: &str = "The most suspicious come first. Beside each image are those that are nearest to it, with their labels. The number in \
     brackets says how suspicious a label is, from 0 to 1.";

/// Where findings are shown one by one. The script fills it and shows it.
fn desk(images: &Images) -> Markup {
    // Decisions that the browser keeps are about these images only.
    let key: String = images.parts().map(|(_, images)| Provenance::of(images).sha256).collect();
    html! {
        section #desk hidden data-columns=(COLUMNS.join(",")) data-key=(key) {
            h2 { "Decide" }
            p #progress role="status" {}
            div #stage {}
            div.tools {
                button #previous type="button" { "Previous " kbd { "←" } }
                button #keep type="button" { span { "Keep" } " " kbd { "K" } }
                button #relabel type="button" { span { "Relabel" } " " kbd { "R" } }
                label { "Other label "
                    select #other {
                        option value="" { "choose" }
                        @for class in images.classes() { option { (class) } }
                    }
                }
                button #remove type="button" { "Remove " kbd { "X" } }
                button #undo type="button" { "Undo " kbd { "U" } }
                button #next type="button" { "Next " kbd { "→" } }
            }
            p.tools {
                button #download type="button" { "Save decisions" }
                span #downloaded { }
            }
            p.note {
                "Keys 0 to 9 relabel an image as that digit. Apply the saved file with "
                code { "handful audit --fix decisions.csv -o corrected" } ". What is not decided stays as it is."
            }
        }
    }
}

fn section(findings: &[&Finding], explanation: &str, none: &str) -> anyhow::Result<Markup> {
    let cards =
        findings.iter().take(MOST).map(|finding| card(finding)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(html! {
        @if findings.is_empty() {
            p { (none) }
        } @else {
            p { (unbroken(explanation)) }
            @if findings.len() > MOST {
                p.note { "Only the first " (MOST) " of " (text::count(findings.len() as u64)) " are shown." }
            }
            div.mistakes.findings style=(format!("--neighbors:{}", most_neighbors(findings))) {
                @for card in cards { (card) }
            }
        }
    })
}

fn most_neighbors(findings: &[&Finding]) -> usize {
    findings.iter().map(|finding| finding.neighbors.len().clamp(1, NEIGHBORS_IN_LIST)).max().unwrap_or(1)
}

fn card(finding: &Finding) -> anyhow::Result<Markup> {
    let Finding { place, suggested, score, duplicate, neighbors, .. } = finding;
    let row = csv_line(&finding.columns())?;
    let other = duplicate.map(|(other, _)| other);
    let beside: Vec<(Place, String)> = match other {
        Some(other) => vec![(other, other.to_string())],
        None => neighbors
            .iter()
            .take(MOST_NEIGHBORS)
            .map(|&(place, distance)| (place, format!("{:.0}", (distance as f64).sqrt())))
            .collect(),
    };
    Ok(html! {
        figure.mistake.finding data-row=(row) data-given=(place.label()) data-suggested=[*suggested] {
            div.seen { (picture(*place, &place.to_string())) }
            div.neighbors {
                @for (neighbor, below) in &beside {
                    div {
                        (picture(*neighbor, &format!("{neighbor}, labelled {}", neighbor.label())))
                        small { b { (neighbor.label()) } " " (below) }
                    }
                }
            }
            figcaption {
                @match (suggested, score, duplicate) {
                    (Some(suggested), Some(score), _) => {
                        (place) ": labelled " b { (place.label()) } ", looks like " b { (suggested) } " (" (format!("{score:.3}")) ")"
                    }
                    _ => (sentences::line(finding)),
                }
            }
        }
    })
}

fn picture(place: Place, alt: &str) -> Markup {
    ink(&place.pixels(), place.shape(), alt)
}

fn classes(audit: &Audit, images: &Images) -> Markup {
    html! {
        p { (sentences::rare(audit)) " A class is called rare if it has less than a fifth as many images as the median class." }
        div.pair {
            @for (part, images) in images.parts() {
                (charts::frequencies(&capitalized(&format!("{}s", part.noun())), images))
            }
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn about(images: &Images, seconds: f64) -> Markup {
    html! {
        table.plain.wordy {
            tr { th scope="row" { "data" } td { (sentences::summary(images)) } }
            tr { th scope="row" { "time to compare them" } td { (text::seconds(seconds)) } }
            tr { th scope="row" { "handful" } td { (env!("CARGO_PKG_VERSION")) } }
        }
    }
}
