//! Explanations by other neighbours than those of the recipe.

use super::*;

#[test]
fn as_many_neighbours_vote_as_are_asked() {
    let (train, test) = images();
    let images = test.images().slice(s![..40, ..]);
    for params in recipes() {
        let model = params.fit(&train).unwrap();
        let Some(most) = model.most_neighbors() else {
            assert!(matches!(model.explain_with(images, 1), Err(Error::Params(_))), "hyperplanes decide");
            continue;
        };
        let own = params.decision.n_neighbors();
        assert_eq!(model.explain_with(images, own).unwrap(), model.explain(images).unwrap());
        for found in model.explain_with(images, 1).unwrap() {
            assert_eq!((found.neighbors.len(), found.label), (1, found.neighbors[0].label));
        }
        let all = model.explain_with(images, most).unwrap();
        assert!(all.iter().all(|found| found.neighbors.len() == model.prototypes().n_samples()));
        for wrong in [0, most + 1] {
            assert!(matches!(model.explain_with(images, wrong), Err(Error::Params(_))), "{wrong}");
        }
    }
}

#[test]
fn the_nearest_of_a_class_are_those_among_all() {
    let (train, test) = images();
    let images = test.images().slice(s![..20, ..]);
    for params in recipes() {
        let model = params.fit(&train).unwrap();
        let vectors = model.transform(images).unwrap();
        let all = model.index.kneighbors(vectors.view(), model.prototypes().n_samples()).unwrap();
        for label in 0..10 {
            let found = model.nearest_of_class(vectors.view(), label, 3).unwrap();
            for (row, found) in found.iter().enumerate() {
                let of_class = all
                    .indices
                    .row(row)
                    .into_iter()
                    .zip(all.distances.row(row))
                    .filter(|&(&prototype, _)| model.prototypes().labels()[prototype] == label)
                    .map(|(&prototype, &distance)| model.voter(prototype, distance));
                assert_eq!(found, &of_class.take(3).collect::<Vec<_>>());
            }
        }
        assert!(matches!(model.nearest_of_class(vectors.view(), 10, 3), Err(Error::Params(_))));
        assert_eq!(model.nearest_of_class(vectors.view(), 0, 0).unwrap(), vec![Vec::new(); 20]);
    }
}
