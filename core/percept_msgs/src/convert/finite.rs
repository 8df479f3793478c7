//! Numbers that must be numbers.

use crate::MsgError;
use crate::geometry_msgs::{Pose, Quaternion, Vector3};
use percept_types::{Box3d, Transform};

fn fault(type_name: &'static str, field: String, found: String, expected: &'static str) -> MsgError {
    MsgError::Value { type_name, field, found, expected }
}

/// The motion of a translation and a quaternion of a message.
pub(super) fn transform_of(
    type_name: &'static str,
    field: &str,
    translation_m: [f64; 3],
    rotation: Quaternion,
) -> Result<Transform, MsgError> {
    Transform::from_parts(translation_m, rotation.xyzw()).ok_or_else(|| {
        let found = format!("translation {translation_m:?}, quaternion {:?}", rotation.xyzw());
        fault(type_name, field.to_owned(), found, "finite numbers and a quaternion that is not zero")
    })
}

/// The upright box of a message's pose and size; its yaw is the heading of its length.
pub(super) fn box_of(type_name: &'static str, field: &str, pose: &Pose, size: &Vector3) -> Result<Box3d, MsgError> {
    let motion = transform_of(type_name, field, pose.position.into(), pose.orientation)?;
    let box3d = Box3d { center_m: motion.translation_m(), size_m: (*size).into(), yaw_rad: motion.yaw_rad() };
    if !box3d.is_valid() {
        return Err(fault(type_name, field.to_owned(), format!("{box3d:?}"), "a box of finite, positive size"));
    }
    Ok(box3d)
}

/// The pose of a box.
pub(super) fn pose_of(b: &Box3d) -> Pose {
    Pose { position: b.center_m.into(), orientation: Quaternion::from_yaw(b.yaw_rad) }
}

/// A score of a message, which must be a number of 0 to 1.
pub(super) fn score_of(type_name: &'static str, field: String, score: f64) -> Result<f32, MsgError> {
    if (0.0..=1.0).contains(&score) {
        Ok(score as f32)
    } else {
        Err(fault(type_name, field, score.to_string(), "a score of 0 to 1"))
    }
}
