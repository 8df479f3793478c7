//! The state of a run, and one step of it.
//!
//! ```text
//! Batch ─forward─► outputs, taps ─losses─► backward ─clip─► AdamW ─► averaged weights
//!   └─teacher, live or recorded──────┘
//! ```

use percept_kernels::executor::autograd::{ParameterStore, forward_train};
use percept_kernels::parameters::{ParameterMap, initialise};
use percept_kernels::pillar_encode::PillarInput;
use percept_kernels::plan::{CanvasSize, NamedValue, Plan};
use percept_models::outputs::ModelOutputs;
use percept_models::pointpillars::{OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR, Pillars, PointPillarsConfig, topology};
use percept_models::weights::{ReadyConfig, Weights};

use super::{Checkpoint, CheckpointState, TrainSettings};
use crate::DistillError;
use crate::data::{Batch, StatisticsSum};
use crate::losses::{DistillationLoss, TapChannels};
use crate::optimiser::{AdamW, WeightAverage, clip_global_norm, collect};
use crate::teacher::{LiveTeacher, TeacherTargets, shortened};

/// Steps in a row without a finite loss after which a run is given up.
const MAX_SKIPPED_IN_A_ROW: u64 = 20;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Number of the step, from 0.
    pub step: u64,
    /// Sum of the weighted parts.
    pub loss: f64,
    /// Classification.
    pub classification: f64,
    /// Box codes.
    pub box_regression: f64,
    /// Direction.
    pub direction: f64,
    /// What the teacher adds; 0 without one.
    pub distillation: f64,
    /// Variance of the teacher's aggregated features (PointDistiller): towards 0 they teach nothing any more.
    pub teacher_variance: f64,
    /// Common length of the gradients before clipping.
    pub gradient_norm: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Positive anchors of the batch.
    pub positives: usize,
    /// Whether the weights stayed, because the batch was empty or a number was not finite.
    pub skipped: bool,
}

/// A run under way.
#[derive(Debug)]
pub struct Trainer {
    settings: TrainSettings,
    config: PointPillarsConfig,
    plan: Plan,
    parameters: ParameterStore,
    optimiser: AdamW,
    average: WeightAverage,
    /// Weights and running statistics after the last good step: what a broken one falls back to.
    last_good: ParameterMap,
    distillation: Option<DistillationLoss>,
    /// Its trained parameters after the last good step.
    last_good_adapters: ParameterMap,
    teacher: Option<LiveTeacher>,
    state: CheckpointState,
}

impl Trainer {
    /// A run from first weights, or from given ones under a fresh schedule.
    ///
    /// # Errors
    /// Settings outside their limits; weights of another network.
    pub fn new(settings: TrainSettings, first_weights: Option<&ParameterMap>) -> Result<Self, DistillError> {
        let config = settings.validate()?;
        let plan = topology(&config, CanvasSize { ny: settings.windows.ny, nx: settings.windows.nx })?;
        let first_weights = first_weights.cloned().unwrap_or_else(|| initialise(&plan, settings.seed));
        let distillation = distillation(&settings, &plan, None)?;
        Ok(Self {
            last_good_adapters: distillation.as_ref().map_or(Ok(ParameterMap::new()), DistillationLoss::to_map)?,
            distillation,
            teacher: None,
            optimiser: AdamW::new(settings.optimiser),
            average: WeightAverage::new(settings.average_decay),
            state: CheckpointState::default(),
            settings,
            config,
            parameters: ParameterStore::new(&plan, &first_weights)?,
            last_good: first_weights,
            plan,
        })
    }

    /// Goes on where a checkpoint stopped.
    ///
    /// # Errors
    /// Settings other than the checkpoint's; tensors of another network.
    pub fn resume(settings: TrainSettings, checkpoint: Checkpoint) -> Result<Self, DistillError> {
        checkpoint.check_settings(&settings)?;
        let mut trainer = Self::new(settings, Some(&checkpoint.weights))?;
        let Checkpoint { average, first, second, adapters, state, .. } = checkpoint;
        trainer.distillation = distillation(&trainer.settings, &trainer.plan, Some(&adapters))?;
        trainer.last_good_adapters = adapters;
        let moments = Checkpoint::moments(first, second)?;
        trainer.optimiser = AdamW::restored(trainer.settings.optimiser, moments, state.updates);
        trainer.average = WeightAverage::restored(trainer.settings.average_decay, average, state.updates);
        trainer.state = state;
        Ok(trainer)
    }

