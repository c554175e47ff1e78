//! The timed experiment that `compare` runs and the report shows.

use std::time::Instant;

use anyhow::Context;
use handful::{
    Dataset, KMeans, KNeighborsClassifier,
    dataset::TrainTest,
    kmeans::Prototypes,
    metrics::{ConfusionMatrix, McNemar, mcnemar},
    neighbors::{self},
    progress::{Observer, Stage},
};
use serde_json::json;

use crate::{
    console::Console,
    disputed::{Disputed, Undisputed},
    evaluated::{Evaluated, Search, timed},
    experiment_options, options,
    presets::{self, PresetResult},
};

/// Numbers of prototypes per class in a sweep.
const SWEEP: [usize; 6] = [1, 3, 9, 30, 100, 300];

/// The baseline, the prototypes, the control, and the requested presets.
pub(crate) struct Experiment {
    pub(crate) data: TrainTest,
    pub(crate) load_seconds: f64,
    pub(crate) prototypes: Prototypes,
    /// `knn-all`, `kmeans-knn`, `random-knn`, then the presets.
    pub(crate) models: Vec<Evaluated>,
    /// The search results of the first three models.
    pub(crate) searches: [Search; 3],
    pub(crate) presets: Vec<PresetResult>,
    pub(crate) comparisons: Vec<Comparison>,
    /// `None` unless requested. Leaves out sizes that do not fit the data.
    pub(crate) sweep: Option<Vec<SweepPoint>>,
    /// The test images whose labels are disputed, if a file names them.
    pub(crate) disputed: Option<Disputed>,
}

pub(crate) struct Comparison {
    pub(crate) a: &'static str,
    pub(crate) b: &'static str,
    pub(crate) test: McNemar,
}

/// Accuracy for one number of prototypes per class.
pub(crate) struct SweepPoint {
    pub(crate) prototypes_per_class: usize,
    pub(crate) kmeans: ConfusionMatrix,
    pub(crate) random: ConfusionMatrix,
}

pub(crate) fn run(
    data: TrainTest,
    load_seconds: f64,
    args: &experiment_options::Args,
    seed: u64,
    console: &Console,
) -> anyhow::Result<Experiment> {
    let disputed = args.disputed.read()?;
    if let Some(disputed) = &disputed {
        disputed.check(0, data.test.labels(), data.test.classes())?;
        disputed.check_count(data.test.n_samples())?;
    }
    let lab = Lab { data: &data, args, seed, console };
    // Reports errors before the long search.
    lab.check()?;
    let outlier_sets = presets::prepare(args, &data, console)?;
    let (all, all_search) = lab.evaluate("knn-all", data.train.clone(), Instant::now())?;
    let (prototypes, (kmeans, kmeans_search)) = lab.kmeans(args.clusters.get(), args.n_init.get())?;
    let (random, random_search) = lab.random(args.clusters.get())?;
    let sweep = args.sweep.then(|| lab.sweep()).transpose()?;
    let mut models = vec![all, kmeans, random];
    let mut presets = Vec::new();
    for preset in args.presets() {
        let (evaluated, result) = presets::run(preset, args, &data, &outlier_sets, console)?;
        models.push(evaluated);
        presets.push(result);
    }
    // Each pair of the first three, and each preset with the baseline.
    let pairs = [(0, 1), (0, 2), (1, 2)].into_iter().chain((3..models.len()).map(|preset| (0, preset)));
    let compare = |(a, b): (usize, usize)| Comparison {
        a: models[a].name,
        b: models[b].name,
        test: mcnemar(data.test.labels(), &models[a].predicted, &models[b].predicted),
    };
    let comparisons = pairs.map(compare).collect();
    let searches = [all_search, kmeans_search, random_search];
    Ok(Experiment { data, load_seconds, prototypes, models, searches, presets, comparisons, sweep, disputed })
}

impl Experiment {
    /// The result of a model without disputed labels, if a file names them.
    pub(crate) fn undisputed(&self, model: &Evaluated) -> Option<Undisputed> {
        let (test, all) = (&self.data.test, &model.confusion_matrix);
        let kept = self.disputed.as_ref()?.matrix(0, test.labels(), &model.predicted, test.classes().len());
        Some(Undisputed::new(all, &kept))
    }
}

struct Lab<'a> {
    data: &'a TrainTest,
    args: &'a experiment_options::Args,
    seed: u64,
    console: &'a Console,
}

