//! Output on stderr during the work: progress bars and notes.

use std::{error::Error, io::Write, ops::ControlFlow};

use anstyle::AnsiColor;
use clap::error::ErrorKind;
use handful::{
    classifier,
    dataset::Error::{LabelColumn, NotFound, ShapeMismatch},
    progress::{Observer, Progress, Stage},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{interruption::Interruption, options::Global};

/// Prints an error in one line on stderr.
pub(crate) fn print_error(error: &anyhow::Error) {
    let red = AnsiColor::Red.on_default().bold();
    let advice = error.chain().find_map(advice).unwrap_or_default();
    let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {error:#}{advice}");
}

/// What to do about an error of the library, which does not know the options of the command.
fn advice(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(classifier::Error::OneClass { .. }) = error.downcast_ref() {
        return Some(": if the labels are in another column, set --label-column");
    }
    match error.downcast_ref()? {
        ShapeMismatch { .. } => Some(" (--framing always)"),
        LabelColumn { .. } => Some(" (--label-column)"),
        NotFound { .. } => Some("; `handful fetch mnist` downloads it"),
        _ => None,
    }
}

/// A failure that has already been reported.
#[derive(Debug, thiserror::Error)]
#[error("reported already")]
pub(crate) struct AlreadyReported;

/// Wrong usage, such as options that do not go together. The program ends with exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
pub(crate) struct WrongUsage(pub(crate) ErrorKind, pub(crate) String);

impl WrongUsage {
    /// The error of options that do not go together.
    pub(crate) fn conflict<T>(problem: impl Into<String>) -> anyhow::Result<T> {
        Err(Self(ErrorKind::ArgumentConflict, problem.into()).into())
    }
}

/// Notes, progress bars and interruptions.
#[derive(Clone)]
pub(crate) struct Console {
    quiet: bool,
    verbose: bool,
    interruption: Interruption,
}

impl Console {
    pub(crate) fn new(global: &Global) -> Self {
        Self { quiet: global.quiet, verbose: global.verbose, interruption: Interruption::default() }
    }

    pub(crate) fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    /// Whether Ctrl-C was pressed, or another signal asked the program to end.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.interruption.has_come()
    }

    /// A progress callback that shows nothing, but ends the work after Ctrl-C.
    pub(crate) fn interrupter(&self) -> Observer {
        let interruption = self.interruption.clone();
        Observer::new(move |_| unless(&interruption))
    }

    /// Prints a line on stderr, with `--verbose`.
    pub(crate) fn detail(&self, line: &str) {
        if self.verbose {
            let _ = writeln!(anstream::stderr(), "{line}");
        }
    }

    /// A counter, shown on a terminal unless the results go there.
    pub(crate) fn counter(&self, what: &'static str, is_busy: bool) -> ProgressBar {
        let is_hidden = self.quiet || is_busy;
        let target = if is_hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{human_pos} {msg}, {per_sec}").expect("a valid template");
        ProgressBar::with_draw_target(None, target).with_style(style).with_message(what)
    }

    /// Prints a note on stderr, unless `--quiet`.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "note: {line}");
        }
    }

    /// A progress bar for one stage of the work, until it is dropped. It appears only on a terminal.
    pub(crate) fn bar(&self, label: &'static str, stage: Stage) -> Bar {
        let progress = self.progress(label.to_owned(), "{human_pos:>6}/{human_len}");
        Bar { progress, stage, interruption: self.interruption.clone() }
    }

    /// A progress bar that counts bytes, until it is dropped. It appears only on a terminal.
    pub(crate) fn byte_bar(&self, label: &str) -> ByteBar {
        ByteBar(self.progress(label.to_owned(), "{decimal_bytes:>9}/{decimal_total_bytes}"))
    }

    fn progress(&self, label: String, counts: &str) -> ProgressBar {
        let target = if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template(&format!("{{msg:<28}} {{bar:30}} {counts} {{eta}}"))
            .expect("a valid template")
            .progress_chars("━━╌");
        ProgressBar::with_draw_target(None, target).with_style(style).with_message(label)
    }
}

fn unless(interruption: &Interruption) -> ControlFlow<()> {
    if interruption.has_come() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// A progress bar; dropping it clears it.
pub(crate) struct Bar {
    progress: ProgressBar,
    stage: Stage,
    interruption: Interruption,
}

impl Bar {
    /// A progress callback that updates this bar, and ends the work after Ctrl-C.
    pub(crate) fn observer(&self) -> Observer {
        self.observer_with(|_| {})
    }

    /// Like [`observer`](Self::observer), but also passes all progress to `watch`.
    pub(crate) fn observer_with(&self, watch: impl Fn(Progress) + Send + Sync + 'static) -> Observer {
        let (bar, stage, interruption) = (self.progress.clone(), self.stage, self.interruption.clone());
        Observer::new(move |progress| {
            watch(progress);
            if progress.stage == stage {
                if progress.total > 0 {
                    bar.set_length(progress.total as u64);
                }
                bar.set_position(progress.done as u64);
            }
            unless(&interruption)
        })
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.progress.finish_and_clear();
    }
}

/// A progress bar in bytes; dropping it clears it.
pub(crate) struct ByteBar(ProgressBar);

impl ByteBar {
    /// Sets the number of bytes done and, if known, the total.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.0.set_length(total);
        }
        self.0.set_position(done);
    }
}

impl Drop for ByteBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
