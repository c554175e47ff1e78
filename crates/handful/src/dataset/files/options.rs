//! Options for reading files, and notes from the readers.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr, sync::Arc};

use crate::{
    preprocess::{Framer, Framing, Judge},
    progress::Observer,
};

/// MNIST's frame, which images are put into if nothing else is known.
pub(super) const FRAME: [usize; 2] = [28, 28];

/// How files are read, where their content leaves a choice.
///
/// ```
/// use handful::dataset::{LabelColumn, ReadOptions, Reader};
///
/// let options = ReadOptions { label_column: LabelColumn::Last, ..ReadOptions::default() };
/// let table = "0,255,0,9,7\n0,9,0,0,1\n";
/// let images = Reader::stream_with("t.csv".as_ref(), table.as_bytes(), &options)?.read_all()?;
/// assert_eq!(images.labels.unwrap(), ["7", "1"]);
/// # Ok::<(), handful::dataset::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Which images are put into the frame.
    pub framing: Framing,
    /// Height and width that images should have, such as those of a model. Without it, pictures keep their shape if
    /// they share one. They become 28 x 28 if they do not, or if all are to be put into the frame.
    pub image_shape: Option<[usize; 2]>,
    /// Chooses among several plausible ways to frame a picture, as a model can: see
    /// [`Model::judge`](crate::classifier::Model::judge).
    pub judge: Option<Arc<dyn Judge>>,
    /// Which column of a table is the label.
    pub label_column: LabelColumn,
    /// What happens to images of dark ink on light paper.
    pub invert: Invert,
    /// Receives notes about what readers inferred.
    #[doc(hidden)]
    pub notes: Notes,
    /// Receives progress while files are read ([`Stage::Read`](crate::progress::Stage::Read)), every few megabytes or photographs.
    pub observer: Observer,
}

impl ReadOptions {
    /// The framer for images of `[height, width]` pixels.
    #[doc(hidden)]
    #[must_use]
    pub fn framer(&self, shape: [usize; 2]) -> Framer {
        let framer = Framer::new(shape, self.framing);
        match &self.judge {
            Some(judge) => framer.judged_by(Arc::clone(judge)),
            None => framer,
        }
    }

    pub(super) fn with_shape(&self, shape: [usize; 2]) -> Self {
        Self { image_shape: Some(shape), ..self.clone() }
    }
}

impl From<Framing> for ReadOptions {
    fn from(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }
}

/// Which column of a table (CSV, numbers as text, Parquet) is the label. It does not apply to other files.
///
/// As text: `auto`, `first`, `last`, `none`, a name, or a number from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelColumn {
    /// The column that the header calls `label`, `class`, `target` or similar. Without a header the values decide
    /// whether it is the first or the last.
    #[default]
    Auto,
    /// The first column.
    First,
    /// The last column.
    Last,
    /// The column with this name in the header; otherwise, if this is a number, the column at that position, counted
    /// from 1.
    Named(String),
    /// Images have no labels.
    None,
}

impl fmt::Display for LabelColumn {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            Self::Auto => "auto",
            Self::First => "first",
            Self::Last => "last",
            Self::Named(name) => name,
            Self::None => "none",
        })
    }
}

impl FromStr for LabelColumn {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "first" => Self::First,
            "last" => Self::Last,
            "none" => Self::None,
            name => Self::Named(name.to_owned()),
        })
    }
}

/// What happens to images with dark ink on light paper. The ink of MNIST is light, which models expect.
///
/// This does not apply to pictures: [`Framer`] distinguishes their ink from the paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Invert {
    /// They stay as they are.
    #[default]
    Never,
    /// They are inverted if the borders of the first 256 images show only light paper with dark ink inside.
    Auto,
    /// All images are inverted.
    Always,
}

/// Something that a reader inferred from the values in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A table has no header that names its label.
    LabelColumn {
        /// The table.
        path: PathBuf,
        /// The column that was taken as the label, counted from 0.
        column: usize,
        /// Number of columns.
        n_columns: usize,
    },
    /// Images have dark ink on light paper, and are inverted: see [`Invert::Auto`].
    Inverted {
        /// The images.
        path: PathBuf,
    },
    /// The last columns of a table are one per class, with a 1 in the column of the row's class.
    OneHot {
        /// The table.
        path: PathBuf,
        /// Number of label columns.
        n_classes: usize,
        /// Number of columns.
        n_columns: usize,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::LabelColumn { path, column, n_columns } => write!(
                out,
                "{}: the {} of {n_columns} columns is taken for the label; set label_column if that is wrong",
                path.display(),
                if *column == 0 { "first" } else { "last" }
            ),
            Self::Inverted { path } => write!(
                out,
                "{}: images have dark ink on light paper and are inverted; set invert to never if that is wrong",
                path.display()
            ),
            Self::OneHot { path, n_classes, n_columns } => write!(
                out,
                "{}: the last {n_classes} of {n_columns} columns are taken for the label, one for each class; \
                 set label_column if that is wrong",
                path.display()
            ),
        }
    }
}

/// Receives what readers inferred; the default ignores it.
///
/// ```
/// use handful::dataset::{Note, Notes, ReadOptions};
///
/// let notes = Notes::to(|note: &Note| eprintln!("{note}"));
/// let options = ReadOptions { notes, ..ReadOptions::default() };
/// ```
#[derive(Clone, Default)]
pub struct Notes(Option<Arc<Listener>>);

type Listener = dyn Fn(&Note) + Send + Sync;

impl Notes {
    /// Sends each note to `listener`.
    pub fn to(listener: impl Fn(&Note) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(super) fn tell(&self, note: &Note) {
        if let Some(listener) = &self.0 {
            listener(note);
        }
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(if self.0.is_some() { "Notes(to a listener)" } else { "Notes(to nobody)" })
    }
}
