//! Prints what an audit found, as text, CSV or JSON.

use std::{io::Write, path::Path};

use anstyle::Style;
use handful::audit::Audit;
use serde::Serialize;

use crate::{
    audited::{
        COLUMNS, Finding, Images, Kind, Place, csv_line, findings,
        sentences::{duplicates, line, rare, summary, verdict},
    },
    text,
};

/// Maximum number of findings of each kind in the text.
const MOST: usize = 20;

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
    let are = if n == 1 { "is" } else { "are" };
    let images_of_none = text::plural(n, "image");
    writeln!(out, "\n{bold}{images_of_none} {are} unlike all others, and may belong to no class.{bold:#}")?;
    list(out, &all, |kind| kind == Kind::Outlier)?;
    writeln!(out, "\n{bold}{}{bold:#}", rare(audit))?;
    writeln!(out, "\n{} compared in {}.", text::plural(images.n_images(), "image"), text::seconds(seconds))?;
    match report {
        Some(path) => writeln!(out, "Report: {}", path.display())?,
        None => writeln!(out, "To look at them and to decide: handful audit --report audit.html")?,
    }
    Ok(())
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
