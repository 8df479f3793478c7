//! Pictures of frames as files: from above, and through cameras.

mod camera_sheet;
mod cloud_source;

pub use camera_sheet::draw_camera_sheet;
pub use cloud_source::CloudSource;

use crate::AppError;
use percept_types::{PointCloud, VoxelGrid};
use percept_viz::bev::{BevOptions, Scene, render_png};
use std::fs;
use std::path::Path;

/// Longer side of a picture in pixels.
const LONGER_SIDE_PX: usize = 1000;
/// Ground shown around the grid, so that its edge can be seen.
const MARGIN_M: f64 = 4.0;
/// Heights that the colours span: from below the road to the roof of a lorry, as seen from a roof rack.
const HEIGHTS_M: [f32; 2] = [-2.2, 1.5];

/// Options that show a grid, the same for every frame of a drive.
pub fn options_for(grid: &VoxelGrid) -> BevOptions {
    let [x_min, y_min, _, x_max, y_max, _] = grid.range_m();
    let range_m = [x_min - MARGIN_M, y_min - MARGIN_M, x_max + MARGIN_M, y_max + MARGIN_M];
    BevOptions { color_range: Some(HEIGHTS_M), ..BevOptions::fitting(range_m, LONGER_SIDE_PX) }
}

/// Options that show every point of a frame, 80 m away at most.
pub fn options_around(cloud: &PointCloud) -> BevOptions {
    let reach = |axis: usize, sign: f32| {
        let far = cloud.points().map(|point| point[axis] * sign).filter(|v| v.is_finite()).fold(10.0, f32::max);
        f64::from(far.min(80.0))
    };
    let range_m = [-reach(0, -1.0), -reach(1, -1.0), reach(0, 1.0), reach(1, 1.0)];
    BevOptions { color_range: Some(HEIGHTS_M), ..BevOptions::fitting(range_m, LONGER_SIDE_PX) }
}

/// Draws a frame into a PNG file; its folder is made where it is missing.
///
/// # Errors
/// When the picture cannot be drawn or written.
pub fn draw_to_file(path: &Path, scene: &Scene<'_>, options: &BevOptions) -> Result<(), AppError> {
    let fault = |reason: String| AppError::Picture { path: path.to_owned(), reason };
    let png = render_png(scene, options).map_err(|error| fault(error.to_string()))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(AppError::io("create", folder))?;
    }
    fs::write(path, png).map_err(AppError::io("write", path))
}
