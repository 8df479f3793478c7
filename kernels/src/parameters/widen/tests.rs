//! A widened network computes what the narrow one did, and its copies part in training.

use super::*;
use crate::executor::autograd::{ParameterStore, forward_eval};
use crate::parameters::initialise;
use crate::pillar_encode::PillarInput;
use crate::plan::{CanvasSize, pointpillars_for_tests};
use crate::test_values::{relative_error, values, wide as wide_values};

const CANVAS: CanvasSize = CanvasSize { ny: 16, nx: 24 };

fn narrow_parameters(plan: &Plan) -> ParameterMap {
    let mut map = initialise(plan, 3);
    for (i, (name, tensor)) in map.iter_mut().enumerate() {
        let noise = values(100 + i as u64, tensor.data.len());
        if name.ends_with("running_var") {
            tensor.data = noise.iter().map(|v| 0.5 + v.abs()).collect();
        } else if tensor.shape.len() == 1 {
            tensor.data = noise.iter().map(|v| 0.7 + 0.3 * v).collect();
        }
    }
    map
}

fn outputs(plan: &Plan, parameters: &ParameterMap) -> Vec<Vec<f32>> {
    let coords: Vec<[u32; 3]> = (0..40).map(|cell| [0, cell / 6 * 2, cell % 6 * 4]).collect();
    let offsets: Vec<u32> = (0..=40).map(|pillar| pillar * 3).collect();
    let features = values(5, 40 * 3 * 10);
    let input = PillarInput { features: &features, point_features: 10, offsets: &offsets, coords: &coords, batch: 1 };
    let forward = forward_eval(plan, &ParameterStore::new(plan, parameters).unwrap(), &input).unwrap();
    let flat = |name| forward.get(name).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    ["cls", "box", "dir"].into_iter().map(flat).collect()
}

#[test]
fn a_widened_network_gives_the_narrow_ones_outputs() {
    let narrow = pointpillars_for_tests(8, CANVAS);
    let parameters = narrow_parameters(&narrow);
    let expected = outputs(&narrow, &parameters);
    for width in [8, 11, 16, 24] {
        let wide = pointpillars_for_tests(width, CANVAS);
        let found = outputs(&wide, &widen(&narrow, &wide, &parameters, 7).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            let error = relative_error(found, &wide_values(expected));
            assert!(error < 1e-4, "width {width}: {error}");
        }
    }
}

#[test]
fn the_same_width_keeps_every_weight() {
    let plan = pointpillars_for_tests(8, CANVAS);
    let parameters = narrow_parameters(&plan);
    assert_eq!(widen(&plan, &plan, &parameters, 7).unwrap(), parameters);
}

#[test]
fn copies_are_read_with_different_shares_so_that_training_parts_them() {
    let (narrow, wide) = (pointpillars_for_tests(8, CANVAS), pointpillars_for_tests(16, CANVAS));
    let widened = widen(&narrow, &wide, &narrow_parameters(&narrow), 7).unwrap();
    let weights = &widened["backbone_2d.blocks.0.1.weight"].data;
    let reads = |input: usize| -> Vec<f32> { (0..16).map(|output| weights[(output * 16 + input) * 9 + 4]).collect() };
    assert_ne!(reads(3), reads(3 + 8));
    assert_eq!(widened, widen(&narrow, &wide, &narrow_parameters(&narrow), 7).unwrap());
    assert_ne!(widened, widen(&narrow, &wide, &narrow_parameters(&narrow), 8).unwrap());
}

#[test]
fn a_narrower_network_is_refused_by_the_name_of_the_layer() {
    let (narrow, wide) = (pointpillars_for_tests(8, CANVAS), pointpillars_for_tests(16, CANVAS));
    let refused = widen(&wide, &narrow, &narrow_parameters(&wide), 7).unwrap_err().to_string();
    assert!(refused.contains("vfe.pfn_layers.0.linear.weight") && refused.contains("at least as wide"), "{refused}");
    let foreign = widen(&narrow, &wide, &narrow_parameters(&wide), 7);
    assert!(matches!(foreign, Err(KernelError::ParameterShape { .. })));
}
