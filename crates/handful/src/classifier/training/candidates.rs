//! The candidates from which presets were chosen: declared here, and compared by `handful select`.

use crate::{
    classifier::{Decision, Hyperplanes, Params, Preset, PrototypeParams},
    features::{BlockParams, DiscriminantsParams, Emphasis, FeatureParams},
    preprocess::Deskew,
};

/// A recipe that was considered for a preset.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// How it differs from the preset.
    pub name: String,
    /// Its values.
    pub params: Params,
}

impl Preset {
    /// The preset itself, and the alternatives.
    #[doc(hidden)]
    #[must_use]
    pub fn candidates(self) -> Vec<Candidate> {
        let chosen = self.params();
        let mut all = vec![Candidate { name: self.name().to_owned(), params: chosen.clone() }];
        let mut add = |name: &str, change: &dyn Fn(&mut Params)| {
            let mut params = chosen.clone();
            change(&mut params);
            all.push(Candidate { name: name.to_owned(), params });
        };
        match self {
            Self::Notebook => {}
            Self::Pixels => {
                add("100 a class", &|params| per_class(params, 100));
                add("600 a class", &|params| per_class(params, 600));
                add("not upright", &|params| features(params, |_, deskew| *deskew = None));
                add("not normalised", &|params| normalize(params, 0.0));
                add("normalised by 0.6", &|params| normalize(params, 0.6));
                add("all images", &|params| params.prototypes = PrototypeParams::All);
            }
            Self::Tiny | Self::Small | Self::Fast | Self::Everyday => {
                add("not upright", &|params| features(params, |_, deskew| *deskew = None));
                add("not normalised", &|params| normalize(params, 0.0));
                add("normalised by 0.4", &|params| normalize(params, 0.4));
                add("normalised by 0.8", &|params| normalize(params, 0.8));
                add("no emphasis", &|params| discriminants(params, |params| params.emphasis = None));
                add("emphasis 8", &|params| emphasis(params, 8));
                add("half the atoms", &|params| atoms(params, |n| n / 2));
                add("1.5 times the atoms", &|params| atoms(params, |n| n * 3 / 2));
                add("1 prototype a class", &|params| {
                    per_class(params, 1);
                    votes(params, 1);
                });
                add("20 prototypes a class, 5-NN", &|params| {
                    per_class(params, 20);
                    votes(params, 5);
                });
                add("all images, 31-NN", &|params| {
                    params.prototypes = PrototypeParams::All;
                    votes(params, 31);
                });
            }
            Self::Best => {
                add("not upright", &|params| features(params, |_, deskew| *deskew = None));
                add("3-NN", &|params| votes(params, 3));
                add("9-NN", &|params| votes(params, 9));
                add("discriminants weigh 0.7", &|params| weigh(params, 0.7));
                add("discriminants weigh 1.5", &|params| weigh(params, 1.5));
                add("normalised by 0.4", &|params| normalize(params, 0.4));
                add("no emphasis", &|params| discriminants(params, |params| params.emphasis = None));
                add("dictionary of whole images alone", &|params| {
                    discriminants(params, |params| params.blocks.truncate(1));
                });
                add("discriminants alone, 31-NN", &|params| {
                    params.features.remove(0);
                    votes(params, 31);
                });
                add("300 prototypes a class", &|params| {
                    params.prototypes =
                        PrototypeParams::PerClass { n_clusters: 300, n_init: 1, max_iter: 50 };
                });
            }
            Self::Neighbors => {
                add("5-NN", &|params| votes(params, 5));
                add("all images", &|params| params.prototypes = PrototypeParams::All);
                add("1,000 prototypes a class", &|params| per_class(params, 1000));
                add("ridge 0.1", &|params| hyperplanes(params, |planes| planes.ridge = 0.1));
                add("ridge 1", &|params| hyperplanes(params, |planes| planes.ridge = 1.0));
                add("15 neighbours", &|params| hyperplanes(params, |planes| planes.n_neighbors = 15));
                add("40 neighbours", &|params| hyperplanes(params, |planes| planes.n_neighbors = 40));
                add("100 candidates", &|params| hyperplanes(params, |planes| planes.n_candidates = 100));
                add("not upright", &|params| features(params, |_, deskew| *deskew = None));
                add("not normalised", &|params| normalize(params, 0.0));
                add("normalised by 0.4", &|params| normalize(params, 0.4));
            }
        }
        all
    }
}

fn votes(params: &mut Params, n_neighbors: usize) {
    params.decision = Decision::Votes { n_neighbors };
}

fn per_class(params: &mut Params, wanted: usize) {
    if let PrototypeParams::PerClass { n_clusters, .. } = &mut params.prototypes {
        *n_clusters = wanted;
    }
}

fn hyperplanes(params: &mut Params, change: impl Fn(&mut Hyperplanes)) {
    if let Decision::Hyperplanes(planes) = &mut params.decision {
        change(planes);
    }
}

/// Changes the weight and the deskewing of all features.
fn features(params: &mut Params, change: impl Fn(&mut f64, &mut Option<Deskew>)) {
    for (weight, feature) in &mut params.features {
        match feature {
            FeatureParams::Pixels { deskew } | FeatureParams::Components { deskew, .. } => {
                change(weight, deskew);
            }
            FeatureParams::Discriminants(params) => change(weight, &mut params.deskew),
        }
    }
}

fn normalize(params: &mut Params, power: f64) {
    features(params, |_, deskew| *deskew = Some(Deskew::new().normalize(power)));
}

fn discriminants(params: &mut Params, change: impl Fn(&mut DiscriminantsParams)) {
    for (_, feature) in &mut params.features {
        if let FeatureParams::Discriminants(params) = feature {
            change(params);
        }
    }
}

fn weigh(params: &mut Params, wanted: f64) {
    for (weight, feature) in &mut params.features {
        if matches!(feature, FeatureParams::Discriminants(_)) {
            *weight = wanted;
        }
    }
}

fn emphasis(params: &mut Params, extra: u32) {
    discriminants(params, |params| params.emphasis = Some(Emphasis { share: 0.1, extra }));
}

fn atoms(params: &mut Params, change: impl Fn(usize) -> usize) {
    discriminants(params, |params| {
        for block in &mut params.blocks {
            let (BlockParams::Local { n_atoms, .. } | BlockParams::Shared { n_atoms, .. }) = block;
            *n_atoms = change(*n_atoms);
        }
    });
}
