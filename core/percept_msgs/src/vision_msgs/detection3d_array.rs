//! vision_msgs/Detection3DArray and what it is made of.

use crate::geometry_msgs::{Pose, PoseWithCovariance, Vector3};
use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// A class and how sure it is.
    "vision_msgs", ObjectHypothesis {
        /// The class; Percept writes its name.
        class_id: String,
        /// Confidence.
        score: f64,
    }
}

message! {
    /// A class and the pose that it would mean.
    "vision_msgs", ObjectHypothesisWithPose {
        /// The class.
        hypothesis: ObjectHypothesis,
        /// The pose.
        pose: PoseWithCovariance,
    }
}

message! {
    /// An oriented box.
    #[derive(Copy)]
    "vision_msgs", BoundingBox3D {
        /// Centre and turn.
        center: Pose,
        /// Length (x), width (y), height (z) in metres.
        size: Vector3,
    }
}

message! {
    /// One object.
    "vision_msgs", Detection3D {
        /// Moment and frame.
        header: Header,
        /// What it may be.
        results: Vec<ObjectHypothesisWithPose>,
        /// Where it is.
        bbox: BoundingBox3D,
        /// Whatever tells it from others over time; empty where nothing does.
        id: String,
    }
}

message! {
    /// The objects of one frame.
    "vision_msgs", Detection3DArray {
        /// Moment and frame.
        header: Header,
        /// The objects.
        detections: Vec<Detection3D>,
    }
}
