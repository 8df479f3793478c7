//! The executors against each other, and training against an independent network in double precision.

use std::collections::BTreeMap;

use candle_core::{D, DType, Device, Tensor, Var};

use super::autograd::{Forward, ParameterStore, forward_eval, forward_train};
use super::cpu::{ArenaPlan, CpuExecutor, EmptyCells, Keep};
use crate::error::KernelError;
use crate::parameters::{Initializer, ParameterMap, initialise};
use crate::pillar_encode::PillarInput;
use crate::plan::{
    BatchNorm, CanvasSize, Conv, Deconv, PillarEncoder, Plan, PlanBuilder, Support, pointpillars_for_tests,
};
use crate::test_values::{relative_error, values, wide, with_threads};

const POINT_FEATURES: usize = 10;
const MAX_POINTS: usize = 32;

/// Pillars in every `spacing`-th cell of each frame.
pub(super) struct Frames {
    features: Vec<f32>,
    offsets: Vec<u32>,
    coords: Vec<[u32; 3]>,
    batch: usize,
}

impl Frames {
    pub fn new(seed: u64, canvas: CanvasSize, batch: usize, spacing: usize, max_points: usize) -> Self {
        let mut coords = Vec::new();
        for b in 0..batch {
            let cells = (seed as usize % spacing..canvas.cells()).step_by(spacing);
            coords.extend(cells.map(|cell| [b, cell / canvas.nx, cell % canvas.nx].map(|c| c as u32)));
        }
        let mut offsets = vec![0];
        for pillar in 0..coords.len() {
            offsets.push(offsets[pillar] + 1 + (pillar * 5 % max_points) as u32);
        }
        let points = offsets[coords.len()] as usize;
        Self { features: values(seed, points * POINT_FEATURES), offsets, coords, batch }
    }

    pub fn input(&self) -> PillarInput<'_> {
        PillarInput {
            features: &self.features,
            point_features: POINT_FEATURES,
            offsets: &self.offsets,
            coords: &self.coords,
            batch: self.batch,
        }
    }
}

