//! The plain version: the specification of the order.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cells, VoxelizeSpec, Voxels, check_points};
use crate::error::KernelError;

/// points (N, F) -> voxels, by an ordered map.
///
/// # Errors
/// Those of [`VoxelizeSpec::check`]; rows of fewer than three values; a buffer that is not whole rows.
pub fn voxelize(points: &[f32], num_features: usize, spec: &VoxelizeSpec) -> Result<Voxels, KernelError> {
    spec.check()?;
    check_points(points, num_features)?;
    let cells = Cells::new(spec);
    let mut kept: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut over_cap = BTreeSet::new();
    let mut voxels = Voxels::default();
    for (index, point) in points.chunks_exact(num_features).enumerate() {
        let Some(cell) = cells.linear(point[0], point[1], point[2]) else {
            voxels.drops.points_out_of_range += 1;
            continue;
        };
        if !kept.contains_key(&cell) && kept.len() == spec.max_voxels {
            over_cap.insert(cell);
            voxels.drops.points_of_dropped_voxels += 1;
            continue;
        }
        let members = kept.entry(cell).or_default();
        if members.len() < spec.max_points_per_voxel {
            members.push(index as u32);
        } else {
            voxels.drops.points_over_voxel_cap += 1;
        }
    }
    voxels.drops.voxels_over_cap = over_cap.len();
    voxels.offsets.push(0);
    for (cell, members) in kept {
        voxels.coords.push(cells.coord(cell));
        voxels.point_indices.extend(members);
        voxels.offsets.push(voxels.point_indices.len() as u32);
    }
    Ok(voxels)
}
