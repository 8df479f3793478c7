//! Transforms between named frames over time.
//!
//! Form    a forest: each frame has at most one parent, to which static or dated transforms lead.
//! Time    between two dated transforms linear and spherical interpolation; beyond them none, but for a tolerance
//!         that is 0 unless asked for.
//! Limits  history bounded by seconds and by count, the oldest forgotten first. A frame's parent never changes.
//! Source  Foote, tf: The transform library, TePRA 2013, for the tree and its lookups.

use crate::{Stamp, Transform};
use std::collections::{BTreeMap, VecDeque};
use thiserror::Error;

/// Why a transform cannot be kept or told.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TransformError {
    /// A frame without a name.
    #[error("a transform from {child:?} to {parent:?}: both frames need a name")]
    EmptyFrameName {
        /// The parent given.
        parent: String,
        /// The child given.
        child: String,
    },
    /// A frame that is its own ancestor.
    #[error("{parent:?} as the parent of {child:?} would make {child:?} its own ancestor: check who publishes the two")]
    Cycle {
        /// The parent given.
        parent: String,
        /// The child given.
        child: String,
    },
    /// A second parent for a frame.
    #[error("frame {child:?} has the parent {known:?}, but {given:?} is given: two nodes publish it; stop one of them")]
    OtherParent {
        /// The child.
        child: String,
        /// The parent it has.
        known: String,
        /// The parent given.
        given: String,
    },
    /// Static here, dated there.
    #[error("frame {child:?} is published both as static and as moving: stop one of the two publishers")]
    StaticAndDynamic {
        /// The child.
        child: String,
    },
    /// A transform with a number that is not finite.
    #[error("the transform from {child:?} to {parent:?} holds a number that is not finite: check who publishes it")]
    NotFinite {
        /// The parent given.
        parent: String,
        /// The child given.
        child: String,
    },
    /// Older than all that is kept.
    #[error(
        "a transform of {child:?} at {stamp} is older than the history, which begins at {oldest}: clear the buffer when time jumps back"
    )]
    TooOld {
        /// The child.
        child: String,
        /// The stamp given.
        stamp: Stamp,
        /// The first stamp that may be kept.
        oldest: Stamp,
    },
    /// Nobody has told of this frame.
    #[error("no transform tells of frame {frame:?}; known are {known:?}: check /tf and /tf_static")]
    UnknownFrame {
        /// The frame.
        frame: String,
        /// The frames known.
        known: Vec<String>,
    },
    /// The two frames hang in different trees.
    #[error(
        "no path from {from:?} to {to:?}: their trees have the roots {from_root:?} and {to_root:?}; a transform between the two is missing"
    )]
    Disconnected {
        /// Frame asked from.
        from: String,
        /// Frame asked to.
        to: String,
        /// Root of the first.
        from_root: String,
        /// Root of the second.
        to_root: String,
    },
    /// Asked before the first transform.
    #[error(
        "frame {frame:?} is known from {oldest} on, asked at {stamp}: wait for transforms before the first cloud, or keep a longer history"
    )]
    BeforeOldest {
        /// The frame whose transform is missing.
        frame: String,
        /// The moment asked.
        stamp: Stamp,
        /// The first moment known.
        oldest: Stamp,
    },
    /// Asked after the last transform.
    #[error("frame {frame:?} is known until {newest}, asked at {stamp}: wait for the next transform")]
    AfterNewest {
        /// The frame whose transform is missing.
        frame: String,
        /// The moment asked.
        stamp: Stamp,
        /// The last moment known.
        newest: Stamp,
    },
}

/// How a frame hangs on its parent.
#[derive(Clone, Debug)]
enum Link {
    /// At all times the same `t_parent_child`.
    Static(Transform),
    /// `t_parent_child` by stamp, oldest first, no stamp twice; never empty.
    Dynamic(VecDeque<(Stamp, Transform)>),
}

#[derive(Clone, Debug)]
struct Node {
    parent: String,
    link: Link,
}

/// The frames of a system and how they stand to each other at any moment of a bounded history.
///
/// ```
/// use percept_types::{Stamp, Transform, TransformBuffer};
/// let mut buffer = TransformBuffer::default();
/// buffer.insert("base_link", "lidar", Stamp::default(), Transform::from_yaw([0.0, 0.0, 1.7], 0.0), true)?;
/// let t_base_lidar = buffer.lookup("base_link", "lidar", Stamp::from_ns(5))?;
/// assert_eq!(t_base_lidar.translation_m()[2], 1.7);
/// # Ok::<(), percept_types::TransformError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TransformBuffer {
    nodes: BTreeMap<String, Node>,
    max_age_ns: i64,
    max_count: usize,
    tolerance_ns: i64,
}

