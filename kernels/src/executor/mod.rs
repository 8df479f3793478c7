//! What runs a plan.
//!
//! [`autograd`] interprets it with candle (training, and the reference for the others); [`cpu`] compiles it for
//! inference without candle; [`cuda`] for a GPU, in half precision.

pub mod autograd;
pub mod cpu;
pub mod cuda;

#[cfg(test)]
mod tests;
