//! ROS time and steady time.

use percept_types::Stamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What time it is, for one node; clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    faces: Arc<Faces>,
}

#[derive(Debug)]
struct Faces {
    ros: RosTime,
    steady: SteadyTime,
}

#[derive(Debug)]
enum RosTime {
    System,
    /// Nanoseconds as last set, `UNHEARD` before.
    Set(AtomicI64),
}

#[derive(Debug)]
enum SteadyTime {
    Since(Instant),
    Set(AtomicI64),
}

const UNHEARD: i64 = i64::MIN;

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::of(RosTime::System, SteadyTime::Since(Instant::now()))
    }

    /// Time that others tell (/clock, a bag's log times); steady time is real.
    pub fn simulated() -> Self {
        Self::of(RosTime::Set(AtomicI64::new(UNHEARD)), SteadyTime::Since(Instant::now()))
    }

    /// Time that stands still until [`Clock::advance`] or [`Clock::set`]: for tests.
    pub fn manual(start: Stamp) -> Self {
        Self::of(RosTime::Set(AtomicI64::new(start.nanoseconds)), SteadyTime::Set(AtomicI64::new(0)))
    }

    /// Simulated time whose steady face stands still as well: for tests of use_sim_time.
    pub fn manual_unheard() -> Self {
        Self::of(RosTime::Set(AtomicI64::new(UNHEARD)), SteadyTime::Set(AtomicI64::new(0)))
    }

    fn of(ros: RosTime, steady: SteadyTime) -> Self {
        Self { faces: Arc::new(Faces { ros, steady }) }
    }

    /// ROS time; the epoch's zero before anybody told it.
    pub fn now(&self) -> Stamp {
        self.heard().unwrap_or_default()
    }

    /// ROS time, `None` before anybody told it.
    pub fn heard(&self) -> Option<Stamp> {
        match &self.faces.ros {
            RosTime::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Some(Stamp::from_ns(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)))
            }
            RosTime::Set(ns) => Some(ns.load(Ordering::Acquire)).filter(|ns| *ns != UNHEARD).map(Stamp::from_ns),
        }
    }

    /// Time since the clock was made, which never jumps.
    pub fn steady(&self) -> Duration {
        match &self.faces.steady {
            SteadyTime::Since(origin) => origin.elapsed(),
            SteadyTime::Set(ns) => Duration::from_nanos(ns.load(Ordering::Acquire).unsigned_abs()),
        }
    }

    /// Whether ROS time is told by others.
    pub fn is_simulated(&self) -> bool {
        matches!(self.faces.ros, RosTime::Set(_))
    }

    /// Tells ROS time, forwards or backwards; nothing for the system's clock.
    pub fn set(&self, now: Stamp) {
        if let RosTime::Set(ns) = &self.faces.ros {
            ns.store(now.nanoseconds, Ordering::Release);
        }
    }

    /// Moves a manual clock on, both faces of it; only the steady one where ROS time has not been heard.
    pub fn advance(&self, by: Duration) {
        let by_ns = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        if let SteadyTime::Set(ns) = &self.faces.steady {
            ns.fetch_add(by_ns, Ordering::AcqRel);
            if let Some(now) = self.heard() {
                self.set(Stamp::from_ns(now.nanoseconds.saturating_add(by_ns)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_told_and_both_faces_together() {
        let clock = Clock::manual(Stamp::from_ns(5));
        clock.advance(Duration::from_nanos(7));
        assert_eq!((clock.now(), clock.steady()), (Stamp::from_ns(12), Duration::from_nanos(7)));
        clock.set(Stamp::from_ns(1));
        assert_eq!((clock.now(), clock.steady()), (Stamp::from_ns(1), Duration::from_nanos(7)));
    }

    #[test]
    fn simulated_time_is_unheard_until_somebody_tells_it() {
        let clock = Clock::simulated();
        assert_eq!((clock.heard(), clock.now()), (None, Stamp::from_ns(0)));
        clock.set(Stamp::from_ns(3));
        assert_eq!(clock.heard(), Some(Stamp::from_ns(3)));
        assert!(clock.is_simulated() && !Clock::system().is_simulated());
    }
}
