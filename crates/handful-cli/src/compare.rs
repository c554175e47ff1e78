//! `handful compare`: runs the whole experiment, prints a table, and writes a report.

use std::{io::Write, time::Instant};

use anstyle::Style;

use crate::{
    console::Console,
    disputed,
    experiment::{self, Experiment},
    experiment_options::Args,
    options::Global,
    output::{OutputFile, print_json},
    report,
    summary::Summary,
    table, text,
};

pub(crate) fn run(args: &Args, global: &Global, console: &Console) -> anyhow::Result<()> {
    let start = Instant::now();
    let report_file = OutputFile::create(&args.report)?;
    let data = args.data.train_test(console)?;
    let load_seconds = start.elapsed().as_secs_f64();

    let experiment = experiment::run(data, load_seconds, args, global.seed, console)?;
    let page = report::render(&experiment, args, global.seed, start.elapsed().as_secs_f64());
    report_file.commit(|mut file| Ok(file.write_all(page.as_bytes())?))?;

    console.detail(&format!("wrote {}", args.report.display()));
    if global.json {
        return print_json(&Summary::new(&experiment, global.seed, start.elapsed().as_secs_f64()));
    }
    let mut stdout = anstream::stdout().lock();
    print(&mut stdout, &experiment)?;
    Ok(writeln!(stdout, "\nReport: {}", args.report.display())?)
}

fn print(out: &mut impl Write, experiment: &Experiment) -> std::io::Result<()> {
    let (train, test) = (&experiment.data.train, &experiment.data.test);
    let [height, width] = train.image_shape();
    writeln!(
        out,
        "{}: {} training images, {} test images; {width} x {height} pixels, {}\n",
        experiment.data.name,
        text::count(train.n_samples() as u64),
        text::count(test.n_samples() as u64),
        text::plural(train.classes().len(), "class")
    )?;
    writeln!(out, "{}\n", table::terminal(&experiment.models))?;
    for model in &experiment.models {
        if let Some(undisputed) = experiment.undisputed(model) {
            writeln!(out, "{}, {}", model.name, undisputed.sentence())?;
        }
    }
    if experiment.disputed.is_some() {
        writeln!(out, "{}\n", disputed::NOTE)?;
    }
    let bold = Style::new().bold();
    writeln!(out, "{bold}{}{bold:#}", report::verdict(experiment))?;
    writeln!(out, "{}", report::control(experiment))?;
    for result in &experiment.presets {
        for sentence in result.of_seeds().into_iter().chain(result.of_outliers()) {
            writeln!(out, "{sentence}")?;
        }
    }
    Ok(())
}