impl Default for TransformBuffer {
    /// Ten seconds of history, at most 10 000 transforms a frame, no extrapolation.
    fn default() -> Self {
        Self::with_history(10.0, 10_000)
    }
}

impl TransformBuffer {
    /// A buffer that keeps this many seconds before the newest transform of a frame, and this many transforms of it
    /// (at least one of each frame).
    pub fn with_history(max_age_s: f64, max_count: usize) -> Self {
        let max_age_ns = seconds_to_ns(max_age_s);
        Self { nodes: BTreeMap::new(), max_age_ns, max_count: max_count.max(1), tolerance_ns: 0 }
    }

    /// The same buffer that answers up to this long before the oldest and after the newest transform with that one.
    pub fn with_tolerance(mut self, tolerance_s: f64) -> Self {
        self.tolerance_ns = seconds_to_ns(tolerance_s);
        self
    }

    /// Keeps `t_parent_child` at a moment; a second one of the same moment replaces the first. A static transform
    /// holds at all times. Leading slashes of names are dropped, as tf2 does.
    ///
    /// # Errors
    /// On names, numbers, cycles, a second parent, or a stamp before the history; the buffer stays as it was.
    pub fn insert(
        &mut self,
        parent: &str,
        child: &str,
        stamp: Stamp,
        t_parent_child: Transform,
        is_static: bool,
    ) -> Result<(), TransformError> {
        let (parent, child) = (plain(parent), plain(child));
        self.check(parent, child, &t_parent_child)?;
        if let Some(node) = self.nodes.get_mut(child) {
            return match &mut node.link {
                Link::Static(known) if is_static => {
                    *known = t_parent_child;
                    Ok(())
                }
                Link::Dynamic(history) if !is_static => {
                    insert_dated(history, stamp, t_parent_child, self.max_age_ns, self.max_count)
                        .map_err(|oldest| TransformError::TooOld { child: child.to_owned(), stamp, oldest })
                }
                Link::Static(_) | Link::Dynamic(_) => Err(TransformError::StaticAndDynamic { child: child.to_owned() }),
            };
        }
        let link = if is_static {
            Link::Static(t_parent_child)
        } else {
            Link::Dynamic(VecDeque::from([(stamp, t_parent_child)]))
        };
        self.nodes.insert(child.to_owned(), Node { parent: parent.to_owned(), link });
        Ok(())
    }

    /// `t_to_from` at a moment: takes coordinates of `from` into `to`. Static chains answer at any moment.
    ///
    /// # Errors
    /// Where a frame is unknown, the two are not connected, or a moving frame between them is not known then.
    pub fn lookup(&self, to: &str, from: &str, stamp: Stamp) -> Result<Transform, TransformError> {
        let (to, from) = (self.known(plain(to))?, self.known(plain(from))?);
        let (to_path, from_path) = (self.path_to_root(to), self.path_to_root(from));
        let Some(ancestor) = from_path.iter().find(|frame| to_path.contains(frame)) else {
            return Err(TransformError::Disconnected {
                from: from.to_owned(),
                to: to.to_owned(),
                from_root: from_path.last().copied().unwrap_or(from).to_owned(),
                to_root: to_path.last().copied().unwrap_or(to).to_owned(),
            });
        };
        let t_ancestor_from = self.climb(&from_path, ancestor, stamp)?;
        let t_ancestor_to = self.climb(&to_path, ancestor, stamp)?;
        Ok(t_ancestor_to.inverse() * t_ancestor_from)
    }

    /// Every frame that a transform tells of, in the order of the alphabet.
    pub fn frames(&self) -> Vec<&str> {
        let mut frames: Vec<&str> =
            self.nodes.iter().flat_map(|(child, node)| [child.as_str(), node.parent.as_str()]).collect();
        frames.sort_unstable();
        frames.dedup();
        frames
    }

    /// Forgets all moving frames, as after a jump of time; static ones stay, for they are published once.
    pub fn clear(&mut self) {
        self.nodes.retain(|_, node| matches!(node.link, Link::Static(_)));
    }

