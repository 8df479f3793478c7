//! From the receipt of a cloud to the start of inference: `cargo bench -p percept_pipeline`.
fn main() {}
