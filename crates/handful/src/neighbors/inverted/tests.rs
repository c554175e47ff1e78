use ndarray::{Array2, Axis, s};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use super::*;
use crate::neighbors::Algorithm;

mod to_file;

fn random(n: usize, d: usize, seed: u64) -> Array2<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((n, d), |_| rng.random())
}

/// Rows around a few centres, long and numerous enough that a sketch is worthwhile.
fn clustered(n: usize) -> Array2<u8> {
    let (centres, shifts) = (random(30, 200, 1), random(n, 4, 2));
    let directions = random(4, 200, 3);
    Array2::from_shape_fn((n, 200), |(i, j)| {
        let shift: u32 = (0..4).map(|a| u32::from(shifts[[i, a]]) * u32::from(directions[[a, j]])).sum();
        centres[[i % 30, j]] / 2 + (shift >> 12) as u8
    })
}

fn exact(rows: &Array2<u8>, queries: &Array2<u8>, k: usize) -> Neighbors {
    NearestNeighbors::with_algorithm(rows.clone(), Algorithm::Brute)
        .unwrap()
        .kneighbors(queries.view(), k)
        .unwrap()
}

/// The definition: all rows in the nearest lists, sorted.
fn naive(
    index: &InvertedIndex,
    rows: &Array2<u8>,
    query: ArrayView2<u8>,
    k: usize,
    n_probe: usize,
) -> Vec<usize> {
    let list_of = index.centroids.kneighbors(rows.view(), 1).unwrap().indices;
    let order = index.centroids.kneighbors(query, index.n_lists()).unwrap().indices;
    let probed = |n: usize| -> Vec<usize> {
        let near = order.iter().take(n).collect::<Vec<_>>();
        (0..rows.nrows()).filter(|&row| near.contains(&&list_of[[row, 0]])).collect()
    };
    let n = (n_probe..=index.n_lists()).find(|&n| probed(n).len() >= k).unwrap();
    let own = probed(n);
    let found = exact(&rows.select(Axis(0), &own), &query.to_owned(), k);
    found.indices.iter().map(|&i| own[i]).collect()
}

