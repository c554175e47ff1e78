//! `handful fetch`: downloads known data sets, and checks each file before it gets its name.

mod download;
mod http;
mod part;
mod reason;
mod sources;
#[cfg(test)]
mod tests;
mod unpack;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use handful::dataset;
use serde::Serialize;
use ureq::http::{Uri, uri::Scheme};

use self::{
    download::{Downloads, MOST_BYTES},
    sources::{Name, Source},
};
use crate::{
    console::Console,
    options::{self, Global},
    output::print_json,
    text,
};

/// Download a data set: MNIST or a similar one
///
/// Every file is checked, and appears only when it is complete. Downloads that an earlier run began are resumed, and
/// files that are already there are left alone. Proxies are taken from the environment: `HTTPS_PROXY`, `NO_PROXY` and so
/// on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  handful fetch fashion-mnist --to fashion\n  handful compare --data fashion"
)]
pub(crate) struct Fetch {
    /// Data set to fetch
    #[arg(value_enum)]
    name: Name,
    /// Folder to write the files to [default: handful/NAME in the user's data folder]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// URL of a folder to fetch the files from (http or https) instead of the known ones; several are tried in order
    #[arg(long, value_name = "URL", value_parser = mirror)]
    mirror: Vec<String>,
    /// Seconds without a byte after which the next mirror is tried
    #[arg(long, hide = true, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    stall_seconds: u64,
}

#[derive(Serialize)]
struct Summary {
    name: String,
    to: String,
    files: Vec<FileSummary>,
    seconds: f64,
}

#[derive(Serialize)]
struct FileSummary {
    file: String,
    bytes: u64,
    status: Status,
    /// The mirror that it was fetched from.
    mirror: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Fetched,
    Unpacked,
    Present,
}

pub(crate) fn run(args: &Fetch, global: &Global, console: &Console) -> anyhow::Result<()> {
    let start = Instant::now();
    let name = options::name(args.name);
    let source = args.name.source();
    let folder = args.to.clone().map_or_else(|| default_folder(&name), Ok)?;
    let mirrors = if args.mirror.is_empty() {
        source.mirrors.iter().map(|&mirror| mirror.to_owned()).collect()
    } else {
        args.mirror.clone()
    };
    let files = fetch(&source, mirrors, Duration::from_secs(args.stall_seconds), &folder, console)?;
    let to = folder.display().to_string();
    if global.json {
        return print_json(&Summary { name, to, files, seconds: start.elapsed().as_secs_f64() });
    }
    let n_present = files.iter().filter(|file| file.status == Status::Present).count();
    Ok(writeln!(
        anstream::stdout(),
        "{name}: {}, {} bytes{}, in {to}; use them with --data {to}",
        text::plural(files.len(), "file"),
        text::count(files.iter().map(|file| file.bytes).sum()),
        if n_present > 0 { format!(" ({n_present} already there)") } else { String::new() },
    )?)
}

fn default_folder(name: &str) -> anyhow::Result<PathBuf> {
    let folder = dataset::user_folder()
        .context("the folder for data of this user is unknown: name a folder with --to")?;
    Ok(folder.join(name))
}

fn fetch(
    source: &Source,
    mirrors: Vec<String>,
    stall: Duration,
    folder: &Path,
    console: &Console,
) -> anyhow::Result<Vec<FileSummary>> {
    fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be created as a folder", folder.display()))?;
    let downloads = Downloads { agent: http::agent(stall), mirrors, folder, most: MOST_BYTES, console };
    let mut files = Vec::new();
    for file in source.files {
        let got = downloads.get(file)?;
        files.push(FileSummary {
            file: file.name.to_owned(),
            bytes: got.bytes,
            status: if got.mirror.is_some() { Status::Fetched } else { Status::Present },
            mirror: got.mirror,
        });
        if source.packed {
            let members = unpack::unpack(&folder.join(file.name), folder, console)?;
            files.extend(members.into_iter().map(|member| FileSummary {
                file: member.name,
                bytes: member.bytes,
                status: if member.present { Status::Present } else { Status::Unpacked },
                mirror: None,
            }));
        }
    }
    Ok(files)
}

/// Checks the URL of a folder, and makes it end with a slash, so that file names can be appended.
fn mirror(url: &str) -> Result<String, String> {
    let is_web = url.parse::<Uri>().is_ok_and(|uri| {
        uri.host().is_some()
            && uri.query().is_none()
            && [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme())
    });
    if !is_web {
        return Err("expected the URL of a folder, such as https://example.org/mnist/".to_owned());
    }
    Ok(format!("{}/", url.trim_end_matches('/')))
}
