//! The whole scene flipped, turned, scaled, lifted and tilted.

use percept_types::{LabelledFrame, wrap_to_pi};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::probability;
use crate::DistillError;
use crate::random::uniform;
use crate::teacher::SceneMotion;

/// Ranges of the scene's motion; the default moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeometryRanges {
    /// Probability of y to -y.
    pub flip_probability: f64,
    /// Turn about z, uniform within ± this, radians.
    pub rotation_rad: f64,
    /// Factor on all lengths, uniform.
    pub scale: [f64; 2],
    /// Lift, uniform within ± this, metres.
    pub lift_m: f64,
    /// Slope of the ground along x and along y, each uniform within ± this (metres a metre).
    pub slope: f64,
}

impl Default for GeometryRanges {
    fn default() -> Self {
        Self { flip_probability: 0.0, rotation_rad: 0.0, scale: [1.0, 1.0], lift_m: 0.0, slope: 0.0 }
    }
}

impl GeometryRanges {
    /// The published KITTI recipe: flip half of the frames, ±45 degrees, 0.95 to 1.05.
    pub fn kitti() -> Self {
        let rotation_rad = std::f64::consts::FRAC_PI_4;
        Self { flip_probability: 0.5, rotation_rad, scale: [0.95, 1.05], ..Self::default() }
    }

    pub(super) fn validate(&self) -> Result<(), DistillError> {
        probability("flip_probability", self.flip_probability)?;
        let refuse =
            |name, found: f64, expected| Err(DistillError::Setting { name, found: found.to_string(), expected });
        if !(0.0..=std::f64::consts::PI).contains(&self.rotation_rad) {
            return refuse("rotation_rad", self.rotation_rad, "0 to pi");
        }
        if !(self.scale[0] > 0.1 && self.scale[0] <= self.scale[1] && self.scale[1] < 10.0) {
            return refuse("scale", self.scale[0], "two rising factors between 0.1 and 10");
        }
        if !(0.0..=10.0).contains(&self.lift_m) {
            return refuse("lift_m", self.lift_m, "0 to 10 metres");
        }
        if !(0.0..=0.3).contains(&self.slope) {
            return refuse("slope", self.slope, "0 to 0.3");
        }
        Ok(())
    }
}

/// Moves points and boxes alike and tells how. What images show of the boxes is forgotten: no camera saw this scene.
pub fn geometry(frame: &mut LabelledFrame, ranges: &GeometryRanges, rng: &mut ChaCha8Rng) -> SceneMotion {
    // All numbers are drawn whatever their ranges, so that changing one range leaves the other draws alone.
    let flip = uniform(rng, 0.0, 1.0) < ranges.flip_probability;
    let yaw_rad = uniform(rng, -1.0, 1.0) * ranges.rotation_rad;
    let scale = uniform(rng, ranges.scale[0], ranges.scale[1]);
    let lift_m = uniform(rng, -1.0, 1.0) * ranges.lift_m;
    let slope = [uniform(rng, -1.0, 1.0) * ranges.slope, uniform(rng, -1.0, 1.0) * ranges.slope];
    let motion = SceneMotion { flip, yaw_rad, scale, lift_m, slope };

    let width = frame.cloud.num_features();
    for point in frame.cloud.values_mut().chunks_exact_mut(width) {
        if let [x, y, z, ..] = point {
            let placed = motion.place([f64::from(*x), f64::from(*y), f64::from(*z)]);
            (*x, *y, *z) = (placed[0] as f32, placed[1] as f32, placed[2] as f32);
        }
    }
    for object in &mut frame.objects {
        object.box3d = motion.place_box(&object.box3d);
        object.box3d.yaw_rad = wrap_to_pi(object.box3d.yaw_rad);
        object.velocity_mps = motion.turn(object.velocity_mps).map(|speed| speed * scale);
        object.image_box = None;
    }
    motion
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::count_points_in_boxes;
    use crate::augment::testing::frame;
    use crate::random::{Purpose, frame_rng};

    #[test]
    fn points_stay_in_their_boxes() {
        let ranges = GeometryRanges { lift_m: 0.3, ..GeometryRanges::kitti() };
        let mut before = frame();
        count_points_in_boxes(&mut before);
        for index in 0..20 {
            let mut moved = frame();
            geometry(&mut moved, &ranges, &mut frame_rng(1, index, Purpose::Geometry));
            assert_ne!(moved.objects[0].box3d, frame().objects[0].box3d);
            count_points_in_boxes(&mut moved);
            assert_eq!(moved.objects[0].num_points, before.objects[0].num_points, "frame {index}");
        }
    }

    #[test]
    fn the_default_moves_nothing() {
        let mut same = frame();
        geometry(&mut same, &GeometryRanges::default(), &mut frame_rng(1, 0, Purpose::Geometry));
        assert_eq!(same, frame());
    }

    #[test]
    fn a_slope_lifts_box_and_points_together() {
        let ranges = GeometryRanges { slope: 0.02, ..GeometryRanges::default() };
        let mut tilted = frame();
        geometry(&mut tilted, &ranges, &mut frame_rng(2, 0, Purpose::Geometry));
        let lifted = tilted.objects[0].box3d.center_m[2] - frame().objects[0].box3d.center_m[2];
        // Point 13 stands in the box's centre.
        let point = tilted.cloud.values()[13 * 4 + 2] - frame().cloud.values()[13 * 4 + 2];
        assert!(lifted.abs() > 1e-4 && (lifted - f64::from(point)).abs() < 1e-5);
    }
}
