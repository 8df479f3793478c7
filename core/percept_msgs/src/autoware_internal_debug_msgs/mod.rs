//! Measurements for people.

mod float64_stamped;

pub use float64_stamped::Float64Stamped;
