//! The closed form over real points against the plain computation over every padded slot.

use candle_core::{Device, Tensor, Var};

use super::autograd::pillar_encode;
use super::*;
use crate::batch_norm::{Statistics, channels};
use crate::error::KernelError;
use crate::plan::CanvasSize;
use crate::test_values::{differences, dot, relative_error, values, wide, with_threads};

const EPS: f32 = 1e-3;
const D: usize = 5;
const C: usize = 6;
const M: usize = 4;

struct Case {
    features: Vec<f32>,
    offsets: Vec<u32>,
    coords: Vec<[u32; 3]>,
    weight: Vec<f32>,
    norm_weight: Vec<f32>,
    norm_bias: Vec<f32>,
    g: Vec<f32>,
}

impl Case {
    /// Pillars of 1 to M points, full ones among them.
    fn new(num_pillars: usize) -> Self {
        let counts: Vec<u32> = (0..num_pillars).map(|p| 1 + (p * 7 % M) as u32).collect();
        let mut offsets = vec![0];
        offsets.extend(counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        }));
        let points = counts.iter().sum::<u32>() as usize;
        Self {
            features: values(1, points * D),
            offsets,
            coords: (0..num_pillars as u32).map(|p| [0, p, 0]).collect(),
            weight: values(2, C * D),
            norm_weight: values(3, C),
            norm_bias: values(4, C),
            g: values(5, num_pillars * C),
        }
    }

    fn input(&self) -> PillarInput<'_> {
        PillarInput {
            features: &self.features,
            point_features: D,
            offsets: &self.offsets,
            coords: &self.coords,
            batch: 1,
        }
    }

    fn padded(&self) -> Vec<f64> {
        let mut padded = Vec::new();
        for pair in self.offsets.windows(2) {
            let points = &self.features[pair[0] as usize * D..pair[1] as usize * D];
            padded.extend(wide(points));
            padded.resize(padded.len() + M * D - points.len(), 0.0);
        }
        padded
    }

    /// (pillars, gradients of weight, norm weight, norm bias) by candle.
    fn by_candle(&self, statistics: Statistics<'_>) -> [Vec<f32>; 4] {
        let var = |values: &[f32], dims: &[usize]| Var::from_slice(values, dims, &Device::Cpu).unwrap();
        let (w, nw, nb) = (var(&self.weight, &[C, D]), var(&self.norm_weight, &[C]), var(&self.norm_bias, &[C]));
        let tensors = (w.as_tensor(), nw.as_tensor(), nb.as_tensor());
        let (pillars, _) = pillar_encode(&self.input(), M, tensors, statistics, EPS).unwrap();
        let g = Tensor::from_slice(&self.g, pillars.shape(), &Device::Cpu).unwrap();
        let grads = (&pillars * g).unwrap().sum_all().unwrap().backward().unwrap();
        let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let grad = |t: &Tensor| flat(grads.get(t).unwrap());
        [flat(&pillars), grad(tensors.0), grad(tensors.1), grad(tensors.2)]
    }

    /// The same from the padded computation.
    fn by_differences(&self, fixed: Option<(&[f64], &[f64])>) -> [Vec<f64>; 4] {
        let sizes = cpu::PaddedSizes { max_points: M, point_features: D, channels: C };
        let padded = self.padded();
        let forward = |w: &[f64], nw: &[f64], nb: &[f64]| {
            let own = cpu::statistics(sizes, &padded, w);
            cpu::forward(sizes, &padded, w, fixed.unwrap_or((&own.0, &own.1)), (nw, nb), f64::from(EPS))
        };
        let (w, nw, nb) = (wide(&self.weight), wide(&self.norm_weight), wide(&self.norm_bias));
        let g = wide(&self.g);
        [
            forward(&w, &nw, &nb),
            differences(&w, |w| dot(&forward(w, &nw, &nb), &g)),
            differences(&nw, |nw| dot(&forward(&w, nw, &nb), &g)),
            differences(&nb, |nb| dot(&forward(&w, &nw, nb), &g)),
        ]
    }
}

#[test]
fn values_and_gradients_are_those_of_the_padded_computation() {
    for num_pillars in [1, 7, 600] {
        let case = Case::new(num_pillars);
        for (found, expected) in case.by_candle(Statistics::Batch).iter().zip(case.by_differences(None)) {
            assert!(relative_error(found, &expected) < 2e-5, "batch statistics, {num_pillars} pillars");
        }
        let (mean, var) = (values(7, C), values(8, C).iter().map(|v| v.abs() + 0.1).collect::<Vec<_>>());
        let (mean_wide, var_wide) = (wide(&mean), wide(&var));
        let found = case.by_candle(Statistics::Running { mean: &mean, var: &var });
        for (found, expected) in found.iter().zip(case.by_differences(Some((&mean_wide, &var_wide)))) {
            assert!(relative_error(found, &expected) < 2e-5, "running statistics, {num_pillars} pillars");
        }
    }
}