impl Lab<'_> {
    fn check(&self) -> anyhow::Result<()> {
        let (clusters, n_neighbors) = (self.args.clusters, self.args.n_neighbors);
        let sample = self
            .data
            .train
            .sample_per_class(clusters.get(), self.seed)
            .with_context(|| format!("--clusters {clusters} is too many"))?;
        self.classifier(&sample, Observer::default()).with_context(|| {
            format!("--n-neighbors {n_neighbors} is too many for {clusters} prototypes per class")
        })?;
        Ok(())
    }

    fn random(&self, per_class: usize) -> anyhow::Result<(Evaluated, Search)> {
        let start = Instant::now();
        let sample = self.data.train.sample_per_class(per_class, self.seed)?;
        let (mut model, search) = self.evaluate("random-knn", sample, start)?;
        model.parameters.insert("n_samples_per_class".to_owned(), per_class.into());
        Ok((model, search))
    }

    fn kmeans(&self, n_clusters: usize, n_init: usize) -> anyhow::Result<(Prototypes, (Evaluated, Search))> {
        let start = Instant::now();
        let bar = self.console.bar("K-Means, class by class", Stage::Runs);
        let params = KMeans::params(n_clusters).n_init(n_init).seed(self.seed).observer(bar.observer());
        let prototypes = params.fit_per_class(&self.data.train)?;
        let (mut model, search) = self.evaluate("kmeans-knn", prototypes.dataset.clone(), start)?;
        model.inertia = Some(prototypes.inertia());
        model.n_iter = Some(prototypes.n_iter());
        for (name, value) in
            [("n_clusters", n_clusters.into()), ("n_init", n_init.into()), ("init", json!("k-means++"))]
        {
            model.parameters.insert(name.to_owned(), value);
        }
        Ok((prototypes, (model, search)))
    }

    /// Fits k-NN on `voters` and tests it. `start` is the time at which the computation of the voters began.
    fn evaluate(
        &self,
        name: &'static str,
        voters: Dataset,
        start: Instant,
    ) -> anyhow::Result<(Evaluated, Search)> {
        let n_neighbors = self.args.n_neighbors.get();
        let bar = self.console.bar(name, Stage::Search);
        let model = self.classifier(&voters, bar.observer())?;
        let fit_seconds = start.elapsed().as_secs_f64();

        let test = &self.data.test;
        let (predict_seconds, (neighbors, predicted)) = timed(|| {
            let neighbors = model.kneighbors(test.images().view())?;
            let predicted = model.predict_from(&neighbors);
            Ok((neighbors, predicted))
        })?;
        drop(bar);

        let confusion_matrix = ConfusionMatrix::new(test.labels(), &predicted, test.classes().len());
        let parameters = [
            ("n_neighbors", n_neighbors.into()),
            ("weights", json!(options::name(self.args.weights))),
            ("tie_break", json!(options::name(self.args.tie_break))),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let evaluated = Evaluated {
            name,
            preset: None,
            parameters,
            n_prototypes: voters.n_samples(),
            n_neighbors,
            inertia: None,
            n_iter: None,
            fit_seconds,
            predict_seconds,
            model_bytes: None,
            predicted,
            confusion_matrix,
        };
        Ok((evaluated, Search { voters, neighbors }))
    }

    fn classifier(
        &self,
        voters: &Dataset,
        observer: Observer,
    ) -> Result<KNeighborsClassifier, neighbors::Error> {
        KNeighborsClassifier::params(self.args.n_neighbors.get())
            .weights(self.args.weights.into())
            .tie_break(self.args.tie_break.into())
            .observer(observer)
            .fit(voters)
    }

    /// One K-Means run for each size, so that large ones stay affordable.
    fn sweep(&self) -> anyhow::Result<Vec<SweepPoint>> {
        let counts: Vec<usize> = self.data.train.class_counts().into_iter().filter(|&n| n > 0).collect();
        let smallest = counts.iter().copied().min().unwrap_or(0);
        let fits = |m: &usize| *m <= smallest && m * counts.len() >= self.args.n_neighbors.get();
        let point = |prototypes_per_class| {
            let kmeans = self.kmeans(prototypes_per_class, 1)?.1.0.confusion_matrix;
            let random = self.random(prototypes_per_class)?.0.confusion_matrix;
            Ok(SweepPoint { prototypes_per_class, kmeans, random })
        };
        SWEEP.into_iter().filter(fits).map(point).collect()
    }
}
