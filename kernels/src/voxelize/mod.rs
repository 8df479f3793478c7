//! Hard voxelization: points to voxels of bounded size, kept as lists of point indices.
//!
//! Input   points (N, F) f32, x y z first.
//! Output  coords (P, 3) u32 [z, y, x] relative to the window, offsets (P + 1), point_indices (R): the points of
//!         voxel `p` are `point_indices[offsets[p]..offsets[p + 1]]`. Only real points, no padding.
//! Order   voxels by linear index (z slowest, x fastest), points by arrival. Where more voxels exist than the cap,
//!         those whose first point came first survive.
//! Cells   `floor((p - min) / size)` in f32 with IEEE subtraction and division; a point on the lower edge is inside,
//!         on the upper edge outside; NaN is outside.
//! Limits  a window of at most 2^26 cells (the table of cells is dense).
//! Source  Lang et al., PointPillars, CVPR 2019, section 2.1; Zhou and Tuzel, VoxelNet, CVPR 2018, section 2.1.

pub mod cpu;
mod cpu_fast;
pub mod cuda;

pub use cpu_fast::Voxelizer;

use crate::error::KernelError;
use percept_types::VoxelGrid;

/// Most cells of a window: the dense table of four bytes a cell stays at 256 MiB.
pub const MAX_WINDOW_CELLS: usize = 1 << 26;

/// A part of a grid in whole cells along x and y; all of z. Coordinates of points stay absolute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CellWindow {
    /// First cell along x.
    pub x0: usize,
    /// First cell along y.
    pub y0: usize,
    /// Cells along x.
    pub nx: usize,
    /// Cells along y.
    pub ny: usize,
}

impl CellWindow {
    /// All of a grid.
    pub fn whole(grid: &VoxelGrid) -> Self {
        Self { x0: 0, y0: 0, nx: grid.nx(), ny: grid.ny() }
    }

    /// Whether the window has cells and all of them lie in the grid.
    pub fn lies_in(&self, grid: &VoxelGrid) -> bool {
        let inside = |start: usize, n: usize, of: usize| n > 0 && start.checked_add(n).is_some_and(|end| end <= of);
        inside(self.x0, self.nx, grid.nx()) && inside(self.y0, self.ny, grid.ny())
    }

    /// `[x_min, y_min, z_min, x_max, y_max, z_max]` of the window in metres.
    pub fn range_m(&self, grid: &VoxelGrid) -> [f64; 6] {
        let (range, size) = (grid.range_m(), grid.voxel_size_m());
        let edge = |axis: usize, cell: usize| range[axis] + cell as f64 * size[axis];
        [edge(0, self.x0), edge(1, self.y0), range[2], edge(0, self.x0 + self.nx), edge(1, self.y0 + self.ny), range[5]]
    }
}

/// What to sort points into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoxelizeSpec {
    /// The grid; the only source of cell sizes.
    pub grid: VoxelGrid,
    /// The part of it to fill.
    pub window: CellWindow,
    /// M: further points of a voxel are dropped and counted.
    pub max_points_per_voxel: usize,
    /// Further voxels are dropped and counted.
    pub max_voxels: usize,
}

impl VoxelizeSpec {
    /// Checks limits and window.
    ///
    /// # Errors
    /// A limit of 0, a window that does not lie in the grid, more than [`MAX_WINDOW_CELLS`] cells.
    pub fn check(&self) -> Result<(), KernelError> {
        for (what, limit) in [("points a voxel", self.max_points_per_voxel), ("voxels", self.max_voxels)] {
            if limit == 0 {
                return Err(KernelError::ZeroDimension { layer: "voxelize".to_owned(), what });
            }
        }
        let CellWindow { x0, y0, nx, ny } = self.window;
        if !self.window.lies_in(&self.grid) {
            let (grid_nx, grid_ny) = (self.grid.nx(), self.grid.ny());
            return Err(KernelError::WindowOutside { x0, y0, nx, ny, grid_nx, grid_ny });
        }
        let cells = nx as u128 * ny as u128 * self.grid.shape()[2] as u128;
        if cells > MAX_WINDOW_CELLS as u128 {
            return Err(KernelError::TooLarge {
                layer: "voxelize".to_owned(),
                elements: cells,
                max: MAX_WINDOW_CELLS as u128,
            });
        }
        Ok(())
    }
}

