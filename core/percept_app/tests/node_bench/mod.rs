//! A node on the bench with its client: a fake detector, a manual clock, services called as another process would.
#![allow(dead_code)]

use crate::fixtures::cloud;
use percept_app::config::{RawConfig, Value};
use percept_app::node::{LidarModel, LidarNode, ModelFactory};
use percept_app::{AppError, DetectorConfig};
use percept_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use percept_msgs::lifecycle_msgs::*;
use percept_msgs::rcl_interfaces::*;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::{Message, Service};
use percept_transport::{Clock, Keep, MemoryHub, Names, Publisher, QosProfile, Subscription, Transport};
use percept_types::{
    Box3d, BoxError, Detection, Detections, FrameReport, ModelCard, MountedCloud, Perceive, Stamp, VoxelGrid,
};
use std::sync::Arc;
use std::time::Duration;

/// One box of score 0.9 for a cloud with points.
pub struct FakeDetector {
    config: DetectorConfig,
    card: ModelCard,
}

impl Perceive for FakeDetector {
    type Input = MountedCloud;
    type Output = Detections;
    type Settings = DetectorConfig;

    fn perceive(&mut self, input: &MountedCloud, report: &mut FrameReport) -> Result<Detections, BoxError> {
        report.points_in = input.cloud.num_points();
        let box3d = Box3d { center_m: [8.0, 1.0, -0.8], size_m: [4.0, 1.7, 1.5], yaw_rad: 0.2 };
        let detection = Detection { box3d, class_index: 0, score: 0.9, velocity_mps: None };
        let is_shown = report.points_in > 0 && self.config.score_threshold.unwrap_or(0.1) <= 0.9;
        let boxes = if is_shown { vec![detection] } else { Vec::new() };
        Ok(Detections { class_names: self.card.class_names.clone(), boxes })
    }

    fn apply(&mut self, config: DetectorConfig) -> Result<(), BoxError> {
        self.config = config;
        Ok(())
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }
}

pub fn fake_factory() -> ModelFactory<FakeDetector> {
    Arc::new(|config| {
        let card = ModelCard {
            model_id: "fake".into(),
            weights_sha256: "0123".into(),
            class_names: vec!["Car".into(), "Cyclist".into()],
            grid: VoxelGrid::new([0.0, -10.0, -3.0, 20.0, 10.0, 1.0], [0.5, 0.5, 4.0]).unwrap(),
            input_statistics: None,
            trained_mounting: None,
            device: "bench".into(),
        };
        Ok(FakeDetector { config: config.clone(), card })
    })
}

pub fn raw(entries: &[(&str, Value)]) -> RawConfig {
    let mut raw = RawConfig::default();
    entries.iter().for_each(|(key, value)| raw.set(key, value.clone()).unwrap());
    raw
}

pub struct NodeBench<P: LidarModel = FakeDetector> {
    pub hub: MemoryHub,
    pub node: LidarNode<P>,
    pub client: Transport,
    pub start: Stamp,
    clouds: Publisher<PointCloud2>,
    diagnostics: Subscription<DiagnosticArray>,
    last: DiagnosticArray,
}

impl NodeBench<FakeDetector> {
    pub fn new(parameters: &[(&str, Value)]) -> Self {
        Self::with_factory(parameters, fake_factory()).unwrap()
    }

    pub fn started(parameters: &[(&str, Value)]) -> Self {
        let mut bench = Self::new(parameters);
        bench.node.start().unwrap();
        bench
    }
}

impl<P: LidarModel> NodeBench<P> {
    pub fn with_factory(parameters: &[(&str, Value)], factory: ModelFactory<P>) -> Result<Self, AppError> {
        let hub = MemoryHub::new();
        let names = Names::new("/", "lidar_detector", &[]).unwrap();
        let transport = hub.join(names, Clock::manual(Stamp::from_ns(1_000_000_000_000)));
        Ok(Self::of(hub, LidarNode::new(transport, raw(parameters), factory, Arc::new(|_, _| {}))?))
    }

    pub fn of(hub: MemoryHub, node: LidarNode<P>) -> Self {
        let clock = node.transport().clock().clone();
        let client = hub.join(Names::new("/", "client", &[]).unwrap(), clock.clone());
        let clouds = client.advertise("/lidar_detector/input/pointcloud", QosProfile::SENSOR_DATA).unwrap();
        let diagnostics = client.subscribe("/diagnostics", QosProfile::RELIABLE, Keep::Last(100)).unwrap();
        Self { hub, node, client, start: clock.now(), clouds, diagnostics, last: DiagnosticArray::default() }
    }

    pub fn listen<M: Message>(&self, topic: &str) -> Subscription<M> {
        let topic = topic.replace('~', "/lidar_detector");
        self.client.subscribe(&topic, QosProfile::RELIABLE, Keep::Last(1000)).unwrap()
    }

    pub fn listen_latched<M: Message>(&self, topic: &str) -> Subscription<M> {
        let topic = topic.replace('~', "/lidar_detector");
        self.client.subscribe(&topic, QosProfile::LATCHED, Keep::Last(1000)).unwrap()
    }

    pub fn now(&self) -> Stamp {
        self.client.clock().now()
    }

    pub fn cloud(&self, points: &[[f32; 4]]) -> PointCloud2 {
        cloud(self.now().nanoseconds, points, true)
    }

    pub fn send(&self, cloud: &PointCloud2) {
        self.clouds.publish(cloud).unwrap();
    }

    pub fn send_cloud(&self, points: &[[f32; 4]]) {
        self.send(&self.cloud(points));
    }

    /// A turn now, and one after so long.
    pub fn advance_and_turn(&mut self, milliseconds: u64) {
        self.node.turn();
        self.client.clock().advance(Duration::from_millis(milliseconds));
        self.node.turn();
    }

    pub fn call<S: Service>(&mut self, service: &str, request: &S::Request) -> S::Response {
        let pending = self.hub.call::<S>(&service.replace('~', "/lidar_detector"), request).unwrap();
        self.node.turn();
        pending.take().unwrap().unwrap()
    }

    pub fn ask(&mut self, label: &str) -> bool {
        let transition = Transition { id: 0, label: label.to_owned() };
        self.call::<ChangeState>("~/change_state", &ChangeStateRequest { transition }).success
    }

    pub fn state(&mut self) -> String {
        self.call::<GetState>("~/get_state", &GetStateRequest::default()).current_state.label
    }

    pub fn transitions(&mut self) -> Vec<String> {
        let request = GetAvailableTransitionsRequest::default();
        let response = self.call::<GetAvailableTransitions>("~/get_available_transitions", &request);
        response.available_transitions.into_iter().map(|description| description.transition.label).collect()
    }

    pub fn set(&mut self, parameters: &[Parameter]) -> Vec<SetParametersResult> {
        let request = SetParametersRequest { parameters: parameters.to_vec() };
        self.call::<SetParameters>("~/set_parameters", &request).results
    }

    /// What the node last said of one of its tasks.
    pub fn status(&mut self, task: &str) -> DiagnosticStatus {
        self.node.turn();
        self.told(task)
    }

    /// The same of what it said so far.
    pub fn told(&mut self, task: &str) -> DiagnosticStatus {
        while let Some(array) = self.diagnostics.take() {
            self.last = array.unwrap().message;
        }
        let name = format!("lidar_detector: {task}");
        self.last.status.iter().find(|status| status.name == name).unwrap().clone()
    }
}

pub fn value(status: &DiagnosticStatus, key: &str) -> String {
    status.values.iter().find(|value| value.key == key).unwrap().value.clone()
}
