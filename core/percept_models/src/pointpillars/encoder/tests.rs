//! The fixed edge set of every cloud path, and the layouts by hand.

use super::*;
use crate::pointpillars::{GridPreset, RawPointPillarsConfig, Width};

fn config_with(change: impl FnOnce(&mut RawPointPillarsConfig)) -> PointPillarsConfig {
    let mut raw = RawPointPillarsConfig::openpcdet(Width::Sixteenth, GridPreset::Kitti);
    change(&mut raw);
    raw.try_into().unwrap()
}

fn config() -> PointPillarsConfig {
    config_with(|_| {})
}

fn pillarize(config: &PointPillarsConfig, points: &[f32]) -> (Pillars, VoxelizeDrops) {
    let mut pillars = Pillars::empty(config.pfn_layout().num_features());
    let drops = Pillarizer::new(config, config.whole_window()).unwrap().pillarize(points, &mut pillars).unwrap();
    (pillars, drops)
}

#[test]
fn an_empty_cloud_has_no_pillars() {
    let (pillars, drops) = pillarize(&config(), &[]);
    assert!(pillars.is_empty());
    assert_eq!((pillars.offsets.as_slice(), pillars.num_points(), pillars.num_frames), (&[0][..], 0, 1));
    assert_eq!(drops, VoxelizeDrops::default());
}

