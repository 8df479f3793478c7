//! The pillar feature net: decorated points to one feature vector a pillar.
//!
//! Input   decorated points (R, D) f32 of real points only, pillar by pillar; offsets (P + 1) into them.
//! Output  (P, C): max over the M slots of relu(batch_norm(W x)).
//! Order   pillars sorted by (b, y, x), points by arrival; chunks and reduction groups depend on sizes alone.
//! Padding the M - n empty slots of a pillar are rows of zeros: they enter the batch statistics in closed form
//!         (P M rows in all), and the maximum as relu(shift).
//! Limits  at ties the first slot takes the gradient; every pillar has 1 to M points.
//! Source  Lang et al., PointPillars, CVPR 2019, section 2.1.

pub mod autograd;
pub mod cpu;
pub mod cpu_fast;
pub(crate) mod cuda;
mod input;

pub use input::PillarInput;

#[cfg(test)]
mod tests;
