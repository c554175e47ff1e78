//! The command `handful`: see `handful --help`.

mod args;
mod audit;
mod audited;
mod augment;
mod cluster;
mod compare;
mod console;
mod data;
mod disputed;
mod docs;
mod evaluate;
mod evaluated;
mod evaluation;
mod experiment;
mod experiment_options;
mod fetch;
mod info;
mod inputs;
mod interruption;
mod machine;
mod models;
mod neighbors;
mod npz;
mod options;
mod output;
mod picture;
mod pictures;
mod predict;
mod predictions;
mod presets;
mod report;
mod select;
mod serve;
mod summary;
mod table;
mod text;
mod train;

use std::{io::ErrorKind, process::ExitCode};

use clap::{CommandFactory, Parser};

use crate::{
    args::{Args, Command},
    console::{AlreadyReported, Console, WrongUsage, print_error},
};

fn main() -> ExitCode {
    let args = Args::parse();
    args.global.color.write_global();
    let console = Console::new(&args.global);
    match run(&args, &console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if let Some(code) = console.interruption().exit_code() => ExitCode::from(code),
        // It is not a failure if the reader stops early, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(WrongUsage(kind, problem)) = error.downcast_ref() {
                Args::command().error(*kind, problem).exit();
            }
            if !error.is::<AlreadyReported>() {
                print_error(&error);
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, console: &Console) -> anyhow::Result<()> {
    console.interruption().watch()?;
    let threads = args.global.threads.map_or(0, usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    match &args.command {
        Command::Compare(command) => compare::run(command, &args.global, console),
        Command::Cluster(command) => cluster::run(command, &args.global, console),
        Command::Evaluate(command) => evaluate::run(command, &args.global, console),
        Command::Info(command) => info::run(command, &args.global, console),
        Command::Neighbors(command) => neighbors::run(command, &args.global, console),
        Command::Predict(command) => predict::run(command, &args.global, console),
        Command::Select(command) => select::run(command, &args.global, console),
        Command::Train(command) => train::run(command, &args.global, console),
        Command::Serve(command) => serve::run(command, &args.global, console),
        Command::Audit(command) => audit::run(command, &args.global, console),
        Command::Augment(command) => augment::run(command, &args.global, console),
        Command::Fetch(command) => fetch::run(command, &args.global, console),
        Command::Completions(command) => docs::completions(command, Args::command()),
        Command::Man(command) => docs::man(command, Args::command()),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        io.or_else(|| cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind))
    });
    kinds.into_iter().any(|kind| kind == ErrorKind::BrokenPipe)
}
