//! Files in the making: a file is either complete under its name or absent, however the program ends.

use std::{
    fs::{self, File},
    io, mem,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::NamedTempFile;

/// What to remove if the program ends now. Names are created and removed only under this lock.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all drafts, for a program that is about to end while other threads still work. Those threads then block for
/// ever when they begin or finish a draft.
pub fn abandon_all() {
    let mut paths = unfinished();
    // Contents first, then their folder.
    for path in paths.drain(..).rev() {
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
    }
    mem::forget(paths);
}

/// A file under a temporary name in its folder, until it is complete. If it is dropped before that, the file is
/// removed.
///
/// ```
/// use std::io::Write;
/// use handful::draft::Draft;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.html");
/// let draft = Draft::create(&path)?;
/// draft.file().write_all(b"<!DOCTYPE html>")?;
/// assert!(!path.exists());
/// draft.finish()?;
/// assert_eq!(std::fs::read(&path)?, b"<!DOCTYPE html>");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
    path: PathBuf,
    // Must be dropped after the file, which is removed by then.
    listed: Listed,
}

impl Draft {
    /// Begins a new file, or one that replaces an existing file. A symbolic link stays a link, and its target is
    /// replaced.
    ///
    /// # Errors
    /// If no file of this name can be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if path.exists() && !path.is_file() {
            return Err(io::Error::other("expected the name of a file, found a folder or a device"));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.exists() {
            let problem = format!("there is no folder {}", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, problem));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".handful-");
        #[cfg(unix)]
        {
            // The mode of any new file, from which the umask takes bits away.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut unfinished = unfinished();
        let file = builder.tempfile_in(folder)?;
        unfinished.push(file.path().to_owned());
        let listed = Listed(file.path().to_owned());
        Ok(Self { file, path, listed })
    }

    /// The file to write to.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// The final name of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, once all of it is on disk.
    ///
    /// # Errors
    /// If that fails. Then there is no file of this name, or still the previous one.
    pub fn finish(self) -> io::Result<()> {
        Self::finish_all(vec![self]).map_err(|(_, error)| error)
    }

    /// [`finish`](Self::finish) for files that belong together: they get their names only once all of them are on disk.
    ///
    /// # Errors
    /// The file that failed, and why.
    pub fn finish_all(drafts: Vec<Self>) -> Result<(), (PathBuf, io::Error)> {
        for draft in &drafts {
            draft.file().sync_all().map_err(|error| (draft.path.clone(), error))?;
        }
        // Dropping a draft removes it from the list, which takes the lock.
        let (mut rest, mut done) = (drafts.into_iter(), Vec::new());
        let unfinished = unfinished();
        let result = rest.try_for_each(|Self { file, path, listed }| {
            done.push(listed);
            file.persist(&path).map(|_| ()).map_err(|failed| (path, failed.error))
        });
        drop(unfinished);
        result
    }
}

/// A folder that is removed again if it stays empty.
#[derive(Debug)]
pub struct NewFolder(Listed);

impl NewFolder {
    /// Makes a folder.
    ///
    /// # Errors
    /// If that fails, for example because the name exists already.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut unfinished = unfinished();
        fs::create_dir(path)?;
        unfinished.push(path.to_owned());
        Ok(Self(Listed(path.to_owned())))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0.0);
    }
}

/// An entry in the list of unfinished files.
#[derive(Debug)]
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}
