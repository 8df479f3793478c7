//! Named widths, grids and the conventions of the two published toolboxes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{
    AnchorConvention, DecodeRule, InputTreatment, IntensityTreatment, PfnLayout, RawAnchor, RawDecode,
    RawPointPillarsConfig, SensorAxes,
};

/// Channels of the layers, and how many follow the first of each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Widths {
    /// Channels of a pillar.
    pub pillar_features: usize,
    /// Channels of the three stages of the backbone.
    pub stages: [usize; 3],
    /// 3x3 convolutions of the stages after their first, strided one.
    pub stage_depths: [usize; 3],
    /// Channels of each of the neck's three branches.
    pub neck: usize,
}

/// Named widths. Parameters and multiply-adds on the KITTI grid: 4.83 M and 34.2 G, 1.22 M and 8.9 G, 0.31 M and 2.4 G.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Width {
    /// As published.
    #[serde(rename = "1x")]
    Full,
    /// Half the channels: a quarter of the cost.
    #[serde(rename = "4x")]
    Quarter,
    /// A quarter of the channels: a sixteenth of the cost.
    #[serde(rename = "16x")]
    Sixteenth,
}

impl Width {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Full, Self::Quarter, Self::Sixteenth];

    /// The name in commands and model ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "1x",
            Self::Quarter => "4x",
            Self::Sixteenth => "16x",
        }
    }

    /// The width of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|width| width.name() == name)
    }

    /// Channels of the layers.
    pub const fn widths(self) -> Widths {
        let divisor = match self {
            Self::Full => 1,
            Self::Quarter => 2,
            Self::Sixteenth => 4,
        };
        Widths {
            pillar_features: 64 / divisor,
            stages: [64 / divisor, 128 / divisor, 256 / divisor],
            stage_depths: [3, 5, 5],
            neck: 128 / divisor,
        }
    }
}

/// Named grids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridPreset {
    /// What the camera of KITTI sees: 0..69.12 m ahead, 39.68 m to each side.
    Kitti,
    /// 51.2 m all round.
    Surround,
}

impl GridPreset {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Kitti, Self::Surround];

    /// The name in commands and model ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kitti => "kitti",
            Self::Surround => "surround",
        }
    }

    /// The grid of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grid| grid.name() == name)
    }

    /// `[x_min, y_min, z_min, x_max, y_max, z_max]`.
    pub const fn range_m(self) -> [f64; 6] {
        match self {
            Self::Kitti => [0.0, -39.68, -3.0, 69.12, 39.68, 1.0],
            Self::Surround => [-51.2, -51.2, -3.0, 51.2, 51.2, 1.0],
        }
    }
}

/// As published, five digits of pi / 4: headings at the edge of the bins depend on it.
#[allow(clippy::approx_constant)]
pub const OPENPCDET_DIRECTION_OFFSET_RAD: f64 = 0.78539;

/// Height of KITTI's LiDAR above the ground (Geiger et al., IJRR 2013, figure 3).
const KITTI_SENSOR_HEIGHT_M: f64 = 1.73;

impl RawPointPillarsConfig {
    /// Our own detectors: anchors in the cells' centres, everything else as OpenPCDet has it.
    pub fn preset(width: Width, grid: GridPreset) -> Self {
        Self { anchor_convention: AnchorConvention::CellCentres, ..Self::openpcdet(width, grid) }
    }

    /// The conventions of OpenPCDet's `kitti_models/pointpillar.yaml`.
    pub fn openpcdet(width: Width, grid: GridPreset) -> Self {
        Self {
            class_names: ["Car", "Pedestrian", "Cyclist"].map(str::to_owned).to_vec(),
            point_cloud_range_m: grid.range_m(),
            pillar_size_m: [0.16, 0.16],
            max_points_per_pillar: 32,
            max_pillars: 40_000,
            pfn_layout: PfnLayout::Pcdet10,
            widths: width.widths(),
            anchor_convention: AnchorConvention::EndsIncluded,
            anchors: kitti_anchors(),
            direction_offset_rad: OPENPCDET_DIRECTION_OFFSET_RAD,
            decode: RawDecode {
                rule: DecodeRule::ClassAgnostic,
                max_candidates: 4096,
                score_threshold: 0.1,
                nms_iou_threshold: 0.01,
                max_detections: 500,
            },
            input: InputTreatment {
                intensity: IntensityTreatment::Used { scale: 1.0, clip: None },
                sensor_height_m: KITTI_SENSOR_HEIGHT_M,
                axes: SensorAxes::ForwardLeftUp,
            },
        }
    }

    /// The conventions of mmdetection3d's `pointpillars_hv_secfpn_8xb6-160e_kitti-3d-3class`.
    ///
    /// Version 1.x: [`PfnLayout::Mm10Legacy`] and a direction offset of -pi/2; up to 0.18: [`PfnLayout::Mm9Legacy`]
    /// and an offset of 0. Boxes come out with their geometric centre, as everywhere here.
    pub fn mmdetection3d(pfn_layout: PfnLayout, direction_offset_rad: f64) -> Self {
        Self {
            class_names: ["Pedestrian", "Cyclist", "Car"].map(str::to_owned).to_vec(),
            pfn_layout,
            anchor_convention: AnchorConvention::CellCentres,
            direction_offset_rad,
            decode: RawDecode {
                rule: DecodeRule::PerClass,
                max_candidates: 100,
                score_threshold: 0.1,
                nms_iou_threshold: 0.01,
                max_detections: 50,
            },
            ..Self::openpcdet(Width::Full, GridPreset::Kitti)
        }
    }
}

fn kitti_anchors() -> BTreeMap<String, RawAnchor> {
    let anchor =
        |size_m, bottom_z_m, positive_iou, negative_iou| RawAnchor { size_m, bottom_z_m, positive_iou, negative_iou };
    [
        ("Car", anchor([3.9, 1.6, 1.56], -1.78, 0.6, 0.45)),
        ("Pedestrian", anchor([0.8, 0.6, 1.73], -0.6, 0.5, 0.35)),
        ("Cyclist", anchor([1.76, 0.6, 1.73], -0.6, 0.5, 0.35)),
    ]
    .into_iter()
    .map(|(name, anchor)| (name.to_owned(), anchor))
    .collect()
}
