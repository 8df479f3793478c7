//! Frames made more varied than they are: geometry, points, view, pasted objects.
//!
//! Every draw belongs to the frame's index (see [`crate::random`]), so a frame is augmented the same way whenever and
//! on whatever thread it is made.
//! Source  Lang et al., PointPillars, CVPR 2019, section 3.3; the ranges of OpenPCDet's KITTI recipe.

mod geometry;
mod paste;
mod points;

pub use geometry::{GeometryRanges, geometry};
pub use paste::{ObjectDatabase, PasteSettings, StoredObject};
pub use points::{IntensityMode, PointRanges, count_points_in_boxes, crop_to_camera, points, retain_points};

use percept_types::{Camera, LabelledFrame};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::DistillError;
use crate::random::{Purpose, frame_rng, uniform};
use crate::teacher::{SceneMotion, TeacherNeeds};

/// How much frames are varied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AugmentationSettings {
    /// Flip, rotation, scale, height and slope.
    pub geometry: GeometryRanges,
    /// Drop-out, noise, intensity, order.
    pub points: PointRanges,
    /// Share of the frames that are cut to what the camera sees, as KITTI's evaluation does.
    pub camera_crop_probability: f64,
    /// Objects pasted from the database, where there is one.
    pub paste: PasteSettings,
}

impl AugmentationSettings {
    /// Refuses whatever changes a frame in a way that its teacher's record cannot follow. Boxes and logits follow flip,
    /// rotation and scale; pillar features follow nothing.
    ///
    /// # Errors
    /// The augmentation, by name.
    pub fn check_records(&self, needs: &TeacherNeeds) -> Result<(), DistillError> {
        let (g, p) = (&self.geometry, &self.points);
        let features = !needs.taps.is_empty();
        let refused = [
            ("flip_probability", features && g.flip_probability > 0.0),
            ("rotation_rad", features && g.rotation_rad > 0.0),
            ("scale", features && g.scale != [1.0, 1.0]),
            ("lift_m", g.lift_m > 0.0),
            ("slope", g.slope > 0.0),
            ("drop_fraction", p.drop_fraction[1] > 0.0),
            ("jitter_std_m", p.jitter_std_m > 0.0),
            ("intensity", p.intensity == IntensityMode::Randomise),
            ("shuffle", features && p.shuffle),
            ("camera_crop_probability", self.camera_crop_probability > 0.0),
            ("paste", self.paste.objects_per_class.values().any(|count| *count > 0)),
        ];
        let named: Vec<&str> = refused.iter().filter(|(_, refused)| *refused).map(|(name, _)| *name).collect();
        if named.is_empty() {
            return Ok(());
        }
        let kind = if features { "pillar features" } else { "logits and boxes" };
        let allowed = if features { "none at all" } else { "flip, rotation and scale" };
        let reason = format!(
            "of {kind} cannot follow the augmentation {}: switch it off (allowed with such records: {allowed}), or keep the \
             teacher live",
            named.join(", ")
        );
        Err(DistillError::Record { reason })
    }
}

/// Augmentation with what it needs besides numbers.
#[derive(Clone, Debug)]
pub struct Augmentation {
    settings: AugmentationSettings,
    camera: Option<Camera>,
    database: Option<Arc<ObjectDatabase>>,
}

impl Augmentation {
    /// Checks the settings. A camera is needed where frames are to be cut to its view.
    ///
    /// # Errors
    /// The first setting outside its limits, by name.
    pub fn new(
        settings: AugmentationSettings,
        camera: Option<Camera>,
        database: Option<Arc<ObjectDatabase>>,
    ) -> Result<Self, DistillError> {
        settings.geometry.validate()?;
        settings.points.validate()?;
        probability("camera_crop_probability", settings.camera_crop_probability)?;
        if settings.camera_crop_probability > 0.0 && camera.is_none() {
            return Err(DistillError::Setting {
                name: "camera_crop_probability",
                found: format!("{} without a camera", settings.camera_crop_probability),
                expected: "0, or a source whose camera is known",
            });
        }
        Ok(Self { settings, camera, database })
    }

