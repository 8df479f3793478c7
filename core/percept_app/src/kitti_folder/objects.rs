//! Labels as objects in the frame of the cloud.

use percept_eval::kitti::{Annotation, truth_of_annotation};
use percept_types::{Camera, PointCloud, TruthObject};

/// Labels as objects of the LiDAR's frame with their points counted, numbered from 1 as the labels are; DontCare is no
/// object.
pub fn objects_of_labels(labels: &[Annotation], camera: &Camera, cloud: &PointCloud) -> Vec<TruthObject> {
    let of_label = |(index, label)| {
        let mut object = truth_of_annotation(label, &camera.t_camera_lidar, index as u32 + 1)?;
        let inside = |p: &&[f32]| object.box3d.contains([p[0], p[1], p[2]].map(f64::from));
        object.num_points = cloud.points().filter(inside).count();
        Some(object)
    };
    labels.iter().enumerate().filter_map(of_label).collect()
}
