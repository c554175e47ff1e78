//! What an audit found, image by image, as it is shown and written.

use handful::audit::{Audit, Duplicate, Neighbor};

use super::images::{Images, Place};

/// What is wrong with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its label looks wrong.
    Label,
    /// It is a duplicate of another image of its part.
    Duplicate,
    /// It is a training image of which a duplicate is among the test images.
    Leak,
    /// It seems to belong to no class.
    Outlier,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Duplicate => "duplicate",
            Self::Leak => "leak",
            Self::Outlier => "outlier",
        }
    }
}

/// An image that looks wrong, and why.
pub(crate) struct Finding<'a> {
    pub(crate) kind: Kind,
    pub(crate) place: Place<'a>,
    /// The label that it looks like.
    pub(crate) suggested: Option<&'a str>,
    /// How suspicious a label is, or how strange an image.
    pub(crate) score: Option<f64>,
    pub(crate) duplicate: Option<(Place<'a>, &'a Duplicate)>,
    pub(crate) neighbors: Vec<(Place<'a>, u64)>,
}

/// All findings: labels, then duplicates, then outliers.
pub(crate) fn findings<'a>(audit: &'a Audit, images: &'a Images) -> Vec<Finding<'a>> {
    let place = |row: usize| images.place(audit.place(row));
    let neighbors = |found: &[Neighbor]| -> Vec<(Place<'a>, u64)> {
        found.iter().map(|neighbor| (place(neighbor.row), neighbor.distance)).collect()
    };
    let labels = audit.label_issues.iter().map(|issue| Finding {
        kind: Kind::Label,
        place: place(issue.row),
        suggested: Some(&images.classes()[issue.suggested as usize]),
        score: Some(issue.score),
        duplicate: None,
        neighbors: neighbors(&issue.neighbors),
    });
    let duplicates = audit.duplicates.iter().map(|duplicate| {
        let [first, second] = duplicate.rows.map(place);
        // Of two images of one part, the later one is the copy. Of a leak, the training image is to go.
        let is_leak = first.part != second.part;
        let (image, other) = if is_leak { (first, second) } else { (second, first) };
        Finding {
            kind: if is_leak { Kind::Leak } else { Kind::Duplicate },
            place: image,
            suggested: None,
            score: None,
            duplicate: Some((other, duplicate)),
            neighbors: Vec::new(),
        }
    });
    let outliers = audit.outliers.iter().map(|outlier| Finding {
        kind: Kind::Outlier,
        place: place(outlier.row),
        suggested: None,
        score: Some(outlier.score),
        duplicate: None,
        neighbors: neighbors(&outlier.neighbors),
    });
    labels.chain(duplicates).chain(outliers).collect()
}

impl Finding<'_> {
    /// A line of the table of findings, without the columns for decisions.
    pub(crate) fn columns(&self) -> [String; 10] {
        let score = |score: f64| if score.is_finite() { format!("{score:.6}") } else { "inf".to_owned() };
        let other = self.duplicate.map(|(other, _)| other);
        [
            self.kind.name().to_owned(),
            self.place.part.name().to_owned(),
            self.place.index.to_string(),
            self.place.label().to_owned(),
            self.suggested.unwrap_or_default().to_owned(),
            self.score.map(score).unwrap_or_default(),
            other.map(|other| other.part.name().to_owned()).unwrap_or_default(),
            other.map(|other| other.index.to_string()).unwrap_or_default(),
            other.map(|other| other.label().to_owned()).unwrap_or_default(),
            self.duplicate.map(|(_, duplicate)| format!("{:.2}", duplicate.distance)).unwrap_or_default(),
        ]
    }

    /// Whether it is a pair of duplicates with different labels.
    pub(crate) fn is_contradiction(&self) -> bool {
        self.duplicate.is_some_and(|(other, _)| other.label() != self.place.label())
    }
}

/// A line of CSV, without its end.
pub(crate) fn csv_line(columns: &[impl AsRef<[u8]>]) -> anyhow::Result<String> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(columns)?;
    let line = String::from_utf8(writer.into_inner()?)?;
    Ok(line.trim_end_matches('\n').to_owned())
}
