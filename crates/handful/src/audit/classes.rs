//! How many images each class has.

/// A class is rare if it has less than this share of the median class.
const RARE: f64 = 0.2;

/// The number of images of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCount {
    /// The name of the class.
    pub name: String,
    /// Number of training images.
    pub n_train: usize,
    /// Number of test images.
    pub n_test: usize,
    /// Whether it has less than a fifth as many images as the median class, or none at all in a part of the data set.
    pub is_rare: bool,
}

/// From the numbers of training and, if there is such a part, of test images.
pub(super) fn classes(names: &[String], train: &[usize], test: Option<&[usize]>) -> Vec<ClassCount> {
    let is_rare: Vec<Vec<bool>> = std::iter::once(train).chain(test).map(rare).collect();
    let count = |(class, name): (usize, &String)| ClassCount {
        name: name.clone(),
        n_train: train[class],
        n_test: test.map_or(0, |test| test[class]),
        is_rare: is_rare.iter().any(|part| part[class]),
    };
    names.iter().enumerate().map(count).collect()
}

fn rare(counts: &[usize]) -> Vec<bool> {
    let mut present: Vec<usize> = counts.iter().copied().filter(|&count| count > 0).collect();
    present.sort_unstable();
    let median = present.get(present.len() / 2).map_or(0.0, |&median| median as f64);
    counts.iter().map(|&count| count == 0 || (count as f64) < RARE * median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_with_far_fewer_images_than_the_others_is_rare() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let is_rare = |train: &[usize], test: Option<&[usize]>| -> Vec<bool> {
            classes(&names, train, test).iter().map(|class| class.is_rare).collect()
        };
        assert_eq!(is_rare(&[100, 90, 18, 17], None), [false, false, false, true]);
        assert_eq!(is_rare(&[100, 90, 80, 100], Some(&[10, 0, 10, 1])), [false, true, false, true]);
        assert_eq!(is_rare(&[1, 1, 1, 1], Some(&[1, 1, 1, 1])), [false; 4]);
    }
}
