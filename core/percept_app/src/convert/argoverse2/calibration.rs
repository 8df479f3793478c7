//! The cameras of a log: intrinsics and mounting.

use super::feather::{FeatherTable, NO_TRANSFORM, transforms};
use crate::AppError;
use percept_types::{Camera, Transform};
use std::collections::BTreeMap;
use std::path::Path;

/// A camera on the vehicle.
pub(super) struct MountedCamera {
    pub(super) name: String,
    pub(super) camera: Camera,
    /// k1, k2, p1, p2, k3.
    pub(super) distortion: [f64; 5],
}

/// Cameras with intrinsics and mounting, by name; none where a table is missing.
pub(super) fn read_cameras(folder: &Path) -> Result<Vec<MountedCamera>, AppError> {
    let intrinsics = FeatherTable::read_if_there(&folder.join("intrinsics.feather"))?;
    let mounting = FeatherTable::read_if_there(&folder.join("egovehicle_SE3_sensor.feather"))?;
    let (Some(table), Some(mounting)) = (intrinsics, mounting) else { return Ok(Vec::new()) };
    let mounts: BTreeMap<String, Option<Transform>> =
        mounting.texts("sensor_name")?.into_iter().zip(transforms(&mounting)?).collect();
    let column = |name: &str| table.numbers(name);
    let (fx, fy, cx, cy) = (column("fx_px")?, column("fy_px")?, column("cx_px")?, column("cy_px")?);
    let (k1, k2, k3) = (column("k1")?, column("k2")?, column("k3")?);
    let (width, height) = (table.whole_numbers("width_px")?, table.whole_numbers("height_px")?);
    let mut cameras = Vec::new();
    for (i, name) in table.texts("sensor_name")?.into_iter().enumerate() {
        let Some(mount) = mounts.get(&name) else { continue };
        let t_base_camera = mount.ok_or_else(|| mounting.fault(format!("{name}: {NO_TRANSFORM}")))?;
        let pixels = |size: i64| {
            let sensible = usize::try_from(size).ok().filter(|size| (1..65536).contains(size));
            sensible.ok_or_else(|| table.fault(format!("{name} is {size} pixels wide or high")))
        };
        let camera = Camera {
            width: pixels(width[i])?,
            height: pixels(height[i])?,
            projection: [fx[i], 0.0, cx[i], 0.0, 0.0, fy[i], cy[i], 0.0, 0.0, 0.0, 1.0, 0.0],
            t_camera_lidar: t_base_camera.inverse(),
        };
        cameras.push(MountedCamera { name, camera, distortion: [k1[i], k2[i], 0.0, 0.0, k3[i]] });
    }
    cameras.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cameras)
}
