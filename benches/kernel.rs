//! The kernel for products of bytes, almost alone: all points stay in the cache, and every one is compared.
//!
//! Throughput is in multiply-adds. `HANDFUL_LEVEL=avx2 cargo bench --bench kernel` measures another level.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use handful::neighbors::{Algorithm, NearestNeighbors};
use ndarray::Array2;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

const POINTS: usize = 1024;
const QUERIES: usize = 1920;

fn random<T>(rows: usize, columns: usize, seed: u64, value: impl Fn(u8) -> T) -> Array2<T> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, columns), || value(rng.random()))
}

fn kernel(criterion: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = criterion.benchmark_group("kernel");
    for d in [64, 256, 784] {
        group.throughput(Throughput::Elements((POINTS * QUERIES * d) as u64));
        let points = random(POINTS, d, 0, |byte| byte);
        let index = NearestNeighbors::with_algorithm(points, Algorithm::Brute).expect("bytes");
        let queries = random(QUERIES, d, 1, |byte| byte);
        group.bench_function(BenchmarkId::new("bytes", d), |bencher| {
            pool.install(|| bencher.iter(|| index.kneighbors(queries.view(), 1).expect("valid")));
        });
        let points = random(POINTS, d, 0, f32::from);
        let index = NearestNeighbors::with_algorithm(points, Algorithm::Brute).expect("finite");
        let queries = random(QUERIES, d, 1, f32::from);
        group.bench_function(BenchmarkId::new("floats", d), |bencher| {
            pool.install(|| bencher.iter(|| index.kneighbors(queries.view(), 1).expect("valid")));
        });
    }
}

criterion_group!(benches, kernel);
criterion_main!(benches);
