//! Categories of nuScenes as classes of its detection task, and its visibility as KITTI's occlusion.

use percept_types::Occlusion;

/// The detection task's class of a category (nuscenes-devkit, eval/detection/README.md); `None` for those it leaves out.
pub(super) fn detection_class(category: &str) -> Option<&'static str> {
    Some(match category {
        "movable_object.barrier" => "barrier",
        "vehicle.bicycle" => "bicycle",
        "vehicle.bus.bendy" | "vehicle.bus.rigid" => "bus",
        "vehicle.car" => "car",
        "vehicle.construction" => "construction_vehicle",
        "vehicle.motorcycle" => "motorcycle",
        "human.pedestrian.adult"
        | "human.pedestrian.child"
        | "human.pedestrian.construction_worker"
        | "human.pedestrian.police_officer" => "pedestrian",
        "movable_object.trafficcone" => "traffic_cone",
        "vehicle.trailer" => "trailer",
        "vehicle.truck" => "truck",
        _ => return None,
    })
}

/// KITTI's level (0 below 15 % hidden, 1 below 50 %, 2 below 80 %) of the middle of a visibility's span: 10, 30, 50 and
/// 80 % hidden.
pub(super) fn occlusion_of(level: &str) -> Occlusion {
    match level {
        "v80-100" => Occlusion::Visible,
        "v60-80" => Occlusion::Partly,
        "v40-60" => Occlusion::Largely,
        _ => Occlusion::Unknown,
    }
}
