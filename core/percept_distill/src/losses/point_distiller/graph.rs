//! The weighted distance of two aggregated graphs, and its gradient.
//!
//! Input   one row: for the teacher, then for the student, what each pillar gives as neighbour (C, P) and as centre (C, P),
//!         then scale (C) and shift (C) of the batch norm. Edge (i, k) of channel c has a[c, neighbour(i, k)] + b[c, i].
//! Output  sum over c, i, k of weight_i (g_T - g_S)^2, with g = relu(batch norm over all edges).
//! Order   each channel is worked through by one thread, edge by edge: any number of threads gives the same bytes.
//! Source  Ioffe and Szegedy, Batch Normalization, ICML 2015, for the norm's gradient (eps 1e-5, biased variance).

use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

use super::Reduction;
use crate::losses::fused::ValueAndGradient;

/// Added to the variance: PyTorch's default.
const EPS: f64 = 1e-5;

/// Keeps the variance of the teacher's aggregated features for whoever watches.
#[derive(Clone, Debug, Default)]
pub(super) struct VarianceRecord(Arc<OnceLock<f64>>);

impl VarianceRecord {
    /// The variance; 0 before it was measured.
    pub(super) fn get(&self) -> f64 {
        self.0.get().copied().unwrap_or_default()
    }
}

/// Who is compared with whom, and how much it counts.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    /// P.
    pub(super) num_pillars: usize,
    /// K.
    pub(super) neighbours_each: usize,
    /// C.
    pub(super) channels: usize,
    /// (N, K).
    pub(super) neighbours: Vec<u32>,
    /// (N).
    pub(super) selected: Vec<u32>,
    /// (N).
    pub(super) weights: Vec<f64>,
    /// By what the sum is divided.
    pub(super) reduction: Reduction,
}

/// One channel of one side.
#[derive(Clone, Copy)]
struct Side<'a> {
    neighbour: &'a [f32],
    centre: &'a [f32],
    scale: f64,
    shift: f64,
}

/// The batch norm of a channel.
#[derive(Clone, Copy)]
struct Norm {
    mean: f64,
    inv_std: f64,
}

/// Gradient of one channel of one side, in the order of the input.
struct SideGradient {
    neighbour: Vec<f32>,
    centre: Vec<f32>,
    scale: f32,
    shift: f32,
}

struct ChannelResult {
    value: f64,
    teacher_variance: f64,
    sides: [SideGradient; 2],
}

impl Graph {
    /// Value and gradient; the variance of the teacher's features goes to `record`.
    pub(super) fn evaluate(&self, input: &[f32], record: &VarianceRecord) -> ValueAndGradient {
        let results: Vec<ChannelResult> =
            (0..self.channels).into_par_iter().map(|channel| self.channel(input, channel)).collect();
        let mut gradient = Vec::with_capacity(input.len());
        for side in 0..2 {
            results.iter().for_each(|r| gradient.extend_from_slice(&r.sides[side].neighbour));
            results.iter().for_each(|r| gradient.extend_from_slice(&r.sides[side].centre));
            gradient.extend(results.iter().map(|r| r.sides[side].scale));
            gradient.extend(results.iter().map(|r| r.sides[side].shift));
        }
        let sum = |of: fn(&ChannelResult) -> f64| results.iter().map(of).sum::<f64>();
        record.0.get_or_init(|| sum(|r| r.teacher_variance) / self.channels as f64);
        ValueAndGradient { value: sum(|r| r.value), gradient }
    }

