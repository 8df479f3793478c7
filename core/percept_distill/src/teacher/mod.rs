//! What a teacher says about the input of a training step: live, or read from records.
//!
//! ```text
//! Pillars of the batch ─LiveTeacher─┐
//!                                   ├─► TeacherTargets { anchors, taps } ─► losses
//! TeacherRecord of each frame ──────┘
//! ```
//! The teacher always normalises with its running statistics and has no gradient. Its pillar features are rounded to half
//! precision, live as recorded, so that neighbours found among them are the same.

mod anchors;
mod live;
mod motion;
mod pair;
mod record;
mod window;

pub use anchors::{AnchorChoice, AnchorTargets};
pub use live::LiveTeacher;
pub(crate) use live::shortened;
pub use motion::{SceneMotion, moved_anchors};
pub use pair::check_pair;
pub use record::{FeatureCodec, RecordedAnchors, RecordedPillars, TeacherRecord, points_sha256};
pub use window::WindowTargets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use candle_core::Tensor;

use crate::DistillError;

/// What of a teacher is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeacherNeeds {
    /// Anchors with logits and codes; which.
    pub anchors: Option<AnchorChoice>,
    /// Feature taps by name.
    pub taps: BTreeSet<String>,
}

impl TeacherNeeds {
    /// Whether nothing is read.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_none() && self.taps.is_empty()
    }
}

/// What the teacher says about a batch; constants.
#[derive(Clone, Debug, Default)]
pub struct TeacherTargets {
    /// Windows of the batch.
    pub num_windows: usize,
    /// One entry a window, where anchors were asked for.
    pub anchors: Option<Arc<[AnchorTargets]>>,
    /// Features by tap: (B, C, H, W) or (P, C) in the order of the batch's pillars.
    pub taps: BTreeMap<String, Tensor>,
}

impl TeacherTargets {
    /// Puts the windows of a batch together; `None` where no window has targets.
    ///
    /// # Errors
    /// Windows of which some have targets and some not, or of different kinds.
    pub fn of_windows(windows: Vec<Option<WindowTargets>>) -> Result<Option<Self>, DistillError> {
        let num_windows = windows.len();
        let present: Vec<WindowTargets> = windows.into_iter().flatten().collect();
        if present.is_empty() {
            return Ok(None);
        }
        let (mut anchors, mut rows, mut channels) = (Vec::new(), Vec::new(), None);
        for window in &present {
            anchors.extend(window.anchors.clone());
            if let Some((features, width)) = &window.pillar_features {
                rows.extend_from_slice(features);
                channels = Some(*width);
            }
        }
        let with_pillars = present.iter().filter(|window| window.pillar_features.is_some()).count();
        let mixed = present.len() != num_windows
            || ![0, num_windows].contains(&anchors.len())
            || ![0, num_windows].contains(&with_pillars);
        if mixed {
            let reason = "some frames of the batch have it and some do not: record all bags with the same settings";
            return Err(DistillError::Record { reason: reason.to_owned() });
        }
        let mut taps = BTreeMap::new();
        if let Some(channels) = channels {
            let pillars = rows.len() / channels.max(1);
            let features = Tensor::from_vec(rows, (pillars, channels), &candle_core::Device::Cpu)?;
            taps.insert(percept_models::pointpillars::tap::PILLAR_FEATURES.to_owned(), features);
        }
        let anchors = (!anchors.is_empty()).then(|| anchors.into());
        Ok(Some(Self { num_windows, anchors, taps }))
    }

    /// The anchors.
    ///
    /// # Errors
    /// Targets without them.
    pub fn anchors(&self) -> Result<&Arc<[AnchorTargets]>, DistillError> {
        self.anchors.as_ref().ok_or_else(|| lacking("logits of anchors"))
    }

    /// A tap by name.
    ///
    /// # Errors
    /// Targets without it.
    pub fn tap(&self, name: &str) -> Result<&Tensor, DistillError> {
        self.taps.get(name).ok_or_else(|| lacking(name))
    }
}

fn lacking(what: &str) -> DistillError {
    let reason = format!(
        "lacks {what}, which the method reads: record again with --method of this run, or keep the teacher live (--teacher without --records)"
    );
    DistillError::Record { reason }
}
