//! The one source of grid size, strides and bird's-eye shape.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a range and a voxel size make no grid.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GridError {
    /// A NaN or an infinity among the numbers.
    #[error("point_cloud_range {range_m:?} and voxel_size {voxel_size_m:?} must be finite numbers")]
    NotFinite {
        /// The range found.
        range_m: [f64; 6],
        /// The voxel size found.
        voxel_size_m: [f64; 3],
    },
    /// A side that is zero or negative.
    #[error("voxel_size {found} on axis {axis} must be above 0 metres")]
    VoxelNotPositive {
        /// x, y or z.
        axis: char,
        /// The side found.
        found: f64,
    },
    /// The upper end does not lie above the lower.
    #[error("point_cloud_range on axis {axis} runs from {min} to {max}: the second must be the larger")]
    RangeEmpty {
        /// x, y or z.
        axis: char,
        /// Lower end.
        min: f64,
        /// Upper end.
        max: f64,
    },
    /// The range is no whole number of voxels.
    #[error(
        "point_cloud_range on axis {axis} spans {span} m, which is {voxels} voxels of {size} m: make it a whole number"
    )]
    NotWhole {
        /// x, y or z.
        axis: char,
        /// Length of the range.
        span: f64,
        /// Voxels it would hold.
        voxels: f64,
        /// Side of a voxel.
        size: f64,
    },
    /// More cells than an index holds.
    #[error("a grid of {cells} cells is more than the {limit} this build allows: use larger voxels or a smaller range")]
    TooManyCells {
        /// Cells asked for.
        cells: f64,
        /// Most cells allowed.
        limit: usize,
    },
}

/// A box of space cut into voxels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "GridParts", into = "GridParts")]
pub struct VoxelGrid {
    range_m: [f64; 6],
    voxel_size_m: [f64; 3],
    shape: [usize; 3],
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct GridParts {
    range_m: [f64; 6],
    voxel_size_m: [f64; 3],
}

impl TryFrom<GridParts> for VoxelGrid {
    type Error = GridError;

    fn try_from(parts: GridParts) -> Result<Self, GridError> {
        Self::new(parts.range_m, parts.voxel_size_m)
    }
}

impl From<VoxelGrid> for GridParts {
    fn from(grid: VoxelGrid) -> Self {
        Self { range_m: grid.range_m, voxel_size_m: grid.voxel_size_m }
    }
}

/// Most cells a grid may have: linear indices stay within `i32` on every device.
const MAX_CELLS: usize = 1 << 30;

impl VoxelGrid {
    /// A grid from `[x_min, y_min, z_min, x_max, y_max, z_max]` and the sides of a voxel, in metres.
    ///
    /// # Errors
    /// When a number is not finite, a side or span not positive, the span no whole number of voxels (to 1e-3 of one),
    /// or the cells exceed 2^30.
    pub fn new(range_m: [f64; 6], voxel_size_m: [f64; 3]) -> Result<Self, GridError> {
        if !range_m.iter().chain(&voxel_size_m).all(|v| v.is_finite()) {
            return Err(GridError::NotFinite { range_m, voxel_size_m });
        }
        let mut shape = [0; 3];
        for (axis, name) in ['x', 'y', 'z'].into_iter().enumerate() {
            shape[axis] = cells_on_axis(name, range_m[axis], range_m[axis + 3], voxel_size_m[axis])?;
        }
        let cells = shape.iter().map(|n| *n as f64).product::<f64>();
        if cells > MAX_CELLS as f64 {
            return Err(GridError::TooManyCells { cells, limit: MAX_CELLS });
        }
        Ok(Self { range_m, voxel_size_m, shape })
    }

    /// `[x_min, y_min, z_min, x_max, y_max, z_max]` in metres.
    pub fn range_m(&self) -> [f64; 6] {
        self.range_m
    }

    /// Sides of a voxel in metres.
    pub fn voxel_size_m(&self) -> [f64; 3] {
        self.voxel_size_m
    }

    /// Cells along x, y, z.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Cells along x.
    pub fn nx(&self) -> usize {
        self.shape[0]
    }

    /// Cells along y.
    pub fn ny(&self) -> usize {
        self.shape[1]
    }

    /// Whether a point lies in the half-open range: the lower edge is inside, the upper outside.
    pub fn contains(&self, point_m: [f64; 3]) -> bool {
        (0..3).all(|axis| point_m[axis] >= self.range_m[axis] && point_m[axis] < self.range_m[axis + 3])
    }
}

fn cells_on_axis(axis: char, min: f64, max: f64, size: f64) -> Result<usize, GridError> {
    if size <= 0.0 {
        return Err(GridError::VoxelNotPositive { axis, found: size });
    }
    if max <= min {
        return Err(GridError::RangeEmpty { axis, min, max });
    }
    let voxels = (max - min) / size;
    if (voxels - voxels.round()).abs() > 1e-3 || voxels.round() < 1.0 {
        return Err(GridError::NotWhole { axis, span: max - min, voxels, size });
    }
    // A span of absurd length is caught by the limit on cells, not here: the cast saturates.
    Ok(voxels.round() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kitti_range_has_432_by_496_pillars() {
        let grid = VoxelGrid::new([0.0, -39.68, -3.0, 69.12, 39.68, 1.0], [0.16, 0.16, 4.0]).unwrap();
        assert_eq!(grid.shape(), [432, 496, 1]);
    }

    #[test]
    fn numbers_that_make_no_grid_are_refused_by_name() {
        let range = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        assert!(matches!(VoxelGrid::new(range, [0.1, -0.1, 1.0]), Err(GridError::VoxelNotPositive { axis: 'y', .. })));
        assert!(matches!(VoxelGrid::new(range, [0.3, 0.1, 1.0]), Err(GridError::NotWhole { axis: 'x', .. })));
        assert!(matches!(VoxelGrid::new(range, [f64::NAN, 0.1, 1.0]), Err(GridError::NotFinite { .. })));
        let empty = [0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        assert!(matches!(VoxelGrid::new(empty, [0.1, 0.1, 1.0]), Err(GridError::RangeEmpty { axis: 'z', .. })));
        let vast = [0.0, 0.0, 0.0, 1e18, 1e18, 1e18];
        assert!(matches!(VoxelGrid::new(vast, [1.0, 1.0, 1.0]), Err(GridError::TooManyCells { .. })));
    }
}
