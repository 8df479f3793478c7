//! Decoding by hand-made maps.

use super::*;
use crate::pointpillars::{GridPreset, PfnLayout, RawPointPillarsConfig, Width, encode_box};
use percept_kernels::voxelize::CellWindow;

/// Maps over a window of 8 x 8 cells (4 x 4 of the head), silent everywhere.
struct Maps {
    config: PointPillarsConfig,
    anchors: Anchors,
    window: CellWindow,
    cls: Vec<f32>,
    boxes: Vec<f32>,
    dir: Vec<f32>,
}

impl Maps {
    fn new(raw: RawPointPillarsConfig) -> Self {
        let config = PointPillarsConfig::try_from(raw).unwrap();
        let window = CellWindow { x0: 64, y0: 240, nx: 8, ny: 8 };
        let anchors = Anchors::new(&config, &window).unwrap();
        let n = anchors.len();
        Self { config, anchors, window, cls: vec![-20.0; n * 3], boxes: vec![0.0; n * 7], dir: vec![0.0; n * 2] }
    }

    fn pcdet() -> Self {
        Self::new(RawPointPillarsConfig::openpcdet(Width::Sixteenth, GridPreset::Kitti))
    }

    fn mmdetection3d() -> Self {
        Self::new(RawPointPillarsConfig::mmdetection3d(PfnLayout::Mm10Legacy, -std::f64::consts::FRAC_PI_2))
    }

    fn put(&mut self, anchor: usize, class_index: usize, score: f32) {
        let (cell, in_cell) = (anchor / 6, anchor % 6);
        self.cls[(in_cell * 3 + class_index) * 16 + cell] = (score / (1.0 - score)).ln();
    }

    fn put_box(&mut self, anchor: usize, target: &Box3d, bin: usize) {
        let (cell, in_cell) = (anchor / 6, anchor % 6);
        let code = encode_box(target, &self.anchors.get(anchor).unwrap().box3d);
        for (c, value) in code.into_iter().enumerate() {
            self.boxes[(in_cell * 7 + c) * 16 + cell] = value as f32;
        }
        self.dir[(in_cell * 2 + bin) * 16 + cell] = 1.0;
    }

    fn decode_with(&self, settings: &DetectorSettings) -> Result<Vec<Detection>, ModelError> {
        let output = PointPillarsOutput::new(&self.config, self.window, &self.cls, &self.boxes, &self.dir)?;
        decode(&self.config, settings, &self.anchors, &output)
    }

    fn decode(&self) -> Vec<Detection> {
        self.decode_with(&self.config.default_settings()).unwrap()
    }
}

#[test]
fn silent_maps_give_no_box() {
    assert!(Maps::pcdet().decode().is_empty());
    assert!(Maps::mmdetection3d().decode().is_empty());
}

#[test]
fn a_box_comes_out_where_it_was_put_with_its_heading() {
    for (mut maps, car) in [(Maps::pcdet(), 0), (Maps::mmdetection3d(), 2)] {
        let offset = maps.config.direction_offset_rad();
        for yaw in [-3.0, -1.6, -0.4, 0.1, 0.9, 2.5] {
            maps.cls.fill(-20.0);
            maps.dir.fill(0.0);
            let anchor = maps.anchors.index(2, 1, car, 0);
            let target = Box3d { center_m: [11.0, 0.3, -0.9], size_m: [4.2, 1.7, 1.5], yaw_rad: yaw };
            maps.put(anchor, car, 0.9);
            maps.put_box(anchor, &target, crate::pointpillars::direction_bin(yaw, offset));
            let found = maps.decode();
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].class_index, found[0].velocity_mps), (car, None));
            assert!((found[0].score - 0.9).abs() < 1e-6);
            for axis in 0..3 {
                assert!((found[0].box3d.center_m[axis] - target.center_m[axis]).abs() < 1e-5);
                assert!((found[0].box3d.size_m[axis] - target.size_m[axis]).abs() < 1e-5);
            }
            assert!((found[0].box3d.yaw_rad - yaw).abs() < 1e-5, "{} {yaw}", found[0].box3d.yaw_rad);
        }
    }
}