#[test]
fn batch_statistics_count_every_padded_slot() {
    let case = Case::new(600);
    let rows = cpu_fast::linear(&case.features, &case.weight, D);
    let found = cpu_fast::statistics(&rows, C, 600 * M);
    let sizes = cpu::PaddedSizes { max_points: M, point_features: D, channels: C };
    let (mean, var) = cpu::statistics(sizes, &case.padded(), &wide(&case.weight));
    assert_eq!(found.rows, 600 * M);
    assert!(relative_error(&found.mean, &mean) < 1e-6);
    assert!(relative_error(&found.var, &var) < 1e-6);
}

#[test]
fn the_first_of_equal_maxima_takes_the_gradient() {
    let twice = [1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let mut case = Case::new(2);
    case.features = twice.to_vec();
    case.offsets = vec![0, 2];
    case.coords = vec![[0, 0, 0]];
    case.g.truncate(C);
    // With fixed statistics the weight's gradient is g times scale times one point, not two.
    let (mean, var) = (vec![0.0; C], vec![1.0; C]);
    let [pillars, weight, ..] = case.by_candle(Statistics::Running { mean: &mean, var: &var });
    let channels = channels(&mean, &var, &case.norm_weight, &case.norm_bias, EPS);
    let mut checked = 0;
    for c in 0..C {
        let z: f32 = (0..D).map(|d| case.weight[c * D + d] * twice[d]).sum();
        let value = channels[c].scale * z + channels[c].shift;
        if value > channels[c].shift.max(0.0) {
            checked += 1;
            assert!((pillars[c] - value).abs() < 1e-5);
            for d in 0..D {
                assert!((weight[c * D + d] - case.g[c] * channels[c].scale * twice[d]).abs() < 1e-5);
            }
        }
    }
    assert!(checked > 0);
}

#[test]
fn folded_inference_agrees_with_the_padded_computation() {
    let case = Case::new(600);
    let (mean, var) = (values(7, C), values(8, C).iter().map(|v| v.abs() + 0.1).collect::<Vec<_>>());
    let folded = channels(&mean, &var, &case.norm_weight, &case.norm_bias, EPS);
    let weight: Vec<f32> = case.weight.iter().enumerate().map(|(i, w)| w * folded[i / D].scale).collect();
    let shift: Vec<f32> = folded.iter().map(|channel| channel.shift).collect();
    let mut out = vec![f32::NAN; 600 * C];
    cpu_fast::encode((&case.features, D), &case.offsets, (&weight, &shift), M, &mut out);
    let expected = &case.by_differences(Some((&wide(&mean), &wide(&var))))[0];
    assert!(relative_error(&out, expected) < 1e-5);
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let case = Case::new(3000);
    let one = with_threads(1, || case.by_candle(Statistics::Batch));
    assert!(one == with_threads(2, || case.by_candle(Statistics::Batch)));
    assert!(one == with_threads(3, || case.by_candle(Statistics::Batch)));
}

#[test]
fn contradictory_pillars_are_typed_errors() {
    let canvas = CanvasSize { ny: 7, nx: 1 };
    let case = Case::new(7);
    let check = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::new(7);
        change(&mut case);
        case.input().check(D, M, canvas).unwrap_err()
    };
    case.input().check(D, M, canvas).unwrap();
    assert!(matches!(case.input().check(D + 1, M, canvas), Err(KernelError::InputMismatch { .. })));
    assert!(matches!(case.input().check(D, M - 1, canvas), Err(KernelError::PillarOffsets { .. })));
    assert!(matches!(check(&|c| c.offsets[2] = c.offsets[1]), KernelError::PillarOffsets { pillar: 1, .. }));
    assert!(matches!(check(&|c| c.offsets[0] = 1), KernelError::Length { .. }));
    assert!(matches!(check(&|c| c.offsets[7] += 1), KernelError::Length { .. }));
    assert!(matches!(check(&|c| c.offsets[3] = u32::MAX), KernelError::PillarOffsets { .. }));
    assert!(matches!(check(&|c| c.offsets.clear()), KernelError::Length { .. }));
    assert!(matches!(check(&|c| c.features.truncate(7)), KernelError::Length { .. }));
    assert!(matches!(check(&|c| c.coords[3] = [0, 2, 0]), KernelError::PillarOrder { pillar: 3, .. }));
    assert!(matches!(check(&|c| c.coords[6] = [0, 7, 0]), KernelError::PillarOutside { .. }));
    assert!(matches!(check(&|c| c.coords[6] = [1, 6, 0]), KernelError::PillarOutside { .. }));
}
