//! What runs a plan.
//!
//! [`autograd`] interprets it with candle (training, and the reference for the others); [`cpu`] compiles it for
//! inference without candle.

pub mod autograd;
pub mod cpu;

#[cfg(test)]
mod tests;