/// What was dropped on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoxelizeDrops {
    /// Points outside the window.
    pub points_out_of_range: usize,
    /// Points of kept voxels beyond `max_points_per_voxel`.
    pub points_over_voxel_cap: usize,
    /// Voxels beyond `max_voxels`.
    pub voxels_over_cap: usize,
    /// Points that lay in those.
    pub points_of_dropped_voxels: usize,
}

/// Points sorted into voxels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voxels {
    /// (P, 3) [z, y, x], relative to the window, ascending.
    pub coords: Vec<[u32; 3]>,
    /// (P + 1) starts of the voxels in `point_indices`, and its length.
    pub offsets: Vec<u32>,
    /// (R) indices of the kept points.
    pub point_indices: Vec<u32>,
    /// What was dropped.
    pub drops: VoxelizeDrops,
}

impl Voxels {
    /// Number of voxels, P.
    pub fn len(&self) -> usize {
        self.coords.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.coords.is_empty()
    }

    /// Points kept in voxel `p`; 0 beyond the last.
    pub fn num_points(&self, p: usize) -> usize {
        match (self.offsets.get(p), self.offsets.get(p + 1)) {
            (Some(start), Some(end)) => (end - start) as usize,
            _ => 0,
        }
    }
}

/// One axis of the grid in f32, with the part of it that the window covers.
#[derive(Clone, Copy, Debug)]
struct Axis {
    min: f32,
    max: f32,
    size: f32,
    cells: u32,
    first: u32,
    len: u32,
}

impl Axis {
    /// Cell within the window, `None` outside.
    #[inline(always)]
    fn cell(&self, value: f32) -> Option<u32> {
        if !(value >= self.min && value < self.max) {
            return None;
        }
        // Not negative, so the cast truncates to the floor (and saturates beyond u32).
        let cell = ((value - self.min) / self.size) as u32;
        // Rounding may put a point just below the upper edge into a cell that does not exist.
        if cell >= self.cells {
            return None;
        }
        let relative = cell.wrapping_sub(self.first);
        (relative < self.len).then_some(relative)
    }
}

/// The three axes of a checked spec.
#[derive(Clone, Copy, Debug)]
struct Cells {
    x: Axis,
    y: Axis,
    z: Axis,
}

impl Cells {
    fn new(spec: &VoxelizeSpec) -> Self {
        let (range, size, shape) = (spec.grid.range_m(), spec.grid.voxel_size_m(), spec.grid.shape());
        let axis = |i: usize, first: usize, len: usize| Axis {
            min: range[i] as f32,
            max: range[i + 3] as f32,
            size: size[i] as f32,
            cells: shape[i] as u32,
            first: first as u32,
            len: len as u32,
        };
        let window = spec.window;
        Self { x: axis(0, window.x0, window.nx), y: axis(1, window.y0, window.ny), z: axis(2, 0, shape[2]) }
    }

    /// Cells in all; at most [`MAX_WINDOW_CELLS`] for a checked spec.
    fn count(&self) -> usize {
        self.x.len as usize * self.y.len as usize * self.z.len as usize
    }

    /// Linear index within the window of the cell of a point, `None` outside.
    #[inline(always)]
    fn linear(&self, x: f32, y: f32, z: f32) -> Option<u32> {
        let (x, y, z) = (self.x.cell(x)?, self.y.cell(y)?, self.z.cell(z)?);
        Some((z * self.y.len + y) * self.x.len + x)
    }

    /// [z, y, x] of a linear index.
    fn coord(&self, linear: u32) -> [u32; 3] {
        let plane = self.x.len * self.y.len;
        [linear / plane, linear % plane / self.x.len, linear % self.x.len]
    }
}

fn check_points(points: &[f32], num_features: usize) -> Result<(), KernelError> {
    if num_features < 3 {
        return Err(KernelError::Length {
            what: "features of a point (x, y, z first)",
            expected: 3,
            found: num_features,
        });
    }
    if !points.len().is_multiple_of(num_features) {
        let expected = points.len() / num_features * num_features;
        return Err(KernelError::Length { what: "points of whole rows", expected, found: points.len() });
    }
    let num_points = points.len() / num_features;
    if num_points >= u32::MAX as usize {
        let (elements, max) = (num_points as u128, u32::MAX as u128 - 1);
        return Err(KernelError::TooLarge { layer: "voxelize".to_owned(), elements, max });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
