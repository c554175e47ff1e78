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
    let why = one.explain(test.images().view()).unwrap();
    assert!(why.iter().all(|why| why.is_digit && why.has_ink), "nothing can be held out");
    assert!(!one.explain(Array2::zeros((1, 784)).view()).unwrap()[0].has_ink);
}

#[test]
fn the_only_image_of_a_class_wins_a_vote() {
    for counts in [[1; 10], [1, 30, 0, 0, 0, 0, 0, 0, 0, 0], [30, 30, 30, 1, 2, 3, 4, 5, 6, 7]] {
        let some = first(counts);
        for preset in [Preset::Pixels, Preset::Tiny, Preset::Fast, Preset::Best, Preset::Neighbors] {
            let model = preset.params().fit(&some).unwrap();
            let predicted = model.predict(some.images().view()).unwrap();
            let rare = |label: u32| counts[label as usize] == 1;
            for (found, &label) in predicted.iter().zip(some.labels()).filter(|(_, label)| rare(**label)) {
                assert_eq!(*found, label, "{preset} of {counts:?}");
            }
        }
    }
}

#[test]
fn more_neighbours_than_prototypes_are_all_of_them() {
    let (train, _) = images();
    let decision = Decision::Votes { n_neighbors: 1000 };
    let params = Params { decision, everyday: None, ..Preset::Tiny.params() };
    let model = params.fit(&train).unwrap();
    assert_eq!(model.n_neighbors(), 50);
    assert_eq!(model.explain(train.images().slice(s![..1, ..])).unwrap()[0].neighbors.len(), 50);
}
