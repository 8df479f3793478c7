//! Labelled frames: what simulators, converters and data sets say is true.

use crate::{Box3d, ImageBox, PointCloud, PointLabels};
use serde::{Deserialize, Serialize};

/// KITTI's occlusion levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Occlusion {
    /// 0: fully visible.
    Visible = 0,
    /// 1: partly occluded.
    Partly = 1,
    /// 2: largely occluded.
    Largely = 2,
    /// 3: unknown.
    Unknown = 3,
}

/// KITTI's three difficulties (minimum image height, maximum occlusion and truncation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Difficulty {
    /// 40 pixels, fully visible, truncated at most 0.15.
    Easy,
    /// 25 pixels, at most partly occluded, truncated at most 0.30.
    Moderate,
    /// 25 pixels, at most largely occluded, truncated at most 0.50.
    Hard,
}

/// One thing in the world that a detector could find.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthObject {
    /// Class by KITTI's names: Car, Van, Truck, Pedestrian, Person_sitting, Cyclist, Tram, Misc; others allowed.
    pub class_name: String,
    /// The box in the cloud's frame.
    pub box3d: Box3d,
    /// Velocity (x, y) over ground in metres a second, in the cloud's axes.
    pub velocity_mps: [f64; 2],
    /// Number of this thing through the drive, from 1.
    pub instance_id: u32,
    /// Points of the cloud that lie in the box.
    pub num_points: usize,
    /// How much of it others hide.
    pub occlusion: Occlusion,
    /// Part of it outside the image, 0 to 1; -1 unknown.
    pub truncation: f64,
    /// Where the image shows it; `None` outside the image or without a camera.
    pub image_box: Option<ImageBox>,
}

impl TruthObject {
    /// The easiest of KITTI's difficulties it belongs to, if any.
    pub fn difficulty(&self) -> Option<Difficulty> {
        let height_px = self.image_box.map_or(0.0, |b| b.height());
        let fits = |min_height_px: f64, max_occlusion, max_truncation: f64| {
            height_px > min_height_px && self.occlusion <= max_occlusion && self.truncation <= max_truncation
        };
        if fits(40.0, Occlusion::Visible, 0.15) {
            Some(Difficulty::Easy)
        } else if fits(25.0, Occlusion::Partly, 0.30) {
            Some(Difficulty::Moderate)
        } else if fits(25.0, Occlusion::Largely, 0.50) {
            Some(Difficulty::Hard)
        } else {
            None
        }
    }
}

/// A cloud with everything true about it; what training and evaluation read.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledFrame {
    /// The points, in the sensor's frame.
    pub cloud: PointCloud,
    /// A class and an instance a point, where known.
    pub point_labels: Option<PointLabels>,
    /// The things in it.
    pub objects: Vec<TruthObject>,
}
