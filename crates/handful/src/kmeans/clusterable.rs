//! The types of value that can be clustered, and how their rows are prepared.

use ndarray::{Array2, ArrayView2, CowArray, Ix2};

use super::{Centroids, Error, Job, KMeans, KMeansParams, assign, bytes::Bytes};
use crate::{
    distance::{Element, Scale},
    kmeans::float_rows::{Floats, check, quantise},
};

/// An [`Element`] whose vectors can be clustered: bytes, whose means are fractions, or floats.
pub trait Clusterable: Element {
    /// The means of such vectors.
    type Centroids;

    #[doc(hidden)]
    fn cluster(
        params: &KMeansParams,
        x: ArrayView2<Self>,
        weights: Option<&[f64]>,
    ) -> Result<KMeans<Self::Centroids>, Error>;

    #[doc(hidden)]
    fn nearest(
        x: ArrayView2<Self>,
        n_clusters: usize,
        centroids: &Self::Centroids,
    ) -> Result<Vec<u32>, Error>;
}

impl Clusterable for u8 {
    type Centroids = Centroids;

    fn cluster(params: &KMeansParams, x: ArrayView2<Self>, weights: Option<&[f64]>) -> Result<KMeans, Error> {
        let x: CowArray<Self, Ix2> = x.as_standard_layout();
        let bytes = Bytes::new(x.view());
        let bytes = match weights {
            Some(weights) => bytes.weighted(weights),
            None => bytes,
        };
        params.run(&bytes, Job::default(), || Ok(()))
    }

    fn nearest(x: ArrayView2<Self>, n_clusters: usize, centroids: &Centroids) -> Result<Vec<u32>, Error> {
        let x = x.as_standard_layout();
        Ok(assign::assign_once(&Bytes::new(x.view()), n_clusters, centroids))
    }
}

macro_rules! cluster_floats {
    ($float:ty) => {
        impl Clusterable for $float {
            type Centroids = Array2<f64>;

            fn cluster(
                params: &KMeansParams,
                x: ArrayView2<Self>,
                weights: Option<&[f64]>,
            ) -> Result<KMeans<Array2<f64>>, Error> {
                let largest = check(x)?;
                let (x, scale) = (x.as_standard_layout(), Scale::new(x));
                let (bytes, lost) = quantise(x.view(), &scale);
                let floats = Floats::new(x.view(), &scale, bytes.view(), lost, weights).on_grid(largest);
                params.run(&floats, Job::default(), || Ok(()))
            }

            fn nearest(
                x: ArrayView2<Self>,
                n_clusters: usize,
                centroids: &Array2<f64>,
            ) -> Result<Vec<u32>, Error> {
                check(x)?;
                let (x, scale) = (x.as_standard_layout(), Scale::new(x));
                let (bytes, lost) = quantise(x.view(), &scale);
                let floats = Floats::new(x.view(), &scale, bytes.view(), lost, None);
                Ok(assign::assign_once(&floats, n_clusters, centroids))
            }
        }
    };
}

cluster_floats!(f32);
cluster_floats!(f64);
