//! What must hold without a GPU.

use super::{CudaDevice, DeviceError};

#[test]
fn a_machine_without_a_gpu_is_told_so_and_nothing_panics() {
    match CudaDevice::open(0) {
        Ok(device) => eprintln!("skipped: this machine has {}", device.name()),
        Err(error) => {
            assert!(!error.is_fatal(), "{error}");
            let is_absent = matches!(
                error,
                DeviceError::NoDriver
                    | DeviceError::DriverTooOld { .. }
                    | DeviceError::NoSuchGpu { .. }
                    | DeviceError::TooOld { .. }
            );
            assert!(is_absent || matches!(error, DeviceError::Driver { .. }), "{error:?}");
        }
    }
}

#[test]
fn out_of_memory_and_a_lost_device_end_the_process_and_nothing_else_does() {
    assert!(DeviceError::OutOfMemory { bytes: 1 }.is_fatal());
    assert!(DeviceError::Sticky { call: "cuLaunchKernel", reason: String::new() }.is_fatal());
    assert!(!DeviceError::NoDriver.is_fatal());
    assert!(!DeviceError::NoSuchGpu { ordinal: 3, count: 1 }.is_fatal());
}
