//! What an audit found, and what was decided about it.

mod decisions;
mod findings;
mod images;
pub(crate) mod sentences;

pub(crate) use decisions::{COLUMNS, Decision, Decisions, Error, Row};
pub(crate) use findings::{Finding, Kind, csv_line, findings};
pub(crate) use images::{Images, Part, Place};
