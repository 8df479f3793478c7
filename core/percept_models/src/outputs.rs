//! What training sees of a network: named outputs and typed feature taps, with their gradient graph.
//!
//! A loss asks for logits and taps by name and reads from the tap's support what its rows stand for, so that it serves
//! any network whose topology declares them.

use std::sync::Arc;

use candle_core::Tensor;
use percept_kernels::executor::autograd::Forward;
use percept_kernels::plan::Support;

use crate::ModelError;
use crate::pointpillars::Pillars;

/// What the rows of a tap's features stand for.
#[derive(Clone, Debug, PartialEq)]
pub enum TapSupport {
    /// Every cell of a map (B, C, H, W).
    Dense,
    /// (P, C), one row a pillar.
    Pillars {
        /// (P) of [frame, y, x].
        coords: Arc<[[u32; 3]]>,
        /// (P) points stored in each pillar, 1 to the pillar's cap.
        num_points: Arc<[u32]>,
    },
    /// (P, C), one row a voxel.
    Voxels {
        /// (P) of [frame, z, y, x].
        coords: Arc<[[u32; 4]]>,
        /// (N) row of each point's voxel.
        point_to_voxel: Arc<[u32]>,
    },
    /// (B·V, C, H, W), one map a camera of a frame, cameras in the rig's order.
    CameraRows {
        /// V.
        cameras: usize,
    },
}

/// A feature tap.
#[derive(Clone, Debug)]
pub struct Tap {
    /// Its name in the topology.
    pub name: String,
    /// The features; their shape is the support's.
    pub features: Tensor,
    /// What the rows stand for.
    pub support: TapSupport,
}

/// Outputs and taps of one forward pass of a training step.
#[derive(Clone, Debug)]
pub struct ModelOutputs {
    logits: Tensor,
    outputs: Vec<(String, Tensor)>,
    taps: Vec<Tap>,
}

impl ModelOutputs {
    /// Of a pass over pillars; `logits` names the output of class logits.
    ///
    /// # Errors
    /// An output of that name that the pass does not have.
    pub fn of_pillars(forward: Forward, pillars: &Pillars, logits: &str) -> Result<Self, ModelError> {
        let logits = forward.get(logits)?.clone();
        let coords: Arc<[[u32; 3]]> = pillars.coords.as_slice().into();
        let num_points: Arc<[u32]> = pillars.offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let support = |support| match support {
            Support::Dense => TapSupport::Dense,
            Support::Pillars => TapSupport::Pillars { coords: coords.clone(), num_points: num_points.clone() },
        };
        let taps = forward.taps.into_iter();
        let taps = taps.map(|tap| Tap { name: tap.name, features: tap.tensor, support: support(tap.support) });
        let outputs = forward.outputs.into_iter().map(|output| (output.name, output.tensor)).collect();
        Ok(Self { logits, outputs, taps: taps.collect() })
    }

    /// The class logits, before any activation.
    pub fn logits(&self) -> &Tensor {
        &self.logits
    }

    /// An output by name.
    ///
    /// # Errors
    /// A name that the network does not have.
    pub fn output(&self, name: &str) -> Result<&Tensor, ModelError> {
        let known = || self.outputs.iter().map(|(name, _)| name.clone()).collect();
        let found = self.outputs.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor);
        found.ok_or_else(|| ModelError::UnknownTap { what: "output", name: name.to_owned(), known: known() })
    }

    /// A tap by name.
    ///
    /// # Errors
    /// A name that the network does not have.
    pub fn tap(&self, name: &str) -> Result<&Tap, ModelError> {
        let known = || self.taps.iter().map(|tap| tap.name.clone()).collect();
        let found = self.taps.iter().find(|tap| tap.name == name);
        found.ok_or_else(|| ModelError::UnknownTap { what: "feature tap", name: name.to_owned(), known: known() })
    }
}
