//! Targets, losses and gradients against OpenPCDet's own assigner and head; see golden/generate_supervised.py.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use candle_core::{Device, Tensor, Var};
use percept_distill::losses::{BatchTargets, SupervisedLoss};
use percept_distill::targets::{AnchorLabel, AssignedFrame, AssignmentRules, Normaliser, TruthBox, TruthRole, assign};
use percept_models::pointpillars::{Anchors, GridPreset, PointPillarsConfig, RawPointPillarsConfig, Width};
use percept_types::Box3d;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct Golden {
    losses: BTreeMap<String, f64>,
    frames: Vec<GoldenFrame>,
    gradients: BTreeMap<String, GoldenGradient>,
}

#[derive(Deserialize)]
struct GoldenFrame {
    truth: Vec<[f64; 8]>,
    positives: Vec<usize>,
    classes: Vec<usize>,
    ignored: Vec<usize>,
    codes: Vec<[f32; 7]>,
}

#[derive(Deserialize)]
struct GoldenGradient {
    norm: f64,
    indices: Vec<usize>,
    values: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/supervised.json")).unwrap()
}

fn config() -> PointPillarsConfig {
    let mut raw = RawPointPillarsConfig::openpcdet(Width::Full, GridPreset::Kitti);
    raw.point_cloud_range_m = [0.0, -5.12, -3.0, 7.68, 5.12, 1.0];
    raw.try_into().unwrap()
}

fn assigned(config: &PointPillarsConfig, frame: &GoldenFrame) -> AssignedFrame {
    let truth: Vec<TruthBox> = frame
        .truth
        .iter()
        .map(|b| {
            let mut roles = vec![TruthRole::Background; 3];
            roles[b[7] as usize - 1] = TruthRole::Wanted;
            TruthBox { box3d: Box3d { center_m: [b[0], b[1], b[2]], size_m: [b[3], b[4], b[5]], yaw_rad: b[6] }, roles }
        })
        .collect();
    let anchors = Anchors::new(config, &config.whole_window()).unwrap();
    let rules = AssignmentRules::for_classes(config.class_names());
    assign(&anchors, &rules, &truth, config.raw().direction_offset_rad)
}

#[test]
fn the_assigner_gives_every_label_and_code_of_openpcdet() {
    for (index, frame) in golden().frames.iter().enumerate() {
        let assigned = assigned(&config(), frame);
        let positives: Vec<usize> = assigned.positives.iter().map(|p| p.anchor).collect();
        assert_eq!(positives, frame.positives, "frame {index}");
        let classes: Vec<usize> = assigned.positives.iter().map(|p| p.class_index + 1).collect();
        assert_eq!(classes, frame.classes, "frame {index}");
        let is_ignored = |i: &usize| assigned.labels[*i] == AnchorLabel::Ignored;
        let ignored: Vec<usize> = (0..assigned.labels.len()).filter(is_ignored).collect();
        assert_eq!(ignored, frame.ignored, "frame {index}");
        for (positive, code) in assigned.positives.iter().zip(&frame.codes) {
            // Codes are worked out in f64 here and in f32 there.
            let differs = positive.box_code.iter().zip(code).any(|(a, b)| (a - b).abs() > 1e-5);
            assert!(!differs, "frame {index}, anchor {}: {:?} {code:?}", positive.anchor, positive.box_code);
        }
    }
}

fn wave(channels: usize, amplitude: f64) -> Var {
    let values: Vec<f32> =
        (0..2 * channels * 32 * 24).map(|i| (amplitude * (i as f64 * 0.7311 + 0.123).sin()) as f32).collect();
    Var::from_tensor(&Tensor::from_vec(values, (2, channels, 32, 24), &Device::Cpu).unwrap()).unwrap()
}

#[test]
fn the_losses_and_their_gradients_are_those_of_openpcdet() {
    let (golden, config) = (golden(), config());
    let frames = golden.frames.iter().map(|frame| assigned(&config, frame)).collect();
    let targets = BatchTargets::new(frames, vec![0, 0, 1, 1, 2, 2], 3, [32, 24], Normaliser::PerFrame).unwrap();
    let maps = [("cls", wave(18, 3.0)), ("box", wave(42, 0.8)), ("dir", wave(12, 1.5))];
    let terms = SupervisedLoss::default().evaluate(&maps[0].1, &maps[1].1, &maps[2].1, &Arc::new(targets)).unwrap();
    let found = [("cls", terms.classification), ("box", terms.box_regression), ("dir", terms.direction)];
    for (name, value) in found {
        let expected = golden.losses[name];
        assert!((value - expected).abs() < 1e-5 * expected, "{name}: {value}, expected {expected}");
    }
    let gradients = terms.total.backward().unwrap();
    for (name, map) in &maps {
        let gradient = gradients.get(map).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected = &golden.gradients[*name];
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        assert!((norm - expected.norm).abs() < 1e-5 * expected.norm, "{name}: {norm}, expected {}", expected.norm);
        for (index, value) in expected.indices.iter().zip(&expected.values) {
            assert!(
                (gradient[*index] - value).abs() < 1e-5 * value.abs(),
                "{name}[{index}]: {}, {value}",
                gradient[*index]
            );
        }
    }
}
