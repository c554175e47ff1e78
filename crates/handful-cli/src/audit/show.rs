//! Prints what an audit found, as text, CSV or JSON.

use std::{io::Write, path::Path};

use anstyle::Style;
use handful::audit::Audit;
use serde::Serialize;

use super::{
    decisions::COLUMNS,
    findings::{Finding, Kind, csv_line, findings},
    images::{Images, Place},
};
use crate::text;

/// Maximum number of findings of each kind in the text.
const MOST: usize = 20;

/// The findings of an audit in one sentence.
pub(crate) fn verdict(audit: &Audit, images: &Images) -> String {
    let n = audit.label_issues.len();
    format!(
        "{} of {} {} wrong.",
        text::count(n as u64),
        text::plural(images.n_images(), "label"),
        if n == 1 { "looks" } else { "look" }
    )
}

pub(super) fn text(
    out: &mut dyn Write,
    audit: &Audit,
    images: &Images,
    seconds: f64,
    report: Option<&Path>,
) -> anyhow::Result<()> {
    let bold = Style::new().bold();
    let all = findings(audit, images);
    writeln!(out, "{}\n", summary(images))?;
    writeln!(out, "{bold}{}{bold:#}", verdict(audit, images))?;
    list(out, &all, |kind| kind == Kind::Label)?;
    writeln!(out, "\n{bold}{}{bold:#}", duplicates(&all))?;
    list(out, &all, |kind| matches!(kind, Kind::Duplicate | Kind::Leak))?;
    let n = audit.outliers.len();
    let seem = if n == 1 { "seems" } else { "seem" };
    writeln!(out, "\n{bold}{} {seem} to belong to no class.{bold:#}", text::plural(n, "image"))?;
    list(out, &all, |kind| kind == Kind::Outlier)?;
    writeln!(out, "\n{bold}{}{bold:#}", rare(audit))?;
    writeln!(out, "\n{} compared in {}.", text::plural(images.n_images(), "image"), text::seconds(seconds))?;
    match report {
        Some(path) => writeln!(out, "Report: {}", path.display())?,
        None => writeln!(out, "To look at them and to decide: handful audit --report audit.html")?,
    }
    Ok(())
}

/// What is audited, in one sentence.
pub(crate) fn summary(images: &Images) -> String {
    let parts: Vec<String> =
        images.parts().map(|(part, images)| text::plural(images.n_samples(), part.noun())).collect();
    let [height, width] = images.first.image_shape();
    let classes = text::plural(images.classes().len(), "class");
    format!("{}: {}; {width} x {height} pixels, {classes}", images.name, parts.join(", "))
}

/// The number of duplicates in one sentence.
pub(crate) fn duplicates(all: &[Finding]) -> String {
    let count = |is: fn(&Finding) -> bool| all.iter().filter(|finding| is(finding)).count();
    let n = count(|finding| finding.duplicate.is_some());
    if n == 0 {
        return "No duplicates.".to_owned();
    }
    let exact = count(|finding| finding.duplicate.is_some_and(|(_, duplicate)| duplicate.is_exact));
    let leaks = count(|finding| finding.kind == Kind::Leak);
    format!(
        "{} of duplicates: {} equal, {} in both parts, {} with different labels.",
        text::plural(n, "pair"),
        text::count(exact as u64),
        text::count(leaks as u64),
        text::count(count(Finding::is_contradiction) as u64),
    )
}

/// The rare classes in one sentence.
pub(crate) fn rare(audit: &Audit) -> String {
    let rare: Vec<String> = audit
        .classes
        .iter()
        .filter(|class| class.is_rare)
        .map(|class| format!("{} ({})", class.name, text::plural(class.n_train + class.n_test, "image")))
        .collect();
    if rare.is_empty() {
        "No rare classes.".to_owned()
    } else {
        format!("Rare classes: {}.", rare.join(", "))
    }
}

/// The first findings of a kind, a line each.
fn list(out: &mut dyn Write, all: &[Finding], is_wanted: impl Fn(Kind) -> bool) -> anyhow::Result<()> {
    let wanted: Vec<&Finding> = all.iter().filter(|finding| is_wanted(finding.kind)).collect();
    for finding in wanted.iter().take(MOST) {
        writeln!(out, "  {}", line(finding))?;
    }
    if let Some(more) = wanted.len().checked_sub(MOST).filter(|&more| more > 0) {
        writeln!(out, "  and {} more", text::count(more as u64))?;
    }
    Ok(())
}

