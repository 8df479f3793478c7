//! Pillar features to a zero-filled bird's-eye canvas.
//!
//! features (P, C), coords (P) of (b, y, x) -> canvas (B, C, ny, nx), zero where no pillar is.
//! Limits  coordinates are checked by [`crate::pillar_encode::PillarInput::check`]: inside, sorted, one a cell.
//! Source  Lang et al., PointPillars, CVPR 2019, section 2.1.

pub mod autograd;
pub mod cpu;
pub mod cpu_fast;
pub(crate) mod cuda;

#[cfg(test)]
mod tests;
