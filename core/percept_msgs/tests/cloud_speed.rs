//! A cloud of two megabytes costs one copy of its bytes, and no look at a point.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use percept_msgs::{Message, sensor_msgs::PointCloud2, std_msgs::Header};
use percept_types::{PointCloud, PointLayout, RawCloud, Stamp};
use std::time::{Duration, Instant};

fn fastest(mut work: impl FnMut()) -> Duration {
    let time = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    (0..30).map(|_| time(&mut work)).min().unwrap()
}

#[test]
fn decoding_costs_about_one_copy() {
    let values = (0..4 * 125_000).map(|v| v as f32).collect();
    let cloud = PointCloud::new(PointLayout::xyzi(), values).unwrap();
    let message = PointCloud2::from_cloud(&cloud, Header::new(Stamp::from_ns(1), "lidar")).unwrap();
    let bytes = message.encode();
    assert!(bytes.len() > 2_000_000);
    let decode = fastest(|| {
        let raw = RawCloud::try_from(PointCloud2::decode(&bytes).unwrap()).unwrap();
        assert_eq!(std::hint::black_box(raw).num_points(), 125_000);
    });
    let copy = fastest(|| {
        assert_eq!(std::hint::black_box(bytes.to_vec()).len(), bytes.len());
    });
    eprintln!("{} bytes: decoded in {decode:?}, copied in {copy:?}", bytes.len());
    // A match a point would take a hundred times a copy; twice is left for a loaded machine.
    assert!(decode < copy * 4 + Duration::from_micros(200), "decoded in {decode:?}, copied in {copy:?}");
}
