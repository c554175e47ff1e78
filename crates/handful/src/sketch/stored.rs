//! Sketches, and their projections, in files.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1};

use super::{Basis, Projection, Sketch, SketchPanel};
use crate::{
    distance::{LANES, Panel},
    tensor_file::{Error, Reader, Writer},
};

/// Lengths of sketches are multiples of this, and at most `MOST_VALUES`; kernels multiply this many values at a time.
const BLOCK: usize = 64;
const MOST_VALUES: usize = 1024;
/// The values of a panel are followed by their squares, with this number of bytes.
const SQUARE_BYTES: usize = size_of::<i32>() * LANES;

impl Projection {
    /// Number of bytes of a panel of sketches.
    pub(crate) fn panel_bytes(&self) -> usize {
        self.n_values() * LANES + SQUARE_BYTES
    }

    /// Writes the projection to a file.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.put("sketch.directions".to_owned(), self.directions.view());
        if let Some(whitening) = &self.basis.whitening {
            writer.put("sketch.whitening".to_owned(), whitening.view());
        }
        writer.put("sketch.centre".to_owned(), ArrayView1::from(&self.centre[..]));
        let scale = [self.basis.stretch, f64::from(self.step)];
        writer.put("sketch.scale".to_owned(), ArrayView1::from(&scale[..]));
    }

    /// Reads the projection for rows of `n_features` values, if the file has one.
    pub(crate) fn read(reader: &Reader, n_features: usize) -> Result<Option<Arc<Self>>, Error> {
        if !reader.has("sketch.directions") {
            return Ok(None);
        }
        let directions: Array2<i8> = reader.array2("sketch.directions", [None, Some(n_features)])?;
        let n_values = directions.nrows();
        if n_values == 0 || n_values > MOST_VALUES || !n_values.is_multiple_of(BLOCK) {
            return Err(Error::Content(format!("expected sketches of 64, 128 … values, found {n_values}")));
        }
        let n_directions = n_values - 1;
        let whitening: Option<Array2<f32>> = reader
            .has("sketch.whitening")
            .then(|| reader.array2("sketch.whitening", [Some(n_directions), Some(n_directions)]))
            .transpose()?;
        let floats = |name, length| Ok::<_, Error>(reader.array1::<f64>(name, Some(length))?.to_vec());
        let (centre, scale) = (floats("sketch.centre", n_values)?, floats("sketch.scale", 2)?);
        #[expect(clippy::cast_possible_truncation, reason = "it was an f32")]
        let (stretch, step) = (scale[0], scale[1] as f32);
        let all_finite = centre.iter().all(|x| x.is_finite())
            && whitening.iter().flatten().all(|x| x.is_finite())
            && stretch.is_finite();
        if !(all_finite && stretch >= 0.0 && step >= 1.0 && step.is_finite()) {
            return Err(Error::Content("expected a sketch of finite numbers".to_owned()));
        }
        let mean = directions.row(n_directions);
        let mean_norm = mean.iter().map(|&x| (i64::from(x) + 128).pow(2)).sum();
        let first = directions.slice(ndarray::s![..n_directions, ..]).to_owned();
        Ok(Some(Arc::new(Self {
            basis: Basis { directions: first, stretch, whitening },
            directions,
            centre,
            mean_norm,
            step,
        })))
    }
}

impl Sketch {
    /// Its panels, each of [`panel_bytes`](Projection::panel_bytes).
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.panels.len() * self.projection.panel_bytes());
        for panel in &self.panels {
            bytes.extend(panel.values.bytes());
            bytes.extend(panel.squares.iter().flat_map(|square| square.to_le_bytes()));
        }
        bytes
    }

    /// From the bytes of the panels of `n` points.
    pub(crate) fn from_bytes(
        bytes: &[u8],
        projection: &Arc<Projection>,
        error: f64,
        n_samples: usize,
    ) -> Self {
        let panel = |bytes: &[u8]| {
            let (values, squares) = bytes.split_at(bytes.len() - SQUARE_BYTES);
            let (squares, _) = squares.as_chunks();
            let mut panel = SketchPanel { values: Panel::from_bytes(values), squares: [0; LANES] };
            panel.squares.iter_mut().zip(squares).for_each(|(to, &square)| *to = i32::from_le_bytes(square));
            panel
        };
        let panels: Vec<_> = bytes.chunks_exact(projection.panel_bytes()).map(panel).collect();
        assert_eq!(panels.len(), n_samples.div_ceil(LANES), "panels for all points");
        Self { projection: Arc::clone(projection), error, n_samples, panels }
    }
}
