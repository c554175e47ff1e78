//! Random numbers, the same on every machine.

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// Random numbers of one image.
pub(super) struct RandomNumbers(pub(super) ChaCha8Rng);

impl RandomNumbers {
    /// The numbers of one row of a data set.
    pub(super) fn new(seed: u64, row: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(row);
        Self(rng)
    }

    /// At least 0, below 1.
    pub(super) fn fraction(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    pub(super) fn between(&mut self, least: f32, most: f32) -> f32 {
        least + (most - least) * self.fraction()
    }

    pub(super) fn with_probability(&mut self, probability: f32) -> bool {
        self.fraction() < probability
    }

    /// About normal, with mean 0 and deviation 1: the sum of four uniform numbers.
    pub(super) fn normal(&mut self) -> f32 {
        let sum: f32 = (0..4).map(|_| self.between(-1.0, 1.0)).sum();
        sum * 0.866_025_4
    }

    /// One of some items, with a probability in proportion to its weight.
    pub(super) fn choose<T: Copy>(&mut self, items: &[T], weight: impl Fn(T) -> u32) -> T {
        let total: u32 = items.iter().map(|&item| weight(item)).sum();
        let mut at = self.0.next_u32() % total.max(1);
        for &item in items {
            match at.checked_sub(weight(item)) {
                Some(rest) => at = rest,
                None => return item,
            }
        }
        items[items.len() - 1]
    }
}