    fn check(&self, parent: &str, child: &str, transform: &Transform) -> Result<(), TransformError> {
        let (parent_name, child_name) = (parent.to_owned(), child.to_owned());
        if parent.is_empty() || child.is_empty() {
            return Err(TransformError::EmptyFrameName { parent: parent_name, child: child_name });
        }
        let finite = transform.translation_m().iter().chain(&transform.quaternion_xyzw()).all(|v| v.is_finite());
        if !finite {
            return Err(TransformError::NotFinite { parent: parent_name, child: child_name });
        }
        match self.nodes.get(child) {
            Some(node) if node.parent != parent => {
                let known = node.parent.clone();
                Err(TransformError::OtherParent { child: child_name, known, given: parent_name })
            }
            None if self.path_to_root(parent).contains(&child) => {
                Err(TransformError::Cycle { parent: parent_name, child: child_name })
            }
            _ => Ok(()),
        }
    }

    fn known<'a>(&'a self, frame: &'a str) -> Result<&'a str, TransformError> {
        let is_known = self.nodes.contains_key(frame) || self.nodes.values().any(|node| node.parent == frame);
        if is_known {
            return Ok(frame);
        }
        let known = self.frames().into_iter().map(str::to_owned).collect();
        Err(TransformError::UnknownFrame { frame: frame.to_owned(), known })
    }

    /// The frame, its parent and so on up to the root; finite, since `insert` refuses cycles.
    fn path_to_root<'a>(&'a self, frame: &'a str) -> Vec<&'a str> {
        let parent_of = |child: &&'a str| self.nodes.get(*child).map(|node| node.parent.as_str());
        std::iter::successors(Some(frame), parent_of).collect()
    }

    /// `t_ancestor_frame` for the frame at the start of a path.
    fn climb(&self, path: &[&str], ancestor: &str, stamp: Stamp) -> Result<Transform, TransformError> {
        let mut t_current_frame = Transform::identity();
        for frame in path.iter().take_while(|frame| **frame != ancestor) {
            if let Some(node) = self.nodes.get(*frame) {
                t_current_frame = self.link_at(frame, &node.link, stamp)? * t_current_frame;
            }
        }
        Ok(t_current_frame)
    }

    fn link_at(&self, frame: &str, link: &Link, stamp: Stamp) -> Result<Transform, TransformError> {
        let history = match link {
            Link::Static(transform) => return Ok(*transform),
            Link::Dynamic(history) => history,
        };
        let after = history.partition_point(|(known, _)| *known < stamp);
        let next = history.get(after);
        let previous = after.checked_sub(1).and_then(|before| history.get(before));
        let gap_ns = |a: Stamp, b: Stamp| a.nanoseconds.abs_diff(b.nanoseconds);
        match (previous, next) {
            (_, Some((known, transform))) if *known == stamp => Ok(*transform),
            (Some((t0, previous)), Some((t1, next))) => {
                let fraction = gap_ns(stamp, *t0) as f64 / gap_ns(*t1, *t0) as f64;
                Ok(previous.interpolate(next, fraction))
            }
            (None, Some((oldest, transform))) | (Some((oldest, transform)), None)
                if gap_ns(*oldest, stamp) <= self.tolerance_ns.unsigned_abs() =>
            {
                Ok(*transform)
            }
            (None, Some((oldest, _))) => {
                Err(TransformError::BeforeOldest { frame: frame.to_owned(), stamp, oldest: *oldest })
            }
            (Some((newest, _)), None) => {
                Err(TransformError::AfterNewest { frame: frame.to_owned(), stamp, newest: *newest })
            }
            (None, None) => Err(TransformError::UnknownFrame { frame: frame.to_owned(), known: Vec::new() }),
        }
    }
}

/// `Err` gives the oldest stamp that would have been kept.
fn insert_dated(
    history: &mut VecDeque<(Stamp, Transform)>,
    stamp: Stamp,
    transform: Transform,
    max_age_ns: i64,
    max_count: usize,
) -> Result<(), Stamp> {
    let newest = history.back().map_or(stamp, |(newest, _)| (*newest).max(stamp));
    let horizon = Stamp::from_ns(newest.nanoseconds.saturating_sub(max_age_ns));
    let place = history.partition_point(|(known, _)| *known < stamp);
    let is_full = history.len() >= max_count;
    match history.get_mut(place) {
        Some((known, kept)) if *known == stamp => *kept = transform,
        Some((oldest, _)) if place == 0 && is_full => return Err(*oldest),
        _ if stamp < horizon => return Err(horizon),
        _ => history.insert(place, (stamp, transform)),
    }
    // One transform before the horizon stays, so that the whole of the history can be interpolated.
    while history.len() > max_count || history.get(1).is_some_and(|(second, _)| *second <= horizon) {
        history.pop_front();
    }
    Ok(())
}

