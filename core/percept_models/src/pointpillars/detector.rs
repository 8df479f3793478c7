//! The detector: one cloud in, boxes out, on the CPU or a GPU.

mod on_cuda;

use percept_kernels::cuda::CudaDevice;
use percept_kernels::decode_points::{Channel, ChannelSource, decode_points};
use percept_kernels::executor::cpu::{CpuExecutor, Keep};
use percept_kernels::plan::{CanvasSize, Plan};
use percept_types::{
    BoxError, Detection, Detections, FrameReport, InputFigures, ModelCard, ModelFrame, MountedCloud, Perceive,
    RawCloud, TrainedMounting,
};

use self::on_cuda::CudaEngine;
use super::encoder::POINT_FEATURES;
use super::{
    Anchors, DetectorSettings, IntensityTreatment, OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR, Pillarizer, Pillars,
    PointPillarsConfig, PointPillarsOutput, decode, topology,
};
use crate::ModelError;
use crate::weights::{ReadyConfig, Weights};

/// How a sensor's intensities differ from those in training. Everything left out is as in training.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorOptions {
    /// The field that holds the intensity: `intensity`, for some drivers `reflectivity`.
    pub intensity_field: String,
    /// The value fed where a cloud has no such field; without it such a cloud is refused.
    pub missing_intensity: Option<f32>,
    /// Scale and clip of this sensor's intensities.
    pub intensity: Option<IntensityTreatment>,
}

impl Default for SensorOptions {
    fn default() -> Self {
        Self { intensity_field: "intensity".to_owned(), missing_intensity: None, intensity: None }
    }
}

/// PointPillars: decodes the message, makes pillars, runs the network, decodes and suppresses boxes.
///
/// On a GPU all of it is one graph in half precision: points, pillars and what is dropped are those of the CPU, boxes
/// differ by what half precision makes of the network.
///
/// A cloud that tells how its sensor is mounted is seen from the frame of training ([`ModelFrame`]). Boxes come out in
/// the cloud's own frame, with their geometric centre. A cloud without a point in range gives no
/// boxes, and the network is not asked. Results do not depend on the number of threads. Buffers are kept from frame
/// to frame.
pub struct PointPillars {
    config: PointPillarsConfig,
    settings: DetectorSettings,
    trained: TrainedMounting,
    intensity: IntensityTreatment,
    channels: [Channel; 1],
    engine: Engine,
    anchors: Anchors,
    card: ModelCard,
}

/// Where the frames run.
enum Engine {
    Cpu(Box<CpuEngine>),
    Cuda(Box<CudaEngine>),
}

/// What a frame on the CPU needs.
struct CpuEngine {
    pillarizer: Pillarizer,
    executor: CpuExecutor,
    points: Vec<f32>,
    pillars: Pillars,
}

impl PointPillars {
    /// A detector for a sensor, on the CPU.
    ///
    /// # Errors
    /// A treatment of the intensity that divides by 0; what the executor refuses.
    pub fn new(weights: &Weights, sensor: &SensorOptions) -> Result<Self, ModelError> {
        let device = format!("cpu, {} threads", rayon::current_num_threads());
        Self::with_engine(weights, sensor, &device, |config, plan, intensity, _| {
            let mut pillarizer = Pillarizer::new(config, config.whole_window())?;
            pillarizer.set_intensity(intensity);
            Ok(Engine::Cpu(Box::new(CpuEngine {
                pillarizer,
                executor: CpuExecutor::compile(plan, weights.parameters(), Keep::Outputs)?,
                points: Vec::new(),
                pillars: Pillars::empty(config.pfn_layout().num_features()),
            })))
        })
    }

    /// A detector for a sensor, on a GPU.
    ///
    /// # Errors
    /// As [`Self::new`]; a head or weights that the GPU's kernels do not hold; memory that is not there.
    pub fn on_cuda(weights: &Weights, sensor: &SensorOptions, device: &CudaDevice) -> Result<Self, ModelError> {
        Self::with_engine(weights, sensor, &device.name(), |config, plan, intensity, anchors| {
            let engine = CudaEngine::new(device, (config, plan, weights), anchors, intensity)?;
            Ok(Engine::Cuda(Box::new(engine)))
        })
    }

    fn with_engine(
        weights: &Weights,
        sensor: &SensorOptions,
        device: &str,
        engine: impl FnOnce(&PointPillarsConfig, &Plan, IntensityTreatment, &Anchors) -> Result<Engine, ModelError>,
    ) -> Result<Self, ModelError> {
        let ReadyConfig::PointPillars(config) = weights.config();
        let window = config.whole_window();
        let plan = topology(config, CanvasSize { ny: window.ny, nx: window.nx })?;
        let intensity = sensor.intensity.unwrap_or(config.input().intensity);
        intensity.check("intensity")?;
        let anchors = Anchors::new(config, &window)?;
        Ok(Self {
            settings: config.default_settings(),
            trained: config.input().mounting(),
            intensity,
            channels: [intensity_channel(intensity, sensor)],
            engine: engine(config, &plan, intensity, &anchors)?,
            anchors,
            card: weights.card(device),
            config: config.clone(),
        })
    }

    /// The configuration of the weights.
    pub fn config(&self) -> &PointPillarsConfig {
        &self.config
    }

