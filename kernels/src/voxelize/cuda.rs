//! The launches of voxelize.cu: dense tables of cells, two scans, a selection.

use bytemuck::{Pod, Zeroable};

use super::{Axis, Cells, VoxelizeDrops, VoxelizeSpec, Voxels};
use crate::cuda::{Arguments, Buffer, CudaDevice, DeviceError, Kernel, Launch, blocks};
use crate::error::KernelError;
use crate::prefix_sum;

const PTX: &str = include_str!("voxelize.ptx");
const ASSIGN: Kernel = Kernel { name: "voxelize_assign", ptx: PTX };
const COUNT_FIRSTS: Kernel = Kernel { name: "voxelize_count_firsts", ptx: PTX };
const KEEP: Kernel = Kernel { name: "voxelize_keep", ptx: PTX };
const COUNT_CELLS: Kernel = Kernel { name: "voxelize_count_cells", ptx: PTX };
const NUMBER: Kernel = Kernel { name: "voxelize_number", ptx: PTX };
const GATHER: Kernel = Kernel { name: "voxelize_gather", ptx: PTX };
const SELECT: Kernel = Kernel { name: "voxelize_select", ptx: PTX };
const RESET: Kernel = Kernel { name: "voxelize_reset", ptx: PTX };

const THREADS: u32 = 256;
/// Items of a block of the scans, as in voxelize.cu.
const TILE: usize = 1024;
/// Lanes of a warp.
const WARP: usize = 32;

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct AxisArguments {
    min: f32,
    max: f32,
    size: f32,
    cells: u32,
    first: u32,
    len: u32,
}

impl From<Axis> for AxisArguments {
    fn from(axis: Axis) -> Self {
        let Axis { min, max, size, cells, first, len } = axis;
        Self { min, max, size, cells, first, len }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct GridArguments {
    axes: [AxisArguments; 3],
    num_features: u32,
    num_cells: u32,
    max_points: u32,
    max_voxels: u32,
}

/// What voxelization counts on the device; zero at the beginning of a frame.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct VoxelizeTallies {
    /// P.
    pub num_voxels: u32,
    /// R.
    pub num_kept: u32,
    /// As in [`VoxelizeDrops`]; points that are not finite are among them.
    pub out_of_range: u32,
    /// As in [`VoxelizeDrops`].
    pub over_voxel_cap: u32,
    /// As in [`VoxelizeDrops`].
    pub voxels_over_cap: u32,
    /// As in [`VoxelizeDrops`].
    pub of_dropped_voxels: u32,
}

impl VoxelizeTallies {
    /// What was dropped.
    pub fn drops(&self) -> VoxelizeDrops {
        VoxelizeDrops {
            points_out_of_range: self.out_of_range as usize,
            points_over_voxel_cap: self.over_voxel_cap as usize,
            voxels_over_cap: self.voxels_over_cap as usize,
            points_of_dropped_voxels: self.of_dropped_voxels as usize,
        }
    }
}

/// Sorts points on a device into voxels; its tables and results stay there.
#[derive(Debug)]
pub struct CudaVoxelizer {
    cells: Cells,
    grid: GridArguments,
    max_points: usize,
    firsts: Buffer,
    counts: Buffer,
    voxels: Buffer,
    cell_of_point: Buffer,
    tiles_of_points: Buffer,
    tiles_of_cells: Buffer,
    starts: Buffer,
    members: Buffer,
    /// (P) linear index of each voxel's cell, ascending.
    pub cell_of_voxel: Buffer,
    /// (P + 1).
    pub offsets: Buffer,
    /// (R).
    pub point_indices: Buffer,
}

impl CudaVoxelizer {
    /// Tables for a spec and at most `max_points` points (N, `num_features`).
    ///
    /// # Errors
    /// Those of [`VoxelizeSpec::check`]; memory that is not there.
    pub fn new(
        device: &CudaDevice,
        spec: &VoxelizeSpec,
        num_features: usize,
        max_points: usize,
    ) -> Result<Self, KernelError> {
        spec.check()?;
        let cells = Cells::new(spec);
        let (count, max_points) = (cells.count(), max_points.max(1));
        let words = |len: usize| device.allocate::<u32>(len);
        // No more voxels than points or cells.
        let max_voxels = spec.max_voxels.min(max_points).min(count);
        Ok(Self {
            cells,
            grid: GridArguments {
                axes: [cells.x.into(), cells.y.into(), cells.z.into()],
                num_features: num_features as u32,
                num_cells: count as u32,
                max_points: u32::try_from(spec.max_points_per_voxel).unwrap_or(u32::MAX),
                max_voxels: max_voxels as u32,
            },
            max_points,
            firsts: words(count)?,
            counts: words(count)?,
            voxels: words(count)?,
            cell_of_point: words(max_points)?,
            tiles_of_points: words(max_points.div_ceil(TILE) + 1)?,
            tiles_of_cells: words(3 * (count.div_ceil(TILE) + 1))?,
            starts: words(max_voxels + 1)?,
            members: words(max_points)?,
            cell_of_voxel: words(max_voxels)?,
            offsets: words(max_voxels + 1)?,
            point_indices: words(max_points)?,
        })
    }

