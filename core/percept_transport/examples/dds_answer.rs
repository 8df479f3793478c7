//! A small node over DDS for the test on the wire: answers each cloud with a Detection3DArray and a MarkerArray that tell
//! what arrived, until standard input ends; then prints its counts.
//!
//!   dds_answer NAME [--reliable] [-r FROM:=TO]...
//!
//! Topics  `~/input/pointcloud` (best effort unless --reliable), `~/output/objects`, `~/output/markers`,
//!         `~/output/label_info` (latched); service `~/get_state`.
#![allow(clippy::unwrap_used, reason = "an example: a fault may end it")]

use percept_msgs::lifecycle_msgs::{GetState, GetStateResponse, State};
use percept_msgs::sensor_msgs::PointCloud2;
use percept_msgs::std_msgs::Header;
use percept_msgs::vision_msgs::{Detection3D, Detection3DArray, LabelInfo, VisionClass};
use percept_msgs::visualization_msgs::{Marker, MarkerArray};
use percept_transport::dds::{self, DdsSettings, WireLog};
use percept_transport::{Clock, Keep, Names, Publisher, QosProfile, Remap, Transport};
use percept_types::RawCloud;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rules = arguments.iter().filter(|text| text.contains(":=")).map(|rule| Remap::parse(rule));
    let rules: Vec<Remap> = rules.collect::<Result<_, _>>()?;
    let reliable = arguments.iter().any(|text| text == "--reliable");
    let qos = if reliable { QosProfile::RELIABLE } else { QosProfile::SENSOR_DATA };
    WireLog::install();
    let name = arguments.first().ok_or("a name for the node expected")?;
    let node = dds::join(Names::new("/", name, &rules)?, Clock::system(), &DdsSettings::from_environment()?)?;
    answer_until_input_ends(&node, qos)?;
    Ok(())
}

fn answer_until_input_ends(node: &Transport, qos: QosProfile) -> Result<(), Box<dyn std::error::Error>> {
    let objects = node.advertise::<Detection3DArray>("~/output/objects", QosProfile::RELIABLE)?;
    let markers = node.advertise::<MarkerArray>("~/output/markers", QosProfile::RELIABLE)?;
    let labels = node.advertise::<LabelInfo>("~/output/label_info", QosProfile::LATCHED)?;
    let class_map = vec![VisionClass { class_id: 0, class_name: "Car".to_owned() }];
    labels.publish(&LabelInfo { header: Header::default(), class_map, threshold: 0.5 })?;
    let state = node.serve::<GetState>("~/get_state")?;
    let clouds = node.subscribe::<PointCloud2>("~/input/pointcloud", qos, Keep::Last(16))?;
    let over = ended_input();
    let (mut answered, mut refused) = (0_u64, 0_u64);
    println!("ready");
    while !over.load(Ordering::Acquire) {
        let seen = node.signal().count();
        while let Some(received) = clouds.take() {
            match received.map(|received| answer(received.message, &objects, &markers)) {
                Ok(Ok(())) => answered += 1,
                Ok(Err(error)) => {
                    refused += 1;
                    eprintln!("refused: {error}");
                }
                Err(error) => eprintln!("undecodable: {error}"),
            }
        }
        let calls = state.answer(|_| GetStateResponse { current_state: State { id: 3, label: "active".to_owned() } });
        if let Err(error) = calls {
            eprintln!("undecodable request: {error}");
        }
        node.signal().wait(seen, Duration::from_millis(100));
    }
    let (counts, publishers) = (clouds.counts(), node.publishers(clouds.topic()).unwrap_or_default());
    let Transport::Dds(dds) = node else { return Ok(()) };
    let wire = dds.wire_counts();
    println!(
        "{{\"received\": {}, \"dropped\": {}, \"undecodable\": {}, \"answered\": {answered}, \"refused\": {refused}, \
         \"publishers\": {publishers}, \"malformed\": {}, \"unreadable\": {}, \"mismatched_peers\": {}, \
         \"replies_failed\": {}}}",
        counts.received,
        counts.dropped,
        counts.undecodable,
        wire.malformed.unwrap_or_default(),
        wire.unreadable,
        wire.mismatched_peers,
        wire.replies_failed
    );
    Ok(())
}

fn ended_input() -> Arc<AtomicBool> {
    let over = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&over);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        flag.store(true, Ordering::Release);
    });
    over
}

/// One detection that tells the points and the checksum of the data, and as many more as make bodies of every length.
fn answer(
    cloud: PointCloud2,
    objects: &Publisher<Detection3DArray>,
    markers: &Publisher<MarkerArray>,
) -> Result<(), Box<dyn std::error::Error>> {
    let header = cloud.header.clone();
    let checksum = crc32fast::hash(&cloud.data);
    let cloud = RawCloud::try_from(cloud)?;
    let points = cloud.width as u64 * cloud.height as u64;
    let told = Detection3D { header: header.clone(), id: format!("{points} {checksum:08x}"), ..Detection3D::default() };
    let filling = Detection3D { id: "x".repeat(points as usize % 7), ..Detection3D::default() };
    let detections = vec![told, filling];
    objects.publish(&Detection3DArray { header: header.clone(), detections })?;
    let marker = Marker { header, kind: Marker::TEXT_VIEW_FACING, text: points.to_string(), ..Marker::default() };
    markers.publish(&MarkerArray { markers: vec![marker] })?;
    Ok(())
}
