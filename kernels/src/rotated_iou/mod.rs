//! Overlap of turned rectangles on the ground.
//!
//! Input   rectangles (N) and (M) as centre, (length, width), yaw counter-clockwise from +x.
//! Output  intersection over union (N, M) f64, row-major; 0 where the union is empty.
//! Source  the intersection is a convex polygon clipped by four lines (Sutherland and Hodgman, CACM 1974).

pub mod cpu;

pub use cpu::rotated_iou;