#[test]
fn two_points_of_a_pillar_are_measured_from_their_mean_and_from_its_centre() {
    // Cell x 62 of 0.16 m: 9.92..10.08, centre 10.0; cell y 248: 0..0.16, centre 0.08; z centre -1.
    let points = [9.95, 0.02, -1.5, 0.25, 10.05, 0.10, -0.5, 0.75];
    let (pillars, _) = pillarize(&config(), &points);
    assert_eq!(pillars.coords, [[0, 248, 62]]);
    assert_eq!(pillars.offsets, [0, 2]);
    let expected = [9.95, 0.02, -1.5, 0.25, -0.05, -0.04, -0.5, -0.05, -0.06, -0.5];
    close(&pillars.decorated[..10], &expected);
    let expected = [10.05, 0.10, -0.5, 0.75, 0.05, 0.04, 0.5, 0.05, 0.02, 0.5];
    close(&pillars.decorated[10..], &expected);

    let legacy = config_with(|raw| raw.pfn_layout = PfnLayout::Mm10Legacy);
    let (pillars, _) = pillarize(&legacy, &points);
    close(&pillars.decorated[..10], &[-0.05, -0.06, -0.5, 0.25, -0.05, -0.04, -0.5, -0.05, -0.06, -0.5]);

    let oldest = config_with(|raw| raw.pfn_layout = PfnLayout::Mm9Legacy);
    let (pillars, _) = pillarize(&oldest, &points);
    assert_eq!(pillars.num_features, 9);
    close(&pillars.decorated[..9], &[-0.05, -0.06, -1.5, 0.25, -0.05, -0.04, -0.5, -0.05, -0.06]);
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        // Coordinates of 40 m have steps of 4e-6 in f32.
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

#[test]
fn one_point_stands_at_its_own_mean() {
    let (pillars, _) = pillarize(&config(), &[20.0, 5.0, -1.0, 0.5]);
    assert_eq!(pillars.len(), 1);
    assert_eq!(pillars.decorated[4..7], [0.0; 3]);
}

#[test]
fn points_on_the_lower_edges_are_inside_and_on_the_upper_edges_outside() {
    let lower = [0.0, -39.68, -3.0, 0.0];
    let upper = [[69.12, 0.0, 0.0, 0.0], [10.0, 39.68, 0.0, 0.0], [10.0, 0.0, 1.0, 0.0]].concat();
    let (pillars, drops) = pillarize(&config(), &[&lower[..], &upper].concat());
    assert_eq!(pillars.coords, [[0, 0, 0]]);
    assert_eq!(drops.points_out_of_range, 3);
}

#[test]
fn points_that_are_no_numbers_or_infinite_are_outside() {
    let points = [f32::NAN, 0.0, 0.0, 0.0, 1.0, f32::INFINITY, 0.0, 0.0, 1.0, 0.0, f32::NEG_INFINITY, 0.0];
    let (pillars, drops) = pillarize(&config(), &points);
    assert!(pillars.is_empty());
    assert_eq!(drops.points_out_of_range, 3);
}

#[test]
fn more_pillars_and_points_than_allowed_are_dropped_and_counted() {
    let few = config_with(|raw| {
        raw.max_pillars = 2;
        raw.max_points_per_pillar = 2;
    });
    let point = |x: f32| [x, 0.05, 0.0, 0.0];
    // Pillars arrive in the order 30, 10, 20; the third is one too many.
    let points = [point(30.0), point(10.0), point(20.0), point(30.01), point(30.02), point(20.01)].concat();
    let (pillars, drops) = pillarize(&few, &points);
    assert_eq!(pillars.len(), 2);
    assert_eq!(pillars.decorated[0], 10.0, "canonical order, not arrival");
    assert_eq!((drops.voxels_over_cap, drops.points_of_dropped_voxels, drops.points_over_voxel_cap), (1, 2, 1));
}

#[test]
fn the_intensity_is_scaled_clipped_or_ignored() {
    let point = [10.0, 0.0, 0.0, 510.0];
    let fed = |intensity| {
        let config = config_with(|raw| raw.input.intensity = intensity);
        pillarize(&config, &point).0.decorated[3]
    };
    assert_eq!(fed(IntensityTreatment::Used { scale: 1.0, clip: None }), 510.0);
    assert_eq!(fed(IntensityTreatment::Used { scale: 255.0, clip: None }), 2.0);
    assert_eq!(fed(IntensityTreatment::Used { scale: 255.0, clip: Some(1.0) }), 1.0);
    assert_eq!(fed(IntensityTreatment::Ignored), 0.0);
}

#[test]
fn a_window_sees_what_the_whole_grid_sees_there_at_absolute_coordinates() {
    let config = config();
    let points: Vec<f32> = (0..4000)
        .flat_map(|i| {
            let i = i as f32;
            [(i * 0.618_034).fract() * 69.0, (i * 0.414_214).fract() * 79.0 - 39.5, -1.0, (i * 0.1).fract()]
        })
        .collect();
    let (whole, _) = pillarize(&config, &points);
    let window = CellWindow { x0: 64, y0: 200, nx: 216, ny: 248 };
    let mut pillarizer = Pillarizer::new(&config, config.whole_window()).unwrap();
    pillarizer.set_window(&config, window).unwrap();
    let mut part = Pillars::empty(10);
    let drops = pillarizer.pillarize(&points, &mut part).unwrap();
    assert_eq!(drops.points_out_of_range + part.num_points(), 4000);
    let mut expected = Pillars::empty(10);
    expected.num_frames = 1;
    for (pillar, [_, y, x]) in whole.coords.iter().enumerate() {
        if (200..448).contains(y) && (64..280).contains(x) {
            let rows = whole.offsets[pillar] as usize * 10..whole.offsets[pillar + 1] as usize * 10;
            expected.decorated.extend_from_slice(&whole.decorated[rows]);
            expected.offsets.push(expected.decorated.len() as u32 / 10);
            expected.coords.push([0, y - 200, x - 64]);
        }
    }
    assert!(expected.len() > 500);
    assert_eq!(part, expected);
}

#[test]
fn a_window_that_the_strides_do_not_divide_or_that_leaves_the_grid_is_refused() {
    let config = config();
    let window = |x0, nx| CellWindow { x0, y0: 0, nx, ny: 16 };
    assert!(matches!(Pillarizer::new(&config, window(4, 16)), Err(ModelError::WindowStride { .. })));
    assert!(matches!(Pillarizer::new(&config, window(424, 16)), Err(ModelError::Kernel(_))));
    assert!(matches!(Pillarizer::new(&config, window(0, 0)), Err(ModelError::Kernel(_))));
    assert!(Pillarizer::new(&config, window(416, 16)).is_ok());
}

#[test]
fn frames_of_a_batch_follow_each_other() {
    let config = config();
    let (first, _) = pillarize(&config, &[10.0, 0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0]);
    let (second, _) = pillarize(&config, &[30.0, 0.0, 0.0, 0.0]);
    let mut batch = Pillars::empty(10);
    batch.append(&first).unwrap();
    batch.append(&second).unwrap();
    assert_eq!(batch.num_frames, 2);
    assert_eq!(batch.offsets, [0, 1, 2, 3]);
    assert_eq!(batch.coords[2], [1, 248, 187]);
    assert_eq!(batch.decorated[20], 30.0);
    assert!(batch.append(&Pillars::empty(9)).is_err());
}
