//! The default places for MNIST: `HANDFUL_DATA`, the clone, the user's data folder.

use std::{
    env,
    path::{Path, PathBuf},
};

use etcetera::{BaseStrategy, choose_base_strategy};

use super::source::Source;
use crate::dataset::{Error, Split};

/// The folder with the default data: `$HANDFUL_DATA` (or `mnist` in it) if that is set; otherwise `data/mnist` in the
/// current folder, beside the running program, or above either, as in a clone; otherwise `handful/mnist` in the user's
/// data folder.
///
/// # Errors
/// [`Error::NotFound`] with the places searched. If `HANDFUL_DATA` is set, no other place is tried.
pub fn locate() -> Result<PathBuf, Error> {
    search(candidates(
        env::var_os("HANDFUL_DATA").filter(|value| !value.is_empty()).map(PathBuf::from),
        [
            env::current_dir().ok(),
            env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned())),
        ],
        user_folder(),
    ))
}

/// The folder of handful's data in the user's data folder, if that exists. Each downloaded data set has a folder in it.
#[must_use]
pub fn user_folder() -> Option<PathBuf> {
    choose_base_strategy().ok().map(|user| user.data_dir().join("handful"))
}

fn candidates(
    variable: Option<PathBuf>,
    starts: [Option<PathBuf>; 2],
    user_data: Option<PathBuf>,
) -> Vec<PathBuf> {
    if let Some(folder) = variable {
        return vec![folder.join("mnist"), folder];
    }
    let clones =
        starts.iter().flatten().flat_map(|start| start.ancestors().map(|above| above.join("data/mnist")));
    clones.chain(user_data.map(|folder| folder.join("mnist"))).collect()
}

fn search(mut looked: Vec<PathBuf>) -> Result<PathBuf, Error> {
    let mut seen = std::collections::HashSet::new();
    looked.retain(|place| seen.insert(place.clone()));
    match looked.iter().find(|place| holds_images(place)) {
        Some(place) => Ok(place.clone()),
        None => Err(Error::NotFound { looked }),
    }
}

/// Files of one part are enough to choose a folder; a missing part is reported later.
fn holds_images(folder: &Path) -> bool {
    folder.is_dir()
        && !matches!(Source::find(folder, Split::Train), Err(Error::NoImages { .. } | Error::Io { .. }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_variable_goes_before_the_clone_and_the_clone_before_the_user() {
        let root = tempfile::tempdir().expect("temporary folder");
        let place = |path: &str| {
            let folder = root.path().join(path);
            fs::create_dir_all(&folder).expect("temporary folder");
            fs::write(folder.join("train-images-idx3-ubyte"), [0, 0, 8, 3]).expect("temporary file");
            folder
        };
        let (variable, clone, user) =
            (place("elsewhere/mnist"), place("clone/data/mnist"), place("user/handful/mnist"));
        let inside = root.path().join("clone/crates/handful");
        let find = |variable: Option<&str>, start: &Path| {
            search(candidates(
                variable.map(|path| root.path().join(path)),
                [Some(start.to_owned()), None],
                Some(root.path().join("user/handful")),
            ))
        };
        assert_eq!(find(Some("elsewhere"), &inside).expect("there"), variable);
        assert_eq!(find(Some("elsewhere/mnist"), &inside).expect("there"), variable);
        assert_eq!(find(None, &inside).expect("there"), clone);
        assert_eq!(find(None, root.path()).expect("there"), user);
        let error = find(Some("nowhere"), &inside).expect_err("no fallback from a wrong HANDFUL_DATA");
        assert!(error.to_string().contains("nowhere/mnist"), "{error}");
    }
}
