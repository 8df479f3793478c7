//! What happened to frames: counts, times and the last event of each kind, in constant memory.

use crate::{LatencyRing, RateMeter};
use percept_transport::SubscriptionCounts;
use percept_types::{DomainReason, FrameReport, ModelCard, Stamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// How bad something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    #[default]
    Ok,
    /// Works, but look.
    Warn,
    /// Does not work.
    Error,
}

/// The parts of a node that are diagnosed apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// What comes in.
    Input,
    /// Stamps and clocks.
    Time,
    /// TF.
    Transforms,
    /// The model and what it gives.
    Model,
    /// Whether inputs are like those of training.
    Domain,
}

impl Task {
    /// All of them, in the order of publication.
    pub const ALL: [Self; 5] = [Self::Input, Self::Time, Self::Transforms, Self::Model, Self::Domain];

    /// The name behind the node's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Time => "time",
            Self::Transforms => "transforms",
            Self::Model => "model",
            Self::Domain => "domain",
        }
    }
}

macro_rules! event_kinds {
    ($($(#[$meta:meta])* $kind:ident: $task:ident, $level:ident, $key:literal, $says:literal;)*) => {
        /// What may happen to a frame or a node.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EventKind { $($(#[$meta])* $kind,)* }

        impl EventKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The part of the node it belongs to.
            pub fn task(self) -> Task {
                match self { $(Self::$kind => Task::$task,)* }
            }

            /// How bad it is.
            pub fn level(self) -> Level {
                match self { $(Self::$kind => Level::$level,)* }
            }

            /// The key of its count among the values of a diagnostic.
            pub fn key(self) -> &'static str {
                match self { $(Self::$kind => $key,)* }
            }

            /// What it is, in a few words.
            pub fn says(self) -> &'static str {
                match self { $(Self::$kind => $says,)* }
            }
        }
    };
}

event_kinds! {
    /// A message that is no valid input.
    Malformed: Input, Error, "malformed", "a message is no valid input";
    /// Something before or behind the model panicked.
    InputPanic: Input, Error, "panics", "a frame broke what stands round the model";
    /// A cloud of the set that did not come in time.
    Incomplete: Input, Warn, "incomplete", "an input of the set is missing";
    /// A stamp of zero.
    ZeroStamp: Time, Warn, "zero_stamps", "stamps are zero";
    /// A stamp in the future.
    FutureStamp: Time, Warn, "future_stamps", "stamps lie in the future";
    /// A frame older than allowed, skipped.
    TooOld: Time, Error, "too_old", "frames are too old and skipped";
    /// A frame a little older than the one before, skipped.
    OutOfOrder: Time, Warn, "out_of_order", "a frame is older than the one before it and skipped";
    /// Time jumped back; all state was cleared.
    JumpedBack: Time, Warn, "jumps_back", "time jumped back, all state was cleared";
    /// A transform was not there in time; the frame was dropped.
    TransformMissing: Transforms, Error, "failures", "a transform is missing and the frame dropped";
    /// TF does not tell of the sensor's mounting; clouds are taken as mounted as in training.
    MountingAssumed: Transforms, Warn, "mounting_assumed", "the sensor is taken as mounted as in training";
    /// A transform that the buffer refuses.
    TransformRefused: Transforms, Warn, "refused", "a transform cannot be used";
    /// The model gave an error.
    ModelError: Model, Error, "errors", "the model failed on a frame";
    /// The model panicked.
    ModelPanic: Model, Error, "panics", "the model broke on a frame";
    /// Settings that the model refuses.
    SettingsRefused: Model, Warn, "settings_refused", "new settings were refused, the old ones stay";
    /// New weights are at work.
    Swapped: Model, Ok, "swaps", "new weights are at work";
    /// New weights that could not be built.
    SwapFailed: Model, Warn, "swaps_failed", "new weights could not be used, the old ones stay";
    /// A topic refused a message.
    PublishFailed: Model, Error, "publish_failures", "a message could not be published";
}

/// What happened of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// How often.
    pub count: u64,
    /// When last, in steady time.
    pub at: Duration,
    /// Why, the last time.
    pub reason: String,
}

/// Sums of what frame reports say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PointSums {
    /// Points that messages announced.
    pub points_in: u64,
    /// Points with a coordinate that is not finite.
    pub not_finite: u64,
    /// Points outside the grid.
    pub out_of_range: u64,
    /// Points removed by crop box and region of interest.
    pub cropped: u64,
}

/// Everything that is counted.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Frames that the model has seen.
    pub frames: u64,
    /// Frames whose output was published.
    pub published: u64,
    /// Events by kind.
    pub events: BTreeMap<EventKind, Event>,
    /// Sums over all frames.
    pub points: PointSums,
    /// The report of the last frame.
    pub last_report: FrameReport,
    /// From the start of the model to its end.
    pub processing: LatencyRing,
    /// From arrival to the start of the model.
    pub waited: LatencyRing,
    /// From arrival to publication.
    pub total: LatencyRing,
    /// What the main subscription counted.
    pub input: SubscriptionCounts,
    /// Inputs that wait.
    pub queue: usize,
    /// The last arrival: ROS time and steady time.
    pub last_arrival: Option<(Stamp, Duration)>,
    /// Rate of arrivals.
    pub rate: RateMeter,
    /// The model at work.
    pub card: Option<ModelCard>,
    /// In what inputs are unlike those of training now.
    pub domain: Vec<DomainReason>,
}

impl Metrics {
    /// Begins to listen anew: counts of frames and events go on, those of the subscription begin at 0.
    pub fn begin_listening(&mut self) {
        self.take_input(SubscriptionCounts::default(), 0, None);
        self.rate = RateMeter::default();
        self.domain.clear();
    }

    /// Notes an event.
    pub fn note(&mut self, kind: EventKind, at: Duration, reason: impl Into<String>) {
        let event = self.events.entry(kind).or_default();
        *event = Event { count: event.count + 1, at, reason: reason.into() };
    }

    /// How often something happened.
    pub fn count(&self, kind: EventKind) -> u64 {
        self.events.get(&kind).map_or(0, |event| event.count)
    }

    /// Adds up a frame's report.
    pub fn add_report(&mut self, report: &FrameReport) {
        self.points.points_in += report.points_in as u64;
        self.points.not_finite += report.points_not_finite as u64;
        self.points.out_of_range += report.points_out_of_range as u64;
        self.last_report.clone_from(report);
    }

    /// Takes the counts of the main subscription.
    pub fn take_input(&mut self, counts: SubscriptionCounts, queue: usize, last: Option<(Stamp, Duration)>) {
        (self.input, self.queue, self.last_arrival) = (counts, queue, last);
        if let Some((_, steady)) = last {
            self.rate.update(counts.received, steady);
        }
    }
}
