//! Joins several data sets into one.

use std::fmt::Display;

use ndarray::{ArcArray2, ArrayView2, Axis, concatenate};

use super::{Dataset, Error, labels};

/// The properties of a data set that decide whether it can be joined with others.
pub(super) struct Part<'a> {
    /// The name for error messages.
    pub(super) name: String,
    pub(super) image_shape: [usize; 2],
    /// None if images have no labels.
    pub(super) classes: Option<&'a [String]>,
}

/// The classes of all parts together. The parts match if their images have one shape, and one of them has all classes.
/// Other sets may lack some classes, but a set with classes of its own means something else.
pub(super) fn joint_classes(parts: &[Part]) -> Result<Vec<String>, Error> {
    let does_not_fit = |first: &Part, second: &Part, problem: String| Error::CannotJoin {
        first: first.name.clone(),
        second: second.name.clone(),
        problem,
    };
    let Some(first) = parts.first() else {
        return Err(Error::Inconsistent("expected at least one data set to join, found none".to_owned()));
    };
    for part in parts {
        let ([height, width], [other_height, other_width]) = (first.image_shape, part.image_shape);
        if first.image_shape != part.image_shape {
            let shapes = format!("{height} x {width} and {other_height} x {other_width} pixels");
            return Err(does_not_fit(first, part, format!("their images have {shapes}")));
        }
        if first.classes.is_some() != part.classes.is_some() {
            return Err(does_not_fit(first, part, "only one of them has labels".to_owned()));
        }
    }
    let classes_of = |part: &Part| part.classes.map_or(0, <[String]>::len);
    let Some(largest) = parts.iter().rev().max_by_key(|part| classes_of(part)) else {
        return Ok(Vec::new());
    };
    let all = largest.classes.unwrap_or_default();
    for part in parts {
        let own = part.classes.unwrap_or_default().iter().find(|class| !all.contains(class));
        if let Some(class) = own {
            let problem = format!(
                "{} has the class {class:?}, which is not among the classes of {}: {}",
                part.name,
                largest.name,
                all.join(", ")
            );
            return Err(does_not_fit(largest, part, problem));
        }
    }
    Ok(all.to_vec())
}

/// For each class of a part, its index among all classes.
pub(super) fn renumbered(classes: &[String], all: &[String]) -> Vec<u32> {
    labels::indices(classes, all).expect("the classes of a part are among all")
}

pub(super) fn stacked<'a>(images: impl Iterator<Item = ArrayView2<'a, u8>>) -> ArcArray2<u8> {
    let images: Vec<_> = images.collect();
    concatenate(Axis(0), &images).expect("rows of one length").into_shared()
}

impl Dataset {
    /// Joins the images of several data sets, one set after the other. Errors call each set by the name given with it.
    ///
    /// Images must have one shape, and one of the sets must have all classes; the others may lack some.
    ///
    /// ```
    /// use handful::Dataset;
    /// use ndarray::array;
    ///
    /// let classes = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    /// let mnist = Dataset::new(array![[1, 1], [2, 2]], [1, 2], vec![0, 1], classes(&["3", "7"]))?;
    /// let own = Dataset::new(array![[3, 3]], [1, 2], vec![0], classes(&["7"]))?;
    /// let both = Dataset::join([("mnist", mnist), ("own", own)])?;
    /// assert_eq!(both.labels(), [0, 1, 1]);
    /// # Ok::<(), handful::dataset::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CannotJoin`] with the names of two sets that do not match; [`Error::Inconsistent`] if there is no set.
    pub fn join<N: Display>(sets: impl IntoIterator<Item = (N, Self)>) -> Result<Self, Error> {
        let sets: Vec<(N, Self)> = sets.into_iter().collect();
        let parts = sets.iter().map(|(name, set)| Part {
            name: name.to_string(),
            image_shape: set.image_shape,
            classes: Some(&set.classes),
        });
        let classes = joint_classes(&parts.collect::<Vec<_>>())?;
        if let [(_, set)] = &sets[..] {
            return Ok(set.clone());
        }
        let labels = sets.iter().flat_map(|(_, set)| {
            let number = renumbered(&set.classes, &classes);
            set.labels.iter().map(move |&label| number[label as usize])
        });
        let image_shape = sets[0].1.image_shape;
        let images = stacked(sets.iter().map(|(_, set)| set.images.view()));
        Self::new(images, image_shape, labels.collect(), classes)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn set(value: u8, shape: [usize; 2], classes: &[&str]) -> Dataset {
        let n = classes.len();
        let images = Array2::from_elem((n, shape[0] * shape[1]), value);
        let labels = (0..).take(n).collect();
        Dataset::new(images, shape, labels, classes.iter().map(|&name| name.to_owned()).collect()).unwrap()
    }

    #[test]
    fn images_follow_each_other_and_labels_keep_their_names() {
        let (a, b) = (set(1, [1, 2], &["8", "3"]), set(2, [1, 2], &["3", "5", "8"]));
        let both = Dataset::join([("a", a.clone()), ("b", b)]).unwrap();
        assert_eq!(both.classes(), ["3", "5", "8"]);
        assert_eq!(both.labels(), [2, 0, 0, 1, 2]);
        assert_eq!(both.images(), array![[1, 1], [1, 1], [2, 2], [2, 2], [2, 2]]);
        assert_eq!(Dataset::join([("a", a.clone())]).unwrap(), a);
    }

    #[test]
    fn sets_that_do_not_fit_are_told_by_name() {
        let digits = || ("digits", set(1, [2, 2], &["0", "1", "2"]));
        let small = ("small", set(1, [1, 2], &["0"]));
        let letters = ("letters", set(1, [2, 2], &["A", "1"]));
        for (other, expected) in [
            (small, "digits and small cannot be joined: their images have 2 x 2 and 1 x 2 pixels"),
            (
                letters,
                "digits and letters cannot be joined: letters has the class \"A\", which is not among the classes \
                 of digits: 0, 1, 2",
            ),
        ] {
            let error = Dataset::join([digits(), other]).unwrap_err().to_string();
            assert_eq!(error, expected);
        }
        let none: [(&str, Dataset); 0] = [];
        assert!(matches!(Dataset::join(none), Err(Error::Inconsistent(_))));
    }
}
