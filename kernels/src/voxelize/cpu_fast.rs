//! Linear in points: a dense table of cells that is reset by the cells touched, and buffers that are kept.

use super::{Cells, VoxelizeDrops, VoxelizeSpec, Voxels, check_points};
use crate::error::KernelError;

/// Table entry of a cell without a voxel.
const EMPTY: u32 = u32::MAX;
/// Table entry of a cell whose voxel came after the cap; also the slot of a point that is not kept.
const DROPPED: u32 = u32::MAX - 1;

/// Sorts points into voxels; keeps its buffers from frame to frame.
#[derive(Clone, Debug)]
pub struct Voxelizer {
    spec: VoxelizeSpec,
    cells: Cells,
    /// Voxel number by arrival, one entry a cell of the window.
    table: Vec<u32>,
    /// Cells of the voxels, by arrival.
    arrived: Vec<u32>,
    /// Kept points of the voxels, by arrival.
    counts: Vec<u32>,
    /// Cells beyond the cap, to reset the table.
    over_cap: Vec<u32>,
    /// Voxel by arrival of each point, `DROPPED` where it is not kept.
    voxel_of_point: Vec<u32>,
    /// Cell and arrival number of the voxels, sorted by cell.
    order: Vec<(u32, u32)>,
    /// Where the next point of each voxel goes, by arrival.
    cursor: Vec<u32>,
}

impl Voxelizer {
    /// Buffers for a spec.
    ///
    /// # Errors
    /// Those of [`VoxelizeSpec::check`].
    pub fn new(spec: VoxelizeSpec) -> Result<Self, KernelError> {
        spec.check()?;
        let cells = Cells::new(&spec);
        Ok(Self {
            spec,
            cells,
            table: vec![EMPTY; cells.count()],
            arrived: Vec::new(),
            counts: Vec::new(),
            over_cap: Vec::new(),
            voxel_of_point: Vec::new(),
            order: Vec::new(),
            cursor: Vec::new(),
        })
    }

    /// What points are sorted into.
    pub fn spec(&self) -> &VoxelizeSpec {
        &self.spec
    }

    /// The same buffers for another spec; the table grows where the window does.
    ///
    /// # Errors
    /// Those of [`VoxelizeSpec::check`]; the old spec stays.
    pub fn set_spec(&mut self, spec: VoxelizeSpec) -> Result<(), KernelError> {
        spec.check()?;
        self.spec = spec;
        self.cells = Cells::new(&spec);
        // Between two frames every entry is EMPTY, so only the length matters.
        self.table.resize(self.cells.count(), EMPTY);
        Ok(())
    }

    /// points (N, F) -> voxels; equal to [`super::cpu::voxelize`].
    ///
    /// # Errors
    /// Rows of fewer than three values; a buffer that is not whole rows.
    pub fn voxelize(&mut self, points: &[f32], num_features: usize, out: &mut Voxels) -> Result<(), KernelError> {
        check_points(points, num_features)?;
        out.drops = self.assign(points, num_features);
        self.place(out);
        self.reset();
        Ok(())
    }

    /// First pass: a voxel for each point.
    fn assign(&mut self, points: &[f32], num_features: usize) -> VoxelizeDrops {
        let mut drops = VoxelizeDrops::default();
        let (max_points, max_voxels) = (self.spec.max_points_per_voxel, self.spec.max_voxels);
        self.voxel_of_point.clear();
        self.voxel_of_point.reserve(points.len() / num_features);
        for point in points.chunks_exact(num_features) {
            let mut kept = DROPPED;
            match self.cells.linear(point[0], point[1], point[2]) {
                None => drops.points_out_of_range += 1,
                Some(cell) => {
                    let entry = &mut self.table[cell as usize];
                    if *entry == EMPTY {
                        if self.arrived.len() < max_voxels {
                            *entry = self.arrived.len() as u32;
                            self.arrived.push(cell);
                            self.counts.push(0);
                        } else {
                            *entry = DROPPED;
                            self.over_cap.push(cell);
                        }
                    }
                    if *entry == DROPPED {
                        drops.points_of_dropped_voxels += 1;
                    } else if (self.counts[*entry as usize] as usize) < max_points {
                        self.counts[*entry as usize] += 1;
                        kept = *entry;
                    } else {
                        drops.points_over_voxel_cap += 1;
                    }
                }
            }
            self.voxel_of_point.push(kept);
        }
        drops.voxels_over_cap = self.over_cap.len();
        drops
    }

    /// Second pass: voxels in canonical order, points to their places.
    fn place(&mut self, out: &mut Voxels) {
        self.order.clear();
        self.order.extend(self.arrived.iter().zip(0..).map(|(cell, arrival)| (*cell, arrival)));
        self.order.sort_unstable();
        self.cursor.clear();
        self.cursor.resize(self.arrived.len(), 0);
        out.coords.clear();
        out.offsets.clear();
        out.offsets.push(0);
        let mut total = 0;
        for (cell, arrival) in &self.order {
            out.coords.push(self.cells.coord(*cell));
            self.cursor[*arrival as usize] = total;
            total += self.counts[*arrival as usize];
            out.offsets.push(total);
        }
        out.point_indices.clear();
        out.point_indices.resize(total as usize, 0);
        for (index, voxel) in self.voxel_of_point.iter().enumerate() {
            if *voxel != DROPPED {
                let place = &mut self.cursor[*voxel as usize];
                out.point_indices[*place as usize] = index as u32;
                *place += 1;
            }
        }
    }

    fn reset(&mut self) {
        for cell in self.arrived.drain(..).chain(self.over_cap.drain(..)) {
            self.table[cell as usize] = EMPTY;
        }
        self.counts.clear();
    }
}