    /// Most voxels there can be.
    pub fn max_voxels(&self) -> usize {
        self.grid.max_voxels as usize
    }

    /// points (N, F), N on the device at a place of a buffer -> cells, offsets, indices; tallies at another place.
    pub(crate) fn launches(
        &self,
        points: &Buffer,
        num_points: (&Buffer, usize),
        tallies: (&Buffer, usize),
    ) -> Vec<Launch> {
        let (point_blocks, point_tiles) = (blocks(self.max_points, THREADS), self.max_points.div_ceil(TILE));
        let tiles = (self.grid.num_cells as usize).div_ceil(TILE);
        let new = Arguments::new;
        let count = |arguments: Arguments| arguments.at(num_points.0, num_points.1);
        let tallied = |arguments: Arguments| arguments.at(tallies.0, tallies.1);
        let line = |kernel, blocks, arguments| Launch::line(kernel, blocks, THREADS, arguments);
        let assign = count(new().value(self.grid).buffer(points)).buffer(&self.cell_of_point);
        let assign = tallied(assign.buffer(&self.firsts).buffer(&self.counts));
        let firsts = count(new()).buffer(&self.cell_of_point).buffer(&self.firsts).buffer(&self.tiles_of_points);
        let keep = count(new().value(self.grid)).buffer(&self.cell_of_point).buffer(&self.firsts);
        let keep = tallied(keep.buffer(&self.counts).buffer(&self.tiles_of_points).buffer(&self.voxels));
        let of_cells = new().value(self.grid).buffer(&self.counts).buffer(&self.voxels);
        let sums = of_cells.clone().buffer(&self.tiles_of_cells).size(tiles);
        let number = of_cells.buffer(&self.tiles_of_cells).size(tiles).buffer(&self.cell_of_voxel);
        let number = tallied(number.buffer(&self.starts).buffer(&self.offsets));
        let gather = count(new()).buffer(&self.cell_of_point).buffer(&self.voxels).buffer(&self.counts);
        let gather = gather.buffer(&self.starts).buffer(&self.members);
        let select = tallied(count(new().value(self.grid.max_points))).buffer(&self.starts);
        let select = select.buffer(&self.offsets).buffer(&self.members).buffer(&self.point_indices);
        let reset = count(new()).buffer(&self.cell_of_point).buffer(&self.firsts);
        let reset = reset.buffer(&self.counts).buffer(&self.voxels);
        vec![
            line(ASSIGN, point_blocks, assign),
            line(COUNT_FIRSTS, point_tiles, firsts),
            prefix_sum::launch(&self.tiles_of_points, 1, point_tiles),
            line(KEEP, point_tiles, keep),
            line(COUNT_CELLS, tiles, sums),
            prefix_sum::launch(&self.tiles_of_cells, 3, tiles),
            line(NUMBER, tiles, number),
            line(GATHER, point_blocks, gather),
            line(SELECT, blocks(self.max_voxels() * WARP, THREADS), select),
            line(RESET, point_blocks, reset),
        ]
    }

