//! Bytes that nobody meant as messages: no panic, no allocation that the input does not pay for.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use percept_msgs::{
    Message, MsgError,
    autoware_perception_msgs::DetectedObjects,
    cdr::CdrFault,
    diagnostic_msgs::DiagnosticArray,
    nav_msgs::Odometry,
    sensor_msgs::{CameraInfo, CompressedImage, Image, PointCloud2},
    std_msgs::String as Text,
    tf2_msgs::TFMessage,
    vision_msgs::{Detection3DArray, LabelInfo},
    visualization_msgs::MarkerArray,
};
use percept_types::RawCloud;

/// A generator of the family xorshift64* (Vigna 2016): the same bytes on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    /// Mostly small numbers, since random lengths alone would end every message at its first string.
    fn byte(&mut self) -> u8 {
        match self.below(4) {
            0 => self.next() as u8,
            1 => self.below(5) as u8,
            _ => 0,
        }
    }
}

fn decode_as_everything(bytes: &[u8]) -> usize {
    let mut read = 0;
    if let Ok(cloud) = PointCloud2::decode(bytes) {
        read += 1;
        // What passes must keep RawCloud's guarantee.
        if let Ok(raw) = RawCloud::try_from(cloud) {
            check_guarantee(&raw);
        }
    }
    read += Detection3DArray::decode(bytes).map(|m| _ = (m.to_truth(), m.to_detections())).is_ok() as usize;
    read += DetectedObjects::decode(bytes).map(|m| _ = m.to_detections()).is_ok() as usize;
    read += CameraInfo::decode(bytes).map(|m| _ = m.to_camera(percept_types::Transform::identity())).is_ok() as usize;
    read += TFMessage::decode(bytes).map(|m| _ = m.insert_into(&mut Default::default(), false)).is_ok() as usize;
    read += [
        Image::decode(bytes).is_ok(),
        CompressedImage::decode(bytes).is_ok(),
        MarkerArray::decode(bytes).is_ok(),
        DiagnosticArray::decode(bytes).is_ok(),
        Odometry::decode(bytes).is_ok(),
        LabelInfo::decode(bytes).is_ok(),
        Text::decode(bytes).is_ok(),
    ]
    .iter()
    .filter(|ok| **ok)
    .count();
    read
}

fn check_guarantee(raw: &RawCloud) {
    for name in ["x", "y", "z"] {
        assert!(raw.layout.field(name).is_some());
    }
    if raw.num_points() > 0 {
        let last_point = (raw.height - 1) * raw.row_step + (raw.width - 1) * raw.point_step;
        for field in &raw.layout.fields {
            assert!(last_point + field.offset + field.count * field.datatype.size_bytes() <= raw.bytes.len());
        }
        assert!(raw.row_step > 0);
    }
}

#[test]
fn random_bytes_are_a_message_or_an_error() {
    let mut random = Random(7);
    let mut read = 0;
    for _ in 0..200_000 {
        let length = random.below(160);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        if let Some(header) = bytes.get_mut(..4) {
            header.copy_from_slice(&[0, (random.next() & 1) as u8, 0, 0]);
        }
        read += decode_as_everything(&bytes);
    }
    assert!(read > 1000, "only {read} of the random messages were readable: the generator reaches nothing");
}

#[test]
fn damaged_messages_are_a_message_or_an_error() {
    let mut random = Random(11);
    let golden = include_str!("golden/messages.txt").lines().filter_map(|line| {
        let (order, hex) = line.split_once(' ')?;
        matches!(order, "le" | "be").then_some(hex)
    });
    for hex in golden {
        let valid: Vec<u8> =
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        for _ in 0..200 {
            let mut bytes = valid.clone();
            for _ in 0..1 + random.below(4) {
                let place = random.below(bytes.len());
                bytes[place] = if random.below(2) == 0 { 0xff } else { random.byte() };
            }
            bytes.truncate(bytes.len() - random.below(1 + bytes.len() / 4));
            decode_as_everything(&bytes);
        }
    }
}

