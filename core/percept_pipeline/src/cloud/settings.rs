//! What is asked of clouds.

use std::time::Duration;

/// A box along the axes of a frame, in metres; its faces belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// x, y, z.
    pub min_m: [f64; 3],
    /// x, y, z.
    pub max_m: [f64; 3],
}

impl Bounds {
    /// Whether a point lies in the box.
    pub fn contains(&self, point_m: [f64; 3]) -> bool {
        (0..3).all(|axis| (self.min_m[axis]..=self.max_m[axis]).contains(&point_m[axis]))
    }
}

/// Whether the model is told how the sensor is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mounting {
    /// It is not.
    #[default]
    Ignored,
    /// It is, where TF knows the way from one of these frames (the first that it knows).
    IfKnown(Vec<String>),
    /// It is, and a cloud without it is dropped.
    Required(Vec<String>),
}

/// What is asked of clouds; the default leaves them as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudSettings {
    /// Topics: the main LiDAR, whose stamp and frame the output carries, then further ones.
    pub topics: Vec<String>,
    /// The field with the intensity.
    pub intensity_field: String,
    /// How the sensor is mounted.
    pub mounting: Mounting,
    /// How long a cloud waits for transforms and for further LiDARs.
    pub timeout: Duration,
    /// Clouds of further LiDARs belong to the main one where their stamps differ by no more, in seconds.
    pub sync_tolerance_s: f64,
    /// The frame that stands still: odom.
    pub fixed_frame: Option<String>,
    /// Whether every point is moved to where it would be at the stamp.
    pub motion_compensation: bool,
    /// How many earlier sweeps are added.
    pub past_sweeps: usize,
    /// The frame of the two boxes below; `None`: the cloud's own.
    pub crop_frame: Option<String>,
    /// Points inside are removed: the own vehicle.
    pub crop_box: Option<Bounds>,
    /// Points outside are removed.
    pub region_of_interest: Option<Bounds>,
}

impl Default for CloudSettings {
    fn default() -> Self {
        Self {
            topics: vec!["~/input/pointcloud".to_owned()],
            intensity_field: "intensity".to_owned(),
            mounting: Mounting::Ignored,
            timeout: Duration::from_millis(100),
            sync_tolerance_s: 0.05,
            fixed_frame: None,
            motion_compensation: false,
            past_sweeps: 0,
            crop_frame: None,
            crop_box: None,
            region_of_interest: None,
        }
    }
}

impl CloudSettings {
    /// Whether the message's bytes go to the model as they came.
    pub fn leaves_clouds_alone(&self) -> bool {
        self.topics.len() <= 1
            && !self.motion_compensation
            && self.past_sweeps == 0
            && self.crop_box.is_none()
            && self.region_of_interest.is_none()
    }

    /// Whether transforms are needed.
    pub fn needs_transforms(&self) -> bool {
        let crops = self.crop_box.is_some() || self.region_of_interest.is_some();
        self.mounting != Mounting::Ignored
            || self.topics.len() > 1
            || self.motion_compensation
            || self.past_sweeps > 0
            || (crops && self.crop_frame.is_some())
    }
}
