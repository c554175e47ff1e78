//! Shards give the same bits as one array, however rows are divided among them.

use std::ops::Range;

use ndarray::{ArrayView2, Axis, array, s};
use proptest::prelude::*;

use crate::{
    Dataset, KMeans, dataset,
    kmeans::{
        Init, KMeansParams, LloydRun, Prototypes,
        on_disk::row_assignments::{chunk::CHUNK_ROWS, *},
    },
};

/// Clusters each group in shards that end at `cuts`, by passes only.
fn in_shards(
    x: &Array2<u8>,
    groups: &[u32],
    n_groups: usize,
    cuts: &[usize],
    params: &KMeansParams,
) -> Result<(Vec<LloydRun>, Vec<u32>), Error> {
    let mut cuts: Vec<usize> = cuts.iter().map(|&cut| cut % (x.nrows() + 1)).collect();
    cuts.extend([0, x.nrows()]);
    cuts.sort_unstable();
    let mut shards: Vec<(ArrayView2<u8>, RowAssignments, u64)> = cuts
        .windows(2)
        .map(|cut| {
            let rows = x.slice(s![cut[0]..cut[1], ..]);
            (rows, RowAssignments::new(&rows, Some(&groups[cut[0]..cut[1]]), n_groups, 1), cut[0] as u64)
        })
        .collect();
    let mut totals = vec![PartialStats::new(1, x.ncols()); n_groups];
    for (rows, shard, _) in &shards {
        totals.iter_mut().zip(shard.totals(rows)?).for_each(|(all, total)| all.merge(&total));
    }
    let mut runs = Vec::new();
    for (group, total) in (0..).zip(&totals) {
        let rows: Vec<usize> = (0..x.nrows()).filter(|&row| groups[row] == group).collect();
        let start = params.start(rows.len(), group, 0)?;
        let wanted: Vec<usize> = start.rows().iter().map(|&row| rows[row]).collect();
        let start = start.centroids(x.select(Axis(0), &wanted).view(), &Observer::default())?;
        runs.push(LloydRun::new(start, params.max_iter, params.tol * total.mean_variance()));
    }
    while runs.iter().any(|run| !run.has_ended()) {
        for (rows, shard, _) in &mut shards {
            let centroids: Vec<_> =
                runs.iter().map(|run| (!run.has_ended()).then(|| run.centroids())).collect();
            shard.pass(rows, &centroids)?;
        }
        for (set, run) in runs.iter_mut().enumerate().filter(|(_, run)| !run.has_ended()) {
            let mut stats = PartialStats::new(params.n_clusters, x.ncols());
            for (_, shard, _) in &shards {
                stats.merge(shard.stats(set));
            }
            let mut farthest = Farthest::new(params.n_clusters);
            if run.wants_farthest(&stats) {
                for (rows, shard, first) in &shards {
                    farthest.merge(shard.farthest(rows, set, *first)?);
                }
            }
            run.step(stats, &farthest)?;
        }
    }
    Ok((runs, shards.iter().flat_map(|(_, shard, _)| shard.labels(0)).collect()))
}

fn check(x: &Array2<u8>, groups: &[u32], cuts: &[usize], params: &KMeansParams) -> Result<(), TestCaseError> {
    let n_groups = groups.iter().max().map_or(0, |&group| group as usize + 1);
    let counts: Vec<usize> =
        (0..n_groups as u32).map(|group| groups.iter().filter(|&&g| g == group).count()).collect();
    prop_assume!(counts.iter().all(|&n| n >= params.n_clusters));
    let (runs, labels) = in_shards(x, groups, n_groups, cuts, params)?;
    let names = (0..n_groups).map(|group| group.to_string()).collect();
    let data = Dataset::new(x.clone(), [1, x.ncols()], groups.to_vec(), names)?;
    let Prototypes { clusterings, .. } = params.fit_per_class(&data)?;
    for (group, (run, expected)) in runs.iter().zip(&clusterings).enumerate() {
        prop_assert_eq!(run.centroids(), &expected.centroids);
        prop_assert_eq!(run.inertia().to_bits(), expected.inertia.to_bits());
        prop_assert_eq!((run.n_iter(), run.cluster_sizes()), (expected.n_iter, &expected.cluster_sizes[..]));
        let own: Vec<u32> =
            labels.iter().zip(groups).filter(|&(_, &g)| g as usize == group).map(|(&l, _)| l).collect();
        prop_assert_eq!(&own, &expected.labels);
    }
    Ok(())
}

