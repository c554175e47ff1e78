//! The command line.

use clap::{Parser, Subcommand};

use crate::{
    audit, augment, cluster,
    docs::{Completions, Man},
    evaluate, experiment_options,
    fetch::Fetch,
    info, neighbors,
    options::Global,
    predict, select, serve, train,
};

/// Classify handwritten digits with K-Means and k-nearest neighbours: exact, fast, explained.
#[derive(Debug, Parser)]
#[command(
    name = "handful",
    version,
    max_term_width = 100,
    propagate_version = true,
    subcommand_required = true,
    after_help = "Exit codes: 0 for success; 1 if the job or its data failed; 2 for wrong usage; 130, 143 or 129 if Ctrl-C (SIGINT), SIGTERM or SIGHUP ended the job."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Compare(experiment_options::Args),
    Train(train::Args),
    Predict(predict::Args),
    Evaluate(evaluate::Args),
    Info(info::Args),
    Cluster(cluster::Args),
    Neighbors(neighbors::Args),
    Select(select::Args),
    Serve(serve::Args),
    Audit(audit::Args),
    Augment(augment::Args),
    Fetch(Fetch),
    Completions(Completions),
    Man(Man),
}
