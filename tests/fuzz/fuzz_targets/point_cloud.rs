//! A PointCloud2 of any bytes: decoded points that the plain and the fast decoder agree on, or a typed error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use percept_kernels::decode_points::{self, Channel};
use percept_msgs::Message;
use percept_msgs::sensor_msgs::PointCloud2;
use percept_types::RawCloud;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = PointCloud2::decode(bytes) else { return };
    let Ok(raw) = RawCloud::try_from(message) else { return };
    let channels = [Channel::optional("intensity", 0.0), Channel::optional("time", 0.0)];
    let plain = decode_points::cpu::decode_points(&raw, &channels);
    let fast = decode_points::decode_points(&raw, &channels, Vec::new());
    match (plain, fast) {
        (Ok(plain), Ok(fast)) => assert_eq!(format!("{plain:?}"), format!("{fast:?}")),
        (plain, fast) => assert_eq!(plain.is_err(), fast.is_err()),
    }
});