proptest! {
    /// Few distinct values lead to empty clusters and ties.
    #[test]
    fn shards_come_to_the_same_bits_as_one_array(
        bytes in prop::collection::vec(any::<u8>(), 40..400),
        groups in prop::collection::vec(0_u32..3, 200),
        cuts in prop::collection::vec(any::<usize>(), 0..5),
        levels in prop::sample::select(vec![2_u8, 4, 16, 255]),
        k in 1_usize..6,
        seed in any::<u64>(),
        max_iter in 1_usize..12,
        tol in prop::sample::select(vec![0.0, 1e-4, 0.1]),
        is_random in any::<bool>(),
    ) {
        let n = bytes.len() / 2;
        let x = Array2::from_shape_fn((n, 2), |(i, j)| bytes[2 * i + j] % levels * (255 / levels));
        let init = if is_random { Init::Random } else { Init::KMeansPlusPlus };
        let params = KMeans::params(k).seed(seed).max_iter(max_iter).tol(tol).init(init);
        check(&x, &vec![0; n], &cuts, &params)?;
        check(&x, &groups[..n], &cuts, &params)?;
    }
}

#[test]
fn long_runs_over_many_chunks_are_the_same() {
    let x = Array2::from_shape_fn((9000, 12), |(i, j)| ((i * i / 7 + 31 * i * j) % 251) as u8);
    let groups: Vec<u32> = (0..9000).map(|i| u32::from(i % 5 > 1)).collect();
    for k in [7, 60] {
        check(&x, &groups, &[1000, 4097, 4097], &KMeans::params(k).max_iter(25).tol(0.0)).unwrap();
    }
}

/// Rows near 70 places, long enough for sketches.
fn clouds(n: usize) -> Array2<u8> {
    Array2::from_shape_fn((n, 200), |(i, j)| {
        let (place, noise) = (i * 37 % 70, (i * i / 11 + 29 * i * j) % 9);
        ((place * place * (j % 19 + 1) / 3 + 7 * j * (place % 5)) % 220 + noise) as u8
    })
}

#[test]
fn sketches_are_used_with_many_clusters_and_change_no_bit() {
    let (x, n) = (clouds(10_000), 10_000);
    let groups: Vec<u32> = (0..n as u32).map(|i| i % 2).collect();
    let params = KMeans::params(70).max_iter(8).tol(0.0).init(Init::Random);
    check(&x, &groups, &[], &params).unwrap();
    check(&x, &vec![0; n], &[4500, 9000], &params).unwrap();

    let start = params.start(n, 0, 0).unwrap();
    let centroids = Centroids::from_rows(x.select(Axis(0), start.rows()).view());
    let mut shards = [
        RowAssignments::new(&x.view(), None, 1, 1),
        RowAssignments::new(&x.view(), None, 1, 1).sketched_passes(0),
    ];
    for shard in &mut shards {
        shard.pass(&x.view(), &[Some(&centroids)]).unwrap();
    }
    let [sketched, dense] = &shards;
    let is_sketched =
        |shard: &RowAssignments| shard.projections.as_ref().is_some_and(|found| found[0].is_some());
    assert!(is_sketched(sketched) && !is_sketched(dense));
    assert_eq!((sketched.labels(0), sketched.stats(0)), (dense.labels(0), dense.stats(0)));
}

/// Random bytes, for which a sketch rules out nothing.
#[test]
fn where_sketches_do_not_pay_rows_are_compared_without() {
    let x =
        Array2::from_shape_fn((6000, 200), |(i, j)| (((i * 7919 + j * 104_729) * (i + j + 1)) >> 7) as u8);
    let params = KMeans::params(50).max_iter(3).tol(0.0).init(Init::Random);
    check(&x, &vec![0; 6000], &[], &params).unwrap();
}

#[test]
fn rows_that_cannot_be_read_leave_nothing_behind() {
    struct Broken<'a>(ArrayView2<'a, u8>);
    impl RowSource for Broken<'_> {
        fn shape(&self) -> (usize, usize) {
            self.0.dim()
        }

        fn rows<'a>(
            &'a self,
            rows: Range<usize>,
            buffer: &'a mut Vec<u8>,
        ) -> Result<ArrayView2<'a, u8>, dataset::Error> {
            if rows.start > 0 {
                return Err(dataset::Error::NoImages { path: "gone".into() });
            }
            self.0.rows(rows, buffer)
        }
    }
    let x = Array2::from_shape_fn((3 * CHUNK_ROWS, 1), |(i, _)| (i % 256) as u8);
    let mut shard = RowAssignments::new(&x.view(), None, 1, 1);
    let centroids = Centroids::from_f64(&array![[3.0], [200.0]]).unwrap();
    let error = shard.pass(&Broken(x.view()), &[Some(&centroids)]).unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
    shard.pass(&x.view(), &[Some(&centroids)]).unwrap();
    let mut untroubled = RowAssignments::new(&x.view(), None, 1, 1);
    untroubled.pass(&x.view(), &[Some(&centroids)]).unwrap();
    assert_eq!(shard.stats(0), untroubled.stats(0));
    let wrong = Centroids::from_f64(&array![[3.0, 4.0]]).unwrap();
    assert!(matches!(shard.pass(&x.view(), &[Some(&wrong)]), Err(Error::FeatureCount { .. })));
}
