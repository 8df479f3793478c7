//! The configuration as it is written in files and weights.

use percept_types::TrainedMounting;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::Widths;

/// Everything that has to be said about a PointPillars; what can be computed from it is not said.
///
/// Turn it into a [`super::PointPillarsConfig`] with `PointPillarsConfig::try_from`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPointPillarsConfig {
    /// Classes in the order of the head.
    pub class_names: Vec<String>,
    /// `[x_min, y_min, z_min, x_max, y_max, z_max]`.
    pub point_cloud_range_m: [f64; 6],
    /// Sides of a pillar along x and y; it is as high as the range.
    pub pillar_size_m: [f64; 2],
    /// M.
    pub max_points_per_pillar: usize,
    /// P at most.
    pub max_pillars: usize,
    /// How points are decorated.
    pub pfn_layout: PfnLayout,
    /// Channels of the layers.
    pub widths: Widths,
    /// Where anchors stand.
    pub anchor_convention: AnchorConvention,
    /// One anchor a class, keyed by its name.
    pub anchors: BTreeMap<String, RawAnchor>,
    /// Where the first of the two direction bins begins.
    pub direction_offset_rad: f64,
    /// From predictions to boxes.
    pub decode: RawDecode,
    /// What the network expects of its points.
    pub input: InputTreatment,
}

/// How a point is decorated with the mean of its pillar's points (m) and the pillar's centre (c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PfnLayout {
    /// `[x, y, z, i, x-mx, y-my, z-mz, x-cx, y-cy, z-cz]`: OpenPCDet; mmdetection3d with legacy=False.
    Pcdet10,
    /// `[x-cx, y-cy, z-cz, i, x-mx, y-my, z-mz, x-cx, y-cy, z-cz]`: mmdetection3d 1.x on KITTI (legacy=True).
    Mm10Legacy,
    /// `[x-cx, y-cy, z, i, x-mx, y-my, z-mz, x-cx, y-cy]`: mmdetection3d up to 0.18.
    Mm9Legacy,
}

impl PfnLayout {
    /// D, values of a decorated point.
    pub const fn num_features(self) -> usize {
        match self {
            Self::Pcdet10 | Self::Mm10Legacy => 10,
            Self::Mm9Legacy => 9,
        }
    }
}

/// Where the anchors of the head's map stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorConvention {
    /// Evenly from one end of the range to the other, both included (OpenPCDet, align_center False).
    EndsIncluded,
    /// In the centres of the map's cells (mmdetection3d, AlignedAnchor3DRangeGenerator).
    CellCentres,
}

/// The anchor of a class; it is laid along x and, a second time, along y.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAnchor {
    /// Length, width, height.
    pub size_m: [f64; 3],
    /// Height of the bottom face in the network's frame.
    pub bottom_z_m: f64,
    /// At this overlap and above an anchor is responsible for an object.
    pub positive_iou: f64,
    /// Below this overlap an anchor is background.
    pub negative_iou: f64,
}

/// From predictions to boxes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDecode {
    /// Which anchors are looked at and which boxes suppress each other.
    pub rule: DecodeRule,
    /// Anchors looked at, best first.
    pub max_candidates: usize,
    /// Least score of a box, the same for all classes unless the settings say otherwise.
    pub score_threshold: f32,
    /// Overlap above which a box falls.
    pub nms_iou_threshold: f64,
    /// Boxes of a frame at most.
    pub max_detections: usize,
}

/// Which anchors are looked at and which boxes suppress each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecodeRule {
    /// The best class of each anchor, at or above its threshold; boxes of all classes suppress each other (OpenPCDet).
    ClassAgnostic,
    /// The best anchors first, then for each class those above its threshold; boxes suppress those of their own
    /// class, and an anchor may speak for several classes (mmdetection3d).
    PerClass,
}

/// What the network expects of its points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputTreatment {
    /// The fourth value of a point.
    pub intensity: IntensityTreatment,
    /// Height of the sensor above the ground in training.
    pub sensor_height_m: f64,
    /// Axes of the clouds in training.
    pub axes: SensorAxes,
}

impl InputTreatment {
    /// How the sensor of training was mounted.
    pub fn mounting(&self) -> TrainedMounting {
        TrainedMounting { sensor_height_m: self.sensor_height_m, forward_yaw_rad: self.axes.forward_yaw_rad() }
    }
}

/// What becomes of the intensity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum IntensityTreatment {
    /// `min(intensity / scale, clip)`: scale 1 for KITTI's 0..1, 255 for drivers with 0..255.
    Used {
        /// Divisor.
        scale: f32,
        /// Upper bound after the division, where there is one.
        clip: Option<f32>,
    },
    /// The network is fed 0, whatever the sensor says.
    Ignored,
}

/// Which way the axes of a cloud point (x, y, z).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorAxes {
    /// REP-103: x forward, y left, z up (KITTI, most drivers' frames).
    ForwardLeftUp,
    /// x right, y forward, z up (the LiDAR of nuScenes).
    RightForwardUp,
}

impl SensorAxes {
    /// Heading of the vehicle's forward direction in these axes, radians from +x.
    pub fn forward_yaw_rad(self) -> f64 {
        match self {
            Self::ForwardLeftUp => 0.0,
            Self::RightForwardUp => std::f64::consts::FRAC_PI_2,
        }
    }
}