/// First values, with norms that are not the identity.
pub(super) fn parameters(plan: &Plan) -> ParameterMap {
    let mut map = initialise(plan, 3);
    for (i, (name, tensor)) in map.iter_mut().enumerate() {
        let noise = values(100 + i as u64, tensor.data.len());
        let positive = name.ends_with("running_var") || (name.ends_with(".weight") && tensor.shape.len() == 1);
        if positive {
            tensor.data = noise.iter().map(|v| 0.5 + v.abs()).collect();
        } else if tensor.shape.len() == 1 {
            tensor.data = noise.iter().map(|v| 0.3 * v).collect();
        }
    }
    map
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

const CANVAS: CanvasSize = CanvasSize { ny: 40, nx: 24 };

#[test]
fn inference_agrees_with_the_reference_on_every_output_and_tap() {
    let plan = pointpillars_for_tests(16, CANVAS);
    let map = parameters(&plan);
    let store = ParameterStore::new(&plan, &map).unwrap();
    let mut executor = CpuExecutor::compile(&plan, &map, Keep::OutputsAndTaps).unwrap();
    // Frames of other pillars follow each other: nothing of one may be left in the next.
    for (seed, spacing) in [(1, 3), (2, 7), (3, 4)] {
        let frame = Frames::new(seed, CANVAS, 1, spacing, MAX_POINTS);
        let reference = forward_eval(&plan, &store, &frame.input()).unwrap();
        executor.run(&frame.input()).unwrap();
        for named in reference.outputs.iter().chain(&reference.taps) {
            let found = executor.value(&named.name).unwrap();
            let error = relative_error(found.data, &wide(&flat(&named.tensor)));
            assert!(error <= 1e-5, "{}: {error}", named.name);
            assert_eq!(found.shape.support(), named.support);
        }
    }
}

#[test]
fn outputs_alone_need_less_memory_and_have_the_same_bytes() {
    let plan = pointpillars_for_tests(16, CANVAS);
    let map = parameters(&plan);
    let frame = Frames::new(1, CANVAS, 1, 3, MAX_POINTS);
    let run = |keep| {
        let mut executor = CpuExecutor::compile_for(&plan, &map, keep, EmptyCells::Compute).unwrap();
        executor.run(&frame.input()).unwrap();
        let outputs = ["cls", "box", "dir"].map(|name| executor.value(name).unwrap().data.to_vec());
        (outputs, executor.arena_bytes(), executor.value("bev_features").is_ok())
    };
    let (small, all) = (run(Keep::Outputs), run(Keep::OutputsAndTaps));
    assert_eq!(small.0, all.0);
    assert!(small.1 <= all.1);
    assert!(!small.2 && all.2);
    let sum: usize = plan.layers().iter().map(|layer| 4 * elements(layer.shape)).sum();
    assert!(small.1 <= sum / 2, "{} of {sum} bytes", small.1);
}

fn elements(shape: crate::plan::ValueShape) -> usize {
    match shape {
        crate::plan::ValueShape::Pillars { .. } => 0,
        crate::plan::ValueShape::Map { channels, height, width } => channels * height * width,
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let plan = pointpillars_for_tests(16, CANVAS);
    let map = parameters(&plan);
    let frame = Frames::new(1, CANVAS, 1, 3, MAX_POINTS);
    let batch = Frames::new(2, CANVAS, 2, 5, MAX_POINTS);
    let run = |threads| {
        with_threads(threads, || {
            let mut executor = CpuExecutor::compile(&plan, &map, Keep::Outputs).unwrap();
            executor.run(&frame.input()).unwrap();
            let inference = ["cls", "box", "dir"].map(|name| executor.value(name).unwrap().data.to_vec());
            let mut store = ParameterStore::new(&plan, &map).unwrap();
            let forward = forward_train(&plan, &mut store, &batch.input()).unwrap();
            (inference, gradients(&store, &forward), store.to_map().unwrap())
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(3));
}

/// Gradients of sum(output * values) over all outputs, by parameter.
fn gradients(store: &ParameterStore, forward: &Forward) -> BTreeMap<String, Vec<f32>> {
    let weighted = |(i, named): (usize, &super::autograd::NamedTensor)| {
        let g = values(50 + i as u64, named.tensor.elem_count());
        let g = Tensor::from_vec(g, named.tensor.shape(), &Device::Cpu).unwrap();
        (&named.tensor * g).unwrap().sum_all().unwrap()
    };
    let losses: Vec<Tensor> = forward.outputs.iter().enumerate().map(weighted).collect();
    let loss = Tensor::stack(&losses, 0).unwrap().sum_all().unwrap();
    let grads = loss.backward().unwrap();
    let of = |(name, var): (&str, &Var)| (name.to_owned(), flat(grads.get(var.as_tensor()).unwrap()));
    store.trainable().map(of).collect()
}

/// A network with every kind of layer, small enough for double precision in plain candle.
pub(super) fn small_plan() -> Plan {
    let mut plan = PlanBuilder::new(CanvasSize { ny: 8, nx: 12 });
    let encoder = PillarEncoder {
        point_features: POINT_FEATURES,
        channels: 6,
        max_points_per_voxel: 3,
        weight: "pfn.weight".into(),
        norm: BatchNorm::new("pfn.norm"),
    };
    let pillars = plan.pillar_encode(encoder).unwrap();
    let canvas = plan.scatter(pillars).unwrap();
    let down = Conv::new("down.weight", 7, 3).stride(2).padding(1).batch_norm("down.norm").relu();
    let a = plan.conv(canvas, down).unwrap();
    let b = plan.conv(a, Conv::new("same.weight", 5, 3).padding(1).batch_norm("same.norm").relu()).unwrap();
    let c = plan.conv(b, Conv::new("deep.weight", 5, 3).stride(2).padding(1).batch_norm("deep.norm").relu()).unwrap();
    let up1 = plan.deconv(b, Deconv::new("up1.weight", 4, 1).batch_norm("up1.norm").relu()).unwrap();
    let up2 = plan.deconv(c, Deconv::new("up2.weight", 3, 2).batch_norm("up2.norm").relu()).unwrap();
    let features = plan.concat(&[up1, up2]).unwrap();
    let head = Conv::new("head.weight", 5, 1).bias("head.bias", Initializer::FanInUniform);
    let head = plan.conv(features, head).unwrap();
    plan.output("head", head).unwrap();
    plan.tap("pillars", pillars).unwrap();
    plan.build().unwrap()
}

/// The same network from candle's own operations, padded pillars and double precision.
struct DoubleNetwork<'a> {
    vars: &'a BTreeMap<String, Var>,
    means: BTreeMap<String, Vec<f64>>,
    unbiased_vars: BTreeMap<String, Vec<f64>>,
}

impl DoubleNetwork<'_> {
    fn var(&self, name: &str) -> &Tensor {
        self.vars[name].as_tensor()
    }

    /// Rows (n, C).
    fn norm_relu_rows(&mut self, rows: &Tensor, name: &str) -> Tensor {
        let mean = rows.mean_keepdim(0).unwrap();
        let centred = rows.broadcast_sub(&mean).unwrap();
        let var = centred.sqr().unwrap().mean_keepdim(0).unwrap();
        let n = rows.dim(0).unwrap() as f64;
        self.means.insert(name.into(), mean.flatten_all().unwrap().to_vec1().unwrap());
        let unbiased = (&var * (n / (n - 1.0))).unwrap();
        self.unbiased_vars.insert(name.into(), unbiased.flatten_all().unwrap().to_vec1().unwrap());
        let normal = centred.broadcast_div(&(var + 1e-3).unwrap().sqrt().unwrap()).unwrap();
        let scaled = normal.broadcast_mul(self.var(&format!("{name}.weight"))).unwrap();
        scaled.broadcast_add(self.var(&format!("{name}.bias"))).unwrap().relu().unwrap()
    }

    fn norm_relu(&mut self, map: &Tensor, name: &str) -> Tensor {
        let (b, c, h, w) = map.dims4().unwrap();
        let rows = map.permute((0, 2, 3, 1)).unwrap().reshape((b * h * w, c)).unwrap();
        let rows = self.norm_relu_rows(&rows, name).reshape((b, h, w, c)).unwrap();
        rows.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
    }

    fn conv(&self, map: &Tensor, name: &str, padding: usize, stride: usize) -> Tensor {
        map.conv2d(self.var(name), padding, stride, 1, 1).unwrap()
    }

    fn run(&mut self, frames: &Frames) -> Tensor {
        let mut padded = Vec::new();
        for pair in frames.offsets.windows(2) {
            let points = &frames.features[pair[0] as usize * POINT_FEATURES..pair[1] as usize * POINT_FEATURES];
            padded.extend(wide(points));
            padded.resize(padded.len() + 3 * POINT_FEATURES - points.len(), 0.0);
        }
        let num_pillars = frames.coords.len();
        let points = Tensor::from_vec(padded, (num_pillars * 3, POINT_FEATURES), &Device::Cpu).unwrap();
        let rows = points.matmul(&self.var("pfn.weight").t().unwrap()).unwrap();
        let rows = self.norm_relu_rows(&rows, "pfn.norm").reshape((num_pillars, 3, 6)).unwrap();
        let pillars = rows.max(1).unwrap();
        // Scatter as a product with a matrix of ones and zeros.
        let mut place = vec![0.0; frames.batch * 96 * num_pillars];
        for (p, [b, y, x]) in frames.coords.iter().enumerate() {
            place[(*b as usize * 96 + *y as usize * 12 + *x as usize) * num_pillars + p] = 1.0;
        }
        let place = Tensor::from_vec(place, (frames.batch * 96, num_pillars), &Device::Cpu).unwrap();
        let canvas = place.matmul(&pillars).unwrap().reshape((frames.batch, 8, 12, 6)).unwrap();
        let canvas = canvas.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let a = self.conv(&canvas, "down.weight", 1, 2);
        let a = self.norm_relu(&a, "down.norm");
        let b = self.conv(&a, "same.weight", 1, 1);
        let b = self.norm_relu(&b, "same.norm");
        let c = self.conv(&b, "deep.weight", 1, 2);
        let c = self.norm_relu(&c, "deep.norm");
        let up1 = b.conv_transpose2d(self.var("up1.weight"), 0, 0, 1, 1).unwrap();
        let up1 = self.norm_relu(&up1, "up1.norm");
        let up2 = c.conv_transpose2d(self.var("up2.weight"), 0, 0, 2, 1).unwrap();
        let up2 = self.norm_relu(&up2, "up2.norm");
        let features = Tensor::cat(&[up1, up2], 1).unwrap();
        let head = self.conv(&features, "head.weight", 0, 1);
        head.broadcast_add(&self.var("head.bias").reshape((1, 5, 1, 1)).unwrap()).unwrap()
    }
}

#[test]
fn training_agrees_with_an_independent_network_in_double_precision() {
    let plan = small_plan();
    let map = parameters(&plan);
    // At most one empty slot a pillar: candle's maximum hands the gradient to every equal element.
    let mut frames = Frames::new(1, plan.canvas(), 3, 5, 2);
    for offset in 0..frames.offsets.len() {
        frames.offsets[offset] = (0..offset).map(|pillar| 2 + (pillar % 2) as u32).sum();
    }
    let points = frames.offsets[frames.coords.len()] as usize;
    frames.features = values(9, points * POINT_FEATURES);

    let mut store = ParameterStore::new(&plan, &map).unwrap();
    let forward = forward_train(&plan, &mut store, &frames.input()).unwrap();
    let found = gradients(&store, &forward);

    let double = |data: &[f32], shape: &[usize]| Var::from_slice(&wide(data), shape, &Device::Cpu).unwrap();
    let vars: BTreeMap<String, Var> = map.iter().map(|(n, t)| (n.clone(), double(&t.data, &t.shape))).collect();
    let mut network = DoubleNetwork { vars: &vars, means: BTreeMap::new(), unbiased_vars: BTreeMap::new() };
    let head = network.run(&frames);
    let head_flat: Vec<f64> = head.flatten_all().unwrap().to_vec1().unwrap();
    assert!(relative_error(&flat(forward.get("head").unwrap()), &head_flat) < 1e-5);

    let g = Tensor::from_vec(wide(&values(50, head.elem_count())), head.shape(), &Device::Cpu).unwrap();
    let grads = (&head * g).unwrap().sum_all().unwrap().backward().unwrap();
    for (name, found) in &found {
        let expected: Vec<f64> = grads.get(vars[name].as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let error = relative_error(found, &expected);
        assert!(error < 1e-4, "{name}: {error}");
    }
    let after = store.to_map().unwrap();
    for (name, mean) in &network.means {
        let moved = |statistic: &str, batch: &[f64]| {
            let key = format!("{name}.{statistic}");
            let expected: Vec<f64> =
                map[&key].data.iter().zip(batch).map(|(old, new)| 0.99 * f64::from(*old) + 0.01 * new).collect();
            assert!(relative_error(&after[&key].data, &expected) < 1e-6, "{key}");
        };
        moved("running_mean", mean);
        moved("running_var", &network.unbiased_vars[name]);
    }
}

#[test]
fn a_frame_without_pillars_runs_and_cannot_train() {
    let plan = small_plan();
    let map = parameters(&plan);
    let empty = PillarInput { features: &[], point_features: POINT_FEATURES, offsets: &[0], coords: &[], batch: 1 };
    let mut store = ParameterStore::new(&plan, &map).unwrap();
    let reference = forward_eval(&plan, &store, &empty).unwrap();
    let mut executor = CpuExecutor::compile(&plan, &map, Keep::OutputsAndTaps).unwrap();
    executor.run(&Frames::new(1, plan.canvas(), 1, 5, 3).input()).unwrap();
    executor.run(&empty).unwrap();
    let found = executor.value("head").unwrap().data;
    assert!(relative_error(found, &wide(&flat(reference.get("head").unwrap()))) <= 1e-5);
    assert!(executor.value("pillars").unwrap().data.is_empty());
    let before = store.to_map().unwrap();
    assert!(matches!(forward_train(&plan, &mut store, &empty), Err(KernelError::TooFewRows { .. })));
    assert_eq!(before, store.to_map().unwrap());
}

#[test]
fn inputs_that_contradict_the_plan_are_refused_and_the_executor_stays_usable() {
    let plan = small_plan();
    let map = parameters(&plan);
    let mut executor = CpuExecutor::compile(&plan, &map, Keep::Outputs).unwrap();
    let good = Frames::new(1, plan.canvas(), 1, 5, 3);
    executor.run(&good.input()).unwrap();
    let expected = executor.value("head").unwrap().data.to_vec();
    let outside = Frames::new(1, CANVAS, 1, 5, 3);
    assert!(matches!(executor.run(&outside.input()), Err(KernelError::PillarOutside { .. })));
    let two = Frames::new(1, plan.canvas(), 2, 5, 3);
    assert!(matches!(executor.run(&two.input()), Err(KernelError::InputMismatch { .. })));
    executor.run(&good.input()).unwrap();
    assert_eq!(executor.value("head").unwrap().data, expected);
    assert!(matches!(executor.value("nothing"), Err(KernelError::UnknownName { .. })));
    let mut foreign = map;
    foreign.remove("down.weight");
    assert!(CpuExecutor::compile(&plan, &foreign, Keep::Outputs).is_err());
}

#[test]
fn maps_that_are_alive_together_never_share_memory() {
    for plan in [small_plan(), pointpillars_for_tests(16, CANVAS), twice_concatenated()] {
        for keep in [Keep::Outputs, Keep::OutputsAndTaps] {
            let map = parameters(&plan);
            let store = ParameterStore::new(&plan, &map).unwrap();
            let frame = Frames::new(1, plan.canvas(), 1, 5, 3);
            let mut executor = CpuExecutor::compile(&plan, &map, keep).unwrap();
            executor.run(&frame.input()).unwrap();
            let reference = forward_eval(&plan, &store, &frame.input()).unwrap();
            for output in &reference.outputs {
                let found = executor.value(&output.name).unwrap();
                assert!(relative_error(found.data, &wide(&flat(&output.tensor))) <= 1e-5, "{}", output.name);
            }
            assert!(!ArenaPlan::new(&plan, keep, EmptyCells::Compute).unwrap().is_empty());
        }
    }
}

/// Concatenations that cannot all be computed in place: the canvas in one, a map in two, a map twice in one.
pub(super) fn twice_concatenated() -> Plan {
    let mut plan = PlanBuilder::new(CanvasSize { ny: 9, nx: 7 });
    let encoder = PillarEncoder {
        point_features: POINT_FEATURES,
        channels: 4,
        max_points_per_voxel: 3,
        weight: "pfn.weight".into(),
        norm: BatchNorm::new("pfn.norm"),
    };
    let pillars = plan.pillar_encode(encoder).unwrap();
    let canvas = plan.scatter(pillars).unwrap();
    let a = plan.conv(canvas, Conv::new("a", 5, 3).padding(1).relu()).unwrap();
    let first = plan.concat(&[canvas, a, a]).unwrap();
    let b = plan.conv(first, Conv::new("b", 3, 1)).unwrap();
    let second = plan.concat(&[a, first, b]).unwrap();
    let out = plan.conv(second, Conv::new("out", 2, 3).padding(1)).unwrap();
    plan.output("out", out).unwrap();
    plan.output("second", second).unwrap();
    plan.output("canvas", canvas).unwrap();
    plan.build().unwrap()
}

#[test]
fn taps_say_where_their_features_live() {
    let plan = small_plan();
    let store = ParameterStore::new(&plan, &parameters(&plan)).unwrap();
    let frame = Frames::new(1, plan.canvas(), 2, 5, 3);
    let forward = forward_eval(&plan, &store, &frame.input()).unwrap();
    assert_eq!(forward.taps[0].support, Support::Pillars);
    assert_eq!(forward.taps[0].tensor.dims(), [frame.coords.len(), 6]);
    assert_eq!(forward.outputs[0].tensor.dims(), [2, 5, 4, 6]);
    assert_eq!(forward.outputs[0].tensor.dtype(), DType::F32);
    assert_eq!(forward.outputs[0].tensor.dim(D::Minus1).unwrap(), 6);
}

/// Pillars in one corner and one lone pillar, as `seed` says; most of the canvas is empty.
fn corner(seed: u64, canvas: CanvasSize) -> Frames {
    let mut frames = Frames::new(seed, canvas, 1, 5, MAX_POINTS);
    let lone = [0, canvas.ny as u32 - 1 - seed as u32 % 7, canvas.nx as u32 / 2];
    frames.coords.retain(|[_, y, x]| y % 40 < 9 + seed as u32 % 5 && *x < 11);
    if frames.coords.last().is_none_or(|last| *last < lone) {
        frames.coords.push(lone);
    }
    frames.offsets.truncate(frames.coords.len() + 1);
    let points = frames.offsets[frames.coords.len()] as usize;
    frames.features.truncate(points * POINT_FEATURES);
    frames
}

#[test]
fn skipping_empty_cells_changes_nothing_but_the_work() {
    let canvas = CanvasSize { ny: 96, nx: 80 };
    let plan = pointpillars_for_tests(16, canvas);
    let map = parameters(&plan);
    let store = ParameterStore::new(&plan, &map).unwrap();
    let mut skip = CpuExecutor::compile_for(&plan, &map, Keep::OutputsAndTaps, EmptyCells::Skip).unwrap();
    let mut compute = CpuExecutor::compile_for(&plan, &map, Keep::OutputsAndTaps, EmptyCells::Compute).unwrap();
    for seed in [1, 9, 3, 3] {
        let frame = corner(seed, canvas);
        skip.run(&frame.input()).unwrap();
        compute.run(&frame.input()).unwrap();
        let reference = forward_eval(&plan, &store, &frame.input()).unwrap();
        for named in reference.outputs.iter().chain(&reference.taps) {
            let (some, all) = (skip.value(&named.name).unwrap(), compute.value(&named.name).unwrap());
            assert!(relative_error(some.data, &wide(all.data)) <= 5e-6, "{} of frame {seed}", named.name);
            assert!(relative_error(some.data, &wide(&flat(&named.tensor))) <= 1e-5, "{} of frame {seed}", named.name);
        }
        let (first, work) = (skip.work()[0], skip.work());
        assert!(first.computed * 3 < first.cells, "{first:?}");
        // The deepest layers see the whole of this small canvas.
        assert!(work[..6].iter().all(|layer| layer.computed < layer.cells), "{work:?}");
        assert!(compute.work().iter().all(|layer| layer.computed == layer.cells));
    }
}

#[test]
fn a_frame_leaves_nothing_behind_for_the_next() {
    let canvas = CanvasSize { ny: 96, nx: 80 };
    let plan = pointpillars_for_tests(16, canvas);
    let map = parameters(&plan);
    let outputs =
        |executor: &CpuExecutor| ["cls", "box", "dir"].map(|name| executor.value(name).unwrap().data.to_vec());
    let frame = corner(4, canvas);
    let mut fresh = CpuExecutor::compile(&plan, &map, Keep::Outputs).unwrap();
    fresh.run(&frame.input()).unwrap();
    let mut used = CpuExecutor::compile(&plan, &map, Keep::Outputs).unwrap();
    for other in [Frames::new(1, canvas, 1, 3, MAX_POINTS), corner(2, canvas), Frames::new(2, canvas, 1, 400, 3)] {
        used.run(&other.input()).unwrap();
    }
    used.run(&frame.input()).unwrap();
    assert_eq!(outputs(&fresh), outputs(&used));
}

#[test]
fn without_winograd_skipping_has_the_same_bytes() {
    let mut plan = PlanBuilder::new(CanvasSize { ny: 36, nx: 44 });
    let encoder = PillarEncoder {
        point_features: POINT_FEATURES,
        channels: 6,
        max_points_per_voxel: MAX_POINTS,
        weight: "pfn.weight".into(),
        norm: BatchNorm::new("pfn.norm"),
    };
    let pillars = plan.pillar_encode(encoder).unwrap();
    let canvas = plan.scatter(pillars).unwrap();
    let a = plan.conv(canvas, Conv::new("a", 7, 3).stride(2).padding(1).batch_norm("a.norm").relu()).unwrap();
    let b = plan.conv(a, Conv::new("b", 9, 3).stride(2).padding(1).batch_norm("b.norm").relu()).unwrap();
    let c = plan.conv(b, Conv::new("c", 5, 3).padding(1).batch_norm("c.norm").relu()).unwrap();
    let up = plan.deconv(c, Deconv::new("up", 4, 2).batch_norm("up.norm").relu()).unwrap();
    let same = plan.deconv(a, Deconv::new("same", 4, 1).relu()).unwrap();
    let features = plan.concat(&[up, same]).unwrap();
    let out = plan.conv(features, Conv::new("out", 3, 1).bias("out.bias", Initializer::FanInUniform)).unwrap();
    plan.output("out", out).unwrap();
    let plan = plan.build().unwrap();
    let map = parameters(&plan);
    let mut skip = CpuExecutor::compile_for(&plan, &map, Keep::Outputs, EmptyCells::Skip).unwrap();
    let mut compute = CpuExecutor::compile_for(&plan, &map, Keep::Outputs, EmptyCells::Compute).unwrap();
    for seed in [1, 5, 2] {
        let frame = corner(seed, plan.canvas());
        skip.run(&frame.input()).unwrap();
        compute.run(&frame.input()).unwrap();
        assert_eq!(skip.value("out").unwrap().data, compute.value("out").unwrap().data);
    }
}
