//! A node on the bench: a fake model that does as it is told, a sensor, and a clock that moves by hand.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy's leave for tests does not reach what they share")]

use percept_msgs::sensor_msgs::{PointCloud2, PointField};
use percept_msgs::std_msgs::Header;
use percept_pipeline::cloud::{CloudAssembler, CloudSettings};
use percept_pipeline::{
    Controls, FrameTimes, Metrics, Pipeline, Publish, TimeSettings, TimeWatch, Turn, swap_in_background,
};
use percept_transport::{Clock, MemoryHub, Names, Publisher, QosProfile, Transport};
use percept_types::{
    BoxError, FrameReport, InputFigures, InputStatistics, ModelCard, Perceive, RawCloud, Stamp, Stamped, Transform,
    VoxelGrid,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the model does with the next frame beside counting its points.
#[derive(Default)]
pub enum Wish {
    #[default]
    Nothing,
    Take(Duration),
    SendMeanwhile {
        clouds: usize,
        period: Duration,
    },
    Panic,
    Fail,
    Deactivate,
}

/// The last input and what was made of it.
#[derive(Default)]
pub struct Seen {
    pub outputs: Vec<Stamped<usize>>,
    pub times: Vec<FrameTimes>,
    pub inputs: Vec<(RawCloud, Option<Transform>)>,
    pub failures: usize,
    /// Whether inputs and outputs are not kept: for long runs.
    pub forgets: bool,
}

struct Sensor {
    publisher: Publisher<PointCloud2>,
    clock: Clock,
}

/// Counts points: `factor * points + offset`.
pub struct FakeModel {
    factor: usize,
    offset: usize,
    wish: Arc<Mutex<Wish>>,
    sensor: Arc<Sensor>,
    controls: Arc<Controls<FakeModel>>,
    seen: Arc<Mutex<Seen>>,
    figures: Arc<Mutex<InputFigures>>,
    card: ModelCard,
}

/// What the fake weights were trained on.
pub fn trained() -> InputStatistics {
    InputStatistics {
        num_points_mean: 20_000.0,
        num_points_std: 5_000.0,
        z_percentiles_m: [-1.8, -1.5, 0.4],
        range_percentiles_m: [4.0, 9.0, 33.0],
        intensity_percentiles: [0.0, 0.2, 0.5],
        ground_height_m: Some(-1.7),
    }
}

/// Figures of an input that looks like training's.
pub fn matching() -> InputFigures {
    InputFigures {
        num_points: 21_000.0,
        z_percentiles_m: [-1.8, -1.5, 0.4],
        range_percentiles_m: [4.0, 9.0, 33.0],
        intensity_percentiles: [0.0, 0.2, 0.5],
        ground_height_m: Some(-1.7),
    }
}

impl Perceive for FakeModel {
    type Input = (RawCloud, Option<Transform>);
    type Output = usize;
    type Settings = usize;

    fn perceive(&mut self, input: &Self::Input, report: &mut FrameReport) -> Result<usize, BoxError> {
        report.points_in = input.0.num_points();
        report.input = Some(*self.figures.lock().unwrap());
        let mut seen = self.seen.lock().unwrap();
        if !seen.forgets {
            seen.inputs.push(input.clone());
        }
        drop(seen);
        let wish = std::mem::take(&mut *self.wish.lock().unwrap());
        match wish {
            Wish::Nothing => {}
            Wish::Take(time) => self.sensor.clock.advance(time),
            Wish::SendMeanwhile { clouds, period } => {
                for cloud in 1..=clouds {
                    self.sensor.clock.advance(period);
                    self.sensor.publisher.publish(&cloud_at(self.sensor.clock.now(), 100 + cloud)).unwrap();
                }
            }
            Wish::Panic => panic!("asked to panic"),
            Wish::Fail => return Err("asked to fail".into()),
            Wish::Deactivate => self.controls.set_publishing(false),
        }
        Ok(self.factor * input.0.num_points() + self.offset)
    }

    fn apply(&mut self, settings: usize) -> Result<(), BoxError> {
        if settings > 1000 {
            return Err("offsets up to 1000".into());
        }
        self.offset = settings;
        Ok(())
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }
}

struct Outlet(Arc<Mutex<Seen>>);

impl Publish<usize> for Outlet {
    fn publish(&mut self, header: &Stamped<()>, output: &usize, times: &FrameTimes) -> Result<(), BoxError> {
        let mut seen = self.0.lock().unwrap();
        if seen.forgets {
            return Ok(());
        }
        seen.outputs.push(header.clone().map(|()| *output));
        seen.times.push(*times);
        Ok(())
    }

    fn failed(&mut self, _: &Stamped<()>) -> Result<(), BoxError> {
        self.0.lock().unwrap().failures += 1;
        Ok(())
    }
}

pub struct Bench {
    pub hub: MemoryHub,
    pub clock: Clock,
    pub driver: Transport,
    pipeline: Pipeline<FakeModel, CloudAssembler<(RawCloud, Option<Transform>)>, Outlet>,
    controls: Arc<Controls<FakeModel>>,
    sensor: Arc<Sensor>,
    wish: Arc<Mutex<Wish>>,
    pub seen: Arc<Mutex<Seen>>,
    /// What the model says of its inputs.
    pub figures: Arc<Mutex<InputFigures>>,
    settings: usize,
}

/// x = index, y = z = 0, intensity 0.5; 16 bytes a point.
pub fn cloud_at(stamp: Stamp, points: usize) -> PointCloud2 {
    let rows: Vec<[f32; 4]> = (0..points).map(|index| [index as f32, 0.0, 0.0, 0.5]).collect();
    cloud_of(stamp, "lidar", &rows)
}

pub fn cloud_of(stamp: Stamp, frame_id: &str, rows: &[[f32; 4]]) -> PointCloud2 {
    let field = |(index, name): (usize, &str)| PointField {
        name: name.to_owned(),
        offset: 4 * index as u32,
        datatype: PointField::FLOAT32,
        count: 1,
    };
    PointCloud2 {
        header: Header::new(stamp, frame_id),
        height: 1,
        width: rows.len() as u32,
        fields: ["x", "y", "z", "intensity"].into_iter().enumerate().map(field).collect(),
        is_bigendian: false,
        point_step: 16,
        row_step: 16 * rows.len() as u32,
        data: rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect(),
        is_dense: true,
    }
}

impl Bench {
    pub fn new() -> Self {
        Self::build(CloudSettings::default(), TimeSettings::default())
    }

    pub fn with_time(time: TimeSettings) -> Self {
        Self::build(CloudSettings::default(), time)
    }

    pub fn with_clouds(clouds: CloudSettings) -> Self {
        Self::build(clouds, TimeSettings::default())
    }

    pub fn build(clouds: CloudSettings, time: TimeSettings) -> Self {
        Self::on(Clock::manual(Stamp::from_ns(1_000_000_000_000)), clouds, time)
    }

    pub fn on(clock: Clock, clouds: CloudSettings, time: TimeSettings) -> Self {
        let hub = MemoryHub::new();
        let node = hub.join(Names::new("/", "detector", &[]).unwrap(), clock.clone());
        let driver = hub.join(Names::new("/", "driver", &[]).unwrap(), clock.clone());
        let publisher = driver.advertise("/detector/input/pointcloud", QosProfile::SENSOR_DATA).unwrap();
        let sensor = Arc::new(Sensor { publisher, clock: clock.clone() });
        let (controls, seen, wish) =
            (Arc::<Controls<FakeModel>>::default(), Arc::<Mutex<Seen>>::default(), Arc::default());
        let grid = VoxelGrid::new([0.0, 0.0, 0.0, 8.0, 8.0, 4.0], [1.0, 1.0, 4.0]).unwrap();
        let card = ModelCard {
            model_id: "fake".into(),
            weights_sha256: "0123".into(),
            class_names: vec![],
            grid,
            input_statistics: Some(trained()),
            trained_mounting: None,
            device: "bench".into(),
        };
        let figures = Arc::new(Mutex::new(matching()));
        let model = FakeModel {
            figures: Arc::clone(&figures),
            factor: 1,
            offset: 0,
            wish: Arc::clone(&wish),
            sensor: Arc::clone(&sensor),
            controls: Arc::clone(&controls),
            seen: Arc::clone(&seen),
            card,
        };
        let assembler = CloudAssembler::new(&node, clouds, |cloud, t| (cloud, t)).unwrap();
        let (outlet, watch) = (Outlet(Arc::clone(&seen)), TimeWatch::new(time));
        let pipeline = Pipeline::new(model, assembler, outlet, watch, clock.clone(), Arc::clone(&controls));
        Self { hub, clock, driver, pipeline, controls, sensor, wish, seen, figures, settings: 0 }
    }

    pub fn now(&self) -> Stamp {
        self.clock.now()
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub fn set_time(&self, now: Stamp) {
        self.clock.set(now);
    }

    pub fn cloud(&self, points: usize) -> PointCloud2 {
        cloud_at(self.now(), points)
    }

    pub fn cloud_of_age(&self, points: usize, age: Duration) -> PointCloud2 {
        cloud_at(Stamp::from_ns(self.now().nanoseconds - age.as_nanos() as i64), points)
    }

    pub fn send(&self, cloud: PointCloud2) {
        self.sensor.publisher.publish(&cloud).unwrap();
    }

    pub fn wish(&self, wish: Wish) {
        *self.wish.lock().unwrap() = wish;
    }

    pub fn turn(&mut self) -> Turn {
        self.pipeline.turn()
    }

    /// Turns until nothing is left to do.
    pub fn turns(&mut self) {
        while self.turn() == Turn::Worked {}
    }

    pub fn metrics(&self) -> Metrics {
        self.controls.metrics().clone()
    }

    pub fn last_waited(&self) -> Duration {
        self.controls.metrics().waited.last().unwrap()
    }

    pub fn outputs(&self) -> Vec<Stamped<usize>> {
        self.seen.lock().unwrap().outputs.clone()
    }

    pub fn times(&self) -> Vec<FrameTimes> {
        self.seen.lock().unwrap().times.clone()
    }

    pub fn failures(&self) -> usize {
        self.seen.lock().unwrap().failures
    }

    pub fn set_offset(&self, offset: usize) {
        self.controls.set_settings(offset);
    }

    /// A model of this factor, built on another thread.
    pub fn swap(&self, factor: Result<usize, &'static str>) -> std::thread::JoinHandle<()> {
        let model = self.pipeline.model();
        let figures = Arc::clone(&model.figures);
        let (wish, sensor, controls, seen, card) = (
            Arc::clone(&model.wish),
            Arc::clone(&model.sensor),
            Arc::clone(&model.controls),
            Arc::clone(&model.seen),
            model.card.clone(),
        );
        let build = move || {
            let factor = factor?;
            Ok(FakeModel { figures, factor, offset: 0, wish, sensor, controls, seen, card })
        };
        swap_in_background(&self.controls, &self.clock, build).unwrap()
    }

    pub fn swap_panicking(&self) -> std::thread::JoinHandle<()> {
        swap_in_background(&self.controls, &self.clock, || panic!("the file is a joke")).unwrap()
    }
}
