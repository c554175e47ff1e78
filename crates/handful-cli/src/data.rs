//! Options that say which images a command reads, and how.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Mutex,
};

use clap::ValueEnum;
use handful::{
    Dataset, classifier,
    dataset::{
        self, DATA_FORMATS, Error, Images, Invert, LabelColumn, Note, Notes, OnDisk, PICTURE_FORMATS, Parts,
        ReadOptions, RowSource, Split, TrainTest,
    },
    preprocess::Framing,
};

use crate::{console::Console, options, text};

/// The supported formats, for the end of a command's help.
pub(crate) fn formats() -> String {
    format!("Supported formats:\n  data      {DATA_FORMATS}\n  pictures  {PICTURE_FORMATS}")
}

#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    /// Folder or file of images in any supported format, or a pipe. If the data have a training and a test part, the
    /// command uses the part that it needs. If the option is given several times, the data sets are joined in this order;
    /// they need the same image size and classes [default: MNIST, if it is found]
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReadingArgs {
    /// Column of a table that contains the labels: its number, counted from 1, its name, first, last or none; or auto,
    /// which finds it by the header, or by the values if there is no header
    #[arg(long, value_name = "N|NAME|first|last|none", default_value = "auto", hide_default_value = true)]
    label_column: LabelColumn,
    /// Which images in data files to invert [default: auto; never for commands that cluster or search images]
    #[arg(long, value_enum, value_name = "WHEN")]
    invert: Option<InvertArg>,
    /// Which images to frame, that is, to scale to the model's size and centre as MNIST's digits are
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    framing: FramingArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FramingArg {
    /// Pictures, and for the model everyday also images in data files, except those that are framed already: of the
    /// model's size, centred, light ink on black
    Auto,
    /// All images, including those in data files
    Always,
    /// None; all images must have the model's size
    Never,
}

impl From<FramingArg> for Framing {
    fn from(framing: FramingArg) -> Self {
        match framing {
            FramingArg::Auto => Self::Auto,
            FramingArg::Always => Self::Always,
            FramingArg::Never => Self::Never,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InvertArg {
    /// Images whose borders suggest dark ink on light paper
    Auto,
    /// All images
    Always,
    /// No images
    Never,
}

impl From<InvertArg> for Invert {
    fn from(invert: InvertArg) -> Self {
        match invert {
            InvertArg::Auto => Self::Auto,
            InvertArg::Always => Self::Always,
            InvertArg::Never => Self::Never,
        }
    }
}

impl ReadingArgs {
    /// Options for images that a model classifies or is trained on.
    pub(crate) fn options(&self, console: &Console) -> ReadOptions {
        let observer = console.interrupter();
        // A file that is opened twice produces one note.
        let (console, told) = (console.clone(), Mutex::new(HashSet::new()));
        let tell = move |note: &Note| {
            let line = format!("{note} ({})", option(note));
            if told.lock().is_ok_and(|mut told| told.insert(line.clone())) {
                console.note(&line);
            }
        };
        ReadOptions {
            framing: self.framing.into(),
            image_shape: None,
            judge: None,
            label_column: self.label_column.clone(),
            invert: self.invert.map_or(Invert::Auto, Invert::from),
            notes: Notes::to(tell),
            observer,
        }
    }

    /// Options for images whose pixels are compared unchanged.
    pub(crate) fn options_as_is(&self, console: &Console) -> ReadOptions {
        let invert = self.invert.map_or(Invert::Never, Invert::from);
        ReadOptions { invert, ..self.options(console) }
    }
}

impl DataArgs {
    pub(crate) fn reading(&self) -> &ReadingArgs {
        &self.reading
    }

    /// The options that differ from the defaults, with their values.
    pub(crate) fn given(&self) -> Vec<(&'static str, String)> {
        let data = self.data.iter().map(|path| ("data", path.display().to_string()));
        let column = Some(&self.reading.label_column).filter(|column| **column != LabelColumn::Auto);
        let column = column.map(|column| ("label-column", column.to_string()));
        let invert = self.reading.invert.map(|invert| ("invert", options::name(invert)));
        let framing = Some(self.reading.framing).filter(|framing| *framing != FramingArg::Auto);
        let framing = framing.map(|framing| ("framing", options::name(framing)));
        data.chain(column).chain(invert).chain(framing).collect()
    }

    /// The folders and files of `--data`, or else the folder in which MNIST is found.
    pub(crate) fn paths(&self) -> Result<Vec<PathBuf>, dataset::Error> {
        if self.data.is_empty() { Ok(vec![dataset::locate()?]) } else { Ok(self.data.clone()) }
    }

    /// Training and test images with their labels.
    pub(crate) fn train_test(&self, console: &Console) -> anyhow::Result<TrainTest> {
        let options = self.reading.options(console);
        let read = |path: &Path, options: &ReadOptions| dataset::load_with(path, options);
        let data = TrainTest::join(self.each(options, |data| data.train.image_shape(), read)?)?;
        console.detail(&format!("read {}", names(&self.paths()?)));
        check_classes(&data.train)?;
        Ok(data)
    }

    /// The name of the data, and training and test images with their labels, or one set if they are not divided.
    pub(crate) fn parts(&self, options: ReadOptions, console: &Console) -> anyhow::Result<(String, Parts)> {
        let shape = |parts: &Parts| match parts {
            Parts::Both(both) => both.train.image_shape(),
            Parts::One(one) => one.image_shape(),
        };
        let (mut both, mut one) = (Vec::new(), Vec::new());
        for (name, parts) in self.each(options, shape, dataset::load_any)? {
            match parts {
                Parts::Both(parts) => both.push((name, parts)),
                Parts::One(images) => one.push((name, images)),
            }
        }
        if let ([(first, _), ..], [(second, _), ..]) = (&both[..], &one[..]) {
            let problem = format!("{first} has training and test images, and {second} has one set");
            return Err(Error::CannotJoin { first: first.clone(), second: second.clone(), problem }.into());
        }
        let paths = self.paths()?;
        console.detail(&format!("read {}", names(&paths)));
        if both.is_empty() {
            return Ok((names(&paths), Parts::One(Dataset::join(one)?)));
        }
        let both = TrainTest::join(both)?;
        Ok((both.name.clone(), Parts::Both(both)))
    }

    /// The images of one part with their labels.
    pub(crate) fn split(
        &self,
        split: Split,
        options: ReadOptions,
        console: &Console,
    ) -> anyhow::Result<Dataset> {
        let read = |path: &Path, options: &ReadOptions| dataset::load_split(path, split, options);
        let data = Dataset::join(self.each(options, Dataset::image_shape, read)?)?;
        tell_read(data.n_samples(), &self.paths()?, console);
        Ok(data)
    }

    /// The images of one part, with labels or without.
    pub(crate) fn images(
        &self,
        split: Split,
        options: ReadOptions,
        console: &Console,
    ) -> anyhow::Result<Images> {
        let read = |path: &Path, options: &ReadOptions| dataset::load_images_with(path, split, options);
        let images = Images::join(self.each(options, |images| images.shape, read)?)?;
        tell_read(images.pixels.nrows(), &self.paths()?, console);
        Ok(images)
    }

    /// The same, left where they are.
    pub(crate) fn on_disk(
        &self,
        split: Split,
        options: ReadOptions,
        console: &Console,
    ) -> anyhow::Result<OnDisk> {
        let read = |path: &Path, options: &ReadOptions| OnDisk::open(path, split, options);
        let sets = self.each(options, OnDisk::image_shape, read)?;
        let data = OnDisk::join(sets.into_iter().map(|(_, set)| set).collect())?;
        tell_on_disk(&data, &self.paths()?, console);
        Ok(data)
    }

    /// Calls `read` for each path. All images must have the shape of the first data set.
    fn each<T>(
        &self,
        mut options: ReadOptions,
        shape: impl Fn(&T) -> [usize; 2],
        read: impl Fn(&Path, &ReadOptions) -> Result<T, dataset::Error>,
    ) -> Result<Vec<(String, T)>, dataset::Error> {
        let mut sets = Vec::new();
        for path in self.paths()? {
            let set = read(&path, &options).map_err(|error| match (error, sets.first()) {
                (Error::ShapeMismatch { expected, found, .. }, Some((first, _))) => Error::CannotJoin {
                    first: String::clone(first),
                    second: path.display().to_string(),
                    problem: format!(
                        "their images have {} x {} and {} x {} pixels",
                        expected[0], expected[1], found[0], found[1]
                    ),
                },
                (error, _) => error,
            })?;
            options.image_shape.get_or_insert_with(|| shape(&set));
            sets.push((path.display().to_string(), set));
        }
        Ok(sets)
    }
}

/// Checks that there are at least two classes. With one class, every prediction would be right.
fn check_classes(data: &Dataset) -> Result<(), classifier::Error> {
    let counts = data.class_counts();
    let mut present = data.classes().iter().zip(counts).filter(|(_, count)| *count > 0);
    if let (Some((class, _)), None) = (present.next(), present.next()) {
        return Err(classifier::Error::OneClass { class: class.clone() });
    }
    Ok(())
}

/// The option that overrides what a note says.
fn option(note: &Note) -> &'static str {
    match note {
        Note::Inverted { .. } => "--invert never",
        _ => "--label-column",
    }
}

/// A file's images, or those of one part of a folder.
pub(crate) fn load_images(
    path: &Path,
    split: Split,
    options: &ReadOptions,
    console: &Console,
) -> anyhow::Result<Images> {
    let images = dataset::load_images_with(path, split, options)?;
    tell_read(images.pixels.nrows(), &[path.to_owned()], console);
    Ok(images)
}

/// The same, left where they are.
pub(crate) fn open_on_disk(
    path: &Path,
    split: Split,
    options: &ReadOptions,
    console: &Console,
) -> anyhow::Result<OnDisk> {
    let data = OnDisk::open(path, split, options)?;
    tell_on_disk(&data, &[path.to_owned()], console);
    Ok(data)
}

fn tell_read(n_images: usize, paths: &[PathBuf], console: &Console) {
    console.detail(&format!("read {} from {}", text::plural(n_images, "image"), names(paths)));
}

fn tell_on_disk(data: &OnDisk, paths: &[PathBuf], console: &Console) {
    let images = text::plural(data.shape().0, "image");
    let paths = names(paths);
    console.detail(&if data.is_copy() {
        format!("unpacked {images} from {paths} into a temporary file")
    } else {
        format!("scanned {images} in {paths}")
    });
}

/// Several paths in one line.
pub(crate) fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" + ")
}
