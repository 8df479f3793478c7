//! The kernels, emulated, against the CPU's executor: every layer of every kind of plan.

use super::*;
use crate::cuda::EmulatedOrder;
use crate::executor::cpu::CpuExecutor;
use crate::executor::tests::{Frames, parameters, small_plan, twice_concatenated};
use crate::plan::{Conv, Deconv, PlanBuilder, pointpillars_for_tests};
use crate::test_values::{relative_error, wide};

/// Parity of half precision, as max|difference| / max|reference| of a tensor.
const HALF_TOLERANCE: f64 = 1e-2;

fn named(plan: &Plan) -> Vec<String> {
    plan.outputs().iter().chain(plan.taps()).map(|named| named.name.clone()).collect()
}

fn assert_parity(plan: &Plan, spacings: &[usize], max_points: usize) {
    let map = parameters(plan);
    let mut reference = CpuExecutor::compile(plan, &map, Keep::OutputsAndTaps).unwrap();
    let Some(device) = CudaDevice::for_tests(EmulatedOrder::Forward).unwrap() else { return };
    let cells = plan.canvas().cells();
    let mut executor = CudaExecutor::compile(&device, plan, &map, Keep::OutputsAndTaps, cells).unwrap();
    for (seed, spacing) in spacings.iter().enumerate() {
        let frame = Frames::new(seed as u64, plan.canvas(), 1, *spacing, max_points);
        reference.run(&frame.input()).unwrap();
        executor.run(&frame.input()).unwrap();
        for name in named(plan) {
            let (expected, found) = (reference.value(&name).unwrap().data, executor.value(&name).unwrap());
            let error = relative_error(&found, &wide(expected));
            assert!(error < HALF_TOLERANCE, "{name}: {error}");
        }
    }
}

#[test]
fn every_tensor_of_pointpillars_is_the_cpus_within_half_precision_frame_after_frame() {
    let canvas = CanvasSize { ny: 16, nx: 24 };
    assert_parity(&pointpillars_for_tests(16, canvas), &[3, 17, 2], 32);
}

#[test]
fn odd_sizes_and_concatenations_that_must_be_copied_give_the_same_tensors() {
    assert_parity(&small_plan(), &[2, 5], 3);
    assert_parity(&twice_concatenated(), &[5, 2], 3);
}

#[test]
fn strides_kernels_and_scales_of_every_kind_give_the_same_tensors() {
    let mut plan = PlanBuilder::new(CanvasSize { ny: 13, nx: 18 });
    let encoder = PillarEncoder {
        point_features: 10,
        channels: 33,
        max_points_per_voxel: 4,
        weight: "pfn.weight".into(),
        norm: crate::plan::BatchNorm::new("pfn.norm"),
    };
    let pillars = plan.pillar_encode(encoder).unwrap();
    let canvas = plan.scatter(pillars).unwrap();
    let mut taps = Vec::new();
    for (index, (out, kernel, stride, padding)) in
        [(70, 3, 1, 1), (9, 1, 1, 0), (64, 3, 2, 1), (130, 1, 2, 0), (12, 5, 3, 2), (40, 2, 2, 0)]
            .into_iter()
            .enumerate()
    {
        let conv = Conv::new(&format!("conv{index}"), out, kernel).stride(stride).padding(padding);
        taps.push(plan.conv(canvas, conv.batch_norm(&format!("norm{index}")).relu()).unwrap());
    }
    for scale in [1, 2, 3, 4] {
        let deconv = Deconv::new(&format!("deconv{scale}"), 10 + scale, scale);
        taps.push(plan.deconv(taps[2], deconv.batch_norm(&format!("up{scale}"))).unwrap());
    }
    for (index, value) in taps.into_iter().enumerate() {
        plan.output(&format!("out{index}"), value).unwrap();
    }
    assert_parity(&plan.build().unwrap(), &[2], 4);
}

#[test]
fn the_order_of_threads_changes_no_byte() {
    let plan = pointpillars_for_tests(16, CanvasSize { ny: 8, nx: 16 });
    let map = parameters(&plan);
    let frame = Frames::new(3, plan.canvas(), 1, 3, 32);
    let run = |order| {
        let device = CudaDevice::for_tests(order).unwrap()?;
        let mut executor = CudaExecutor::compile(&device, &plan, &map, Keep::Outputs, 128).unwrap();
        executor.run(&frame.input()).unwrap();
        Some(plan.outputs().iter().map(|named| executor.value(&named.name).unwrap()).collect::<Vec<_>>())
    };
    assert_eq!(run(EmulatedOrder::Forward), run(EmulatedOrder::Backward));
}

#[test]
fn a_frame_without_pillars_runs_and_too_many_are_refused() {
    let plan = small_plan();
    let map = parameters(&plan);
    let Some(device) = CudaDevice::for_tests(EmulatedOrder::Forward).unwrap() else { return };
    let mut reference = CpuExecutor::compile(&plan, &map, Keep::Outputs).unwrap();
    let mut executor = CudaExecutor::compile(&device, &plan, &map, Keep::Outputs, 20).unwrap();
    let full = Frames::new(1, plan.canvas(), 1, 5, 3);
    executor.run(&full.input()).unwrap();
    let empty = PillarInput { features: &[], point_features: 10, offsets: &[0], coords: &[], batch: 1 };
    reference.run(&empty).unwrap();
    executor.run(&empty).unwrap();
    let error = relative_error(&executor.value("head").unwrap(), &wide(reference.value("head").unwrap().data));
    assert!(error < HALF_TOLERANCE, "{error}");
    let crowded = Frames::new(1, plan.canvas(), 1, 2, 3);
    let refused = executor.run(&crowded.input()).unwrap_err();
    assert!(refused.to_string().contains("at most 20"), "{refused}");
}

#[test]
fn weights_beyond_half_precision_are_refused_by_name() {
    let plan = small_plan();
    let mut map = parameters(&plan);
    map.get_mut("same.weight").unwrap().data[3] = 1e6;
    let Some(device) = CudaDevice::for_tests(EmulatedOrder::Forward).unwrap() else { return };
    let refused = CudaExecutor::compile(&device, &plan, &map, Keep::Outputs, 20).unwrap_err();
    assert!(refused.to_string().contains("same.weight"), "{refused}");
}
