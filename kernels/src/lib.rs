//! The operations under Percept's networks, the plans that chain them, and the executors that run the plans.

pub mod batch_norm;
pub mod box_decode;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod cuda;
pub mod decode_points;
pub mod error;
pub mod executor;
pub mod machine;
mod matrix;
pub mod nms;
pub mod parameters;
pub mod pillar_decorate;
pub mod pillar_encode;
pub mod pillar_scatter;
pub mod plan;
mod prefix_sum;
pub mod rotated_iou;
mod scratch;
mod tensor_slice;
#[cfg(test)]
mod test_values;
pub mod voxelize;

#[cfg(test)]
mod test_data;
