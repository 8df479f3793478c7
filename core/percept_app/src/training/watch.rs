//! What is told while a run goes on, and what is done between its steps.

use percept_distill::DistillError;
use percept_distill::train::{Observe, StepReport, Trainer};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::curves::draw_curves;
use super::{HeldOut, TrainingError};
use crate::Progress;

/// Steps between two lines.
const LINE_EVERY: u64 = 20;

/// Tells losses, validates, draws the curves and passes on the wish to stop.
pub(super) struct Watch<'a> {
    pub(super) progress: &'a mut dyn Progress,
    pub(super) stop: &'a AtomicBool,
    pub(super) held_out: &'a [HeldOut],
    /// One line a validation.
    pub(super) scores: PathBuf,
    pub(super) curves: PathBuf,
    pub(super) curves_png: PathBuf,
    pub(super) steps: u64,
    pub(super) recent: Recent,
}

/// Means since the last line.
#[derive(Default)]
pub(super) struct Recent {
    losses: [f64; 4],
    steps: u64,
    time: Duration,
}

impl Observe for Watch<'_> {
    fn stepped(&mut self, report: &StepReport, time: Duration) {
        self.progress.advance(1);
        if self.progress.stop_asked() {
            self.stop.store(true, Ordering::Relaxed);
        }
        if report.skipped {
            self.progress.note(&format!("step {}: skipped, its batch is empty or its loss not finite", report.step));
            return;
        }
        let parts = [report.loss, report.classification, report.box_regression, report.direction];
        self.recent.losses.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        self.recent.steps += 1;
        self.recent.time += time;
        if (report.step + 1).is_multiple_of(LINE_EVERY) {
            let line = self.line(report);
            self.progress.note(&line);
        }
    }

    fn validate(&mut self, trainer: &Trainer) -> Result<(), DistillError> {
        let step = trainer.state().step;
        for set in self.held_out {
            let started = Instant::now();
            let told = set
                .score(trainer.config(), trainer.averaged_weights())
                .map(|scores| scores.line(trainer.config().class_names()))
                .and_then(|line| self.keep(&format!("step {step}, {line}")).map(|()| line));
            match told {
                Ok(line) => {
                    self.progress.note(&format!("step {step}, {line} [{:.0} s]", started.elapsed().as_secs_f64()))
                }
                // A validation that fails (early weights may predict nothing) is told and costs no run.
                Err(error) => self.progress.note(&format!("step {step}, {}: not validated: {error}", set.name())),
            }
        }
        Ok(())
    }

    fn saved(&mut self, trainer: &Trainer) {
        if let Err(error) = draw_curves(&self.curves, &self.curves_png) {
            self.progress.note(&format!("step {}: {error}", trainer.state().step));
        }
    }
}

impl Watch<'_> {
    fn line(&mut self, report: &StepReport) -> String {
        let Recent { losses, steps, time } = std::mem::take(&mut self.recent);
        let mean = losses.map(|sum| sum / steps.max(1) as f64);
        let step_s = time.as_secs_f64() / steps.max(1) as f64;
        let left_s = step_s * self.steps.saturating_sub(report.step + 1) as f64;
        format!(
            "step {}/{}  loss {:.3} (class {:.3}, box {:.3}, direction {:.3})  gradient {:.1}  rate {:.1e}  {step_s:.2} s a step, {:.0} min left",
            report.step + 1,
            self.steps,
            mean[0],
            mean[1],
            mean[2],
            mean[3],
            report.gradient_norm,
            report.learning_rate,
            left_s / 60.0
        )
    }

    fn keep(&self, line: &str) -> Result<(), TrainingError> {
        let io = TrainingError::io("append to", &self.scores);
        let append = || {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.scores)?;
            writeln!(file, "{line}")
        };
        append().map_err(io)
    }
}
