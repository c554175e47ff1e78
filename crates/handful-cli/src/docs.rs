//! `handful completions` and `handful man`: files that a package installs with the program.

use std::{fs, io::Write, path::PathBuf};

use anyhow::Context;
use clap::{Command, error::ErrorKind};
use clap_complete::Shell;

use crate::output::OutputFile;

/// Print a script that completes commands and options in a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  handful completions bash > ~/.local/share/bash-completion/completions/handful"
)]
pub(crate) struct Completions {
    /// Shell that the script is for
    #[arg(value_enum)]
    shell: Shell,
}

/// Print a manual page, or write all of them to a folder
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  handful man fetch | man -l -\n  handful man --to ~/.local/share/man/man1"
)]
pub(crate) struct Man {
    /// Command whose page to print [default: handful itself]
    #[arg(value_name = "COMMAND")]
    name: Option<String>,
    /// Folder to write the pages of all commands to
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    to: Option<PathBuf>,
}

pub(crate) fn completions(args: &Completions, mut handful: Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut handful, "handful", &mut script);
    Ok(anstream::stdout().write_all(&script)?)
}

pub(crate) fn man(args: &Man, handful: Command) -> anyhow::Result<()> {
    let mut handful = handful.disable_help_subcommand(true);
    // Gives commands their full names and the global options.
    handful.build();
    if let Some(folder) = &args.to {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be created as a folder", folder.display()))?;
        for command in std::iter::once(&handful).chain(handful.get_subcommands()) {
            let page = page(command);
            let file = OutputFile::create(&folder.join(page.get_filename()))?;
            file.commit(|mut file| Ok(page.render(&mut file)?))?;
        }
        return Ok(());
    }
    let name = args.name.as_deref();
    let Some(command) = name.map_or(Some(&handful), |name| handful.find_subcommand(name)) else {
        let names: Vec<_> = handful.get_subcommands().map(Command::get_name).collect();
        let expected =
            format!("'{}' is not a command: expected one of {}", name.unwrap_or_default(), names.join(", "));
        handful.error(ErrorKind::InvalidValue, expected).exit()
    };
    let mut rendered = Vec::new();
    page(command).render(&mut rendered)?;
    Ok(anstream::stdout().write_all(&rendered)?)
}

fn page(command: &Command) -> clap_mangen::Man {
    clap_mangen::Man::new(command.clone()).source(concat!("handful ", env!("CARGO_PKG_VERSION")))
}
