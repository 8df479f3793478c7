//! /tf and /tf_static into a buffer, transform by transform.

use crate::{EventKind, Metrics};
use percept_msgs::tf2_msgs::TFMessage;
use percept_transport::{Keep, QosProfile, Subscription, Transport, TransportError};
use percept_types::{Stamp, Transform, TransformBuffer, TransformError};
use std::time::Duration;

/// Messages of /tf that wait: a second of a busy robot.
const TF_WAITING: usize = 500;
/// Publishers of /tf_static that are heard at once.
const STATIC_WAITING: usize = 100;

/// The transforms that a node hears of.
#[derive(Debug)]
pub struct TransformListener {
    tf: Subscription<TFMessage>,
    tf_static: Subscription<TFMessage>,
    buffer: TransformBuffer,
    newest: Option<Stamp>,
}

impl TransformListener {
    /// Listens on /tf and /tf_static.
    ///
    /// # Errors
    /// What the transport refuses.
    pub fn new(transport: &Transport) -> Result<Self, TransportError> {
        let moving = QosProfile { depth: 100, ..QosProfile::RELIABLE };
        let latched = QosProfile { depth: 100, ..QosProfile::LATCHED };
        Ok(Self {
            tf: transport.subscribe("/tf", moving, Keep::Last(TF_WAITING))?,
            tf_static: transport.subscribe("/tf_static", latched, Keep::Last(STATIC_WAITING))?,
            buffer: TransformBuffer::default(),
            newest: None,
        })
    }

    /// Takes in what arrived; what cannot be used is noted, and the rest of its message is used all the same.
    pub fn poll(&mut self, steady: Duration, metrics: &mut Metrics) {
        for is_static in [true, false] {
            let subscription = if is_static { &self.tf_static } else { &self.tf };
            while let Some(received) = subscription.take() {
                match received {
                    Ok(received) => {
                        for fault in insert(&mut self.buffer, &mut self.newest, received.message, is_static) {
                            metrics.note(EventKind::TransformRefused, steady, fault);
                        }
                    }
                    Err(error) => metrics.note(EventKind::TransformRefused, steady, error.to_string()),
                }
            }
        }
    }

    /// `t_to_from` at a moment.
    ///
    /// # Errors
    /// Those of [`TransformBuffer::lookup`].
    pub fn lookup(&self, to: &str, from: &str, stamp: Stamp) -> Result<Transform, TransformError> {
        self.buffer.lookup(to, from, stamp)
    }

    /// Forgets what moves where something of it lies more than a second after `now`; less may have come after the jump.
    pub fn forget_after(&mut self, now: Stamp) {
        if self.newest.is_some_and(|newest| newest.seconds_since(now) > 1.0) {
            self.buffer.clear();
            self.newest = None;
        }
    }
}

fn insert(
    buffer: &mut TransformBuffer,
    newest: &mut Option<Stamp>,
    message: TFMessage,
    is_static: bool,
) -> Vec<String> {
    let mut faults = Vec::new();
    for transform in message.transforms {
        let stamp = Stamp::from(transform.header.stamp);
        let alone = TFMessage { transforms: vec![transform] };
        let mut result = alone.insert_into(buffer, is_static);
        let is_too_old = |error: &percept_msgs::MsgError| {
            matches!(error, percept_msgs::MsgError::Transform { error: TransformError::TooOld { .. }, .. })
        };
        if result.as_ref().is_err_and(is_too_old) {
            // Time jumped back before the clouds told so: what lies in the future is of before the jump.
            buffer.clear();
            *newest = None;
            result = alone.insert_into(buffer, is_static);
        }
        match result {
            Ok(()) if !is_static => *newest = (*newest).max(Some(stamp)),
            Ok(()) => {}
            Err(error) => faults.push(error.to_string()),
        }
    }
    faults
}

/// Whether waiting may bring the transform.
pub(crate) fn may_come(error: &TransformError) -> bool {
    matches!(
        error,
        TransformError::AfterNewest { .. } | TransformError::UnknownFrame { .. } | TransformError::Disconnected { .. }
    )
}
