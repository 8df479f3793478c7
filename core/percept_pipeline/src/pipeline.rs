//! One turn: take what arrived, hold it against time, perceive, publish, count.

use crate::controls::panic_text;
use crate::{Assemble, Assembled, Controls, EventKind, Frame, FrameTimes, InputFault, Publish, TimeFault, TimeWatch};
use percept_transport::Clock;
use percept_types::{DomainWatch, FrameReport, Perceive, Stamp, Stamped};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    /// Nothing was there.
    Idle,
    /// An input waits for something else, at most until this steady time.
    Waiting(Duration),
    /// An input was dealt with; another may be there.
    Worked,
}

/// A model with what stands before and behind it.
pub struct Pipeline<P: Perceive, A, U> {
    model: P,
    settings: Option<P::Settings>,
    assemble: A,
    publish: U,
    domain: Option<DomainWatch>,
    time: TimeWatch,
    clock: Clock,
    controls: Arc<Controls<P>>,
    started: Option<Duration>,
}

impl<P, A, U> Pipeline<P, A, U>
where
    P: Perceive,
    P::Settings: Clone,
    A: Assemble<Input = P::Input>,
    U: Publish<P::Output>,
{
    /// A pipeline that has seen nothing.
    pub fn new(model: P, assemble: A, publish: U, time: TimeWatch, clock: Clock, controls: Arc<Controls<P>>) -> Self {
        let domain = domain_watch(&model);
        controls.metrics().card = Some(model.card().clone());
        Self { model, settings: None, assemble, publish, domain, time, clock, controls, started: None }
    }

    /// The model at work.
    pub fn model(&self) -> &P {
        &self.model
    }

    /// Gives the model back.
    pub fn into_model(self) -> P {
        self.model
    }

    /// One step: at most one frame; never waits for anything but the model, and never panics.
    pub fn turn(&mut self) -> Turn {
        match catch_unwind(AssertUnwindSafe(|| self.step())) {
            Ok(turn) => turn,
            Err(panic) => {
                self.assemble.skip();
                self.note(EventKind::InputPanic, panic_text(&*panic));
                Turn::Worked
            }
        }
    }

    fn step(&mut self) -> Turn {
        self.take_what_is_new();
        if let Some(now) = self.clock.heard()
            && let Some(back_s) = self.time.check_clock(now)
        {
            self.clear_after_jump(now, &format!("the clock went back by {back_s:.3} s"));
            // What waits is from before the jump.
            self.assemble.skip();
        }
        let arrived = self.assemble.receive();
        self.assemble.count(&mut self.controls.metrics());
        let is_usable = match arrived {
            Some(Err(fault)) => {
                self.note(fault.kind, fault.reason);
                false
            }
            Some(Ok(arrival)) => self.is_in_time(arrival.stamp),
            None => true,
        };
        if !is_usable {
            self.assemble.skip();
            return Turn::Worked;
        }
        let assembled = self.assemble.assemble(self.clock.steady(), &mut self.controls.metrics());
        match assembled {
            Assembled::Nothing => return Turn::Idle,
            Assembled::Waiting(until) => return Turn::Waiting(until),
            Assembled::Failed(header, InputFault { kind, reason }) => {
                self.note(kind, reason);
                if let Some(header) = header {
                    self.publish_failure(&header);
                }
            }
            Assembled::Frame(frame) => self.frame(&frame),
        }
        Turn::Worked
    }

    /// A swapped model and settings take their place between two frames.
    fn take_what_is_new(&mut self) {
        if let Some(mut model) = self.controls.take_model() {
            // What was set at run time holds for the new weights too.
            let applied = self.settings.clone().map_or(Ok(()), |settings| model.apply(settings));
            match applied {
                Ok(()) => {
                    self.model = model;
                    self.domain = domain_watch(&self.model);
                    let card = self.model.card().clone();
                    self.note(EventKind::Swapped, format!("{}, {}", card.model_id, card.weights_sha256));
                    self.controls.metrics().card = Some(card);
                }
                Err(error) => self.note(EventKind::SwapFailed, format!("they refuse the settings in force: {error}")),
            }
        }
        if let Some(settings) = self.controls.take_settings() {
            match self.model.apply(settings.clone()) {
                Ok(()) => self.settings = Some(settings),
                Err(error) => self.note(EventKind::SettingsRefused, error.to_string()),
            }
        }
    }

    /// Whether a frame of this stamp is to be used.
    fn is_in_time(&mut self, stamp: Stamp) -> bool {
        let (kind, reason, is_used) = match self.time.check(stamp, self.clock.heard()) {
            None => return true,
            Some(TimeFault::Zero) => (EventKind::ZeroStamp, "the driver gives no time: age unknown".to_owned(), true),
            Some(TimeFault::Future(s)) => {
                (EventKind::FutureStamp, format!("{s:.3} s ahead of this clock: synchronise the two clocks"), true)
            }
            Some(TimeFault::BeyondClock(s)) => {
                (EventKind::FutureStamp, format!("{s:.3} s ahead of /clock: skipped as of before a jump"), false)
            }
            Some(TimeFault::TooOld(s)) => (EventKind::TooOld, too_old(s), false),
            Some(TimeFault::OutOfOrder(s)) => (EventKind::OutOfOrder, format!("{s:.3} s earlier"), false),
            Some(TimeFault::JumpedBack(s)) => {
                self.clear_after_jump(stamp, &format!("stamps went back by {s:.3} s"));
                return true;
            }
        };
        self.note(kind, reason);
        is_used
    }

    fn clear_after_jump(&mut self, now: Stamp, reason: &str) {
        self.assemble.forget(now);
        if let Some(domain) = &mut self.domain {
            domain.clear();
        }
        self.controls.metrics().domain.clear();
        self.started = None;
        self.note(EventKind::JumpedBack, reason);
    }

    fn frame(&mut self, frame: &Frame<P::Input>) {
        let mut report = FrameReport::default();
        let started = self.clock.steady();
        let cyclic = self.started.replace(started).map(|before| started.saturating_sub(before));
        let model = &mut self.model;
        // A panic leaves at worst the buffers of this frame half-filled: models fill them anew for each frame.
        let outcome = catch_unwind(AssertUnwindSafe(|| model.perceive(&frame.input, &mut report)));
        let processing = self.clock.steady().saturating_sub(started);
        let waited = started.saturating_sub(frame.received_steady);
        let since_stamp_s = self.clock.now().seconds_since(frame.header.stamp);
        let times = FrameTimes { processing, cyclic, waited, since_stamp_s };
        self.count_frame(&report, &times);
        match outcome {
            Ok(Ok(output)) => self.publish(&frame.header, &output, &times),
            Ok(Err(error)) => {
                self.note(EventKind::ModelError, error.to_string());
                self.publish_failure(&frame.header);
            }
            Err(panic) => {
                self.note(EventKind::ModelPanic, panic_text(&*panic));
                self.publish_failure(&frame.header);
            }
        }
        let total = self.clock.steady().saturating_sub(frame.received_steady);
        self.controls.metrics().total.push(total);
        if let (Some(domain), Some(figures)) = (&mut self.domain, &report.input) {
            domain.observe(figures);
            self.controls.metrics().domain = domain.reasons();
        }
    }

    fn count_frame(&self, report: &FrameReport, times: &FrameTimes) {
        let mut metrics = self.controls.metrics();
        metrics.frames += 1;
        metrics.processing.push(times.processing);
        metrics.waited.push(times.waited);
        metrics.add_report(report);
    }

    fn publish(&mut self, header: &Stamped<()>, output: &P::Output, times: &FrameTimes) {
        if !self.controls.is_publishing() {
            return;
        }
        match self.publish.publish(header, output, times) {
            Ok(()) => self.controls.metrics().published += 1,
            Err(error) => self.note(EventKind::PublishFailed, error.to_string()),
        }
    }

    fn publish_failure(&mut self, header: &Stamped<()>) {
        if self.controls.is_publishing()
            && let Err(error) = self.publish.failed(header)
        {
            self.note(EventKind::PublishFailed, error.to_string());
        }
    }

    fn note(&self, kind: EventKind, reason: impl Into<String>) {
        self.controls.metrics().note(kind, self.clock.steady(), reason);
    }
}

/// Weights that tell what training looked like are watched for inputs unlike it.
fn domain_watch(model: &impl Perceive) -> Option<DomainWatch> {
    model.card().input_statistics.as_ref().map(DomainWatch::new)
}

fn too_old(age_s: f64) -> String {
    let way_out = if age_s > 60.0 {
        "a recording needs use_sim_time and ros2 bag play --clock, two machines need one clock"
    } else {
        "the machine or the network is overloaded, or max_age_ms is too short"
    };
    format!("the last is {age_s:.3} s old: {way_out}")
}
