//! The fixed edge set, fast against plain, and the published vector.

use super::cpu;
use super::*;

const KITTI_RANGE_M: [f64; 6] = [0.0, -39.68, -3.0, 69.12, 39.68, 1.0];

fn spec_of(range_m: [f64; 6], size_m: [f64; 3], max_points_per_voxel: usize, max_voxels: usize) -> VoxelizeSpec {
    let grid = VoxelGrid::new(range_m, size_m).unwrap();
    VoxelizeSpec { grid, window: CellWindow::whole(&grid), max_points_per_voxel, max_voxels }
}

fn kitti() -> VoxelizeSpec {
    spec_of(KITTI_RANGE_M, [0.16, 0.16, 4.0], 32, 40_000)
}

/// Both versions, twice over the fast one's buffers, all equal.
fn voxelize(points: &[f32], num_features: usize, spec: &VoxelizeSpec) -> Voxels {
    let plain = cpu::voxelize(points, num_features, spec).unwrap();
    let mut voxelizer = Voxelizer::new(*spec).unwrap();
    let mut fast = Voxels::default();
    for _ in 0..2 {
        voxelizer.voxelize(points, num_features, &mut fast).unwrap();
        assert_eq!(fast, plain);
    }
    plain
}

/// N points of a low-discrepancy sequence over the KITTI range and a little beyond.
fn scattered(n: usize, num_features: usize) -> Vec<f32> {
    let mut points = vec![0.5; n * num_features];
    for (i, point) in points.chunks_exact_mut(num_features).enumerate() {
        let part = |g: f64| (i as f64 * g).fract();
        point[0] = (part(0.819_172_513_396) * 74.0 - 2.0) as f32;
        point[1] = (part(0.671_043_606_703) * 84.0 - 42.0) as f32;
        point[2] = (part(0.549_700_477_901) * 5.0 - 3.5) as f32;
    }
    points
}

#[test]
fn an_empty_cloud_has_no_voxels_but_an_offset() {
    let voxels = voxelize(&[], 4, &kitti());
    assert!(voxels.is_empty());
    assert_eq!(voxels.offsets, [0]);
}

#[test]
fn one_point_makes_one_voxel() {
    let voxels = voxelize(&[0.2, -39.6, 0.0, 1.0], 4, &kitti());
    assert_eq!((voxels.coords.as_slice(), voxels.num_points(0)), (&[[0, 0, 1]][..], 1));
    assert_eq!(voxels.num_points(1), 0);
}

#[test]
fn points_of_one_pillar_stay_in_their_order_of_arrival() {
    let points = [[10.0, 0.1, 0.9], [10.05, 0.1, -2.9], [10.02, 0.15, 0.0]].concat();
    let voxels = voxelize(&points, 3, &kitti());
    assert_eq!(voxels.len(), 1);
    assert_eq!(voxels.point_indices, [0, 1, 2]);
}

#[test]
fn points_outside_nan_and_infinite_are_counted_and_make_no_voxel() {
    let nan = [f32::NAN, 0.0, 0.0, 1.0, f32::NAN, 0.0, 1.0, 0.0, f32::NAN];
    let infinite = [f32::INFINITY, 0.0, 0.0, 1.0, f32::NEG_INFINITY, 0.0];
    let outside = [-0.01, 0.0, 0.0, 1.0, 50.0, 0.0, 1.0, 0.0, -3.01];
    let voxels = voxelize(&[&nan[..], &infinite, &outside].concat(), 3, &kitti());
    assert_eq!((voxels.len(), voxels.drops.points_out_of_range), (0, 8));
}

#[test]
fn the_lower_edge_is_inside_and_the_upper_edge_and_all_below_rounding_to_it_are_outside() {
    let below = |value: f32| f32::from_bits(value.to_bits() - 1);
    let mut points = vec![0.0, -39.68, -3.0];
    points.extend([69.12, 0.0, 0.0, 1.0, 39.68, 0.0, 1.0, 0.0, 1.0]);
    let voxels = voxelize(&points, 3, &kitti());
    assert_eq!((voxels.coords.as_slice(), voxels.drops.points_out_of_range), (&[[0, 0, 0]][..], 3));
    // The largest value below the edge either falls into the last cell or is dropped; it never makes cell 432.
    let voxels = voxelize(&[below(69.12), below(39.68), below(1.0)], 3, &kitti());
    assert!(voxels.coords.iter().all(|[z, y, x]| (*z, *y, *x) == (0, 495, 431)));
    assert_eq!(voxels.len() + voxels.drops.points_out_of_range, 1);
}

#[test]
fn beyond_the_cap_the_voxels_whose_first_point_came_first_survive() {
    let at = |x: f32| [x, 0.05, 0.0];
    let points = [at(30.0), at(10.0), at(20.0), at(5.0), at(30.0), at(5.0)].concat();
    let voxels = voxelize(&points, 3, &spec_of(KITTI_RANGE_M, [0.16, 0.16, 4.0], 32, 2));
    assert_eq!(voxels.coords.iter().map(|c| c[2]).collect::<Vec<_>>(), [62, 187]);
    assert_eq!(voxels.point_indices, [1, 0, 4]);
    let expected = VoxelizeDrops { voxels_over_cap: 2, points_of_dropped_voxels: 3, ..VoxelizeDrops::default() };
    assert_eq!(voxels.drops, expected);
}