/// A finding in one line.
pub(crate) fn line(finding: &Finding) -> String {
    let Finding { place, suggested, score, duplicate, .. } = finding;
    let label = place.label();
    match (suggested, score, duplicate) {
        (Some(suggested), Some(score), _) => {
            format!("{place}: labelled {label}, looks like {suggested} ({score:.3})")
        }
        (_, _, Some((other, duplicate))) => {
            let how = if duplicate.is_exact {
                "equal".to_owned()
            } else {
                format!("they differ by {:.1} grey levels{}", duplicate.distance, moved(duplicate.shift))
            };
            format!("{place}, labelled {label}, and {other}, labelled {}: {how}", other.label())
        }
        (_, Some(score), _) if score.is_infinite() => format!("{place}, labelled {label}: no ink"),
        (_, score, _) => {
            format!("{place}, labelled {label}: {:.1} times as strange as usual", score.unwrap_or_default())
        }
    }
}

fn moved([down, right]: [isize; 2]) -> String {
    if [down, right] == [0, 0] { String::new() } else { " after a shift by a pixel".to_owned() }
}

pub(super) fn csv(out: &mut dyn Write, audit: &Audit, images: &Images) -> anyhow::Result<()> {
    writeln!(out, "{}", COLUMNS.join(","))?;
    for finding in findings(audit, images) {
        writeln!(out, "{},,", csv_line(&finding.columns())?)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Summary<'a> {
    version: &'static str,
    data: &'a str,
    n_train: usize,
    n_test: usize,
    classes: Vec<ClassSummary<'a>>,
    label_issues: Vec<LabelSummary<'a>>,
    duplicates: Vec<DuplicateSummary<'a>>,
    outliers: Vec<OutlierSummary<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct ClassSummary<'a> {
    class: &'a str,
    n_train: usize,
    n_test: usize,
    is_rare: bool,
}

#[derive(Serialize)]
struct ImageSummary<'a> {
    part: &'static str,
    index: usize,
    label: &'a str,
}

#[derive(Serialize)]
struct LabelSummary<'a> {
    #[serde(flatten)]
    image: ImageSummary<'a>,
    suggested: &'a str,
    score: f64,
    neighbors: Vec<NeighborSummary<'a>>,
}

#[derive(Serialize)]
struct NeighborSummary<'a> {
    #[serde(flatten)]
    image: ImageSummary<'a>,
    distance: u64,
}

#[derive(Serialize)]
struct DuplicateSummary<'a> {
    #[serde(flatten)]
    image: ImageSummary<'a>,
    other: ImageSummary<'a>,
    is_exact: bool,
    /// Rows and columns by which the later of both images is moved, down and to the right.
    shift: [isize; 2],
    /// Root mean square of the differences in grey levels.
    distance: f64,
}

#[derive(Serialize)]
struct OutlierSummary<'a> {
    #[serde(flatten)]
    image: ImageSummary<'a>,
    /// Null if there is no ink.
    score: Option<f64>,
}

impl<'a> From<Place<'a>> for ImageSummary<'a> {
    fn from(place: Place<'a>) -> Self {
        Self { part: place.part.name(), index: place.index, label: place.label() }
    }
}

pub(super) fn json(out: &mut dyn Write, audit: &Audit, images: &Images, seconds: f64) -> anyhow::Result<()> {
    let mut summary = Summary {
        version: env!("CARGO_PKG_VERSION"),
        data: &images.name,
        n_train: images.first.n_samples(),
        n_test: images.test.as_ref().map_or(0, handful::Dataset::n_samples),
        classes: Vec::new(),
        label_issues: Vec::new(),
        duplicates: Vec::new(),
        outliers: Vec::new(),
        seconds,
    };
    for class in &audit.classes {
        let (n_train, n_test, is_rare) = (class.n_train, class.n_test, class.is_rare);
        summary.classes.push(ClassSummary { class: &class.name, n_train, n_test, is_rare });
    }
    for Finding { place, suggested, score, duplicate, neighbors, .. } in findings(audit, images) {
        let image = ImageSummary::from(place);
        match (suggested, score, duplicate) {
            (Some(suggested), Some(score), _) => {
                let neighbors = neighbors.into_iter();
                let neighbors = neighbors
                    .map(|(place, distance)| NeighborSummary { image: place.into(), distance })
                    .collect();
                summary.label_issues.push(LabelSummary { image, suggested, score, neighbors });
            }
            (_, _, Some((other, duplicate))) => summary.duplicates.push(DuplicateSummary {
                image,
                other: other.into(),
                is_exact: duplicate.is_exact,
                shift: duplicate.shift,
                distance: duplicate.distance,
            }),
            (_, score, _) => {
                summary
                    .outliers
                    .push(OutlierSummary { image, score: score.filter(|score| score.is_finite()) });
            }
        }
    }
    serde_json::to_writer_pretty(&mut *out, &summary)?;
    Ok(writeln!(out)?)
}
