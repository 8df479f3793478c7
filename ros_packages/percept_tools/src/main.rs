//! The command `percept`.
fn main() {}
