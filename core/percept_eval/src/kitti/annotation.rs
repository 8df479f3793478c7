//! One line of a label file: a box in the rectified camera frame with its image hull.

use percept_types::{BevRectangle, ImageBox};
use serde::{Deserialize, Serialize};

/// A thing as KITTI's label_2 describes it. Camera axes: x right, y down, z forward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Car, Van, Truck, Pedestrian, Person_sitting, Cyclist, Tram, Misc or DontCare.
    pub class_name: String,
    /// Part of it outside the image, 0 to 1; -1 unknown.
    pub truncation: f64,
    /// 0 visible, 1 partly, 2 largely occluded, 3 unknown; -1 for DontCare and detections.
    pub occlusion: i32,
    /// Observation angle in radians; -10 unknown.
    pub alpha_rad: f64,
    /// Hull in the image.
    #[serde(with = "image_box_as_array")]
    pub image_box: ImageBox,
    /// Length, width, height in metres (files store height, width, length); -1 unknown.
    pub size_m: [f64; 3],
    /// Centre of the bottom face in the rectified camera frame, metres; -1000 unknown.
    pub bottom_center_m: [f64; 3],
    /// Turn about the camera's y axis in radians, 0 = length along +x; -10 unknown.
    pub rotation_y_rad: f64,
}

/// An annotation that a detector made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredAnnotation {
    /// What and where.
    pub annotation: Annotation,
    /// Confidence; any finite number, larger is surer.
    pub score: f64,
}

/// Truth and detections of one frame.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct FramePair {
    /// What is there, DontCare regions included.
    pub truth: Vec<Annotation>,
    /// What the detector says.
    pub detections: Vec<ScoredAnnotation>,
}

impl Annotation {
    /// Whether it is a region in which nothing is counted.
    pub fn is_dont_care(&self) -> bool {
        self.class_name == "DontCare"
    }

    /// Footprint in the camera's x-z plane. A turn about y (down) is clockwise there.
    pub fn footprint(&self) -> BevRectangle {
        BevRectangle {
            center_m: [self.bottom_center_m[0], self.bottom_center_m[2]],
            size_m: [self.size_m[0], self.size_m[1]],
            yaw_rad: -self.rotation_y_rad,
        }
    }

    /// Length times width times height.
    pub fn volume_m3(&self) -> f64 {
        self.size_m.iter().product()
    }

    /// The first field that is NaN or infinite.
    pub fn field_not_finite(&self) -> Option<&'static str> {
        let b = &self.image_box;
        let fields: [(&'static str, bool); 6] = [
            ("truncation", self.truncation.is_finite()),
            ("alpha", self.alpha_rad.is_finite()),
            ("image box", [b.left, b.top, b.right, b.bottom].iter().all(|v| v.is_finite())),
            ("size", self.size_m.iter().all(|v| v.is_finite())),
            ("location", self.bottom_center_m.iter().all(|v| v.is_finite())),
            ("rotation_y", self.rotation_y_rad.is_finite()),
        ];
        fields.iter().find(|(_, finite)| !finite).map(|(name, _)| *name)
    }
}

/// Four numbers: left, top, right, bottom.
mod image_box_as_array {
    use percept_types::ImageBox;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(b: &ImageBox, serializer: S) -> Result<S::Ok, S::Error> {
        [b.left, b.top, b.right, b.bottom].serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ImageBox, D::Error> {
        let [left, top, right, bottom] = <[f64; 4]>::deserialize(deserializer)?;
        Ok(ImageBox { left, top, right, bottom })
    }
}
