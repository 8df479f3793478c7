//! A teacher that runs beside the student, on the same pillars.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use half::f16;
use percept_kernels::executor::cpu::{CpuExecutor, Keep};
use percept_kernels::parameters::ParameterMap;
use percept_kernels::plan::{CanvasSize, Plan, ValueShape};
use percept_models::pointpillars::{
    Anchors, HeadChannels, OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR, Pillars, PointPillarsConfig, PointPillarsOutput, decode,
    pillar_feature_topology, tap, topology,
};
use percept_types::Detection;

use super::anchors::HeadMaps;
use super::{AnchorTargets, TeacherNeeds, TeacherTargets};
use crate::DistillError;
use crate::train::pillar_input;

/// A teacher compiled for inference: norms folded, running statistics. Where only pillar features are read, only the
/// pillar feature net is run.
#[derive(Debug)]
pub struct LiveTeacher {
    sha256: String,
    needs: TeacherNeeds,
    config: PointPillarsConfig,
    channels: HeadChannels,
    num_classes: usize,
    executor: CpuExecutor,
}

impl LiveTeacher {
    /// Compiles a teacher for windows of a size; `sha256` is that of its weights.
    ///
    /// # Errors
    /// Weights of another network, a tap that it does not have.
    pub fn new(
        config: &PointPillarsConfig,
        weights: &ParameterMap,
        sha256: &str,
        canvas: CanvasSize,
        needs: TeacherNeeds,
    ) -> Result<Self, DistillError> {
        let pillars_alone = needs.anchors.is_none() && needs.taps.iter().all(|tap| tap == tap::PILLAR_FEATURES);
        let whole = topology(config, canvas)?;
        if let Some(unknown) = needs.taps.iter().find(|tap| !whole.taps().iter().any(|known| known.name == **tap)) {
            let known: Vec<&str> = whole.taps().iter().map(|tap| tap.name.as_str()).collect();
            let reason = format!("has no feature tap {unknown:?}: it has {}", known.join(", "));
            return Err(DistillError::Teacher { teacher: shortened(sha256), reason });
        }
        let (plan, keep) = match pillars_alone {
            true => (pillar_feature_topology(config, canvas)?, Keep::Outputs),
            false if needs.taps.is_empty() => (whole, Keep::Outputs),
            false => (whole, Keep::OutputsAndTaps),
        };
        let own = parameters_of(&plan, weights);
        Ok(Self {
            sha256: sha256.to_owned(),
            config: config.clone(),
            channels: HeadChannels::new(config.num_classes()),
            num_classes: config.num_classes(),
            executor: CpuExecutor::compile(&plan, &own, keep)?,
            needs,
        })
    }

    /// SHA-256 of the weights.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What it says about the windows of a batch.
    ///
    /// # Errors
    /// Pillars of another network; outputs that are no numbers.
    pub fn targets(&mut self, pillars: &Pillars) -> Result<TeacherTargets, DistillError> {
        let (mut anchors, mut taps) = (Vec::new(), BTreeMap::<String, Vec<f32>>::new());
        let mut shapes = BTreeMap::new();
        for window in 0..pillars.num_frames {
            let own = window_of(pillars, window);
            self.executor.run(&pillar_input(&own))?;
            if let Some(choice) = self.needs.anchors {
                let maps = HeadMaps {
                    class_logits: self.executor.value(OUTPUT_CLS)?.data,
                    box_codes: self.executor.value(OUTPUT_BOX)?.data,
                    direction_logits: self.executor.value(OUTPUT_DIR)?.data,
                    num_classes: self.num_classes,
                    kinds: self.channels.anchors,
                };
                let all = [maps.class_logits, maps.box_codes, maps.direction_logits];
                if all.into_iter().flatten().any(|value| !value.is_finite()) {
                    return Err(self.not_finite(window, "its head"));
                }
                anchors.push(AnchorTargets::of_maps(&maps, choice));
            }
            for tap in &self.needs.taps {
                let value = self.executor.value(tap)?;
                // What half precision cannot hold would be infinite once rounded.
                let is_pillars = matches!(value.shape, ValueShape::Pillars { .. });
                let is_number = |v: &f32| if is_pillars { f16::from_f32(*v).is_finite() } else { v.is_finite() };
                if !value.data.iter().all(is_number) {
                    return Err(self.not_finite(window, tap));
                }
                shapes.insert(tap.clone(), value.shape);
                taps.entry(tap.clone()).or_default().extend_from_slice(value.data);
            }
        }
        let tensor = |(name, data): (String, Vec<f32>)| Ok((name.clone(), to_tensor(&shapes, &name, data, pillars)?));
        Ok(TeacherTargets {
            num_windows: pillars.num_frames,
            anchors: self.needs.anchors.is_some().then(|| anchors.into()),
            taps: taps.into_iter().map(tensor).collect::<Result<_, DistillError>>()?,
        })
    }

