//! Holds stamps against each other and against the clock: zero, future, too old, out of order, jumps back.
//!
//! A jump is told once: what told it last is kept, and a clock that jumps after the clouds did (or before them) finds
//! nothing left that lies in its future.

use percept_types::Stamp;

/// Limits of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeSettings {
    /// Frames whose stamp is older are skipped, in seconds; `None`: never.
    pub max_age_s: Option<f64>,
    /// Stamps further in the future are told, in seconds.
    pub future_tolerance_s: f64,
    /// A step back by more is a jump; by less the frame is out of order, in seconds.
    pub jump_s: f64,
    /// Whether ROS time is told by others: a frame from the far future is then one of before a jump, and skipped.
    pub simulated: bool,
}

impl Default for TimeSettings {
    fn default() -> Self {
        Self { max_age_s: None, future_tolerance_s: 0.1, jump_s: 0.25, simulated: false }
    }
}

/// What is wrong with a stamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TimeFault {
    /// It is zero: the frame is used, its age is not known.
    Zero,
    /// It lies ahead of the clock by so many seconds: the frame is used.
    Future(f64),
    /// As above under simulated time, by more than a jump: the frame is skipped.
    BeyondClock(f64),
    /// It is so many seconds old: the frame is skipped.
    TooOld(f64),
    /// It is so many seconds before the frame before it: the frame is skipped.
    OutOfOrder(f64),
    /// Time jumped back by so many seconds: all state is to be cleared, the frame is used.
    JumpedBack(f64),
}

/// Remembers the newest stamp.
#[derive(Clone, Debug, Default)]
pub struct TimeWatch {
    settings: TimeSettings,
    newest: Option<Stamp>,
    clock: Option<Stamp>,
}

impl TimeWatch {
    /// A watch that has seen nothing.
    pub fn new(settings: TimeSettings) -> Self {
        Self { settings, newest: None, clock: None }
    }

    /// Changes the limits.
    pub fn set(&mut self, settings: TimeSettings) {
        self.settings = settings;
    }

    /// Looks at the clock alone; seconds by which it jumped back where frames of its future have been seen.
    pub fn check_clock(&mut self, now: Stamp) -> Option<f64> {
        let before = self.clock.replace(now)?;
        let ahead = self.newest.is_some_and(|newest| newest.seconds_since(now) > self.settings.jump_s);
        let back_s = before.seconds_since(now);
        if !(ahead && back_s > 0.0) {
            return None;
        }
        self.newest = None;
        Some(back_s)
    }

    /// Looks at a frame's stamp.
    pub fn check(&mut self, stamp: Stamp, now: Option<Stamp>) -> Option<TimeFault> {
        if stamp == Stamp::default() {
            return Some(TimeFault::Zero);
        }
        let age_s = now.map(|now| now.seconds_since(stamp));
        let ahead_s = age_s.map_or(0.0, |age_s| -age_s);
        if self.settings.simulated && ahead_s > self.settings.jump_s.max(1.0) {
            return Some(TimeFault::BeyondClock(ahead_s));
        }
        let back_s = self.newest.map_or(0.0, |newest| newest.seconds_since(stamp));
        if back_s > self.settings.jump_s {
            self.newest = Some(stamp);
            return Some(TimeFault::JumpedBack(back_s));
        }
        if back_s > 0.0 {
            return Some(TimeFault::OutOfOrder(back_s));
        }
        self.newest = Some(stamp);
        match (age_s, self.settings.max_age_s) {
            (Some(age_s), Some(max_s)) if age_s > max_s => Some(TimeFault::TooOld(age_s)),
            (Some(_), _) if ahead_s > self.settings.future_tolerance_s => Some(TimeFault::Future(ahead_s)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Stamp {
        Stamp::from_ns((seconds * 1e9) as i64)
    }

    fn watch(simulated: bool) -> TimeWatch {
        TimeWatch::new(TimeSettings { max_age_s: Some(0.5), simulated, ..TimeSettings::default() })
    }

    #[test]
    fn frames_in_order_and_in_time_have_no_fault() {
        let mut watch = watch(false);
        for step in 0..100 {
            let stamp = at(100.0 + f64::from(step) * 0.1);
            assert_eq!(watch.check_clock(stamp), None);
            assert_eq!(watch.check(stamp, Some(at(stamp.as_secs_f64() + 0.05))), None);
        }
    }

    #[test]
    fn zero_future_old_and_late_stamps_are_told_apart() {
        let mut watch = watch(false);
        let now = Some(at(100.0));
        assert_eq!(watch.check(at(0.0), now), Some(TimeFault::Zero));
        assert!(matches!(watch.check(at(99.0), now), Some(TimeFault::TooOld(s)) if (s - 1.0).abs() < 1e-6));
        assert!(matches!(watch.check(at(98.9), now), Some(TimeFault::OutOfOrder(_))));
        assert!(matches!(watch.check(at(100.3), now), Some(TimeFault::Future(s)) if (s - 0.3).abs() < 1e-6));
        assert!(matches!(watch.check(at(90.0), now), Some(TimeFault::JumpedBack(_))));
        assert_eq!(watch.check(at(90.0), None), None);
    }

    #[test]
    fn a_loop_is_told_once_whichever_of_clock_and_clouds_jumps_first() {
        for clock_first in [true, false] {
            let mut watch = watch(true);
            watch.check_clock(at(200.0));
            assert_eq!(watch.check(at(200.0), Some(at(200.0))), None);
            let mut told = 0;
            if clock_first {
                told += usize::from(watch.check_clock(at(10.0)).is_some());
                // A straggler of before the jump.
                assert!(matches!(watch.check(at(200.1), Some(at(10.0))), Some(TimeFault::BeyondClock(_))));
                told += usize::from(watch.check(at(10.0), Some(at(10.0))).is_some());
            } else {
                let fault = watch.check(at(10.0), Some(at(10.4)));
                told += usize::from(matches!(fault, Some(TimeFault::JumpedBack(_))));
                told += usize::from(watch.check_clock(at(10.0)).is_some());
            }
            told += usize::from(watch.check(at(10.1), Some(at(10.1))).is_some());
            assert_eq!(told, 1, "clock first: {clock_first}");
        }
    }

    #[test]
    fn a_sensor_whose_clock_runs_ahead_still_gets_its_jumps_told() {
        let mut watch = watch(false);
        let now = Some(at(100.0));
        assert!(matches!(watch.check(at(4000.0), now), Some(TimeFault::Future(_))));
        assert!(matches!(watch.check(at(3000.0), now), Some(TimeFault::JumpedBack(_))));
    }
}
