//! Classes of other data sets under KITTI's names, as far as a detector of KITTI's three classes is asked for them.

use percept_types::{Detections, TruthObject};

/// KITTI's name of a class; what KITTI has no name for stays as it is.
///
/// Vehicles larger than a car become vans, which finding is neither right nor wrong for a detector of cars.
fn kitti_name(class_name: &str) -> &str {
    match class_name {
        "car" | "REGULAR_VEHICLE" => "Car",
        "truck" | "bus" | "trailer" | "construction_vehicle" => "Van",
        "LARGE_VEHICLE" | "TRUCK" | "TRUCK_CAB" | "BOX_TRUCK" | "BUS" | "SCHOOL_BUS" | "ARTICULATED_BUS" => "Van",
        "VEHICULAR_TRAILER" | "RAILED_VEHICLE" => "Van",
        "pedestrian" | "PEDESTRIAN" | "OFFICIAL_SIGNALER" => "Pedestrian",
        "bicycle" | "motorcycle" | "BICYCLIST" | "MOTORCYCLIST" | "WHEELED_RIDER" => "Cyclist",
        other => other,
    }
}

pub(super) fn as_kitti_object(object: &TruthObject) -> TruthObject {
    TruthObject { class_name: kitti_name(&object.class_name).to_owned(), ..object.clone() }
}

pub(super) fn as_kitti_detections(detections: &Detections) -> Detections {
    let class_names = detections.class_names.iter().map(|name| kitti_name(name).to_owned()).collect();
    Detections { class_names, boxes: detections.boxes.clone() }
}
