//! Where a sweep's points would be in another frame at another moment.
//!
//! Form    p' = t(fixed <- to at its stamp)^-1 t(fixed <- from at the point's time) p
//! Order   transforms are looked up at knots half a millisecond apart; a point takes the nearest. At 40 m/s and
//!         1 rad/s that leaves 10 mm, and 13 mm at 50 m.
//! Source  spec of Autoware's distortion corrector, with TF for the odometry.

use super::sweep::{Rows, Sweep, apply_to_return, matrix_of};
use percept_types::{Stamp, Transform, TransformError};

const KNOT_S: f64 = 5e-4;
/// A second of sweep; longer ones get coarser knots.
const MAX_KNOTS: usize = 2000;

/// Looks transforms up: `t_to_from` at a moment.
pub(super) trait Lookup {
    fn lookup(&self, to: &str, from: &str, stamp: Stamp) -> Result<Transform, TransformError>;
}

/// A frame at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) frame_id: &'a str,
    pub(super) stamp: Stamp,
}

fn later(stamp: Stamp, by_s: f64) -> Stamp {
    Stamp::from_ns(stamp.nanoseconds.saturating_add((by_s * 1e9).round() as i64))
}

/// The motion from one place to another; through the frame that stands still where their moments differ.
pub(super) fn motion(
    tf: &impl Lookup,
    fixed_frame: Option<&str>,
    to: Place<'_>,
    from: Place<'_>,
) -> Result<Transform, TransformError> {
    match fixed_frame {
        Some(fixed) if to.stamp != from.stamp => {
            let t_fixed_to = tf.lookup(fixed, to.frame_id, to.stamp)?;
            Ok(t_fixed_to.inverse() * tf.lookup(fixed, from.frame_id, from.stamp)?)
        }
        _ if to.frame_id == from.frame_id => Ok(Transform::identity()),
        _ => tf.lookup(to.frame_id, from.frame_id, to.stamp),
    }
}

/// Moves each point from where the sensor was at its time to a place.
///
/// # Errors
/// Where a transform of the sweep's time is not known; the sweep is as it was.
pub(super) fn compensate(
    sweep: &mut Sweep,
    tf: &impl Lookup,
    fixed_frame: &str,
    to: Place<'_>,
) -> Result<(), TransformError> {
    let (first_s, last_s) = sweep.span_s();
    let num_knots = (((last_s - first_s) / KNOT_S).ceil() as usize + 1).clamp(1, MAX_KNOTS);
    let step_s = if num_knots > 1 { (last_s - first_s) / (num_knots - 1) as f64 } else { 1.0 };
    let t_to_fixed = tf.lookup(fixed_frame, to.frame_id, to.stamp)?.inverse();
    let knots = (0..num_knots).map(|knot| {
        let stamp = later(sweep.stamp, first_s + step_s * knot as f64);
        let t_fixed_from = tf.lookup(fixed_frame, &sweep.frame_id, stamp)?;
        Ok(matrix_of(&(t_to_fixed * t_fixed_from)))
    });
    let knots = knots.collect::<Result<Vec<Rows>, TransformError>>()?;
    for (point, time_s) in sweep.points.iter_mut().zip(&sweep.times_s) {
        // A point without a time is taken as one of the beginning; the cast saturates.
        let nearest = ((f64::from(*time_s) - first_s) / step_s).round() as usize;
        apply_to_return(&knots[nearest.min(num_knots - 1)], point);
    }
    sweep.times_s.clear();
    Ok(())
}
