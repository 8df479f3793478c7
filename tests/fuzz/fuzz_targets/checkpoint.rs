//! A torch checkpoint of any bytes: tensors or a typed error, nothing executed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    drop(percept_models::import::read_tensors(bytes));
});