/// An index finds the same in memory, in its file and read from it, on any number of threads.
fn check(rows: &Array2<u8>, queries: &Array2<u8>, (n_lists, k): (usize, usize)) {
    let index = InvertedIndex::params().n_lists(n_lists).fit(&rows.view()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    index.save(&path).unwrap();
    let (stored, loaded) = (InvertedIndex::open(&path).unwrap(), InvertedIndex::load(&path).unwrap());
    assert_eq!(stored.measured_recall(), index.measured_recall());
    assert_eq!((stored.n_probe(), loaded.n_probe()), (index.n_probe(), index.n_probe()));
    let mut indices = [index, stored, loaded];
    for n_probe in [1, n_lists.div_ceil(3), n_lists] {
        indices = indices.map(|index| index.with_n_probe(n_probe).unwrap());
        let found = indices[0].kneighbors(queries.view(), k).unwrap();
        for query in (0..queries.nrows()).step_by(queries.nrows().div_ceil(7)) {
            let alone = queries.slice(s![query..=query, ..]);
            assert_eq!(found.indices.row(query).to_vec(), naive(&indices[0], rows, alone, k, n_probe));
            for index in &indices {
                assert_eq!(index.kneighbors(alone, k).unwrap().indices.row(0), found.indices.row(query));
            }
        }
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for index in &indices {
                assert_eq!(pool.install(|| index.kneighbors(queries.view(), k)).unwrap(), found);
            }
        }
        if n_probe == n_lists {
            assert_eq!(found, exact(rows, queries, k));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn equals_the_definition(
        (n, m, d) in (1_usize..80, 1_usize..20, 1_usize..40),
        // Few distinct values lead to many ties and duplicates.
        levels in prop::sample::select(vec![1_u8, 2, 3, 255]),
        bytes in prop::collection::vec(any::<u8>(), 1009),
        (n_lists, k) in (1_usize..20, 1_usize..80),
    ) {
        let byte = |i: usize| (bytes[i % 1009] % levels) * (255 / levels.max(2));
        let rows = Array2::from_shape_fn((n, d), |(i, j)| byte(i * d + j));
        let queries = Array2::from_shape_fn((m, d), |(i, j)| byte(313 + i * d + j));
        check(&rows, &queries, (n_lists.min(n), k.min(n)));
    }
}

#[test]
fn equals_the_definition_with_a_sketch() {
    let rows = clustered(6000);
    let index = InvertedIndex::params().n_lists(40).fit(&rows.view()).unwrap();
    assert!(index.lists.projection.is_some(), "a sketch pays");
    let queries = rows.slice(s![..;97, ..]).mapv(|x| x.saturating_add(x % 3));
    check(&rows, &queries, (40, 5));
    // The lists hold fewer rows than requested.
    check(&rows, &queries, (400, 60));
    // Each row twenty times.
    let few = rows.slice(s![..300, ..]);
    check(&Array2::from_shape_fn((6000, 200), |(i, j)| few[[i % 300, j]]), &queries, (40, 30));
}

#[test]
fn equals_the_definition_where_no_sketch_pays() {
    let rows = random(5000, 200, 4);
    let index = InvertedIndex::params().n_lists(20).fit(&rows.view()).unwrap();
    assert!(index.lists.projection.is_none(), "a flat spectrum");
    check(&rows, &random(60, 200, 5), (20, 4));
}

#[test]
fn the_recall_is_that_of_a_recount() {
    let rows = clustered(3000);
    let index = InvertedIndex::params().n_lists(50).n_probe(2).fit(&rows.view()).unwrap();
    let (recall, asked) = (index.measured_recall().clone(), crate::distance::evenly(3000, 1000));
    assert_eq!((recall.n_neighbors, recall.n_queries), (3, 1000));
    let queries = rows.select(Axis(0), &asked);
    let others = |found: Neighbors| -> Vec<Vec<usize>> {
        let of_row = |(found, own): (ndarray::ArrayView1<usize>, &usize)| {
            found.iter().copied().filter(|index| index != own).take(3).collect()
        };
        found.indices.outer_iter().zip(&asked).map(of_row).collect()
    };
    let expected = others(exact(&rows, &queries, 4));
    let mut index = index;
    for n_probe in [1, 2, 5, 50] {
        index = index.with_n_probe(n_probe).unwrap();
        let found = others(index.kneighbors(queries.view(), 4).unwrap());
        let hits = expected.iter().zip(&found).map(|(a, b)| a.iter().filter(|i| b.contains(i)).count());
        let share = hits.sum::<usize>() as f64 / 3000.0;
        assert_eq!(index.recall().to_bits(), share.to_bits(), "{n_probe}");
        assert!(n_probe > 1 || index.recall() < 1.0, "something to be missed");
    }
    let chosen = InvertedIndex::params().n_lists(50).recall(0.9).fit(&rows.view()).unwrap();
    assert_eq!(chosen.n_probe(), recall.least(0.9));
    assert!(chosen.recall() >= 0.9);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let rows = random(50, 3, 6);
    let params = InvertedIndex::params;
    let refused = |params: InvertedParams| params.fit(&rows.view()).unwrap_err().to_string();
    assert!(refused(params().n_lists(0)).starts_with("n_lists is 0: expected 1 to 50"));
    assert!(refused(params().n_lists(51)).starts_with("n_lists is 51: expected 1 to 50"));
    assert!(refused(params().n_lists(5).n_probe(6)).starts_with("n_probe is 6: expected 1 to 5"));
    assert!(refused(params().n_probe(0)).starts_with("n_probe is 0: expected 1 to 14"));
    assert!(refused(params().recall(f64::NAN)).starts_with("the recall to reach is NaN"));
    let none = InvertedIndex::params().fit(&Array2::zeros((0, 3)).view()).unwrap_err();
    assert!(matches!(none, Error::Clusters(_)), "{none}");
    let index = params().fit(&rows.view()).unwrap();
    assert_eq!(index.kneighbors(rows.slice(s![..0, ..]), 3).unwrap().indices.dim(), (0, 3));
    for k in [0, 51] {
        let error = index.kneighbors(rows.view(), k).unwrap_err();
        assert!(matches!(error, Error::Search(neighbors::Error::NeighborCount { .. })), "{error}");
    }
    let error = index.kneighbors(rows.slice(s![.., ..2]), 1).unwrap_err();
    assert!(matches!(error, Error::Search(neighbors::Error::FeatureCount { expected: 3, found: 2 })));
    assert!(matches!(index.with_n_probe(15), Err(Error::ProbeCount { n_probe: 15, n_lists: 14 })));
    let cancelled = params().observer(Observer::new(|_| std::ops::ControlFlow::Break(())));
    assert_eq!(cancelled.fit(&rows.view()).unwrap_err().to_string(), "cancelled");
}

/// Whatever happens to a file, the result is an error or unchanged.
#[test]
fn a_damaged_file_is_an_error() {
    let rows = clustered(4200);
    let index = InvertedIndex::params().n_lists(6).fit(&rows.view()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    index.save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let write = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
    let head =
        whole.len() - 16 - u64::from_le_bytes(*whole[..whole.len() - 8].last_chunk().unwrap()) as usize;

    for length in [0, 7, 23, 24, 1000, head, whole.len() - 17, whole.len() - 1] {
        write(&whole[..length]);
        let error = InvertedIndex::open(&path).unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{length}: {error}");
    }
    // A part in the middle is missing.
    write(&[&whole[..5000], &whole[5001..]].concat());
    assert!(matches!(InvertedIndex::open(&path).unwrap_err(), Error::Damaged { .. }));
    let mut damaged = whole.clone();
    for at in (head..whole.len()).step_by(whole.len().div_ceil(4001)).chain(whole.len() - 16..whole.len()) {
        damaged[at] ^= 0x11;
        write(&damaged);
        assert!(InvertedIndex::open(&path).is_err(), "byte {at}");
        damaged[at] ^= 0x11;
    }
    for at in (8..head).step_by(head / 40) {
        damaged[at] ^= 0x91;
        write(&damaged);
        let error = InvertedIndex::load(&path).unwrap_err();
        assert!(error.to_string().contains("checksum of its lists"), "{at}: {error}");
        // It can still be searched, whatever the result.
        if let Ok(found) = InvertedIndex::open(&path).unwrap().kneighbors(rows.slice(s![..40, ..]), 3) {
            assert!(found.indices.iter().all(|&index| index < 4200));
        }
        damaged[at] ^= 0x91;
    }
    write(b"hfIndex\nhfIndex\n\xff\xff\xff\xff\xff\xff\xff\xffhfIndex\n");
    assert!(matches!(InvertedIndex::open(&path).unwrap_err(), Error::Foreign { .. }));
    assert!(matches!(InvertedIndex::open(folder.path()).unwrap_err(), Error::Io { .. }));

    // A file that shrinks while it is searched.
    write(&whole);
    let stored = InvertedIndex::open(&path).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(4000).unwrap();
    for queries in [1, 40] {
        let error = stored.kneighbors(rows.slice(s![..queries, ..]), 3).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}