    /// The settings.
    pub fn settings(&self) -> &AugmentationSettings {
        &self.settings
    }

    /// Varies a frame in place and tells how the scene was moved; the counts of points in boxes are brought up to date.
    pub fn apply(&self, frame: &mut LabelledFrame, run_seed: u64, index: u64) -> SceneMotion {
        if let Some(database) = &self.database {
            database.paste(frame, &self.settings.paste, &mut frame_rng(run_seed, index, Purpose::Paste));
        }
        let motion = geometry(frame, &self.settings.geometry, &mut frame_rng(run_seed, index, Purpose::Geometry));
        let mut rng = frame_rng(run_seed, index, Purpose::Points);
        let cropped = uniform(&mut rng, 0.0, 1.0) < self.settings.camera_crop_probability;
        if let (true, Some(camera)) = (cropped, &self.camera) {
            crop_to_camera(frame, camera);
        }
        points(frame, &self.settings.points, &mut rng);
        count_points_in_boxes(frame);
        motion
    }
}

pub(crate) fn probability(name: &'static str, value: f64) -> Result<(), DistillError> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(DistillError::Setting { name, found: value.to_string(), expected: "a share between 0 and 1" })
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use percept_types::{Box3d, LabelledFrame, Occlusion, PointCloud, PointLayout, TruthObject};

    /// A car of 27 points and some ground.
    pub(crate) fn frame() -> LabelledFrame {
        let box3d = Box3d { center_m: [10.0, 4.0, -1.0], size_m: [4.0, 1.6, 1.5], yaw_rad: 0.5 };
        let mut values = Vec::new();
        for i in 0..27 {
            let at = |n: i32, side: f64| f64::from(n % 3 - 1) * side * 0.4;
            let local = [at(i, 4.0), at(i / 3, 1.6), at(i / 9, 1.5)];
            let (sin, cos) = box3d.yaw_rad.sin_cos();
            let x = box3d.center_m[0] + local[0] * cos - local[1] * sin;
            let y = box3d.center_m[1] + local[0] * sin + local[1] * cos;
            values.extend([x as f32, y as f32, (box3d.center_m[2] + local[2]) as f32, 0.3]);
        }
        for i in 0..200 {
            values.extend([(i % 20) as f32 + 0.5, (i / 20) as f32 * 2.0 - 10.0, -1.8, 0.1]);
        }
        let object = TruthObject {
            class_name: "Car".into(),
            box3d,
            velocity_mps: [1.0, 2.0],
            instance_id: 1,
            num_points: 27,
            occlusion: Occlusion::Visible,
            truncation: 0.0,
            image_box: None,
        };
        let cloud = PointCloud::new(PointLayout::xyzi(), values).unwrap();
        LabelledFrame { cloud, point_labels: None, objects: vec![object] }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::frame;
    use super::*;

    #[test]
    fn the_same_frame_is_augmented_the_same_way_twice_and_another_differently() {
        let settings = AugmentationSettings {
            geometry: GeometryRanges::kitti(),
            points: PointRanges { drop_fraction: [0.0, 0.3], jitter_std_m: 0.01, ..PointRanges::default() },
            ..AugmentationSettings::default()
        };
        let augmentation = Augmentation::new(settings, None, None).unwrap();
        let make = |index| {
            let mut frame = frame();
            augmentation.apply(&mut frame, 3, index);
            frame
        };
        assert_eq!(make(5), make(5));
        assert_ne!(make(5), make(6));
    }

    #[test]
    fn cutting_to_a_camera_that_is_not_there_is_refused() {
        let settings = AugmentationSettings { camera_crop_probability: 0.5, ..AugmentationSettings::default() };
        assert!(Augmentation::new(settings, None, None).is_err());
    }
}