    /// Gives the run the teacher that its settings name, to run beside the student. Where the outputs come from records,
    /// or no term reads any, nothing is compiled.
    ///
    /// # Errors
    /// Other weights than the settings'; weights of another network.
    pub fn set_teacher(&mut self, weights: &Weights) -> Result<(), DistillError> {
        let Some(distillation) = &self.settings.distillation else { return Ok(()) };
        let refuse = |reason: String| Err(DistillError::Teacher { teacher: shortened(weights.sha256()), reason });
        if weights.sha256() != distillation.teacher_sha256 {
            return refuse(format!(
                "is another than the run's, {}: give the teacher that the run was started with",
                shortened(&distillation.teacher_sha256)
            ));
        }
        let needs = distillation.needs();
        if distillation.recorded || needs.is_empty() {
            return Ok(());
        }
        let ReadyConfig::PointPillars(config) = weights.config();
        let canvas = self.plan.canvas();
        self.teacher = Some(LiveTeacher::new(config, weights.parameters(), weights.sha256(), canvas, needs)?);
        Ok(())
    }

    /// The settings.
    pub fn settings(&self) -> &TrainSettings {
        &self.settings
    }

    /// The network's configuration.
    pub fn config(&self) -> &PointPillarsConfig {
        &self.config
    }

    /// Steps done, counters, statistics.
    pub fn state(&self) -> &CheckpointState {
        &self.state
    }

    /// The network on the training windows' canvas.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The averaged weights with their running statistics; the first weights before the first step.
    pub fn averaged_weights(&self) -> &ParameterMap {
        let started = !self.average.tensors().is_empty();
        if started { self.average.tensors() } else { &self.last_good }
    }

    /// Statistics of the training inputs so far.
    pub fn input_statistics(&self) -> &StatisticsSum {
        &self.state.statistics
    }

    /// Adds to the time that the run has taken, over all its sittings.
    pub fn add_seconds(&mut self, seconds: f64) {
        self.state.seconds += seconds;
    }

    /// Everything needed to go on later.
    ///
    /// # Errors
    /// When the optimiser's moments cannot be read.
    pub fn checkpoint(&self) -> Result<Checkpoint, DistillError> {
        let weights = self.last_good.clone();
        let checkpoint = Checkpoint::new(&self.settings, weights, &self.average, &self.optimiser, self.state.clone())?;
        Ok(Checkpoint { adapters: self.last_good_adapters.clone(), ..checkpoint })
    }

    /// One step.
    ///
    /// # Errors
    /// A batch of another network, a failing operation, or too many steps in a row without a finite loss.
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport, DistillError> {
        batch.statistics.iter().for_each(|frame| self.state.statistics.add(frame));
        let (learning_rate, beta1) = self.settings.schedule.at(self.state.step);
        let mut report = StepReport {
            step: self.state.step,
            loss: f64::NAN,
            classification: f64::NAN,
            box_regression: f64::NAN,
            direction: f64::NAN,
            distillation: 0.0,
            teacher_variance: 0.0,
            gradient_norm: f64::NAN,
            learning_rate,
            positives: batch.targets.num_positives(),
            skipped: true,
        };
        if !batch.pillars.is_empty() {
            self.descend(batch, (learning_rate, beta1), &mut report)?;
        }
        self.state.step += 1;
        if report.skipped {
            self.state.skipped += 1;
            self.state.skipped_in_a_row += 1;
        } else {
            self.state.skipped_in_a_row = 0;
        }
        if self.state.skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW {
            return Err(DistillError::NotFinite { steps: self.state.skipped_in_a_row, step: report.step });
        }
        Ok(report)
    }

