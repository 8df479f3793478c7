//! Motion compensation in a node, against what the simulator knows of each point.
// Clippy's leave for tests does not reach the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixtures;
mod node_bench;

use node_bench::raw;
use percept_app::config::Value;
use percept_app::node::LidarNode;
use percept_app::simulate::{SimulateSettings, simulate};
use percept_app::{DetectorConfig, Unwatched, topics};
use percept_pipeline::cloud::Sweep;
use percept_sim::{Drive, LidarModel, SceneConfig, View, WorldConfig};
use percept_transport::{BagPlayer, Names};
use percept_types::{
    BoxError, Detections, FrameReport, ModelCard, MountedCloud, Perceive, PointCloud, RawCloud, Stamp, Stamped,
    VoxelGrid,
};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Keeps what it is shown.
struct Keeper {
    seen: Arc<Mutex<Vec<RawCloud>>>,
    card: ModelCard,
}

impl Perceive for Keeper {
    type Input = MountedCloud;
    type Output = Detections;
    type Settings = DetectorConfig;

    fn perceive(&mut self, input: &MountedCloud, _: &mut FrameReport) -> Result<Detections, BoxError> {
        self.seen.lock().unwrap().push(input.cloud.clone());
        Ok(Detections::default())
    }

    fn apply(&mut self, _: DetectorConfig) -> Result<(), BoxError> {
        Ok(())
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }
}

/// The clouds of a drive as a model sees them in a node.
fn seen_in_a_node(drive: &Path, motion_compensation: bool) -> Vec<RawCloud> {
    let (mut player, transport) = BagPlayer::open(drive, Names::new("/", "keeper", &[]).unwrap(), None).unwrap();
    let parameters = raw(&[
        ("input_topic", Value::Text(topics::POINTS.to_owned())),
        ("motion_compensation", Value::Bool(motion_compensation)),
        // The bag is played as fast as it goes: what waits, waits for the next message and not for the clock.
        ("timeout_ms", Value::Float(10_000.0)),
    ]);
    let seen = Arc::<Mutex<Vec<RawCloud>>>::default();
    let kept = Arc::clone(&seen);
    let factory = Arc::new(move |_: &DetectorConfig| {
        let card = ModelCard {
            model_id: "keeper".into(),
            weights_sha256: String::new(),
            class_names: Vec::new(),
            grid: VoxelGrid::new([0.0, 0.0, 0.0, 8.0, 8.0, 4.0], [1.0, 1.0, 4.0]).unwrap(),
            input_statistics: None,
            trained_mounting: None,
            device: "bench".into(),
        };
        Ok(Keeper { seen: Arc::clone(&kept), card })
    });
    let mut node = LidarNode::new(transport, parameters, factory, Arc::new(|_, _| {})).unwrap();
    node.start().unwrap();
    while player.step().unwrap().is_some() {
        node.turn();
    }
    drop(node);
    std::mem::take(&mut *seen.lock().unwrap())
}

fn points_of(cloud: RawCloud) -> Vec<[f32; 4]> {
    let (stamp, frame_id) = (Stamp::default(), String::new());
    Sweep::read(&Stamped { stamp, frame_id, received_at: stamp, payload: cloud }, "intensity", false).points
}

/// The greatest distance between points that belong together.
fn farthest_apart_m(found: &[[f32; 4]], truth: &PointCloud) -> f32 {
    assert_eq!(found.len(), truth.len());
    let gap = |(a, b): (&[f32; 4], &[f32])| (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt();
    found.iter().zip(truth.points()).map(gap).fold(0.0, f32::max)
}

#[test]
fn points_come_to_where_a_sensor_that_stood_still_would_have_seen_them() {
    let folder = tempfile::tempdir().unwrap();
    let drive = folder.path().join("drive");
    let settings = SimulateSettings {
        sensor: "vlp-16".to_owned(),
        scene: "residential".to_owned(),
        seed: 4,
        frames: 4,
        speed_mps: 20.0,
        ..SimulateSettings::default()
    };
    let start = simulate(&drive, &settings, &mut Unwatched).map(|_| Stamp::from_parts(1_767_225_600, 0)).unwrap();
    let sensor = LidarModel::named_or_from_file(&settings.sensor).unwrap();
    let kitti = WorldConfig::kitti().unwrap();
    let world = WorldConfig {
        scene: SceneConfig::named_or_from_file(&settings.scene).unwrap(),
        truth_range_m: kitti.truth_range_m.max(f64::from(sensor.range_m[1])),
        sensor: sensor.clone(),
        ring_and_time: true,
        ..kitti
    };
    let truth: Vec<PointCloud> = Drive::new(world, settings.seed, View::Full, settings.speed_mps, 4, start)
        .unwrap()
        .map(|frame| frame.unwrap().motion_compensated(&sensor).unwrap())
        .collect();
    let apart_m = |motion_compensation| {
        let clouds = seen_in_a_node(&drive, motion_compensation);
        // What TF does not tell until the end of the last sweep waits for more than the bag has.
        assert!(clouds.len() >= 3, "{} clouds", clouds.len());
        let gaps = clouds.into_iter().zip(&truth).map(|(cloud, truth)| farthest_apart_m(&points_of(cloud), truth));
        gaps.fold(0.0, f32::max)
    };
    let (raw_m, compensated_m) = (apart_m(false), apart_m(true));
    println!("at most {raw_m:.3} m apart as they came, {compensated_m:.4} m compensated");
    assert!(raw_m > 1.5, "the vehicle hardly moved: {raw_m}");
    assert!(compensated_m < 0.012, "{compensated_m}");
}
