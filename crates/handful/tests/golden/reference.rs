//! The values in `reference.json`, which `make_reference.py` computes with scikit-learn and statsmodels.

use serde_json::Value;

/// All of them.
pub(crate) fn load() -> Value {
    serde_json::from_str(include_str!("reference.json")).expect("reference.json is JSON")
}

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// A list of whole numbers.
pub(crate) fn integers<T: TryFrom<u64>>(value: &Value) -> Vec<T> {
    let integer = |number: &Value| number.as_u64().and_then(|number| T::try_from(number).ok());
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|number| integer(number).expect("a small whole number"))
        .collect()
}
