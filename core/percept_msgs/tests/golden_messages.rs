//! Every message against an independent implementation (golden/generate.py) and the upstream definitions.

// What the tests share is test code too, which the lint does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use percept_msgs::{
    Message, autoware_internal_debug_msgs as debug, autoware_perception_msgs as autoware,
    builtin_interfaces as builtin, diagnostic_msgs as diagnostic, geometry_msgs as geometry, nav_msgs as nav,
    rosgraph_msgs as rosgraph, sensor_msgs as sensor, std_msgs, tf2_msgs as tf2, vision_msgs as vision,
    visualization_msgs as visualization,
};

const GOLDEN: &str = include_str!("golden/messages.txt");

struct Golden {
    fields: Vec<String>,
    little: Vec<Vec<u8>>,
    big: Vec<Vec<u8>>,
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn golden(type_name: &str) -> Golden {
    let mut block = Golden { fields: vec![], little: vec![], big: vec![] };
    let lines = GOLDEN.lines().skip_while(|line| line.strip_prefix("type ") != Some(type_name)).skip(1);
    for line in lines.take_while(|line| !line.starts_with("type ")) {
        match line.split_once(' ').unwrap() {
            ("field", text) => block.fields.push(text.to_owned()),
            ("le", hex) => block.little.push(bytes_of(hex)),
            ("be", hex) => block.big.push(bytes_of(hex)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((block.little.len(), block.big.len()), (2, 2), "{type_name}");
    block
}

/// The lines of our definition of the message itself, without defaults.
fn own_fields(definition: &str) -> Vec<String> {
    let own = definition.split(&"=".repeat(80)).next().unwrap();
    let without_default = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    own.lines().map(without_default).collect()
}

/// Definition, both endiannesses, our bytes, and every truncation. Returns how many messages were compared.
fn check<M: Message + std::fmt::Debug + PartialEq>() -> usize {
    let golden = golden(M::TYPE_NAME);
    assert_eq!(own_fields(&M::definition()), golden.fields, "{}", M::TYPE_NAME);
    for (little, big) in golden.little.iter().zip(&golden.big) {
        let message = M::decode(little).unwrap();
        assert_eq!(M::decode(big).unwrap(), message, "{}", M::TYPE_NAME);
        assert_eq!(&message.encode(), little, "{}", M::TYPE_NAME);
        for end in 0..little.len() {
            assert!(M::decode(&little[..end]).is_err(), "{} cut to {end} bytes", M::TYPE_NAME);
            assert!(M::decode(&big[..end]).is_err(), "{} cut to {end} bytes", M::TYPE_NAME);
        }
        let padded = [little.as_slice(), &[0; 3]].concat();
        assert_eq!(M::decode(&padded).unwrap(), message);
        assert!(M::decode(&[padded.as_slice(), &[0]].concat()).is_err(), "four bytes are no padding");
    }
    golden.little.len() + golden.big.len()
}

#[test]
fn every_message_has_upstreams_fields_and_the_bytes_of_another_serialiser() {
    let compared = [
        check::<builtin::Time>(),
        check::<builtin::Duration>(),
        check::<std_msgs::Header>(),
        check::<std_msgs::String>(),
        check::<std_msgs::ColorRGBA>(),
        check::<geometry::Point>(),
        check::<geometry::Point32>(),
        check::<geometry::Polygon>(),
        check::<geometry::Vector3>(),
        check::<geometry::Quaternion>(),
        check::<geometry::Pose>(),
        check::<geometry::PoseWithCovariance>(),
        check::<geometry::Twist>(),
        check::<geometry::TwistWithCovariance>(),
        check::<geometry::Transform>(),
        check::<geometry::TransformStamped>(),
        check::<sensor::PointField>(),
        check::<sensor::PointCloud2>(),
        check::<sensor::Image>(),
        check::<sensor::CompressedImage>(),
        check::<sensor::RegionOfInterest>(),
        check::<sensor::CameraInfo>(),
        check::<vision::ObjectHypothesis>(),
        check::<vision::ObjectHypothesisWithPose>(),
        check::<vision::BoundingBox3D>(),
        check::<vision::Detection3D>(),
        check::<vision::Detection3DArray>(),
        check::<vision::VisionClass>(),
        check::<vision::LabelInfo>(),
        check::<vision::Point2D>(),
        check::<vision::Pose2D>(),
        check::<vision::BoundingBox2D>(),
        check::<vision::Detection2D>(),
        check::<vision::Detection2DArray>(),
        check::<visualization::UVCoordinate>(),
        check::<visualization::MeshFile>(),
        check::<visualization::Marker>(),
        check::<visualization::MarkerArray>(),
        check::<diagnostic::KeyValue>(),
        check::<diagnostic::DiagnosticStatus>(),
        check::<diagnostic::DiagnosticArray>(),
        check::<nav::Odometry>(),
        check::<tf2::TFMessage>(),
        check::<rosgraph::Clock>(),
        check::<autoware::ObjectClassification>(),
        check::<autoware::Shape>(),
        check::<autoware::DetectedObjectKinematics>(),
        check::<autoware::DetectedObject>(),
        check::<autoware::DetectedObjects>(),
        check::<debug::Float64Stamped>(),
    ];
    assert_eq!(compared.len(), GOLDEN.lines().filter(|line| line.starts_with("type ")).count());
    assert_eq!(compared.iter().sum::<usize>(), 4 * compared.len());
}

#[test]
fn a_definition_carries_each_record_once() {
    let definition = visualization::MarkerArray::definition();
    assert!(definition.starts_with("visualization_msgs/Marker[] markers\n====="));
    for record in
        ["visualization_msgs/Marker", "std_msgs/Header", "builtin_interfaces/Time", "sensor_msgs/CompressedImage"]
    {
        assert_eq!(definition.matches(&format!("MSG: {record}\n")).count(), 1, "{record}");
    }
    assert!(geometry::Quaternion::definition().contains("float64 w 1\n"));
}
