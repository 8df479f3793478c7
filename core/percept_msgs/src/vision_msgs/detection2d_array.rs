//! vision_msgs/Detection2DArray and what it is made of.

use super::ObjectHypothesisWithPose;
use crate::message::message;
use crate::std_msgs::Header;

message! {
    /// A place in an image.
    #[derive(Copy)]
    "vision_msgs", Point2D {
        /// Column in pixels.
        x: f64,
        /// Row in pixels.
        y: f64,
    }
}

message! {
    /// A place and a turn in an image.
    #[derive(Copy)]
    "vision_msgs", Pose2D {
        /// Where.
        position: Point2D,
        /// Turn in radians.
        theta: f64,
    }
}

message! {
    /// A rectangle in an image.
    #[derive(Copy)]
    "vision_msgs", BoundingBox2D {
        /// Its middle and turn.
        center: Pose2D,
        /// Width in pixels.
        size_x: f64,
        /// Height in pixels.
        size_y: f64,
    }
}

message! {
    /// One object in an image.
    "vision_msgs", Detection2D {
        /// Moment and frame.
        header: Header,
        /// What it may be.
        results: Vec<ObjectHypothesisWithPose>,
        /// Where it is.
        bbox: BoundingBox2D,
        /// Whatever tells it from others over time; empty where nothing does.
        id: String,
    }
}

message! {
    /// The objects of one image.
    "vision_msgs", Detection2DArray {
        /// Moment and frame.
        header: Header,
        /// The objects.
        detections: Vec<Detection2D>,
    }
}
