//! Framing of pictures: a digit on white paper, as in a drawing, and on unevenly lit paper, as in a photo; without
//! and with a model that chooses.

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use handful::{
    classifier::Preset,
    preprocess::{Framer, Framing},
};
use ndarray::Array2;

/// A 7 with a margin of a fifth, on paper that darkens towards its end by the share `shade`.
fn picture([height, width]: [usize; 2], shade: f64) -> Array2<u8> {
    Array2::from_shape_fn((height, width), |(y, x)| {
        let (y, x) = (y as f64 / height as f64, x as f64 / width as f64);
        let is_bar = (0.2..0.28).contains(&y) && (0.25..0.7).contains(&x);
        let is_stem = (0.2..0.8).contains(&y) && (x - 0.75 + 0.5 * y).abs() < 0.05;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
        let paper = (255.0 * (1.0 - shade * (0.7 * y + 0.3 * x))) as u8;
        if is_bar || is_stem { paper / 4 } else { paper }
    })
}

fn benches(criterion: &mut Criterion) {
    let model = Arc::new(Preset::Fast.trained().expect("a preset"));
    let evidence = Framer::new(model.image_shape(), Framing::Auto);
    let judged = model.framer(Framing::Auto);
    for (kind, shape, shade) in [
        ("drawing", [28, 28], 0.0),
        ("drawing", [140, 140], 0.0),
        ("photo", [140, 140], 0.3),
        ("photo", [3000, 4000], 0.3),
    ] {
        let picture = picture(shape, shade);
        let name = format!("{kind}, {} x {}", shape[0], shape[1]);
        criterion.bench_function(&name, |bencher| bencher.iter(|| evidence.frame(black_box(picture.view()))));
        let name = format!("{name}, judged");
        criterion.bench_function(&name, |bencher| bencher.iter(|| judged.frame(black_box(picture.view()))));
    }
}

criterion_group! {
    name = framing;
    config = Criterion::default().sample_size(20);
    targets = benches
}
criterion_main!(framing);