    fn side<'a>(&self, input: &'a [f32], side: usize, channel: usize) -> Side<'a> {
        let map = self.channels * self.num_pillars;
        let start = side * 2 * (map + self.channels);
        let row = |map_start: usize| {
            let first = map_start + channel * self.num_pillars;
            &input[first..first + self.num_pillars]
        };
        let value = |at: usize| f64::from(input[start + 2 * map + at + channel]);
        Side { neighbour: row(start), centre: row(start + map), scale: value(0), shift: value(self.channels) }
    }

    /// Calls back for each edge: number of the selected pillar, the pillar, the neighbour.
    fn edges(&self, mut edge: impl FnMut(usize, usize, usize)) {
        for (i, neighbours) in self.neighbours.chunks_exact(self.neighbours_each.max(1)).enumerate() {
            let centre = self.selected[i] as usize;
            neighbours.iter().for_each(|neighbour| edge(i, centre, *neighbour as usize));
        }
    }

    fn norm(&self, side: Side<'_>) -> Norm {
        let rows = self.neighbours.len().max(1) as f64;
        let mut sum = 0.0;
        self.edges(|_, centre, neighbour| sum += side.at(centre, neighbour));
        let mean = sum / rows;
        let mut squares = 0.0;
        self.edges(|_, centre, neighbour| squares += (side.at(centre, neighbour) - mean).powi(2));
        Norm { mean, inv_std: 1.0 / (squares / rows + EPS).sqrt() }
    }

    fn channel(&self, input: &[f32], channel: usize) -> ChannelResult {
        let sides = [self.side(input, 0, channel), self.side(input, 1, channel)];
        let norms = sides.map(|side| self.norm(side));
        let rows = self.neighbours.len().max(1) as f64;
        let factor = match self.reduction {
            Reduction::TwiceMean => 2.0 / (rows * self.channels as f64),
            Reduction::Sum => 1.0,
        };
        // Of each side: sum of the gradient at the norm's output, and of that times the normalised input.
        let (mut value, mut sums, mut moments) = (0.0, [[0.0; 2]; 2], [0.0; 2]);
        self.edges(|i, centre, neighbour| {
            let (g, slopes, x) = compare(sides, norms, centre, neighbour);
            let weight = factor * self.weights[i];
            let difference = g[0] - g[1];
            value += weight * difference * difference;
            (moments[0], moments[1]) = (moments[0] + g[0], moments[1] + g[0] * g[0]);
            for side in 0..2 {
                let gradient = 2.0 * weight * difference * slopes[side];
                sums[side][0] += gradient;
                sums[side][1] += gradient * x[side];
            }
        });
        let mut maps = [0, 1].map(|_| [vec![0.0f64; self.num_pillars], vec![0.0f64; self.num_pillars]]);
        self.edges(|i, centre, neighbour| {
            let (g, slopes, x) = compare(sides, norms, centre, neighbour);
            let weight = factor * self.weights[i];
            for side in 0..2 {
                let gradient = 2.0 * weight * (g[0] - g[1]) * slopes[side];
                let [sum, sum_x] = sums[side];
                let slope = sides[side].scale * norms[side].inv_std;
                let gradient = slope * (gradient - sum / rows - x[side] * sum_x / rows);
                maps[side][0][neighbour] += gradient;
                maps[side][1][centre] += gradient;
            }
        });
        let to_f32 = |map: &[f64]| map.iter().map(|value| *value as f32).collect();
        let gradient = |side: usize| SideGradient {
            neighbour: to_f32(&maps[side][0]),
            centre: to_f32(&maps[side][1]),
            scale: sums[side][1] as f32,
            shift: sums[side][0] as f32,
        };
        let teacher_variance = (moments[1] / rows - (moments[0] / rows).powi(2)).max(0.0);
        ChannelResult { value, teacher_variance, sides: [gradient(0), gradient(1)] }
    }
}

impl Side<'_> {
    #[inline]
    fn at(self, centre: usize, neighbour: usize) -> f64 {
        f64::from(self.neighbour[neighbour]) + f64::from(self.centre[centre])
    }
}

/// An edge on both sides: the feature, its slope by the norm's output (1, and -1 for the student; 0 where relu cuts), and
/// the normalised input.
#[inline]
fn compare(sides: [Side<'_>; 2], norms: [Norm; 2], centre: usize, neighbour: usize) -> ([f64; 2], [f64; 2], [f64; 2]) {
    let (mut g, mut slopes, mut x) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    for side in 0..2 {
        x[side] = (sides[side].at(centre, neighbour) - norms[side].mean) * norms[side].inv_std;
        let z = sides[side].scale * x[side] + sides[side].shift;
        if z > 0.0 {
            g[side] = z;
            slopes[side] = if side == 0 { 1.0 } else { -1.0 };
        }
    }
    (g, slopes, x)
}
