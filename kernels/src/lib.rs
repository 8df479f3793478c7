//! The operations under Percept's networks, the plans that chain them, and the executors that run the plans.

//BN
pub mod conv2d;
pub mod conv_transpose2d;
pub mod error;
//EX
mod matrix;
pub mod parameters;
//PE
//PS
pub mod plan;
mod scratch;
mod tensor_slice;
