//! Wakes the thread that waits for anything to arrive.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A count of arrivals that one thread waits on; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Signal {
    shared: Arc<(Mutex<u64>, Condvar)>,
}

impl Signal {
    /// Something arrived.
    pub fn notify(&self) {
        let (count, arrived) = &*self.shared;
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.wrapping_add(1);
        arrived.notify_all();
    }

    /// How often something arrived.
    pub fn count(&self) -> u64 {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something arrived since `seen` was read, at most this long; gives the count.
    pub fn wait(&self, seen: u64, at_most: Duration) -> u64 {
        let (count, arrived) = &*self.shared;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = arrived.wait_timeout_while(count, at_most, |count| *count == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_before_the_wait_is_not_missed() {
        let signal = Signal::default();
        let seen = signal.count();
        signal.notify();
        assert_eq!(signal.wait(seen, Duration::from_secs(3600)), seen + 1);
        assert_eq!(signal.wait(seen + 1, Duration::ZERO), seen + 1);
    }

    #[test]
    fn another_thread_wakes_the_one_that_waits() {
        let signal = Signal::default();
        let seen = signal.count();
        let waker = signal.clone();
        let thread = std::thread::spawn(move || waker.notify());
        assert_eq!(signal.wait(seen, Duration::from_secs(3600)), seen + 1);
        thread.join().unwrap();
    }
}
