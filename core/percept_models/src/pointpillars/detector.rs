//! The detector: one cloud in, boxes out, on the CPU.

use percept_kernels::decode_points::{Channel, ChannelSource, decode_points};
use percept_kernels::executor::cpu::{CpuExecutor, Keep};
use percept_kernels::plan::CanvasSize;
use percept_types::{
    BoxError, Detection, Detections, FrameReport, InputFigures, ModelCard, ModelFrame, MountedCloud, Perceive,
    RawCloud, TrainedMounting,
};

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

/// PointPillars on the CPU: decodes the message, makes pillars, runs the network, decodes and suppresses boxes.
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
    pillarizer: Pillarizer,
    executor: CpuExecutor,
    anchors: Anchors,
    card: ModelCard,
    points: Vec<f32>,
    pillars: Pillars,
}

impl PointPillars {
    /// A detector for a sensor.
    ///
    /// # Errors
    /// A treatment of the intensity that divides by 0; what the executor refuses.
    pub fn new(weights: &Weights, sensor: &SensorOptions) -> Result<Self, ModelError> {
        let ReadyConfig::PointPillars(config) = weights.config();
        let window = config.whole_window();
        let plan = topology(config, CanvasSize { ny: window.ny, nx: window.nx })?;
        let intensity = sensor.intensity.unwrap_or(config.input().intensity);
        intensity.check("intensity")?;
        let mut pillarizer = Pillarizer::new(config, window)?;
        pillarizer.set_intensity(intensity);
        let device = format!("cpu, {} threads", rayon::current_num_threads());
        Ok(Self {
            settings: config.default_settings(),
            trained: config.input().mounting(),
            intensity,
            channels: [intensity_channel(intensity, sensor)],
            pillarizer,
            executor: CpuExecutor::compile(&plan, weights.parameters(), Keep::Outputs)?,
            anchors: Anchors::new(config, &window)?,
            card: weights.card(&device),
            points: Vec::new(),
            pillars: Pillars::empty(config.pfn_layout().num_features()),
            config: config.clone(),
        })
    }

    /// The configuration of the weights.
    pub fn config(&self) -> &PointPillarsConfig {
        &self.config
    }

    /// What runs the network: its times and its work of the last frame.
    pub fn executor(&self) -> &CpuExecutor {
        &self.executor
    }

    /// The settings in force.
    pub fn settings(&self) -> &DetectorSettings {
        &self.settings
    }

    /// One frame: decode, pillars, network, boxes.
    ///
    /// # Errors
    /// A cloud without the intensity that the network reads; predictions that are no numbers.
    pub fn detect(&mut self, input: &MountedCloud, report: &mut FrameReport) -> Result<Detections, ModelError> {
        self.decode_cloud(&input.cloud, report)?;
        let frame = ModelFrame::new(&self.trained, input.t_base_lidar.as_ref());
        frame.to_model(&mut self.points, POINT_FEATURES);
        report.time("pillarize", || self.pillarizer.pillarize(&self.points, &mut self.pillars)).map(|drops| {
            report.points_out_of_range = drops.points_out_of_range;
            report.points_over_pillar_cap = drops.points_over_voxel_cap;
            report.pillars_over_cap = drops.voxels_over_cap;
            report.pillars = self.pillars.len();
        })?;
        report.input = Some(self.input_figures());
        let class_names = self.config.class_names().to_vec();
        if self.pillars.is_empty() {
            return Ok(Detections { class_names, boxes: Vec::new() });
        }
        report.time("network", || self.executor.run(&self.pillars.input()))?;
        let boxes = report.time("decode_boxes", || self.boxes(&frame))?;
        Ok(Detections { class_names, boxes })
    }

    fn decode_cloud(&mut self, cloud: &RawCloud, report: &mut FrameReport) -> Result<(), ModelError> {
        let buffer = std::mem::take(&mut self.points);
        let decoded = report.time("decode_points", || decode_points(cloud, &self.channels, buffer))?;
        report.points_in = cloud.num_points();
        report.points_not_finite = decoded.not_finite;
        self.points = decoded.cloud.into_values();
        Ok(())
    }

    /// What the network is fed, for whoever watches whether it is like training's.
    fn input_figures(&self) -> InputFigures {
        let (column, scale) = match self.intensity {
            IntensityTreatment::Used { scale, .. } => (Some(POINT_FEATURES - 1), scale),
            IntensityTreatment::Ignored => (None, 1.0),
        };
        InputFigures::of(&self.points, POINT_FEATURES, column, scale, self.config.grid())
    }

    fn boxes(&self, frame: &ModelFrame) -> Result<Vec<Detection>, ModelError> {
        let [cls, boxes, dir] = [OUTPUT_CLS, OUTPUT_BOX, OUTPUT_DIR].map(|name| self.executor.value(name));
        let window = self.config.whole_window();
        let output = PointPillarsOutput::new(&self.config, window, cls?.data, boxes?.data, dir?.data)?;
        let mut detections = decode(&self.config, &self.settings, &self.anchors, &output)?;
        for detection in &mut detections {
            detection.box3d = frame.box_to_cloud(&detection.box3d);
        }
        Ok(detections)
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
        self.settings = settings;
        Ok(())
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }
}

#[cfg(test)]
mod tests;