#[test]
fn beyond_the_points_a_voxel_holds_the_first_survive() {
    let points = [[10.0f32, 0.1, 0.0]; 5].concat();
    let voxels = voxelize(&points, 3, &spec_of(KITTI_RANGE_M, [0.16, 0.16, 4.0], 3, 10));
    assert_eq!(voxels.point_indices, [0, 1, 2]);
    assert_eq!(voxels.drops.points_over_voxel_cap, 2);
}

#[test]
fn many_points_in_voxels_of_three_axes_and_in_a_window_agree_with_the_plain_version() {
    let points = scattered(20_000, 4);
    let mut spec = spec_of(KITTI_RANGE_M, [0.32, 0.32, 0.5], 3, 3000);
    let whole = voxelize(&points, 4, &spec);
    assert_eq!(whole.len(), 3000);
    assert!(whole.drops.voxels_over_cap > 0 && whole.drops.points_out_of_range > 0);
    assert!(whole.coords.is_sorted());
    spec.window = CellWindow { x0: 100, y0: 50, nx: 40, ny: 30 };
    let part = voxelize(&points, 4, &spec);
    assert!(!part.is_empty());
    assert!(part.coords.iter().all(|[_, y, x]| *y < 30 && *x < 40));
}

#[test]
fn every_point_is_kept_or_counted() {
    let points = scattered(20_000, 4);
    for (max_points, max_voxels) in [(1, 100), (2, 40_000), (32, 1)] {
        let voxels = voxelize(&points, 4, &spec_of(KITTI_RANGE_M, [0.64, 0.64, 4.0], max_points, max_voxels));
        let VoxelizeDrops { points_out_of_range, points_over_voxel_cap, points_of_dropped_voxels, .. } = voxels.drops;
        let dropped = points_out_of_range + points_over_voxel_cap + points_of_dropped_voxels;
        assert_eq!(voxels.point_indices.len() + dropped, 20_000);
    }
}

#[test]
fn what_cannot_be_voxelized_is_refused() {
    let refused = |spec: VoxelizeSpec| Voxelizer::new(spec).unwrap_err();
    assert!(matches!(refused(VoxelizeSpec { max_voxels: 0, ..kitti() }), KernelError::ZeroDimension { .. }));
    let window = CellWindow { x0: usize::MAX, y0: 0, nx: 2, ny: 1 };
    assert!(matches!(refused(VoxelizeSpec { window, ..kitti() }), KernelError::WindowOutside { .. }));
    let vast = spec_of([0.0, 0.0, 0.0, 1e4, 1e4, 10.0], [1.0, 1.0, 1.0], 1, 1);
    assert!(matches!(refused(vast), KernelError::TooLarge { .. }));
    let mut voxelizer = Voxelizer::new(kitti()).unwrap();
    assert!(voxelizer.voxelize(&[0.0; 7], 4, &mut Voxels::default()).is_err());
    assert!(voxelizer.voxelize(&[0.0; 4], 2, &mut Voxels::default()).is_err());
}

/// The exact vector of mmcv (tests/data/for_3d_ops/test_voxel.npy, repacked): 800 points, 0.5 m cells, 103 voxels.
/// Its two key names are swapped: `coors` holds the points, `voxels` the cells (z, y, x).
#[test]
fn the_published_vector_is_reproduced() {
    let Some(path) = crate::test_data::eval_vector("mmcv_hard_voxel.npz") else { return };
    let arrays = crate::test_data::read_npz(&path);
    let points: Vec<f32> = arrays["points"].values.iter().map(|v| *v as f32).collect();
    let num_features = arrays["points"].shape[1];
    // 70.4 m are 140.8 cells of 0.5 m, where a grid of ours must be whole; no point lies between 70.4 and 70.5.
    let spec = spec_of([0.0, -40.0, -3.0, 70.5, 40.0, 1.0], [0.5, 0.5, 0.5], 1000, 20_000);
    assert!(points.chunks_exact(num_features).all(|p| !(70.4..70.5).contains(&p[0])));
    let voxels = voxelize(&points, num_features, &spec);
    let (cells, buffers, counts) = (&arrays["voxels"], &arrays["coors"], &arrays["num_points_per_voxel"]);
    assert_eq!(voxels.len(), 103);
    let mut published: Vec<usize> = (0..103).collect();
    let cell = |row: usize| [0, 1, 2].map(|axis| cells.values[row * 3 + axis] as u32);
    published.sort_by_key(|row| cell(*row));
    for (p, row) in published.into_iter().enumerate() {
        assert_eq!(voxels.coords[p], cell(row));
        assert_eq!(voxels.num_points(p), counts.values[row] as usize);
        let members = &voxels.point_indices[voxels.offsets[p] as usize..voxels.offsets[p + 1] as usize];
        for (slot, index) in members.iter().enumerate() {
            for f in 0..num_features {
                let value = buffers.values[(row * 1000 + slot) * num_features + f] as f32;
                assert_eq!(value, points[*index as usize * num_features + f]);
            }
        }
    }
}
