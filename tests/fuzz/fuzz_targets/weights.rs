//! A weights file of any bytes: weights whose configuration fits their tensors, or a typed error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use percept_models::weights::Weights;

fuzz_target!(|bytes: &[u8]| {
    drop(Weights::from_bytes(bytes));
});