    /// The boxes of the last window that it was asked about, which must be the whole grid.
    ///
    /// # Errors
    /// A teacher of which only features are read; predictions that are no numbers.
    pub fn detections(&self) -> Result<Vec<Detection>, DistillError> {
        let output = PointPillarsOutput::new(
            &self.config,
            self.config.whole_window(),
            self.executor.value(OUTPUT_CLS)?.data,
            self.executor.value(OUTPUT_BOX)?.data,
            self.executor.value(OUTPUT_DIR)?.data,
        )?;
        let anchors = Anchors::new(&self.config, &self.config.whole_window())?;
        Ok(decode(&self.config, &self.config.default_settings(), &anchors, &output)?)
    }

    fn not_finite(&self, window: usize, what: &str) -> DistillError {
        let reason = format!(
            "gives numbers that are none (NaN or infinite) at {what}, window {window} of the batch: nothing was learnt from \
             it; check the teacher on this drive with percept eval, or give other weights"
        );
        DistillError::Teacher { teacher: shortened(&self.sha256), reason }
    }
}

/// The first twelve digits of a hash.
pub(crate) fn shortened(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}

/// The parameters that a part of the network needs.
fn parameters_of(plan: &Plan, weights: &ParameterMap) -> ParameterMap {
    let named = |name: String| weights.get(&name).map(|tensor| (name, tensor.clone()));
    plan.parameters().into_iter().filter_map(|spec| named(spec.name)).collect()
}

fn to_tensor(
    shapes: &BTreeMap<String, ValueShape>,
    name: &str,
    data: Vec<f32>,
    pillars: &Pillars,
) -> Result<Tensor, DistillError> {
    Ok(match shapes.get(name) {
        Some(ValueShape::Map { channels, height, width }) => {
            Tensor::from_vec(data, (pillars.num_frames, *channels, *height, *width), &Device::Cpu)?
        }
        Some(ValueShape::Pillars { channels }) => {
            let rounded = data.into_iter().map(|value| f16::from_f32(value).to_f32()).collect();
            Tensor::from_vec(rounded, (pillars.len(), *channels), &Device::Cpu)?
        }
        None => return Err(super::lacking(name)),
    })
}

/// The pillars of one window as a batch of its own.
fn window_of(pillars: &Pillars, window: usize) -> Pillars {
    let of = |coord: &[u32; 3]| coord[0] as usize;
    let first = pillars.coords.partition_point(|coord| of(coord) < window);
    let end = pillars.coords.partition_point(|coord| of(coord) <= window);
    let (first_row, end_row) = (pillars.offsets[first], pillars.offsets[end]);
    let width = pillars.num_features;
    Pillars {
        decorated: pillars.decorated[first_row as usize * width..end_row as usize * width].to_vec(),
        num_features: width,
        offsets: pillars.offsets[first..=end].iter().map(|offset| offset - first_row).collect(),
        coords: pillars.coords[first..end].iter().map(|[_, y, x]| [0, *y, *x]).collect(),
        num_frames: 1,
    }
}
