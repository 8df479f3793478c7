//! KITTI's left colour camera beside the LiDAR: what makes a frame comparable with KITTI's.

use crate::sensor::LidarModel;
use crate::vector::{Vec3, from_f64};
use percept_types::{Box3d, Camera, ImageBox, Transform};

/// Nearest depth that a hull is drawn for: parts of boxes behind it are cut off.
const NEAR_M: f64 = 0.1;

/// KITTI's camera 2: 1242 x 375 pixels, typical calibration of the 2011-09-26 drives, 0.27 m ahead of and 0.08 m
/// below the LiDAR, looking 0.6 degrees higher (x right, y down, z ahead).
pub fn kitti_camera() -> Camera {
    let focal = 721.5377;
    let projection = [focal, 0.0, 609.5593, 44.85728, 0.0, focal, 172.854, 0.2163791, 0.0, 0.0, 1.0, 0.002745884];
    let (sin, cos) = 0.0105_f64.sin_cos();
    let rows = [0.0, -1.0, 0.0, 0.0, sin, 0.0, -cos, -0.08, cos, 0.0, sin, -0.27];
    Camera { width: 1242, height: 375, projection, t_camera_lidar: Transform::from_matrix_3x4(&rows) }
}

/// Height and pitch of KITTI's LiDAR (`sensors/hdl64e_kitti.json`), beside which the camera sits.
const KITTI_LIDAR: (f64, f64) = (1.73, 0.4);

/// From the sensor's axes to those of the vehicle's base, which lies on the ground straight below it.
pub fn t_base_lidar(sensor: &LidarModel) -> Transform {
    let pitched = mounted(sensor.mounting_height_m, sensor.mounting_pitch_deg);
    match sensor.mounting_yaw_deg.to_radians() {
        0.0 => pitched,
        yaw_rad => pitched * Transform::from_yaw([0.0; 3], yaw_rad),
    }
}

fn mounted(height_m: f64, pitch_deg: f64) -> Transform {
    let half_pitch = pitch_deg.to_radians() / 2.0;
    let height = [0.0, 0.0, height_m];
    Transform::from_parts(height, [0.0, half_pitch.sin(), 0.0, half_pitch.cos()])
        .unwrap_or_else(|| Transform::from_yaw(height, 0.0))
}

/// KITTI's camera on the same place of the vehicle, seen from a sensor with its own mounting.
pub fn camera_beside(sensor: &LidarModel) -> Camera {
    let camera = kitti_camera();
    let (t_base_kitti, t_base_lidar) = (mounted(KITTI_LIDAR.0, KITTI_LIDAR.1), t_base_lidar(sensor));
    if t_base_kitti == t_base_lidar {
        return camera;
    }
    let t_camera_lidar = camera.t_camera_lidar * t_base_kitti.inverse() * t_base_lidar;
    Camera { t_camera_lidar, ..camera }
}

/// Where a box shows in the image, clipped, and the share of its hull outside (KITTI's truncation).
/// `None` when nothing of it does.
pub fn image_box(camera: &Camera, b: &Box3d) -> Option<(ImageBox, f64)> {
    let corners = b.corners_m().map(|corner| camera.t_camera_lidar.apply(corner));
    const EDGES: [[usize; 2]; 12] =
        [[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]];
    let mut hull = ImageBox { left: f64::MAX, top: f64::MAX, right: f64::MIN, bottom: f64::MIN };
    for [from, to] in EDGES {
        let Some(ends) = cut_at_near(corners[from], corners[to]) else { continue };
        for p in ends.iter().filter_map(|end| camera.project_camera_point(*end)) {
            hull.left = hull.left.min(p.u);
            hull.right = hull.right.max(p.u);
            hull.top = hull.top.min(p.v);
            hull.bottom = hull.bottom.max(p.v);
        }
    }
    if hull.left > hull.right {
        return None;
    }
    let clipped = camera.clip(&hull)?;
    let truncation = (1.0 - clipped.area() / hull.area()).clamp(0.0, 1.0);
    // Edges that merely touch the border are no truncation.
    Some((clipped, if truncation < 0.01 { 0.0 } else { truncation }))
}

/// The part of a segment ahead of the near plane, in camera axes.
fn cut_at_near(a: [f64; 3], b: [f64; 3]) -> Option<[[f64; 3]; 2]> {
    let cut = |inside: [f64; 3], outside: [f64; 3]| {
        let t = (inside[2] - NEAR_M) / (inside[2] - outside[2]);
        std::array::from_fn(|i| inside[i] + t * (outside[i] - inside[i]))
    };
    match (a[2] >= NEAR_M, b[2] >= NEAR_M) {
        (true, true) => Some([a, b]),
        (true, false) => Some([a, cut(a, b)]),
        (false, true) => Some([cut(b, a), b]),
        (false, false) => None,
    }
}

/// Whether a ray can end inside the image, however far it goes between `near_m` and `far_m`: a quick test with a margin.
pub fn may_see(camera: &Camera, origin: Vec3, direction: Vec3, near_m: f32, far_m: f32) -> bool {
    const MARGIN_PX: f64 = 4.0;
    let inside = |range: f32| {
        let p = origin + direction * range;
        let p = camera.t_camera_lidar.apply(crate::vector::to_f64(p));
        camera.project_camera_point(p).is_some_and(|q| {
            q.u >= -MARGIN_PX
                && q.u < camera.width as f64 + MARGIN_PX
                && q.v >= -MARGIN_PX
                && q.v < camera.height as f64 + MARGIN_PX
        })
    };
    // Rays start within 0.3 m of the camera, so that their images are far shorter than the image is high: the two ends tell.
    inside(near_m) || inside(far_m)
}

/// Corners of a box in single precision.
pub fn corners_f32(b: &Box3d) -> [Vec3; 8] {
    b.corners_m().map(from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_straight_ahead_falls_near_the_principal_point() {
        let p = kitti_camera().project_lidar_point([20.0, 0.0, 0.0]).unwrap();
        assert!((p.u - 611.8).abs() < 0.5 && (p.v - 177.6).abs() < 0.5, "{p:?}");
    }

    #[test]
    fn a_box_half_beside_the_camera_is_truncated_and_one_behind_is_not_shown() {
        let camera = kitti_camera();
        let car = |x: f64, y: f64| Box3d { center_m: [x, y, -0.9], size_m: [4.0, 1.7, 1.5], yaw_rad: 0.0 };
        let (ahead, truncation) = image_box(&camera, &car(15.0, 0.0)).unwrap();
        assert!(truncation == 0.0 && ahead.height() > 60.0);
        let (_, truncation) = image_box(&camera, &car(2.0, 2.5)).unwrap();
        assert!(truncation > 0.4, "{truncation}");
        assert!(image_box(&camera, &car(-15.0, 0.0)).is_none());
    }
}
