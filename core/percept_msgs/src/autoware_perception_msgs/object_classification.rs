//! autoware_perception_msgs/ObjectClassification.

use crate::message::message;

message! {
    /// A class and how sure it is.
    #[derive(Copy)]
    "autoware_perception_msgs", ObjectClassification {
        /// One of the constants below.
        label: u8,
        /// Confidence among the classes.
        probability: f32,
    }
    constants {
        /// None of the others.
        UNKNOWN: u8 = 0,
        /// Car.
        CAR: u8 = 1,
        /// Truck.
        TRUCK: u8 = 2,
        /// Bus.
        BUS: u8 = 3,
        /// Trailer.
        TRAILER: u8 = 4,
        /// Motorcycle.
        MOTORCYCLE: u8 = 5,
        /// Bicycle with its rider.
        BICYCLE: u8 = 6,
        /// Pedestrian.
        PEDESTRIAN: u8 = 7,
        /// Animal.
        ANIMAL: u8 = 8,
        /// Something dangerous.
        HAZARD: u8 = 9,
        /// Something one may drive over.
        OVER_DRIVABLE: u8 = 10,
        /// Something one may drive under.
        UNDER_DRIVABLE: u8 = 11,
    }
}
