//! Accuracy without the images whose labels an audit disputes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use handful::metrics::ConfusionMatrix;
use serde::Serialize;

use crate::{
    audited::{Decision, Decisions, Error, Part, Row},
    text,
};

/// The option of commands that test models.
#[derive(Debug, clap::Args)]
pub(crate) struct DisputedArgs {
    /// Also give the accuracy without the test images whose labels an audit disputes: the CSV file of `handful audit`, or
    /// the decisions saved in its page. Labels that were decided to be kept are not disputed
    #[arg(long, value_name = "FILE.csv")]
    disputed: Option<PathBuf>,
}

impl DisputedArgs {
    pub(crate) fn path(&self) -> Option<&Path> {
        self.disputed.as_deref()
    }

    pub(crate) fn read(&self) -> Result<Option<Disputed>, Error> {
        self.path().map(Disputed::read).transpose()
    }
}

/// Test images whose labels are disputed.
pub(crate) struct Disputed {
    decisions: Decisions,
    /// The line in the file of each image.
    lines: BTreeMap<usize, usize>,
}

/// The result of a model on the test images whose labels are not disputed.
#[derive(Serialize)]
pub(crate) struct Undisputed {
    n_disputed: u64,
    pub(crate) n_test: u64,
    pub(crate) correct: u64,
    pub(crate) accuracy: f64,
    pub(crate) accuracy_interval: [f64; 2],
    error_percent: f64,
}

/// What the second figure means.
pub(crate) const NOTE: &str = "An audit disputes labels of hard images more often than those of easy ones. Without them every \
    model looks better: compare models by the same figure.";

impl Disputed {
    fn read(path: &Path) -> Result<Self, Error> {
        let decisions = Decisions::read(path)?;
        let disputed =
            decisions.rows.iter().enumerate().filter(|(_, row)| row.part != Part::Train && is_disputed(row));
        let lines = disputed.map(|(line, row)| (row.index, line)).collect();
        Ok(Self { decisions, lines })
    }

    pub(crate) fn contains(&self, image: usize) -> bool {
        self.lines.contains_key(&image)
    }

    /// Checks that the file is about these images: the first of them has the number `first`.
    pub(crate) fn check(&self, first: usize, labels: &[u32], classes: &[String]) -> Result<(), Error> {
        for (&image, &line) in self.lines.range(first..first + labels.len()) {
            let row = &self.decisions.rows[line];
            let found = &classes[labels[image - first] as usize];
            if let Some(expected) = row.label.as_ref().filter(|expected| *expected != found) {
                let problem = format!(
                    "expected test image {image} to have the label {expected:?}, found {found:?}: this file is about \
                     other data"
                );
                return Err(self.decisions.of_line(row.line, problem));
            }
        }
        Ok(())
    }

    /// Checks that there are as many images as the file names, and that some are not disputed.
    pub(crate) fn check_count(&self, n: usize) -> Result<(), Error> {
        if let Some((&image, &line)) = self.lines.range(n..).next() {
            let problem = format!("expected an index below {n}, the number of test images, found {image}");
            return Err(self.decisions.of_line(self.decisions.rows[line].line, problem));
        }
        if self.lines.len() == n {
            return Err(self
                .decisions
                .of_file("expected at least one test image whose label is not disputed, found none"));
        }
        Ok(())
    }

    /// The predictions for images that are not disputed; the first image has the number `first`.
    pub(crate) fn matrix(
        &self,
        first: usize,
        truth: &[u32],
        predicted: &[u32],
        n_classes: usize,
    ) -> ConfusionMatrix {
        let kept = (first..).zip(truth.iter().zip(predicted)).filter(|(image, _)| !self.contains(*image));
        let (truth, predicted): (Vec<u32>, Vec<u32>) =
            kept.map(|(_, (truth, predicted))| (*truth, *predicted)).unzip();
        ConfusionMatrix::new(&truth, &predicted, n_classes)
    }
}

/// Whether a row says that a label is wrong or meaningless.
fn is_disputed(row: &Row) -> bool {
    match (&*row.kind, &row.decision) {
        (_, Some(Decision::Keep)) => false,
        ("label" | "", _) | (_, Some(Decision::Relabel(_))) | ("outlier", Some(Decision::Remove)) => true,
        _ => false,
    }
}

impl Undisputed {
    /// From the predictions for all images, and for those that are not disputed.
    pub(crate) fn new(all: &ConfusionMatrix, kept: &ConfusionMatrix) -> Self {
        Self {
            n_disputed: all.total() - kept.total(),
            n_test: kept.total(),
            correct: kept.correct(),
            accuracy: kept.accuracy(),
            accuracy_interval: kept.accuracy_interval(),
            error_percent: kept.error_percent(),
        }
    }

    /// The result in one sentence.
    pub(crate) fn sentence(&self) -> String {
        format!(
            "without {} with disputed labels: {} of {} right ({}, 95 % interval {})",
            text::plural(usize::try_from(self.n_disputed).unwrap_or(usize::MAX), "image"),
            text::count(self.correct),
            text::count(self.n_test),
            text::percent(self.accuracy),
            text::interval(self.accuracy_interval),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_disputed_until_it_is_decided_to_be_kept() {
        let row = |kind: &str, decision: Option<Decision>| Row {
            line: 2,
            kind: kind.to_owned(),
            part: Part::Test,
            index: 0,
            label: None,
            decision,
        };
        let relabel = || Some(Decision::Relabel("4".to_owned()));
        for (kind, decision, expected) in [
            ("label", None, true),
            ("label", Some(Decision::Remove), true),
            ("label", Some(Decision::Keep), false),
            ("", None, true),
            ("duplicate", None, false),
            ("duplicate", Some(Decision::Remove), false),
            ("leak", relabel(), true),
            ("outlier", None, false),
            ("outlier", Some(Decision::Remove), true),
        ] {
            assert_eq!(is_disputed(&row(kind, decision.clone())), expected, "{kind} {decision:?}");
        }
    }
}