    fn descend(
        &mut self,
        batch: &Batch,
        (learning_rate, beta1): (f64, f64),
        report: &mut StepReport,
    ) -> Result<(), DistillError> {
        // First, so that a teacher that fails leaves the student as it was.
        let teacher = self.teacher_targets(batch)?;
        let forward = forward_train(&self.plan, &mut self.parameters, &pillar_input(&batch.pillars))?;
        let outputs = ModelOutputs::of_pillars(forward, &batch.pillars, OUTPUT_CLS)?;
        let (boxes, dir) = (outputs.output(OUTPUT_BOX)?, outputs.output(OUTPUT_DIR)?);
        let terms = self.settings.loss.evaluate(outputs.logits(), boxes, dir, &batch.targets)?;
        report.classification = terms.classification;
        report.box_regression = terms.box_regression;
        report.direction = terms.direction;
        report.loss = terms.classification + terms.box_regression + terms.direction;
        let mut total = terms.total;
        let adapters = self.distillation.as_ref().map(DistillationLoss::trainable).unwrap_or_default();
        if let (Some(distillation), Some(teacher)) = (&self.distillation, &teacher)
            && let Some(value) = distillation.evaluate(&outputs, teacher, &batch.frames)?
        {
            report.distillation = value.value;
            report.teacher_variance = value.teacher_variance.unwrap_or_default();
            report.loss += value.value;
            total = (total + value.total)?;
        }
        let trainable = || self.parameters.trainable().chain(adapters.iter().map(|(name, var)| (name.as_str(), var)));
        let mut gradients = collect(&total.backward()?, trainable());
        report.gradient_norm = clip_global_norm(&mut gradients, self.settings.max_gradient_norm)?;
        if !(report.loss.is_finite() && report.gradient_norm.is_finite()) {
            // The running statistics took in a batch as broken as its loss.
            self.parameters = ParameterStore::new(&self.plan, &self.last_good)?;
            return Ok(());
        }
        self.optimiser.step(trainable(), &gradients, learning_rate, beta1)?;
        self.last_good = self.parameters.to_map()?;
        self.last_good_adapters =
            self.distillation.as_ref().map_or(Ok(ParameterMap::new()), DistillationLoss::to_map)?;
        self.average.update(&self.last_good);
        self.state.updates = self.optimiser.updates();
        report.skipped = false;
        Ok(())
    }
}

impl Trainer {
    /// What the teacher says about a batch; `None` where no term reads anything.
    fn teacher_targets(&mut self, batch: &Batch) -> Result<Option<TeacherTargets>, DistillError> {
        let Some(distillation) = &self.settings.distillation else { return Ok(None) };
        if distillation.needs().is_empty() {
            return Ok(None);
        }
        if distillation.recorded {
            let missing = "the batch has none, though the run is to learn from records: give the recorded bags";
            let missing = || DistillError::Record { reason: missing.to_owned() };
            return batch.teacher.clone().ok_or_else(missing).map(Some);
        }
        let teacher = shortened(&distillation.teacher_sha256);
        let missing =
            || DistillError::Teacher { teacher, reason: "was not given to the run: name its weights".to_owned() };
        self.teacher.as_mut().ok_or_else(missing)?.targets(&batch.pillars).map(Some)
    }
}

/// The terms of the settings with first or saved parameters.
fn distillation(
    settings: &TrainSettings,
    plan: &Plan,
    saved: Option<&ParameterMap>,
) -> Result<Option<DistillationLoss>, DistillError> {
    let Some(distillation) = settings.distillation.clone() else { return Ok(None) };
    let teacher = topology(&PointPillarsConfig::try_from(distillation.teacher.clone())?, plan.canvas())?;
    let channels = |plan: &Plan| {
        let of = |tap: &NamedValue| Ok((tap.name.clone(), plan.shape(tap.value)?.channels()));
        plan.taps().iter().map(of).collect::<Result<TapChannels, DistillError>>()
    };
    Ok(Some(DistillationLoss::new(distillation, &channels(plan)?, &channels(&teacher)?, settings.seed, saved)?))
}

/// Pillars as the executors read them.
pub(crate) fn pillar_input(pillars: &Pillars) -> PillarInput<'_> {
    PillarInput {
        features: &pillars.decorated,
        point_features: pillars.num_features,
        offsets: &pillars.offsets,
        coords: &pillars.coords,
        batch: pillars.num_frames,
    }
}
