//! Any recipe learns from any set with at least one image of each of two classes.

use super::*;

/// Presets, which add no images here: that takes long.
fn presets() -> impl Iterator<Item = (Preset, Params)> {
    let alone = |preset: Preset| (preset, Params { everyday: None, ..preset.params() });
    Preset::ALL.into_iter().map(alone)
}

/// The first images of each class: as many as given.
fn first(counts: [usize; 10]) -> Dataset {
    let (train, _) = images();
    let rows = train.rows_by_class().into_iter().zip(counts);
    let mut rows: Vec<usize> = rows.flat_map(|(rows, n)| rows.into_iter().take(n)).collect();
    rows.sort_unstable();
    train.select(&rows)
}

#[test]
fn one_image_of_each_class_is_enough_for_every_preset() {
    let (one, (_, test)) = (first([1; 10]), images());
    for (preset, params) in presets() {
        let model = params.fit(&one).unwrap();
        assert_eq!(model.prototypes().class_counts(), [1; 10], "{preset}");
        let loaded = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
        let predicted = loaded.predict(test.images().view()).unwrap();
        assert_eq!(predicted, model.predict(test.images().view()).unwrap(), "{preset}");
        let errors = predicted.iter().zip(test.labels()).filter(|(found, label)| found != label).count();
        assert!(errors < 190, "{preset}: {errors} of 300; chance gives 270");
        assert_eq!(model.explain(test.images().view()).unwrap().len(), 300);
    }
}

#[test]
fn a_class_has_at_most_as_many_prototypes_as_images() {
    let some = first([1, 2, 3, 4, 5, 6, 7, 0, 0, 30]);
    let prototypes = |preset: Preset| preset.params().fit(&some).unwrap().prototypes().class_counts();
    assert_eq!(prototypes(Preset::Tiny), [1, 2, 3, 4, 5, 5, 5, 0, 0, 5]);
    assert_eq!(prototypes(Preset::Notebook), [1, 2, 3, 4, 5, 6, 7, 0, 0, 9]);
    assert_eq!(prototypes(Preset::Best), [1, 2, 3, 4, 5, 6, 7, 0, 0, 30]);
}

#[test]
fn digits_are_not_outliers_of_few() {
    let (some, (_, test)) = (first([12; 10]), images());
    for (preset, params) in presets().filter(|(preset, _)| *preset != Preset::Notebook) {
        let model = params.fit(&some).unwrap();
        assert_ne!(model.params().calibration, params.calibration, "{preset}");
        let rejected =
            model.explain(test.images().view()).unwrap().iter().filter(|why| !why.is_digit).count();
        assert!(rejected <= 45, "{preset} rejects {rejected} of 300");
    }
    let one = Preset::Fast.params().fit(&first([1; 10])).unwrap();
    let of_one = std::sync::Arc::new(one);
    assert!(of_one.judge().is_none(), "nothing can be held out");
}

#[test]
fn more_neighbours_than_prototypes_are_all_of_them() {
    let one = first([1; 10]);
    let params = Params { decision: Decision::Votes { n_neighbors: 25 }, ..Preset::Tiny.params() };
    let model = params.fit(&one).unwrap();
    assert_eq!(model.n_neighbors(), 10);
    assert_eq!(model.explain(one.images().view()).unwrap()[0].neighbors.len(), 10);
    // One vote for each class: the nearest decides.
    assert_eq!(model.predict(one.images().view()).unwrap(), one.labels());
}