#[test]
fn across_classes_only_the_class_agnostic_rule_suppresses() {
    for (mut maps, expected) in [(Maps::pcdet(), vec![0]), (Maps::mmdetection3d(), vec![0, 1])] {
        let (first, second) = (maps.anchors.index(1, 1, 0, 0), maps.anchors.index(1, 1, 1, 0));
        maps.put(first, 0, 0.8);
        maps.put(second, 1, 0.6);
        let classes: Vec<usize> = maps.decode().iter().map(|detection| detection.class_index).collect();
        assert_eq!(classes, expected);
    }
}

#[test]
fn an_anchor_may_speak_for_two_classes_only_by_the_per_class_rule() {
    for (mut maps, expected) in [(Maps::pcdet(), 1), (Maps::mmdetection3d(), 2)] {
        let anchor = maps.anchors.index(1, 1, 0, 0);
        maps.put(anchor, 0, 0.8);
        maps.put(anchor, 1, 0.6);
        assert_eq!(maps.decode().len(), expected);
    }
}

#[test]
fn equal_scores_are_ordered_by_anchor_and_the_number_of_boxes_is_bounded() {
    let mut maps = Maps::pcdet();
    for (y, x) in [(3, 3), (0, 0), (3, 0), (0, 3)] {
        maps.put(maps.anchors.index(y, x, 1, 0), 1, 0.5);
    }
    let mut settings = maps.config.default_settings();
    settings.max_detections = 3;
    settings.nms_iou_threshold = 1.0;
    let found = maps.decode_with(&settings).unwrap();
    let place = |d: &Detection| (d.box3d.center_m[1], d.box3d.center_m[0]);
    assert_eq!(found.len(), 3);
    assert!(found.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])));
}

#[test]
fn each_class_has_its_own_threshold() {
    let mut maps = Maps::pcdet();
    maps.put(maps.anchors.index(0, 0, 1, 0), 1, 0.3);
    maps.put(maps.anchors.index(3, 3, 2, 0), 2, 0.3);
    let mut settings = maps.config.default_settings();
    settings.score_thresholds = vec![0.1, 0.4, 0.2];
    let found = maps.decode_with(&settings).unwrap();
    assert_eq!(found.iter().map(|d| d.class_index).collect::<Vec<_>>(), [2]);
}

#[test]
fn only_the_best_candidates_are_looked_at() {
    let mut raw = RawPointPillarsConfig::openpcdet(Width::Sixteenth, GridPreset::Kitti);
    raw.decode.max_candidates = 2;
    // Neighbouring pedestrians overlap: nothing may fall for that here.
    raw.decode.nms_iou_threshold = 1.0;
    let mut maps = Maps::new(raw);
    for (cell, score) in [(0, 0.3), (5, 0.9), (10, 0.5), (15, 0.4)] {
        maps.put(cell * 6 + 2, 1, score);
    }
    let scores: Vec<f32> = maps.decode().iter().map(|d| (d.score * 10.0).round()).collect();
    assert_eq!(scores, [9.0, 5.0]);
}

#[test]
fn predictions_that_are_no_numbers_are_an_error_and_not_a_box() {
    let mut maps = Maps::pcdet();
    maps.cls[7] = f32::NAN;
    let settings = maps.config.default_settings();
    assert!(matches!(maps.decode_with(&settings), Err(ModelError::NotFinite { what: "class logits", index: 7, .. })));
    let mut maps = Maps::pcdet();
    maps.put(0, 0, 0.9);
    maps.boxes[3 * 16] = 1e4;
    assert!(matches!(maps.decode_with(&settings), Err(ModelError::NotFinite { what: "box codes", .. })));
}

#[test]
fn settings_of_another_number_of_classes_or_out_of_bounds_are_refused() {
    let maps = Maps::pcdet();
    let mut settings = maps.config.default_settings();
    settings.score_thresholds.pop();
    assert!(maps.decode_with(&settings).is_err());
    settings.score_thresholds.push(f32::NAN);
    assert!(maps.decode_with(&settings).is_err());
}
