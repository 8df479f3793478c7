//! Nearest neighbours in feature space.
//!
//! Order   by squared Euclidean distance in f32, summed channel by channel; of equal distances the lower index. The result
//!         does not depend on the number of threads.
//! Memory  the distances of four rows a thread.

use rayon::prelude::*;

/// Rows whose distances are computed together, so that a block of features is read once for all of them.
const ROWS: usize = 4;
/// Pillars a block: their distances to the rows stay in the innermost cache.
const BLOCK: usize = 1024;

/// features (P, C), selected (N) -> (N, min(K, P)) indices of the nearest rows, the row itself among them.
pub(super) fn nearest(features: &[f32], channels: usize, selected: &[u32], count: usize) -> Vec<u32> {
    let pillars = features.len() / channels.max(1);
    let count = count.min(pillars);
    // (C, P): a channel's values lie together.
    let mut columns = vec![0.0f32; features.len()];
    for (pillar, row) in features.chunks_exact(channels.max(1)).enumerate() {
        row.iter().enumerate().for_each(|(channel, value)| columns[channel * pillars + pillar] = *value);
    }
    let mut nearest = vec![0; selected.len() * count];
    nearest.par_chunks_mut(ROWS * count.max(1)).zip(selected.par_chunks(ROWS)).for_each_init(
        || (vec![0.0f32; ROWS * pillars], Vec::with_capacity(pillars)),
        |(distances, order), (nearest, rows)| {
            measure(features, &columns, channels, rows, distances);
            for (row, nearest) in nearest.chunks_exact_mut(count.max(1)).enumerate() {
                smallest(&distances[row * pillars..(row + 1) * pillars], order, nearest);
            }
        },
    );
    nearest
}

/// Squared distances of some rows to all pillars.
fn measure(features: &[f32], columns: &[f32], channels: usize, rows: &[u32], distances: &mut [f32]) {
    let pillars = features.len() / channels.max(1);
    for start in (0..pillars).step_by(BLOCK) {
        let end = (start + BLOCK).min(pillars);
        for row in 0..rows.len() {
            distances[row * pillars + start..row * pillars + end].fill(0.0);
        }
        for channel in 0..channels {
            let column = &columns[channel * pillars + start..channel * pillars + end];
            for (row, index) in rows.iter().enumerate() {
                let own = features[*index as usize * channels + channel];
                let distances = &mut distances[row * pillars + start..row * pillars + end];
                for (distance, value) in distances.iter_mut().zip(column) {
                    let difference = value - own;
                    *distance += difference * difference;
                }
            }
        }
    }
}

fn smallest(distances: &[f32], order: &mut Vec<(f32, u32)>, nearest: &mut [u32]) {
    order.clear();
    order.extend(distances.iter().enumerate().map(|(index, distance)| (*distance, index as u32)));
    let by_distance = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if nearest.len() < order.len() {
        order.select_nth_unstable_by(nearest.len(), by_distance);
    }
    order.truncate(nearest.len());
    order.sort_unstable_by(by_distance);
    nearest.iter_mut().zip(order.iter()).for_each(|(nearest, (_, index))| *nearest = *index);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_the_row_itself_before_all_and_ties_by_index() {
        let features = [0.0, 0.0, 3.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        assert_eq!(nearest(&features, 2, &[2, 4], 3), [2, 0, 4, 0, 4, 2]);
        assert_eq!(nearest(&features, 2, &[1], 100), [1, 2, 0, 4, 3]);
    }

    #[test]
    fn blocks_and_threads_change_nothing() {
        let features: Vec<f32> = (0..2500 * 3).map(|i| ((i * 7919) % 1013) as f32 * 0.01).collect();
        let selected: Vec<u32> = (0..2500).step_by(37).collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| nearest(&features, 3, &selected, 20))
        };
        let plainly: Vec<u32> = selected
            .iter()
            .flat_map(|i| {
                let row = |j: usize| &features[j * 3..j * 3 + 3];
                let own = row(*i as usize);
                let distance = |j: usize| own.iter().zip(row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
                let mut all: Vec<u32> = (0..2500).collect();
                all.sort_by(|a, b| distance(*a as usize).total_cmp(&distance(*b as usize)).then(a.cmp(b)));
                all.truncate(20);
                all
            })
            .collect();
        assert_eq!(run(1), plainly);
        assert_eq!(run(3), plainly);
    }
}
