//! The domain watch against simulated sensors, with the statistics of the shipped weights and with freshly made ones.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used)]

use percept_distill::data::{FrameStatistics, StatisticsSum};
use percept_models::weights::{ReadyConfig, Weights};
use percept_sim::{LidarModel, SceneConfig, SceneMix, View, WorldConfig, sample_frame};
use percept_types::{DomainReason, DomainWatch, InputFigures, InputStatistics, PointCloud, VoxelGrid};
use std::path::Path;

fn shipped() -> (InputStatistics, VoxelGrid) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ros_packages/percept_models_data/weights");
    let weights = Weights::read(&folder.join("pointpillars_4x_kitti.safetensors")).unwrap();
    let ReadyConfig::PointPillars(config) = weights.config();
    (weights.metadata().input_statistics.clone().unwrap(), *config.grid())
}

/// Every twelfth column of the sensor: the same rings, heights and distances in a twelfth of the time.
fn thinned(mut sensor: LidarModel) -> (LidarModel, usize) {
    const SHARE: usize = 12;
    sensor.azimuth_steps /= SHARE;
    (sensor, SHARE)
}

/// Clouds of worlds of their own, and how many points each stands for.
fn clouds(scene: &str, sensor: LidarModel, frames: u64) -> impl Iterator<Item = (PointCloud, usize)> {
    let (sensor, share) = thinned(sensor);
    let scene = SceneConfig::named_or_from_file(scene).unwrap();
    let config = WorldConfig { scene, sensor, ..WorldConfig::kitti().unwrap() };
    let view = View::Ahead { half_width_deg: 64.0 };
    (0..frames).map(move |i| (sample_frame(&config, 0x7761_7463 + i, view).unwrap().cloud, share))
}

fn figures(cloud: &PointCloud, share: usize, grid: &VoxelGrid) -> InputFigures {
    let intensity = cloud.layout().index_of("intensity");
    let figures = InputFigures::of(cloud.values(), cloud.num_features(), intensity, 1.0, grid);
    InputFigures { num_points: figures.num_points * share as f64, ..figures }
}

fn kitti() -> LidarModel {
    LidarModel::hdl64e_kitti().unwrap()
}

/// Statistics as training writes them, with intensities.
fn with_intensity() -> (InputStatistics, VoxelGrid) {
    let (_, grid) = shipped();
    let (mut sum, mut share) = (StatisticsSum::default(), 1.0);
    for (cloud, of) in clouds("urban", kitti(), 12) {
        sum.add(&FrameStatistics::of(&cloud, &grid, 1.0));
        share = of as f64;
    }
    let summary = sum.summary().unwrap();
    let num_points_mean = summary.num_points_mean * share;
    (InputStatistics { num_points_mean, ..summary }, grid)
}

/// What is told after 30 frames, changed by `change`.
fn told(
    (trained, grid): &(InputStatistics, VoxelGrid),
    sensor: LidarModel,
    change: impl Fn(&mut [f32]),
) -> Vec<DomainReason> {
    let mut watch = DomainWatch::new(trained);
    for (mut cloud, share) in clouds("urban", sensor, 30) {
        let columns = cloud.num_features();
        cloud.values_mut().chunks_exact_mut(columns).for_each(&change);
        watch.observe(&figures(&cloud, share, grid));
    }
    watch.reasons()
}

#[test]
fn a_sensor_half_a_metre_higher_or_lower_is_told_as_such() {
    for trained in [shipped(), with_intensity()] {
        for (offset_m, word) in [(0.5, "lower"), (-0.5, "higher")] {
            let higher = LidarModel { mounting_height_m: kitti().mounting_height_m + offset_m, ..kitti() };
            let reasons = told(&trained, higher, |_| {});
            assert!(matches!(reasons[..], [DomainReason::Height { .. }]), "{offset_m}: {reasons:?}");
            let text = reasons[0].to_string();
            assert!(text.contains(word) && text.contains("is the sensor's height right?"), "{text}");
        }
    }
}

#[test]
fn a_sensor_that_sees_15_m_is_told_by_its_range() {
    for trained in [shipped(), with_intensity()] {
        let short = LidarModel { range_m: [1.5, 15.0], ..kitti() };
        let reasons = told(&trained, short, |_| {});
        let range = reasons.iter().find(|reason| matches!(reason, DomainReason::Range { .. }));
        assert!(range.unwrap().to_string().contains("in training: is the range cut"), "{reasons:?}");
    }
}

#[test]
fn sixteen_beams_instead_of_64_are_told_by_their_points() {
    for trained in [shipped(), with_intensity()] {
        let reasons = told(&trained, LidarModel::named_or_from_file("vlp-16").unwrap(), |_| {});
        let points = reasons.iter().find(|reason| matches!(reason, DomainReason::PointCount { .. }));
        assert!(points.unwrap().to_string().contains("as 16 instead of 64"), "{reasons:?}");
    }
}

#[test]
fn another_scale_of_intensities_is_told_where_the_network_reads_them_and_not_where_it_does_not() {
    let brighter = |point: &mut [f32]| point[3] *= 255.0;
    let reasons = told(&with_intensity(), kitti(), brighter);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert_eq!(reasons[0].to_string(), "intensity 0..1 expected, 0..255 seen: set intensity_scale");
    let dark = told(&with_intensity(), kitti(), |point| point[3] = 0.0);
    assert!(dark.iter().any(|reason| reason.to_string().starts_with("intensity is 0 everywhere")), "{dark:?}");
    assert!(told(&shipped(), kitti(), brighter).is_empty(), "the shipped weights ignore it");
}

/// All scenes, as training mixes them, one world after the other as unlike each other as drives are.
#[test]
fn nothing_is_told_over_500_frames_that_match() {
    let frames = 500;
    let (sensor, share) = thinned(kitti());
    let config = WorldConfig { sensor, ..WorldConfig::kitti().unwrap() };
    let scenes = SceneMix::parse(SceneMix::DEFAULT).unwrap();
    let trained = [shipped(), with_intensity()];
    let mut watches = trained.clone().map(|(trained, _)| DomainWatch::new(&trained));
    for seed in 0..frames {
        let config = WorldConfig { scene: scenes.draw(seed).clone(), ..config.clone() };
        let cloud = sample_frame(&config, seed, View::Ahead { half_width_deg: 64.0 }).unwrap().cloud;
        for (watch, (_, grid)) in watches.iter_mut().zip(&trained) {
            watch.observe(&figures(&cloud, share, grid));
            assert!(watch.reasons().is_empty(), "frame {seed}: {:?}", watch.reasons());
        }
    }
}
