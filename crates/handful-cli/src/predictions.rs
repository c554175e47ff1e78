//! Prints predictions as text, CSV or JSON, one after the other.

use clap::ValueEnum;
use std::io::Write;

use handful::classifier::{Explanation, Model, Origin, Voter};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::inputs::{Failure, Place};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line per image, for people
    Text,
    /// `source,index,label,confidence,is_digit,n_digits`
    Csv,
    /// One JSON document
    Json,
    /// One JSON object per line, as soon as it is known
    Jsonl,
    /// `ImageId,Label`, as Kaggle's Digit Recognizer expects it
    Kaggle,
}

/// A prediction for an image.
pub(crate) struct Prediction<'a> {
    pub(crate) place: &'a Place,
    pub(crate) explanation: &'a Explanation,
}

/// Writes predictions. Its memory does not grow with their number.
pub(crate) struct Printer<'a> {
    format: Format,
    explain: bool,
    min_confidence: Option<f64>,
    model: &'a Model,
    classes: &'a [String],
    n_images: usize,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(format: Format, explain: bool, min_confidence: Option<f64>, model: &'a Model) -> Self {
        Self { format, explain, min_confidence, model, classes: model.classes(), n_images: 0 }
    }

    /// Number of images printed so far.
    pub(crate) fn n_images(&self) -> usize {
        self.n_images
    }

    pub(crate) fn begin(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self.format {
            Format::Text | Format::Jsonl => {}
            Format::Csv if self.explain => {
                writeln!(out, "source,index,label,confidence,neighbors,is_digit,n_digits")?;
            }
            Format::Csv => writeln!(out, "source,index,label,confidence,is_digit,n_digits")?,
            Format::Kaggle => writeln!(out, "ImageId,Label")?,
            Format::Json => write!(out, "{{\n  \"predictions\": [")?,
        }
        Ok(())
    }

    /// Whether labels are all that is printed, so that explanations need not be computed.
    pub(crate) fn needs_only_labels(&self) -> bool {
        self.format == Format::Kaggle && self.min_confidence.is_none()
    }

    /// Prints a line in Kaggle's format. `label` is `None` if there is no ink.
    pub(crate) fn print_label(
        &mut self,
        place: &Place,
        label: Option<u32>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        self.n_images += 1;
        let class = label.map(|label| self.classes[label as usize].as_str());
        self.print_kaggle(place, class, out)
    }

    pub(crate) fn print(&mut self, prediction: &Prediction, out: &mut dyn Write) -> anyhow::Result<()> {
        self.n_images += 1;
        let Prediction { place, explanation } = prediction;
        let label = self.label(explanation).unwrap_or_default();
        match self.format {
            Format::Text => self.print_text(prediction, out)?,
            Format::Csv => {
                let (source, index, label) = (quoted(&place.source), place.index, quoted(label));
                write!(out, "{source},{index},{label},{:.6}", explanation.confidence)?;
                if self.explain {
                    let voters: Vec<String> =
                        explanation.neighbors.iter().map(|voter| self.voter(voter)).collect();
                    write!(out, ",{}", quoted(&voters.join(" ")))?;
                }
                writeln!(out, ",{},{}", explanation.is_digit, place.n_digits)?;
            }
            Format::Kaggle => {
                self.print_kaggle(place, explanation.has_ink.then_some(label), out)?;
            }
            Format::Json => {
                let separator = if self.n_images == 1 { "\n    " } else { ",\n    " };
                write!(out, "{separator}{}", serde_json::to_string(&self.record(prediction))?)?;
            }
            Format::Jsonl => writeln!(out, "{}", serde_json::to_string(&self.record(prediction))?)?,
        }
        Ok(())
    }

    fn print_kaggle(&self, place: &Place, class: Option<&str>, out: &mut dyn Write) -> anyhow::Result<()> {
        match class {
            Some(class) => Ok(writeln!(out, "{},{}", self.n_images, quoted(class))?),
            None => anyhow::bail!(
                "{place}: there is no ink in this image (number {}), and Kaggle's format needs a label for every image",
                self.n_images
            ),
        }
    }

    /// Prints a line about an input that could not be read, if the format has such lines.
    pub(crate) fn print_failure(
        &self,
        Failure { place, error }: &Failure,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        if self.format == Format::Jsonl {
            writeln!(
                out,
                "{}",
                json!({ "source": &*place.source, "index": place.index, "error": format!("{error:#}") })
            )?;
        }
        Ok(())
    }

    pub(crate) fn end(&self, out: &mut dyn Write, failed: &[String]) -> anyhow::Result<()> {
        if self.format == Format::Json {
            let failed = serde_json::to_string(failed)?;
            let last = if self.n_images == 0 { "]" } else { "\n  ]" };
            writeln!(out, "{last},\n  \"n_images\": {},\n  \"failed\": {failed}\n}}", self.n_images)?;
        }
        Ok(out.flush()?)
    }

    /// The class; `None` if there is no ink, or if the prediction is less certain than `--min-confidence` demands.
    fn label(&self, explanation: &Explanation) -> Option<&'a str> {
        if !explanation.has_ink {
            return None;
        }
        let least = self.min_confidence.unwrap_or(f64::NEG_INFINITY);
        let is_sure =
            explanation.confidence >= least && (self.min_confidence.is_none() || explanation.is_digit);
        is_sure.then(|| self.classes[explanation.label as usize].as_str())
    }

    /// `7:1234`: label and squared distance.
    fn voter(&self, voter: &Voter) -> String {
        format!("{}:{}", self.classes[voter.label as usize], voter.distance)
    }

    fn print_text(
        &self,
        Prediction { place, explanation }: &Prediction,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        if !explanation.has_ink {
            return Ok(writeln!(out, "{place}: no ink")?);
        }
        let label = self.label(explanation).unwrap_or("?");
        let sure = format!("{:.1} %", 100.0 * explanation.confidence);
        let doubt =
            if explanation.is_digit { "" } else { ", but it looks like nothing that the model knows" };
        let several = match place.n_digits {
            0 | 1 => String::new(),
            n => format!(", but the picture has {n} digits, and this is for a picture of one"),
        };
        writeln!(out, "{place}: {label} ({sure}{doubt}{several})")?;
        if self.explain {
            for voter in &explanation.neighbors {
                let class = &self.classes[voter.label as usize];
                let distance = (voter.distance as f64).sqrt();
                let origin = match self.model.origin(voter.medoid) {
                    Origin::Image(row) => format!("training image {row}"),
                    Origin::Copy(row) => format!("a distorted copy of training image {row}"),
                    Origin::Drawn => "a drawn digit".to_owned(),
                    Origin::Taught(row) => format!("image {row} of those that the model was taught"),
                };
                writeln!(out, "    {class} at {distance:.1}, like {origin}")?;
            }
        }
        Ok(())
    }

    fn record(&self, Prediction { place, explanation }: &Prediction) -> Record<'a> {
        let probabilities = self.classes.iter().zip(&explanation.probabilities);
        let neighbor = |voter: &Voter| {
            json!({
                "label": self.classes[voter.label as usize],
                "distance": voter.distance,
                "prototype": voter.prototype,
                "medoid": voter.medoid,
            })
        };
        Record {
            source: place.source.to_string(),
            index: place.index,
            label: self.label(explanation),
            confidence: explanation.confidence,
            is_digit: explanation.is_digit,
            n_digits: place.n_digits,
            probabilities: probabilities.map(|(class, &p)| (class.clone(), p.into())).collect(),
            neighbors: self.explain.then(|| explanation.neighbors.iter().map(neighbor).collect()),
        }
    }
}

#[derive(Serialize)]
struct Record<'a> {
    source: String,
    index: usize,
    label: Option<&'a str>,
    confidence: f64,
    is_digit: bool,
    n_digits: usize,
    probabilities: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbors: Option<Vec<Value>>,
}

/// A field of CSV (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
