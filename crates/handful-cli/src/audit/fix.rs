//! Applies decisions, and writes the data set that results.

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use handful::{Dataset, draft::NewFolder, progress::Observer};

use crate::{
    audited::{Decision, Decisions, Error, Images, Part},
    augment::{
        idx, parquet,
        rows::{Rows, Source},
    },
    output::{OutputFile, commit_all},
};

/// A data set to which decisions were applied.
pub(super) struct Fixed {
    parts: Vec<FixedPart>,
    pub(super) n_relabelled: usize,
    pub(super) n_removed: usize,
    pub(super) n_kept: usize,
}

struct FixedPart {
    part: Part,
    images: Dataset,
    /// The number of each image before others were removed.
    indices: Vec<usize>,
}

impl Fixed {
    pub(super) fn new(images: &Images, decisions: &Decisions) -> Result<Self, Error> {
        check(images, decisions)?;
        let decided = decisions.by_image()?;
        if decided.is_empty() {
            let problem =
                "expected decisions in the column \"decision\" (keep, relabel or remove), found none";
            return Err(decisions.of_file(problem));
        }
        let count = |is: fn(&Decision) -> bool| decided.values().filter(|(_, decision)| is(decision)).count();
        let classes = images.classes();
        let mut parts = Vec::new();
        for (part, images) in images.parts() {
            let mut labels = images.labels().to_vec();
            let mut indices: Vec<usize> = (0..labels.len()).collect();
            for ((_, index), (row, decision)) in decided.iter().filter(|((of, _), _)| *of == part) {
                if let Decision::Relabel(name) = decision {
                    let known = classes.iter().position(|class| class == name);
                    let label = known.and_then(|label| u32::try_from(label).ok()).ok_or_else(|| {
                        let problem =
                            format!("expected one of the labels {}, found {name:?}", classes.join(", "));
                        decisions.of_line(row.line, problem)
                    })?;
                    labels[*index] = label;
                }
            }
            indices.retain(|&index| !matches!(decided.get(&(part, index)), Some((_, Decision::Remove))));
            if indices.is_empty() {
                return Err(decisions.of_file(format!("expected at least one {} to be kept", part.noun())));
            }
            let relabelled =
                Dataset::new(images.images().clone(), images.image_shape(), labels, classes.to_vec());
            let images = relabelled.expect("as many labels as before").select(&indices);
            parts.push(FixedPart { part, images, indices });
        }
        Ok(Self {
            parts,
            n_relabelled: count(|decision| matches!(decision, Decision::Relabel(_))),
            n_removed: count(|decision| *decision == Decision::Remove),
            n_kept: count(|decision| *decision == Decision::Keep),
        })
    }

    /// Writes all parts; either all files appear, or none. Returns their paths.
    pub(super) fn write(self, output: &Path, observer: &Observer) -> anyhow::Result<Vec<PathBuf>> {
        let has_extension =
            |name: &str| output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
        if has_extension("csv") {
            OutputFile::create(output)?.commit(|file| self.write_labels(file))?;
            return Ok(vec![output.to_owned()]);
        }
        if has_extension("parquet") {
            let [only] = &self.parts[..] else {
                bail!(
                    "{}: expected a folder, because there are training and test images, found the name of a Parquet \
                     file",
                    output.display()
                );
            };
            let paths = vec![output.to_owned()];
            let files = vec![OutputFile::create(output)?];
            commit_all(files, |files| parquet::write(&only.rows(observer), files))?;
            return Ok(paths);
        }
        let _new_folder = create(output)?;
        let is_idx = idx::can_hold(self.parts[0].images.classes());
        let names = |part: &FixedPart| part.files(is_idx).into_iter().map(|name| output.join(name));
        let paths: Vec<PathBuf> = self.parts.iter().flat_map(names).collect();
        let files = paths.iter().map(|path| OutputFile::create(path)).collect::<anyhow::Result<Vec<_>>>()?;
        commit_all(files, |files| {
            let per_part = files.len() / self.parts.len();
            for (part, files) in self.parts.iter().zip(files.chunks_exact_mut(per_part)) {
                let rows = part.rows(observer);
                match files {
                    [images, labels] => idx::write(&rows, images, labels)?,
                    files => parquet::write(&rows, files)?,
                }
            }
            Ok(())
        })?;
        Ok(paths)
    }

    /// A table of labels: each image that remains, by its number in the original data set.
    fn write_labels(&self, file: &File) -> anyhow::Result<()> {
        let mut out = csv::Writer::from_writer(BufWriter::new(file));
        out.write_record(["part", "index", "label"])?;
        for FixedPart { part, images, indices } in &self.parts {
            for (index, &label) in indices.iter().zip(images.labels()) {
                out.write_record([part.name(), &index.to_string(), &images.classes()[label as usize]])?;
            }
        }
        Ok(out.flush()?)
    }
}

impl FixedPart {
    fn rows(&self, observer: &Observer) -> Rows {
        let count = self.images.n_samples() as u64;
        Rows::new(Source::Given(self.images.clone()), count, observer.clone())
    }

    /// The names of its files.
    fn files(&self, is_idx: bool) -> Vec<String> {
        let (idx, parquet) = if self.part == Part::Test { ("t10k", "test") } else { ("train", "train") };
        if is_idx {
            vec![format!("{idx}-images-idx3-ubyte"), format!("{idx}-labels-idx1-ubyte")]
        } else {
            vec![format!("{parquet}-00000-of-00001.parquet")]
        }
    }
}

/// Checks that all rows, also those without a decision, are about these images.
fn check(images: &Images, decisions: &Decisions) -> Result<(), Error> {
    for row in &decisions.rows {
        let Some(of_part) = images.part(row.part) else {
            let parts: Vec<&str> = images.parts().map(|(part, _)| part.name()).collect();
            let problem =
                format!("expected a part of these data ({}), found {:?}", parts.join(", "), row.part.name());
            return Err(decisions.of_line(row.line, problem));
        };
        let n = of_part.n_samples();
        let Some(&label) = of_part.labels().get(row.index) else {
            let problem = format!(
                "expected an index below {n}, the number of {}s, found {}",
                row.part.noun(),
                row.index
            );
            return Err(decisions.of_line(row.line, problem));
        };
        let found = &of_part.classes()[label as usize];
        if let Some(expected) = row.label.as_ref().filter(|expected| *expected != found) {
            let (noun, index) = (row.part.noun(), row.index);
            let problem = format!(
                "expected {noun} {index} to have the label {expected:?}, found {found:?}: these decisions are about \
                 other data"
            );
            return Err(decisions.of_line(row.line, problem));
        }
    }
    Ok(())
}

/// A folder that is new or empty: nothing is overwritten, least of all the data that are corrected.
fn create(folder: &Path) -> anyhow::Result<Option<NewFolder>> {
    match NewFolder::create(folder) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {
            let mut entries =
                fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
            if entries.next().is_some() {
                bail!("{}: expected a new or empty folder, found files in it", folder.display());
            }
            Ok(None)
        }
        Err(error) => {
            Err(error).with_context(|| format!("{} cannot be created as a folder", folder.display()))
        }
    }
}
