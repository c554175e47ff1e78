//! How a report was made: timings, the machine, and the command.

use handful::classifier::Preset;
use maud::{Markup, html};

use crate::{experiment::Experiment, experiment_options, machine::Machine, options, text};

pub(super) fn section(
    experiment: &Experiment,
    args: &experiment_options::Args,
    seed: u64,
    total_seconds: f64,
) -> Markup {
    let machine = Machine::this();
    let mut timings = vec![("reading the data".to_owned(), experiment.load_seconds)];
    for model in &experiment.models {
        timings.push((format!("{}: fit", model.name), model.fit_seconds));
        timings.push((format!("{}: predict", model.name), model.predict_seconds));
    }
    timings.push(("total, up to this report".to_owned(), total_seconds));
    let kmeans = &experiment.models[1];
    html! {
        div.pair {
            div {
                h3 { "Timings" }
                table.plain.wordy {
                    @for (what, seconds) in timings {
                        tr { th scope="row" { (what) } td { (text::seconds(seconds)) } }
                    }
                }
            }
            div {
                h3 { "Environment" }
                table.plain.wordy {
                    tr { th scope="row" { "handful" } td { (env!("CARGO_PKG_VERSION")) } }
                    tr { th scope="row" { "processor" } td { (machine.cpu) } }
                    tr { th scope="row" { "instruction set" } td { (machine.level) } }
                    tr { th scope="row" { "threads" } td { (machine.threads) } }
                    tr { th scope="row" { "seed" } td { (seed) } }
                    @if let (Some(inertia), Some(n_iter)) = (kmeans.inertia, kmeans.n_iter) {
                        tr { th scope="row" { "inertia, all classes" } td { (format!("{inertia:.6e}")) } }
                        tr { th scope="row" { "iterations, all classes" } td { (text::count(n_iter as u64)) } }
                    }
                }
            }
        }
        h3 { "Reproduce this report" }
        pre { code { (command(args, seed)) } }
        p.note {
            "Predictions shorter than a tenth of a second are timed twice, and the faster time counts. Distances are squared "
            "Euclidean distances of bytes, that is, whole numbers, so comparisons are exact. All figures except the "
            "timings are the same for any number of threads. Intervals are Wilson's, for " (text::count(experiment.data.test.n_samples() as u64))
            " test images."
        }
    }
}

fn command(args: &experiment_options::Args, seed: u64) -> String {
    let quoted = |option: &str, value: &str| format!(" --{option} '{}'", value.replace('\'', "'\\''"));
    let data: String = args.data.given().iter().map(|(option, value)| quoted(option, value)).collect();
    let names = |presets: &[Preset]| presets.iter().map(|preset| preset.name()).collect::<Vec<_>>().join(",");
    format!(
        "handful compare{data} --clusters {} --n-neighbors {} --weights {} --tie-break {} --n-init {} --seed {seed}{}",
        args.clusters,
        args.n_neighbors,
        options::name(args.weights),
        options::name(args.tie_break),
        args.n_init,
        [
            (!args.preset.is_empty()).then(|| format!(" --preset {}", names(&args.preset))),
            args.sweep.then(|| " --sweep".to_owned()),
            args.frontier.then(|| " --frontier".to_owned()),
            args.pretrained.then(|| " --pretrained".to_owned()),
            (args.seeds.get() > 1).then(|| format!(" --seeds {}", args.seeds)),
            Some(args.ood.iter().map(|path| quoted("ood", &path.display().to_string())).collect()),
            args.disputed.path().map(|path| quoted("disputed", &path.display().to_string())),
        ]
        .into_iter()
        .flatten()
        .collect::<String>()
    )
}
