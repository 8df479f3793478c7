//! Configuration of a PointPillars: raw (as written) and ready (checked, with everything computable computed).

mod presets;
mod raw;
mod ready;

pub use presets::{GridPreset, OPENPCDET_DIRECTION_OFFSET_RAD, Width, Widths};
pub use raw::{
    AnchorConvention, DecodeRule, InputTreatment, IntensityTreatment, PfnLayout, RawAnchor, RawDecode,
    RawPointPillarsConfig, SensorAxes,
};
pub use ready::{AnchorClass, DetectorSettings, PointPillarsConfig};

#[cfg(test)]
mod tests;
