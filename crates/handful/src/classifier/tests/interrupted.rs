//! Fitting can be cancelled at any time: nothing is reported after the report at which the observer breaks.

use super::{images, recipes};
use crate::progress::tests::{reports, some_of};

#[test]
fn a_fit_ends_at_the_report_at_which_the_observer_breaks() {
    let (train, _) = images();
    for params in recipes() {
        let (model, n) = reports(usize::MAX, |observer| params.observer(observer.clone()).fit(&train));
        let model = model.unwrap();
        for until in some_of(n) {
            let (ended, calls) = reports(until, |observer| params.observer(observer.clone()).fit(&train));
            assert_eq!((ended.unwrap_err().to_string().as_str(), calls), ("cancelled", until));
        }
        let (pictures, n) =
            reports(usize::MAX, |observer| model.clone().observer(observer.clone()).with_pictures(&train));
        assert_eq!(pictures.unwrap().pictures().unwrap().nrows(), model.prototypes().n_samples());
        let (ended, calls) = reports(n, |observer| model.observer(observer.clone()).with_pictures(&train));
        assert_eq!((ended.unwrap_err().to_string().as_str(), calls), ("cancelled", n));
    }
}
