//! The parameters of addresses.

use std::sync::Arc;

use axum::{
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
};
use serde::Deserialize;

use super::{loaded::Loaded, problem::Problem};

/// What an address says after its question mark.
pub(super) type Parameters<T> = Result<Query<T>, QueryRejection>;

/// # Errors
/// If there are other parameters, or values that cannot be read.
pub(super) fn read<T>(parameters: Parameters<T>) -> Result<T, Problem> {
    let Query(read) = parameters.map_err(|error| {
        let text = error.body_text();
        let (_, why) = text.split_once("query string: ").unwrap_or(("", &text));
        refused(format!("The parameters of this address cannot be read: {why}."))
    })?;
    Ok(read)
}

fn refused(sentence: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, sentence)
}

/// The choice of a model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    pub(super) model: Option<String>,
}

/// How an image is to be explained.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct How {
    pub(super) model: Option<String>,
    n_neighbors: Option<String>,
    true_label: Option<String>,
}

impl How {
    /// The number of neighbours that vote; `None` for as many as the model's recipe says.
    ///
    /// # Errors
    /// If the model does not allow this number.
    pub(super) fn n_neighbors(&self, loaded: &Arc<Loaded>) -> Result<Option<usize>, Problem> {
        let Some(found) = &self.n_neighbors else { return Ok(None) };
        let Some(most) = loaded.most_neighbors() else {
            let name = &loaded.name;
            return Err(refused(format!(
                "Parameter n_neighbors: expected none, because hyperplanes decide in the model {name}; found {found:?}."
            )));
        };
        let n_neighbors = found.parse().ok().filter(|n_neighbors| (1..=most).contains(n_neighbors));
        let n_neighbors = n_neighbors.ok_or_else(|| {
            let expected = format!("expected a whole number from 1 to {most}");
            refused(format!("Parameter n_neighbors: {expected}, found {found:?}."))
        })?;
        let own = loaded.model.n_neighbors();
        Ok((n_neighbors != own).then_some(n_neighbors))
    }

    /// The class of which the nearest prototypes are asked for, if any.
    ///
    /// # Errors
    /// If the model has no such class.
    pub(super) fn true_label(&self, loaded: &Arc<Loaded>) -> Result<Option<u32>, Problem> {
        let Some(found) = &self.true_label else { return Ok(None) };
        let classes = loaded.model.classes();
        let label = classes.iter().position(|class| class == found).and_then(|at| u32::try_from(at).ok());
        let expected = || format!("Parameter true_label: expected one of the classes {}", classes.join(", "));
        label.map(Some).ok_or_else(|| refused(format!("{}; found {found:?}.", expected())))
    }
}