    /// The result of the last frame, on the host.
    ///
    /// # Errors
    /// What the driver says.
    pub fn read(&self, tallies: &VoxelizeTallies) -> Result<Voxels, DeviceError> {
        let (num_voxels, num_kept) = (tallies.num_voxels as usize, tallies.num_kept as usize);
        let cells = self.cell_of_voxel.values::<u32>(num_voxels)?;
        Ok(Voxels {
            coords: cells.into_iter().map(|cell| self.cells.coord(cell)).collect(),
            offsets: self.offsets.values(num_voxels + 1)?,
            point_indices: self.point_indices.values(num_kept)?,
            drops: tallies.drops(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::EmulatedOrder;
    use crate::test_values::values;
    use crate::voxelize::{CellWindow, cpu};
    use percept_types::VoxelGrid;

    fn spec(window: Option<CellWindow>, max_points_per_voxel: usize, max_voxels: usize) -> VoxelizeSpec {
        let grid = VoxelGrid::new([0.0, -4.0, -1.0, 8.0, 4.0, 1.0], [0.25, 0.25, 1.0]).unwrap();
        let window = window.unwrap_or(CellWindow::whole(&grid));
        VoxelizeSpec { grid, window, max_points_per_voxel, max_voxels }
    }

    fn emulate(order: EmulatedOrder, frames: &[&[f32]], spec: &VoxelizeSpec, max_points: usize) -> Option<Vec<Voxels>> {
        let device = CudaDevice::for_tests(order).unwrap()?;
        let voxelizer = CudaVoxelizer::new(&device, spec, 4, max_points).unwrap();
        let points = device.allocate::<f32>(4 * max_points).unwrap();
        let (count, tallies) = (device.allocate::<u32>(1).unwrap(), device.with_values(&[0_u32; 6]).unwrap());
        let program = device.program(voxelizer.launches(&points, (&count, 0), (&tallies, 0))).unwrap();
        let run = |frame: &&[f32]| {
            points.upload(frame).unwrap();
            count.upload(&[(frame.len() / 4) as u32]).unwrap();
            tallies.upload(&[0_u32; 6]).unwrap();
            program.run().unwrap();
            let counted = tallies.values::<VoxelizeTallies>(1).unwrap()[0];
            voxelizer.read(&counted).unwrap()
        };
        Some(frames.iter().map(run).collect())
    }

    /// Points all over the grid and beyond it, on edges, not finite, many in one cell.
    fn cloud(seed: u64, count: usize) -> Vec<f32> {
        let noise = values(seed, 4 * count);
        let point = |(i, p): (usize, &[f32])| {
            let [x, y, z] = [p[0] * 5.0 + 4.0, p[1] * 5.0, p[2] * 1.2];
            match i % 11 {
                0 => [f32::NAN, y, z, 0.0],
                1 => [x, f32::INFINITY, z, 0.0],
                2 => [0.0, -4.0, -1.0, 1.0],
                3 => [8.0, y, z, 1.0],
                4 => [(x * 4.0).round() / 4.0, (y * 4.0).round() / 4.0, z, 1.0],
                5 => [3.1, 0.1, 0.1, i as f32],
                6 => [f32::from_bits(8.0_f32.to_bits() - 1), y, z, 1.0],
                _ => [x, y, z, 1.0],
            }
        };
        noise.chunks_exact(4).enumerate().flat_map(point).collect()
    }

    #[test]
    fn every_integer_and_drop_is_the_cpus_in_any_order_of_threads_and_frame_after_frame() {
        let (many, few) = (cloud(1, 3000), cloud(2, 40));
        let nowhere = [100.0, 0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0, 0.0];
        let one = [4.0, 0.0, 0.0, 1.0];
        let crowded: Vec<f32> = (0..500).flat_map(|i| [4.05, 0.05, 0.0, i as f32]).collect();
        let frames: [&[f32]; 7] = [&many, &few, &[], &one, &nowhere, &crowded, &many];
        let window = CellWindow { x0: 8, y0: 4, nx: 16, ny: 20 };
        for spec in [spec(None, 5, 10_000), spec(None, 32, 60), spec(Some(window), 3, 1), spec(Some(window), 40, 100)] {
            let expected: Vec<Voxels> = frames.iter().map(|frame| cpu::voxelize(frame, 4, &spec).unwrap()).collect();
            for order in [EmulatedOrder::Forward, EmulatedOrder::Backward] {
                let Some(found) = emulate(order, &frames, &spec, 4096) else { return };
                assert_eq!(found, expected, "{spec:?} {order:?}");
            }
        }
    }
}
