//! PointPillars: a detector that sees a LiDAR cloud as a picture from above.
//!
//! ```text
//! RawCloud ─decode_points─► PointCloud ─pillarize─► Pillars ─encoder·backbone·neck·head─► PointPillarsOutput ─decode─► Detections
//! ```
//! Source  Lang et al., PointPillars: Fast Encoders for Object Detection from Point Clouds, CVPR 2019; the
//!         published implementations OpenPCDet and mmdetection3d, whose conventions differ and are both built here.

mod anchors;
mod box_code;
mod config;
mod decode;
mod detector;
mod encoder;
mod head;
mod topology;

pub use anchors::{Anchor, Anchors};
pub use box_code::{BOX_CODE_SIZE, decode_box, direction_bin, encode_box, limit_period, resolve_yaw};
pub use config::{
    AnchorClass, AnchorConvention, DecodeRule, DetectorSettings, GridPreset, InputTreatment, IntensityTreatment,
    OPENPCDET_DIRECTION_OFFSET_RAD, PfnLayout, PointPillarsConfig, RawAnchor, RawDecode, RawPointPillarsConfig,
    SensorAxes, Width, Widths,
};
pub use decode::decode;
pub use detector::{PointPillars, SensorOptions};
pub use encoder::{Pillarizer, Pillars};
pub use head::{ANCHOR_ROTATIONS, HeadChannels, PointPillarsOutput};
pub use percept_kernels::voxelize::CellWindow;
pub use topology::{
    NETWORK_STRIDE, OUTPUT_BOX, OUTPUT_CLS, OUTPUT_DIR, OUTPUT_STRIDE, pillar_feature_topology, tap, topology,
};
