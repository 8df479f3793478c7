//! The detector's frame on a GPU: the message's bytes go over, boxes come back.

use percept_kernels::box_decode::{BoxDecodeSettings, BoxDecodeSpec, DetectionRow};
use percept_kernels::cuda::CudaDevice;
use percept_kernels::decode_points::Channel;
use percept_kernels::decode_points::cuda::Motion;
use percept_kernels::executor::cuda::{CudaFrame, FrameResult, FrameSpec};
use percept_kernels::plan::Plan;
use percept_types::{Box3d, Detection, FrameReport, InputFigures, ModelFrame, RawCloud};

use super::super::encoder::{POINT_FEATURES, decoration};
use super::super::{
    Anchors, BOX_CODE_SIZE, DecodeRule, DetectorSettings, IntensityTreatment, OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR,
    PointPillarsConfig,
};
use crate::ModelError;
use crate::weights::Weights;

/// The frame on a device.
#[derive(Debug)]
pub(super) struct CudaEngine {
    pub(super) frame: CudaFrame,
    /// A.
    anchors_per_cell: usize,
    /// H W.
    cells: usize,
}

impl CudaEngine {
    pub fn new(
        device: &CudaDevice,
        (config, plan, weights): (&PointPillarsConfig, &Plan, &Weights),
        anchors: &Anchors,
        intensity: IntensityTreatment,
    ) -> Result<Self, ModelError> {
        let window = config.whole_window();
        let spec = FrameSpec {
            voxelize: config.voxelize_spec(window),
            decoration: decoration(config, &window, intensity),
            boxes: BoxDecodeSpec {
                xs_m: anchors.xs_m().to_vec(),
                ys_m: anchors.ys_m().to_vec(),
                anchors: anchors.classes().iter().map(|class| (class.size_m, class.center_z_m)).collect(),
                is_per_class: config.decode_rule() == DecodeRule::PerClass,
                max_candidates: config.raw().decode.max_candidates,
                direction_offset_rad: config.direction_offset_rad(),
            },
            outputs: [OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR],
        };
        let frame = CudaFrame::new(device, plan, weights.parameters(), spec)?;
        let anchors_per_cell = anchors.per_cell();
        let engine = Self { frame, anchors_per_cell, cells: anchors.len() / anchors_per_cell };
        engine.apply(&config.default_settings())?;
        Ok(engine)
    }

    /// Settings of the frames that follow.
    pub fn apply(&self, settings: &DetectorSettings) -> Result<(), ModelError> {
        Ok(self.frame.apply(&BoxDecodeSettings {
            score_thresholds: settings.score_thresholds.clone(),
            nms_iou_threshold: settings.nms_iou_threshold,
            max_detections: settings.max_detections,
        })?)
    }

    /// One frame: boxes in the model frame, best first; none, and the network's answer unread, without a pillar.
    pub fn detect(
        &mut self,
        (config, settings): (&PointPillarsConfig, &DetectorSettings),
        (cloud, channels): (&RawCloud, &[Channel]),
        (model_frame, intensity): (&ModelFrame, IntensityTreatment),
        report: &mut FrameReport,
    ) -> Result<Vec<Detection>, ModelError> {
        let motion = model_frame
            .t_model_cloud()
            .map(|t| Motion { rotation_xyzw: t.quaternion_xyzw(), translation_m: t.translation_m() });
        let result = report.time("cuda", || self.frame.run(cloud, channels, motion.as_ref()))?;
        note(&result, cloud, report);
        report.input = Some(input_figures(&result, config, intensity));
        if report.pillars == 0 {
            return Ok(Vec::new());
        }
        self.check_finite(&result)?;
        let mut detections: Vec<Detection> = result.rows.iter().map(detection).collect();
        // Stable: where each class has its list, equal scores stay in the order of classes.
        detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        detections.truncate(settings.max_detections);
        Ok(detections)
    }

    /// The first prediction that is no number, as the CPU names it.
    fn check_finite(&self, result: &FrameResult) -> Result<(), ModelError> {
        let decode = &result.counts.decode;
        let (what, output, index) = match (decode.bad_logit(), decode.bad_box()) {
            (Some(index), _) => ("class logits", OUTPUT_CLS, index),
            (None, Some(rank)) => {
                let (anchor, per_cell) = (self.frame.anchor_of(rank)?, self.anchors_per_cell);
                let (cell, in_cell) = (anchor / per_cell, anchor % per_cell);
                ("box codes", OUTPUT_BOX, in_cell * BOX_CODE_SIZE * self.cells + cell)
            }
            (None, None) => return Ok(()),
        };
        let value = self.frame.network().value(output, 0)?.get(index).copied().unwrap_or(f32::NAN);
        Err(ModelError::NotFinite { what, index, value })
    }
}

fn note(result: &FrameResult, cloud: &RawCloud, report: &mut FrameReport) {
    let counts = &result.counts;
    let drops = counts.voxelize.drops();
    report.points_in = cloud.num_points();
    report.points_not_finite = counts.not_finite as usize;
    report.points_out_of_range = drops.points_out_of_range.saturating_sub(report.points_not_finite);
    report.points_over_capacity = result.points_beyond;
    report.points_over_pillar_cap = drops.points_over_voxel_cap;
    report.pillars_over_cap = drops.voxels_over_cap;
    report.pillars = counts.voxelize.num_voxels as usize;
}

fn input_figures(result: &FrameResult, config: &PointPillarsConfig, intensity: IntensityTreatment) -> InputFigures {
    let (column, scale) = match intensity {
        IntensityTreatment::Used { scale, .. } => (Some(POINT_FEATURES - 1), scale),
        IntensityTreatment::Ignored => (None, 1.0),
    };
    let finite = result.samples.chunks_exact(POINT_FEATURES).filter(|point| !point[0].is_nan());
    let samples: Vec<f32> = finite.flatten().copied().collect();
    let figures = InputFigures::of(&samples, POINT_FEATURES, column, scale, config.grid());
    InputFigures { num_points: figures.num_points * result.sample_stride as f64, ..figures }
}

fn detection(row: &DetectionRow) -> Detection {
    Detection {
        box3d: Box3d { center_m: row.center_m, size_m: row.size_m, yaw_rad: row.yaw_rad },
        class_index: row.class_index as usize,
        score: row.score,
        velocity_mps: None,
    }
}
