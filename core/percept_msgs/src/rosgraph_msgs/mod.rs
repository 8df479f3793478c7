//! Simulated time.

mod clock;

pub use clock::Clock;
