//! How nodes say how they are.

mod diagnostic_array;

pub use diagnostic_array::{DiagnosticArray, DiagnosticStatus, KeyValue};
