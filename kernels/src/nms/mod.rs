//! Non-maximum suppression: of things that say the same, the most certain one.
//!
//! Input   things with a score (N), some with a class (N).
//! Output  indices of those kept, best score first.
//! Order   by score, largest first; equal scores by index, smallest first; a NaN score is never kept.
//! Rule    a thing falls when its overlap with a kept one is *above* the threshold (at or below the squared distance
//!         for circles), as in the published operations.
//! Source  Lang et al., PointPillars, section 4; mmdetection3d circle and aligned 3D suppression.

pub mod cpu;

pub use cpu::{AlignedBox, nms_aligned_3d, nms_circle, nms_rotated, nms_rotated_by_class};
