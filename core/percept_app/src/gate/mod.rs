//! The gate between a candidate and the vehicle: nothing is deployed that was not held against what is.
//!
//! ```text
//! candidate ─┐                       ┌─ blocked: the deployed model stays, the findings say why
//!            ├─ frozen sets ─ judge ─┤
//! deployed  ─┘                       └─ passed ─► ModelStore: artefact (id, sha-256, manifest) ─► deployed.safetensors
//! ```
//! Rules   on every frozen set: drop of mAP and of each safety class within limits (paired bootstrap over frames), a set
//!         large enough to tell, sane boxes, time and memory within their budget. Any doubt keeps the old model.
//! Files   everything is written under a temporary name, flushed to the disk and renamed; artefacts never change.

mod judge;
mod limits;
mod run;
mod store;

pub use judge::{GateFinding, compare_set};
pub use limits::GateLimits;
pub use run::{FrozenSet, GateDecision, GatePlan, gate};
pub use store::{Artefact, Deployment, ModelStore};
