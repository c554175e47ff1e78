use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Ink of 0 to 1: a block with grey values somewhere in a picture of any shape, or none at all.
pub(super) fn inks() -> impl Strategy<Value = Array2<f32>> {
    (8_usize..60, 8_usize..60, 0_usize..30, 0_usize..30, 0_usize..25, any::<u8>()).prop_map(
        |(height, width, top, left, side, step)| {
            Array2::from_shape_fn([height, width], |(y, x)| {
                let is_ink = (top..top + side).contains(&y) && (left..left + side).contains(&x);
                let grey = (100 + y * usize::from(step) + 7 * x) % 156;
                if is_ink { (100 + grey) as f32 / 255.0 } else { 0.0 }
            })
        },
    )
}

/// Distortions of which all occur, or none.
fn all(share: f32) -> Distortions {
    Distortions {
        aspect: 0.5,
        rotation: 7.0,
        width: share,
        outline: share,
        broken: share,
        crossed: share,
        soft: share,
        reduced: share,
        squared: share,
        binary: share,
        photographed: share,
        displaced: share,
        noisy: share,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn without_distortions_digits_are_only_framed(
        ink in inks(), height in 1_usize..40, width in 1_usize..40, seed: u64,
    ) {
        let framed = Distortions::NONE.framed(ink.clone(), true, [height, width], &mut RandomNumbers::new(seed, 0));
        let picture = cut_to_ink(&ink).mapv(|ink| to_byte(255.0 * ink));
        prop_assert_eq!(framed, Frame::new([height, width]).fit(picture.view()));
    }

    #[test]
    fn any_image_can_be_distorted(
        height in 1_usize..40, width in 1_usize..40, grey: u8, share in prop_oneof![Just(1.0_f32), 0.0_f32..1.0],
        seed: u64,
    ) {
        let image = Array2::from_shape_fn([height, width], |(y, x)| if (x + y) % 3 == 0 { grey } else { 0 });
        let distorted = || all(share).image(image.view(), &mut RandomNumbers::new(seed, 0));
        prop_assert_eq!(distorted().dim(), image.dim());
        prop_assert_eq!(distorted(), distorted());
    }

    #[test]
    fn cut_ink_is_all_of_it_with_a_margin(ink in inks()) {
        let cut = cut_to_ink(&ink);
        prop_assert!((cut.sum() - ink.sum()).abs() <= 1e-3 * ink.sum());
        let (height, width) = cut.dim();
        let is_inside = |y: usize, x: usize| (2..height - 2).contains(&y) && (2..width - 2).contains(&x);
        prop_assert!(cut.indexed_iter().all(|((y, x), &ink)| ink == 0.0 || is_inside(y, x)));
        let sides = |ink: &Array2<f32>, axis| ink.axis_iter(axis).filter(|line| line.sum() > 0.0).count();
        let [inked_rows, inked_columns] = [Axis(0), Axis(1)].map(|axis| sides(&ink, axis));
        if inked_rows > 0 {
            let margin = inked_rows.max(inked_columns) / 10 + 2;
            prop_assert_eq!((height, width), (inked_rows + 2 * margin, inked_columns + 2 * margin));
        }
    }
}

#[test]
fn every_parameter_out_of_range_is_an_error_that_names_it() {
    let defaults = serde_json::to_value(Distortions::default()).unwrap();
    let fields = defaults.as_object().unwrap();
    assert_eq!(fields.len(), 13);
    for name in fields.keys() {
        let most = match &name[..] {
            "aspect" => 1.5,
            "rotation" => 45.0,
            _ => 1.0,
        };
        let with = |value: f64| {
            let mut changed = fields.clone();
            changed.insert(name.clone(), value.into());
            serde_json::from_value::<Distortions>(Value::Object(changed)).unwrap()
        };
        assert!(with(0.0).check().is_ok() && with(most).check().is_ok(), "{name}");
        for wrong in [-0.1, most + 0.1] {
            let error = with(wrong).check().unwrap_err().to_string();
            assert_eq!(error, format!("{name} is {wrong}: expected a number from 0 to {most}"));
        }
    }
    let error = Distortions { soft: f32::NAN, ..Distortions::NONE }.check().unwrap_err();
    assert_eq!(error.to_string(), "soft is NaN: expected a number from 0 to 1");
}
