//! Randomness that belongs to a frame, not to a thread: the same run seed and frame index give the same numbers,
//! whoever draws them and after whatever interruption. That is what makes a resumed run equal to one never stopped.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a random number is drawn for; each purpose has a generator of its own, so that switching one kind of
/// augmentation on or off leaves the draws of the others as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Seed of the simulated scene.
    Scene = 1,
    /// Pasted objects.
    Paste = 2,
    /// Flip, rotation, scale.
    Geometry = 3,
    /// Points: dropped, moved, shuffled; the field of view.
    Points = 4,
    /// Place of the windows.
    Window = 5,
    /// Order of recorded frames.
    Order = 6,
}

/// The generator of one frame and purpose.
pub fn frame_rng(run_seed: u64, index: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(run_seed);
    // 8 purposes a frame: streams do not meet for 2^61 frames.
    rng.set_stream(index.wrapping_mul(8).wrapping_add(purpose as u64));
    rng
}

/// N(0, 1) by Box and Muller.
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// U(low, high); `low` where the interval is empty.
pub(crate) fn uniform(rng: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    low + (high - low).max(0.0) * rng.random::<f64>()
}

/// Fisher and Yates.
pub(crate) fn shuffled_indices(rng: &mut ChaCha8Rng, len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    for i in (1..len).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_draws_the_same_numbers_whenever_it_is_asked() {
        let draw = |index, purpose| frame_rng(7, index, purpose).random::<u64>();
        assert_eq!(draw(3, Purpose::Scene), draw(3, Purpose::Scene));
        assert_ne!(draw(3, Purpose::Scene), draw(4, Purpose::Scene));
        assert_ne!(draw(3, Purpose::Scene), draw(3, Purpose::Points));
        assert_ne!(draw(0, Purpose::Scene), frame_rng(8, 0, Purpose::Scene).random::<u64>());
    }

    #[test]
    fn a_shuffle_keeps_every_index_once() {
        let mut order = shuffled_indices(&mut frame_rng(1, 2, Purpose::Points), 100);
        assert_ne!(order[..5], [0, 1, 2, 3, 4]);
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
