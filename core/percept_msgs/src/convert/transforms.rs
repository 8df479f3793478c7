//! `Transform` to and from geometry_msgs, and tf2_msgs/TFMessage into a `TransformBuffer`.

use super::finite::transform_of;
use crate::geometry_msgs::{Transform as TransformMessage, TransformStamped};
use crate::std_msgs::Header;
use crate::tf2_msgs::TFMessage;
use crate::{Message, MsgError};
use percept_types::{Stamp, Transform, TransformBuffer};

impl From<Transform> for TransformMessage {
    fn from(transform: Transform) -> Self {
        Self { translation: transform.translation_m().into(), rotation: transform.quaternion_xyzw().into() }
    }
}

impl TransformStamped {
    /// `t_parent_child` at a moment.
    pub fn new(stamp: Stamp, parent: &str, child: &str, t_parent_child: Transform) -> Self {
        let header = Header::new(stamp, parent);
        Self { header, child_frame_id: child.to_owned(), transform: t_parent_child.into() }
    }

    /// The motion `t_parent_child`.
    ///
    /// # Errors
    /// Where a number is not finite or the quaternion is zero.
    pub fn to_transform(&self) -> Result<Transform, MsgError> {
        let TransformMessage { translation, rotation } = self.transform;
        transform_of(Self::TYPE_NAME, "transform", translation.into(), rotation)
    }
}

impl TFMessage {
    /// Puts every transform into the buffer; `is_static` for those of /tf_static.
    ///
    /// # Errors
    /// At the first transform that is faulty or that the buffer refuses; those before it are in.
    pub fn insert_into(&self, buffer: &mut TransformBuffer, is_static: bool) -> Result<(), MsgError> {
        for (index, t) in self.transforms.iter().enumerate() {
            buffer
                .insert(&t.header.frame_id, &t.child_frame_id, t.header.stamp.into(), t.to_transform()?, is_static)
                .map_err(|error| MsgError::Transform { index, error })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transform_survives_the_message_and_reaches_the_buffer() {
        let t_base_lidar = Transform::from_yaw([1.0, 2.0, 1.7], 0.3);
        let stamped = TransformStamped::new(Stamp::from_ns(0), "base_link", "lidar", t_base_lidar);
        let message = TFMessage { transforms: vec![stamped] };
        let received = TFMessage::decode(&message.encode()).unwrap();
        let mut buffer = TransformBuffer::default();
        received.insert_into(&mut buffer, true).unwrap();
        let found = buffer.lookup("base_link", "lidar", Stamp::from_ns(77)).unwrap();
        assert!((found.yaw_rad() - 0.3).abs() < 1e-12);
        assert_eq!(found.translation_m(), [1.0, 2.0, 1.7]);
    }

    #[test]
    fn a_quaternion_of_zeros_is_refused() {
        let mut stamped = TransformStamped::new(Stamp::from_ns(0), "a", "b", Transform::identity());
        stamped.transform.rotation = [0.0; 4].into();
        assert!(matches!(stamped.to_transform(), Err(MsgError::Value { .. })));
    }
}