#[test]
fn random_descriptions_of_a_cloud_are_a_cloud_or_an_error() {
    use percept_msgs::sensor_msgs::PointField;
    let mut random = Random(13);
    let mut accepted = 0;
    for _ in 0..200_000 {
        let names = ["x", "y", "z", "intensity", "ring", "rgb", "", "x"];
        let mut fields: Vec<PointField> = (0..3 + random.below(4))
            .map(|i| PointField {
                name: names[if random.below(8) == 0 { random.below(8) } else { i }].to_owned(),
                offset: (4 * i + random.below(10) / 9 * random.below(20)) as u32,
                datatype: if random.below(8) == 0 { random.below(10) as u8 } else { 7 },
                count: (random.below(10) / 9 * random.below(4)) as u32,
            })
            .collect();
        let pick = random.below(fields.len());
        fields.swap(0, pick);
        let edge = |random: &mut Random, usual: u32| match random.below(12) {
            0 => u32::MAX,
            1 => 0,
            2 => random.next() as u32,
            _ => usual,
        };
        let width = random.below(6) as u32;
        let mut cloud = PointCloud2 {
            height: edge(&mut random, 1),
            width: edge(&mut random, width),
            point_step: edge(&mut random, 28),
            row_step: edge(&mut random, width * 28),
            is_bigendian: random.below(2) == 0,
            fields,
            ..Default::default()
        };
        cloud.data = vec![0; random.below(200)];
        if let Ok(raw) = RawCloud::try_from(cloud) {
            check_guarantee(&raw);
            accepted += 1;
        }
    }
    assert!(accepted > 5_000, "only {accepted} were accepted: the generator reaches nothing");
}

#[test]
fn a_length_of_four_billion_is_refused_with_its_place() {
    let mut bytes = PointCloud2 { data: vec![1; 16], ..Default::default() }.encode();
    let at = bytes.len() - 17 - 4;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let MsgError::Decode { field, offset_bytes, fault, .. } = PointCloud2::decode(&bytes).unwrap_err() else {
        panic!("another error");
    };
    assert_eq!((field.as_str(), offset_bytes), ("data", at));
    assert!(matches!(fault, CdrFault::SequenceTooLong { count: 0xffff_ffff, left_bytes: 17, .. }));
}

#[test]
fn an_error_names_type_field_byte_and_both_sides() {
    let mut bytes = TFMessage { transforms: vec![Default::default()] }.encode();
    bytes.truncate(bytes.len() - 3);
    let text = TFMessage::decode(&bytes).unwrap_err().to_string();
    assert_eq!(
        text,
        "tf2_msgs/msg/TFMessage: field `transforms[0].transform.rotation.w` at byte 84: 8 bytes expected, 5 left: \
         the message is truncated or of another type"
    );
    let text = Image::decode(&[0, 3, 0, 0, 0]).unwrap_err().to_string();
    assert!(text.starts_with("sensor_msgs/msg/Image: the message at byte 0: encapsulation [00, 03] (PL_CDR"), "{text}");
}

/// What bounds memory: a sequence's count is checked against its elements' fewest bytes on the wire, so decoding takes
/// at most this factor of the message, twice with a growing vector's reserve.
#[test]
fn no_element_takes_more_than_seven_times_its_fewest_bytes_on_the_wire() {
    use percept_msgs::{
        autoware_perception_msgs::{DetectedObject, ObjectClassification},
        cdr::Field,
        diagnostic_msgs::{DiagnosticStatus, KeyValue},
        geometry_msgs::{Point, Point32, TransformStamped},
        sensor_msgs::PointField,
        std_msgs::ColorRGBA,
        vision_msgs::{Detection3D, ObjectHypothesisWithPose, VisionClass},
        visualization_msgs::{Marker, UVCoordinate},
    };
    fn factor<T: Field>() -> usize {
        size_of::<T>().div_ceil(T::MIN_BYTES)
    }
    let factors = [
        factor::<DetectedObject>(),
        factor::<ObjectClassification>(),
        factor::<DiagnosticStatus>(),
        factor::<KeyValue>(),
        factor::<Point>(),
        factor::<Point32>(),
        factor::<TransformStamped>(),
        factor::<PointField>(),
        factor::<ColorRGBA>(),
        factor::<Detection3D>(),
        factor::<ObjectHypothesisWithPose>(),
        factor::<VisionClass>(),
        factor::<Marker>(),
        factor::<UVCoordinate>(),
    ];
    assert!(factors.iter().all(|factor| *factor <= 7), "{factors:?}");
}
