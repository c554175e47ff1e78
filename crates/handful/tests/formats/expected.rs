//! What went into the fixtures.

use std::fs;

use handful::dataset::{Images, Split};
use ndarray::ArrayView1;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fixture;

/// What went into the fixtures.
pub(crate) struct Expected {
    pub(crate) labels: Vec<String>,
    pub(crate) letters: Vec<u32>,
    pub(crate) sha256: Vec<String>,
    pub(crate) usps_sha256: Vec<String>,
}

impl Expected {
    pub(crate) fn new(split: Split) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
        Self::of(&json, if split == Split::Train { "train" } else { "test" })
    }

    /// Of UCI's table of that name.
    pub(crate) fn uci(name: &str) -> Self {
        let json: Value = serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap();
        Self::of(&json, name)
    }

    fn of(json: &Value, part: &str) -> Self {
        let of = &json[part];
        let texts = |name: &str| -> Vec<String> {
            let values = of[name].as_array().into_iter().flatten();
            values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
        };
        Self {
            labels: texts("labels"),
            letters: texts("letters").iter().map(|number| number.parse().unwrap()).collect(),
            sha256: texts("sha256"),
            usps_sha256: texts("usps_sha256"),
        }
    }
}

pub(crate) fn sha256(row: ArrayView1<u8>) -> String {
    Sha256::digest(row.to_vec()).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Checks the number of images, and their pixels and labels against the first of the expected ones.
#[track_caller]
pub(crate) fn holds(images: &Images, n: usize, sha256s: &[String], labels: Option<&[String]>) {
    assert_eq!(images.pixels.nrows(), n);
    let found: Vec<String> = images.pixels.outer_iter().map(sha256).collect();
    assert_eq!(found, sha256s[..n]);
    assert_eq!(images.labels.as_deref(), labels.map(|labels| &labels[..n]));
}