fn plain(frame: &str) -> &str {
    frame.trim_start_matches('/')
}

/// The cast saturates; NaN and negative spans are none.
fn seconds_to_ns(seconds: f64) -> i64 {
    (seconds.max(0.0) * 1e9) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Stamp {
        Stamp::from_ns((seconds * 1e9) as i64)
    }

    fn shift(x: f64) -> Transform {
        Transform::from_yaw([x, 0.0, 0.0], 0.0)
    }

    /// map -> odom -> base_link -> {lidar, camera}, the vehicle drives forward and turns left.
    fn vehicle() -> TransformBuffer {
        let mut buffer = TransformBuffer::default();
        buffer.insert("map", "odom", at(0.0), shift(100.0), true).unwrap();
        for (t, x, yaw) in [(1.0, 0.0, 0.0), (2.0, 10.0, 0.4), (3.0, 30.0, 0.4)] {
            buffer.insert("odom", "base_link", at(t), Transform::from_yaw([x, 0.0, 0.0], yaw), false).unwrap();
        }
        buffer.insert("base_link", "/lidar", at(0.0), Transform::from_yaw([1.0, 0.0, 1.7], 0.1), true).unwrap();
        buffer.insert("base_link", "camera", at(0.0), Transform::from_yaw([2.0, 0.5, 1.5], -0.1), true).unwrap();
        buffer
    }

    #[test]
    fn a_lookup_climbs_to_the_common_ancestor_and_interpolates() {
        let buffer = vehicle();
        let t_map_lidar = buffer.lookup("map", "lidar", at(1.5)).unwrap();
        // Half-way: 5 m on, turned by 0.2; the LiDAR 1 m ahead of base_link.
        assert!((t_map_lidar.yaw_rad() - 0.3).abs() < 1e-12);
        assert!((t_map_lidar.translation_m()[0] - (105.0 + 0.2f64.cos())).abs() < 1e-9);
        let t_lidar_map = buffer.lookup("lidar", "map", at(1.5)).unwrap();
        let identity = (t_map_lidar * t_lidar_map).to_matrix() - Transform::identity().to_matrix();
        assert!(identity.norm() < 1e-9);
    }

    #[test]
    fn static_chains_answer_at_any_moment() {
        let buffer = vehicle();
        let t_camera_lidar = buffer.lookup("/camera", "lidar", at(9e5)).unwrap();
        assert!((t_camera_lidar.yaw_rad() - 0.2).abs() < 1e-12);
        assert_eq!(buffer.lookup("lidar", "lidar", at(0.0)).unwrap(), Transform::identity());
    }

    #[test]
    fn nothing_is_extrapolated_beyond_the_tolerance() {
        let before = vehicle().lookup("odom", "base_link", at(0.9)).unwrap_err();
        assert_eq!(before, TransformError::BeforeOldest { frame: "base_link".into(), stamp: at(0.9), oldest: at(1.0) });
        let after = vehicle().lookup("map", "lidar", at(3.1)).unwrap_err();
        assert_eq!(after, TransformError::AfterNewest { frame: "base_link".into(), stamp: at(3.1), newest: at(3.0) });
        let tolerant = vehicle().with_tolerance(0.15);
        assert_eq!(tolerant.lookup("odom", "base_link", at(3.1)).unwrap().translation_m()[0], 30.0);
        assert!(tolerant.lookup("odom", "base_link", at(3.2)).is_err());
    }

    #[test]
    fn frames_without_a_path_are_told_apart_from_unknown_ones() {
        let mut buffer = vehicle();
        assert_eq!(
            TransformBuffer::default().lookup("a", "b", at(0.0)).unwrap_err(),
            TransformError::UnknownFrame { frame: "a".into(), known: vec![] }
        );
        assert!(
            matches!(buffer.lookup("map", "radar", at(1.0)), Err(TransformError::UnknownFrame { frame, .. }) if frame == "radar")
        );
        buffer.insert("trailer", "radar", at(0.0), shift(0.0), true).unwrap();
        let expected = TransformError::Disconnected {
            from: "radar".into(),
            to: "lidar".into(),
            from_root: "trailer".into(),
            to_root: "map".into(),
        };
        assert_eq!(buffer.lookup("lidar", "radar", at(1.0)).unwrap_err(), expected);
    }

    #[test]
    fn trees_stay_trees() {
        let mut buffer = vehicle();
        let mut refuse = |parent: &str, child: &str, is_static| {
            buffer.insert(parent, child, at(3.0), shift(0.0), is_static).unwrap_err()
        };
        assert!(matches!(refuse("lidar", "map", true), TransformError::Cycle { .. }));
        assert!(matches!(refuse("x", "x", true), TransformError::Cycle { .. }));
        assert!(matches!(refuse("map", "lidar", true), TransformError::OtherParent { .. }));
        assert!(matches!(refuse("odom", "base_link", true), TransformError::StaticAndDynamic { .. }));
        assert!(matches!(refuse("base_link", "lidar", false), TransformError::StaticAndDynamic { .. }));
        assert!(matches!(refuse("/", "lidar", true), TransformError::EmptyFrameName { .. }));
        let broken = Transform::from_yaw([f64::NAN, 0.0, 0.0], 0.0);
        assert!(matches!(buffer.insert("a", "b", at(0.0), broken, true), Err(TransformError::NotFinite { .. })));
    }

    #[test]
    fn history_is_bounded_by_age_and_count_and_its_whole_span_can_be_asked() {
        let mut by_age = TransformBuffer::with_history(1.0, 1000);
        for i in 0..100 {
            by_age.insert("odom", "base", at(i as f64 * 0.3), shift(i as f64), false).unwrap();
        }
        assert!(by_age.lookup("odom", "base", at(28.8)).is_ok());
        assert!(matches!(by_age.lookup("odom", "base", at(28.0)), Err(TransformError::BeforeOldest { .. })));
        assert!(matches!(
            by_age.insert("odom", "base", at(20.0), shift(0.0), false),
            Err(TransformError::TooOld { .. })
        ));
        let mut by_count = TransformBuffer::with_history(1e9, 5);
        for i in 0..20 {
            by_count.insert("odom", "base", at(f64::from(i)), shift(f64::from(i)), false).unwrap();
        }
        assert!(by_count.lookup("odom", "base", at(15.0)).is_ok());
        assert!(by_count.lookup("odom", "base", at(14.9)).is_err());
        assert!(matches!(
            by_count.insert("odom", "base", at(1.0), shift(0.0), false),
            Err(TransformError::TooOld { .. })
        ));
    }

    #[test]
    fn transforms_may_come_out_of_order_and_replace_each_other() {
        let mut buffer = TransformBuffer::default();
        for (t, x) in [(2.0, 2.0), (1.0, 7.0), (3.0, 3.0), (1.0, 1.0)] {
            buffer.insert("odom", "base", at(t), shift(x), false).unwrap();
        }
        for t in [1.0, 1.5, 2.25, 3.0] {
            assert!((buffer.lookup("odom", "base", at(t)).unwrap().translation_m()[0] - t).abs() < 1e-9);
        }
    }

    #[test]
    fn a_jump_of_time_forgets_what_moves_and_keeps_what_does_not() {
        let mut buffer = vehicle();
        buffer.clear();
        assert!(buffer.lookup("camera", "lidar", at(0.0)).is_ok());
        assert!(matches!(buffer.lookup("map", "lidar", at(1.0)), Err(TransformError::Disconnected { .. })));
        buffer.insert("odom", "base_link", at(0.1), shift(0.0), false).unwrap();
        assert!(buffer.lookup("map", "lidar", at(0.1)).is_ok());
    }

    #[test]
    fn stamps_at_the_ends_of_time_do_no_harm() {
        let mut buffer = TransformBuffer::default();
        buffer.insert("odom", "base", Stamp::from_ns(i64::MIN), shift(0.0), false).unwrap();
        buffer.insert("odom", "base", Stamp::from_ns(i64::MAX), shift(1.0), false).unwrap();
        assert!(buffer.lookup("odom", "base", at(0.0)).is_ok());
    }
}
