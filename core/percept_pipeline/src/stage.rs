//! What stands before and behind the model.

use crate::{EventKind, Metrics};
use percept_types::{BoxError, Stamp, Stamped};
use std::time::Duration;

/// Something that was taken from a topic and waits to become a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Time of validity.
    pub stamp: Stamp,
    /// ROS time of arrival.
    pub received_at: Stamp,
}

/// Why an input is no frame.
#[derive(Clone, Debug, PartialEq)]
pub struct InputFault {
    /// What kind of fault.
    pub kind: EventKind,
    /// In words.
    pub reason: String,
}

/// One input of the model, with its header.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame<I> {
    /// Stamp and frame of the input, and of the output.
    pub header: Stamped<()>,
    /// Steady time of arrival.
    pub received_steady: Duration,
    /// What the model sees.
    pub input: I,
}

/// How far an input has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Assembled<I> {
    /// Nothing waits.
    Nothing,
    /// It waits for something else, at most until this steady time.
    Waiting(Duration),
    /// It is ready.
    Frame(Frame<I>),
    /// It will never be ready; it is gone. The header is there where it could be read.
    Failed(Option<Stamped<()>>, InputFault),
}

/// Puts inputs together: one cloud, several by stamp and TF, past sweeps.
pub trait Assemble: Send {
    /// What the model sees.
    type Input;

    /// Takes what arrived; tells of a new arrival once. Nothing is taken while an earlier one waits.
    ///
    /// # Errors
    /// Inside, when a message is no valid input; it is gone.
    fn receive(&mut self) -> Option<Result<Arrival, InputFault>>;

    /// Goes on with the arrival that waits.
    fn assemble(&mut self, steady: Duration, metrics: &mut Metrics) -> Assembled<Self::Input>;

    /// Lets the arrival that waits fall.
    fn skip(&mut self);

    /// Forgets everything of the time before a jump; what is not later than `now` may stay, and so does an arrival
    /// that waits.
    fn forget(&mut self, now: Stamp);

    /// Copies what its subscriptions counted.
    fn count(&self, metrics: &mut Metrics);
}

/// Times of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameTimes {
    /// From the start of the model to its end.
    pub processing: Duration,
    /// From the start of the frame before to the start of this one.
    pub cyclic: Option<Duration>,
    /// From arrival to the start of the model.
    pub waited: Duration,
    /// From the stamp to now, in seconds of ROS time; negative where stamps lie in the future.
    pub since_stamp_s: f64,
}

/// Takes what the model made.
pub trait Publish<O>: Send {
    /// Publishes a frame's output; an empty one too.
    ///
    /// # Errors
    /// Where a topic refuses it; the node goes on.
    fn publish(&mut self, header: &Stamped<()>, output: &O, times: &FrameTimes) -> Result<(), BoxError>;

    /// Tells that a frame gave no output, so that nothing old stays drawn.
    ///
    /// # Errors
    /// Where a topic refuses it; the node goes on.
    fn failed(&mut self, header: &Stamped<()>) -> Result<(), BoxError>;
}
