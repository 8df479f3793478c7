//! Files there and back, and files that lie.

use super::*;
use crate::pointpillars::{GridPreset, RawPointPillarsConfig, Width};
use percept_kernels::parameters::initialise;
use percept_kernels::plan::CanvasSize;

fn tiny() -> RawPointPillarsConfig {
    let mut raw = RawPointPillarsConfig::preset(Width::Sixteenth, GridPreset::Kitti);
    raw.widths.pillar_features = 4;
    raw.widths.stages = [4, 4, 8];
    raw.widths.stage_depths = [1, 0, 1];
    raw.widths.neck = 4;
    raw
}

fn weights() -> Weights {
    let config = PointPillarsConfig::try_from(tiny()).unwrap();
    let plan = pointpillars::topology(&config, CanvasSize { ny: 8, nx: 8 }).unwrap();
    let mut metadata = WeightsMetadata::new("tiny", Architecture::PointPillars(tiny()));
    metadata.metrics.insert("sim/Car/bev_ap".into(), 0.5);
    metadata.training = Some(TrainingRecord { command: "percept train".into(), seeds: vec![7], ..Default::default() });
    Weights::new(metadata, initialise(&plan, 3)).unwrap()
}

fn container_of(weights: &Weights) -> Container {
    Container { metadata: weights.metadata().to_map().unwrap(), tensors: weights.parameters().clone() }
}

#[test]
fn weights_come_back_from_their_file_with_their_hash() {
    let path = std::env::temp_dir().join(format!("percept_weights_{}.safetensors", std::process::id()));
    let written = weights();
    written.write(&path, Precision::F32).unwrap();
    let read = Weights::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read, written);
    assert_eq!(read.card("cpu").weights_sha256.len(), 64);
    assert_eq!(read.card("cpu").class_names, ["Car", "Pedestrian", "Cyclist"]);
}

#[test]
fn the_same_weights_give_the_same_bytes() {
    let bytes = || container_of(&weights()).to_bytes(Precision::F16).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn half_precision_keeps_norms_whole_and_weights_to_eleven_bits() {
    let written = weights();
    let bytes = container_of(&written).to_bytes(Precision::F16).unwrap();
    assert!(bytes.len() < container_of(&written).to_bytes(Precision::F32).unwrap().len());
    let read = Weights::from_bytes(&bytes).unwrap();
    for (name, tensor) in read.parameters() {
        for (a, b) in tensor.data.iter().zip(&written.parameters()[name].data) {
            let tolerance = if tensor.shape.len() > 1 { b.abs() / 2048.0 + 1e-7 } else { 0.0 };
            assert!((a - b).abs() <= tolerance, "{name}: {a} {b}");
        }
    }
}

#[test]
fn a_weight_beyond_half_precision_is_refused_by_name() {
    let mut container = container_of(&weights());
    container.tensors.get_mut("dense_head.conv_cls.weight").unwrap().data[3] = 1e6;
    let error = container.to_bytes(Precision::F16).unwrap_err();
    assert!(matches!(error, ModelError::TensorNotFinite { index: 3, .. }), "{error}");
}

#[test]
fn missing_and_superfluous_tensors_are_named() {
    let mut container = container_of(&weights());
    let tensor = container.tensors.remove("vfe.pfn_layers.0.linear.weight").unwrap();
    container.tensors.insert("vfe.pfn_layers.1.linear.weight".into(), tensor);
    let error = Weights::from_bytes(&container.to_bytes(Precision::F32).unwrap()).unwrap_err();
    let ModelError::TensorNames { missing, superfluous } = &error else { panic!("{error}") };
    assert_eq!(missing, &["vfe.pfn_layers.0.linear.weight"]);
    assert_eq!(superfluous, &["vfe.pfn_layers.1.linear.weight"]);
}

#[test]
fn a_misshapen_and_a_nan_tensor_are_named() {
    let mut container = container_of(&weights());
    let tensor = container.tensors.get_mut("dense_head.conv_box.bias").unwrap();
    tensor.data.pop();
    tensor.shape[0] -= 1;
    let error = Weights::from_bytes(&container.to_bytes(Precision::F32).unwrap()).unwrap_err();
    assert!(matches!(&error, ModelError::TensorShape { name, .. } if name == "dense_head.conv_box.bias"), "{error}");
    let mut container = container_of(&weights());
    container.tensors.get_mut("dense_head.conv_box.bias").unwrap().data[1] = f32::NAN;
    let error = Weights::from_bytes(&container.to_bytes(Precision::F32).unwrap()).unwrap_err();
    assert!(matches!(error, ModelError::TensorNotFinite { index: 1, .. }), "{error}");
}

#[test]
fn files_that_lie_about_their_length_are_refused_before_anything_is_allocated() {
    let whole = container_of(&weights()).to_bytes(Precision::F32).unwrap();
    for claimed in [u64::MAX, MAX_HEADER_BYTES + 1, whole.len() as u64, 0, 1] {
        let mut bytes = whole.clone();
        bytes[..8].copy_from_slice(&claimed.to_le_bytes());
        let error = Weights::from_bytes(&bytes).unwrap_err();
        assert!(matches!(error, ModelError::WeightsFormat { .. }), "{claimed}: {error}");
    }
}

#[test]
fn truncated_files_are_refused_wherever_they_end() {
    let whole = container_of(&weights()).to_bytes(Precision::F32).unwrap();
    for length in (0..whole.len()).step_by(97) {
        assert!(matches!(Weights::from_bytes(&whole[..length]), Err(ModelError::WeightsFormat { .. })), "{length}");
    }
}

#[test]
fn tensors_that_overlap_or_leave_holes_are_refused() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend([0; 12]);
    assert!(matches!(Container::from_bytes(&bytes), Err(ModelError::WeightsFormat { .. })));
}

#[test]
fn metadata_that_is_missing_misspelt_or_of_another_version_is_refused_by_key() {
    let refused = |change: &dyn Fn(&mut Container)| {
        let mut container = container_of(&weights());
        change(&mut container);
        Weights::from_bytes(&container.to_bytes(Precision::F32).unwrap()).unwrap_err().to_string()
    };
    assert!(refused(&|c| drop(c.metadata.remove("percept"))).contains("percept: missing"));
    let misspelt = refused(&|c| {
        let text = c.metadata["percept"].replace("pfn_layout", "pfn_lay");
        c.metadata.insert("percept".into(), text);
    });
    assert!(misspelt.contains("pfn_lay"), "{misspelt}");
    let newer = refused(&|c| drop(c.metadata.insert("format_version".into(), "2".into())));
    assert!(newer.contains("format_version"), "{newer}");
}

#[test]
fn a_configuration_of_absurd_widths_is_refused_without_allocating_them() {
    let mut container = container_of(&weights());
    let text = container.metadata["percept"].replace("\"neck\":4", "\"neck\":1048576");
    container.metadata.insert("percept".into(), text);
    assert!(Weights::from_bytes(&container.to_bytes(Precision::F32).unwrap()).is_err());
}

#[test]
fn a_metric_that_is_no_number_is_refused_when_written() {
    let mut metadata = WeightsMetadata::new("tiny", Architecture::PointPillars(tiny()));
    metadata.metrics.insert("ap".into(), f64::NAN);
    assert!(Weights::new(metadata, weights().parameters().clone()).unwrap_err().to_string().contains("metric ap"));
}