    /// What runs the network on the CPU, with its times and its work of the last frame; `None` on a GPU.
    pub fn cpu_executor(&self) -> Option<&CpuExecutor> {
        match &self.engine {
            Engine::Cpu(cpu) => Some(&cpu.executor),
            Engine::Cuda(_) => None,
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> &DetectorSettings {
        &self.settings
    }

    /// One frame: decode, pillars, network, boxes.
    ///
    /// # Errors
    /// A cloud without the intensity that the network reads; predictions that are no numbers; what a GPU's driver says.
    pub fn detect(&mut self, input: &MountedCloud, report: &mut FrameReport) -> Result<Detections, ModelError> {
        let frame = ModelFrame::new(&self.trained, input.t_base_lidar.as_ref());
        let Self { config, settings, intensity, channels, engine, anchors, .. } = self;
        let mut boxes = match engine {
            Engine::Cpu(cpu) => {
                let cloud = (&input.cloud, channels.as_slice());
                cpu.detect((config, settings, anchors), cloud, (&frame, *intensity), report)?
            }
            Engine::Cuda(cuda) => {
                let cloud = (&input.cloud, channels.as_slice());
                cuda.detect((config, settings), cloud, (&frame, *intensity), report)?
            }
        };
        for detection in &mut boxes {
            detection.box3d = frame.box_to_cloud(&detection.box3d);
        }
        Ok(Detections { class_names: config.class_names().to_vec(), boxes })
    }
}

impl CpuEngine {
    /// Boxes in the model frame; without a pillar none, and the network is not asked.
    fn detect(
        &mut self,
        (config, settings, anchors): (&PointPillarsConfig, &DetectorSettings, &Anchors),
        (cloud, channels): (&RawCloud, &[Channel]),
        (frame, intensity): (&ModelFrame, IntensityTreatment),
        report: &mut FrameReport,
    ) -> Result<Vec<Detection>, ModelError> {
        self.decode_cloud(cloud, channels, report)?;
        frame.to_model(&mut self.points, POINT_FEATURES);
        report.time("pillarize", || self.pillarizer.pillarize(&self.points, &mut self.pillars)).map(|drops| {
            report.points_out_of_range = drops.points_out_of_range;
            report.points_over_pillar_cap = drops.points_over_voxel_cap;
            report.pillars_over_cap = drops.voxels_over_cap;
            report.pillars = self.pillars.len();
        })?;
        report.input = Some(self.input_figures(config, intensity));
        if self.pillars.is_empty() {
            return Ok(Vec::new());
        }
        report.time("network", || self.executor.run(&self.pillars.input()))?;
        report.time("decode_boxes", || self.boxes(config, settings, anchors))
    }

    fn decode_cloud(
        &mut self,
        cloud: &RawCloud,
        channels: &[Channel],
        report: &mut FrameReport,
    ) -> Result<(), ModelError> {
        let buffer = std::mem::take(&mut self.points);
        let decoded = report.time("decode_points", || decode_points(cloud, channels, buffer))?;
        report.points_in = cloud.num_points();
        report.points_not_finite = decoded.not_finite;
        self.points = decoded.cloud.into_values();
        Ok(())
    }

    /// What the network is fed, for whoever watches whether it is like training's.
    fn input_figures(&self, config: &PointPillarsConfig, intensity: IntensityTreatment) -> InputFigures {
        let (column, scale) = match intensity {
            IntensityTreatment::Used { scale, .. } => (Some(POINT_FEATURES - 1), scale),
            IntensityTreatment::Ignored => (None, 1.0),
        };
        InputFigures::of(&self.points, POINT_FEATURES, column, scale, config.grid())
    }

    fn boxes(
        &self,
        config: &PointPillarsConfig,
        settings: &DetectorSettings,
        anchors: &Anchors,
    ) -> Result<Vec<Detection>, ModelError> {
        let [cls, boxes, dir] = [OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR].map(|name| self.executor.value(name));
        let output = PointPillarsOutput::new(config, config.whole_window(), cls?.data, boxes?.data, dir?.data)?;
        decode(config, settings, anchors, &output)
    }
}

fn intensity_channel(intensity: IntensityTreatment, sensor: &SensorOptions) -> Channel {
    let field = sensor.intensity_field.clone();
    let source = match (intensity, sensor.missing_intensity) {
        (IntensityTreatment::Ignored, _) => ChannelSource::Constant(0.0),
        (IntensityTreatment::Used { .. }, Some(otherwise)) => ChannelSource::Optional { field, otherwise },
        (IntensityTreatment::Used { .. }, None) => ChannelSource::Required { field },
    };
    Channel { name: "intensity".to_owned(), source }
}

impl Perceive for PointPillars {
    type Input = MountedCloud;
    type Output = Detections;
    type Settings = DetectorSettings;

    fn perceive(&mut self, input: &MountedCloud, report: &mut FrameReport) -> Result<Detections, BoxError> {
        Ok(self.detect(input, report)?)
    }

    fn apply(&mut self, settings: DetectorSettings) -> Result<(), BoxError> {
        self.config.check_settings(&settings)?;
        if let Engine::Cuda(cuda) = &self.engine {
            cuda.apply(&settings)?;
        }
        self.settings = settings;
        Ok(())
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }
}

#[cfg(test)]
mod tests;
