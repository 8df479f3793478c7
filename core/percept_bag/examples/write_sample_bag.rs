//! Writes a bag with clouds, texts and clock ticks, and an empty topic of every known type.
//!
//!     cargo run -p percept_bag --example write_sample_bag -- DIR [none|lz4|zstd] [SPLIT_BYTES]
//!         [FRAMES] [POINTS]

use std::error::Error;
use std::path::PathBuf;

use percept_bag::{BagWriter, Compression, QosProfile, TopicSpec, WriteOptions, schema};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let dir = arguments.first().map(PathBuf::from).ok_or("usage: write_sample_bag DIR ...")?;
    let number = |place: usize| arguments.get(place).map(|text| text.parse::<u64>()).transpose();
    let options = WriteOptions {
        compression: match arguments.get(1).map_or("zstd", String::as_str) {
            "none" => Compression::None,
            "lz4" => Compression::Lz4,
            _ => Compression::Zstd,
        },
        max_file_bytes: number(2)?.filter(|bytes| *bytes > 0),
        ..WriteOptions::default()
    };
    let (frames, points) = (number(3)?.unwrap_or(50), number(4)?.unwrap_or(1000));

    let mut bag = BagWriter::create(&dir, options)?;
    let cloud = bag.add_topic(TopicSpec::new("/points", "sensor_msgs/msg/PointCloud2", QosProfile::SENSOR_DATA))?;
    let text = bag.add_topic(TopicSpec::new("/chatter", "std_msgs/msg/String", QosProfile::RELIABLE))?;
    let clock = bag.add_topic(TopicSpec::new("/clock", "rosgraph_msgs/msg/Clock", QosProfile::RELIABLE))?;
    for name in schema::known_types() {
        let topic = format!("/empty/{}", name.replace('/', "_"));
        bag.add_topic(TopicSpec::new(topic, &name, QosProfile::LATCHED))?;
    }
    let about = [("purpose".to_owned(), "sample".to_owned())];
    bag.add_metadata("percept", &about.into())?;
    for frame in 0..frames {
        let stamp_ns = 1_700_000_000_000_000_000 + frame as i64 * 100_000_000;
        bag.write(clock, stamp_ns, stamp_ns, &clock_message(stamp_ns))?;
        bag.write(cloud, stamp_ns, stamp_ns - 1000, &cloud_message(stamp_ns, points))?;
        let said = text_message(&format!("frame {frame}"));
        bag.write(text, stamp_ns + 5, stamp_ns + 5, &said)?;
    }
    let written = bag.finish()?;
    println!("{} messages in {} files", written.message_count, written.storage_files.len());
    Ok(())
}

/// A little of CDR: the header, then little-endian values at multiples of their size.
struct Cdr(Vec<u8>);

impl Cdr {
    fn new() -> Self {
        Self(vec![0, 1, 0, 0])
    }

    fn align(&mut self, size: usize) {
        while !(self.0.len() - 4).is_multiple_of(size) {
            self.0.push(0);
        }
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.align(4);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn string(&mut self, text: &str) -> &mut Self {
        self.u32(text.len() as u32 + 1);
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    fn stamp(&mut self, stamp_ns: i64) -> &mut Self {
        self.u32((stamp_ns / 1_000_000_000) as u32).u32((stamp_ns % 1_000_000_000) as u32)
    }
}

fn clock_message(stamp_ns: i64) -> Vec<u8> {
    let mut cdr = Cdr::new();
    cdr.stamp(stamp_ns);
    cdr.0
}

fn text_message(text: &str) -> Vec<u8> {
    let mut cdr = Cdr::new();
    cdr.string(text);
    cdr.0
}

/// A cloud of x, y, z, intensity as float32, on a spiral that the stamp turns.
fn cloud_message(stamp_ns: i64, points: u64) -> Vec<u8> {
    const FLOAT32: u8 = 7;
    let mut cdr = Cdr::new();
    cdr.stamp(stamp_ns).string("lidar").u32(1).u32(points as u32).u32(4);
    for (index, name) in ["x", "y", "z", "intensity"].iter().enumerate() {
        cdr.string(name).u32(index as u32 * 4);
        cdr.0.push(FLOAT32);
        cdr.u32(1);
    }
    cdr.0.push(0);
    cdr.u32(16).u32(16 * points as u32).u32(16 * points as u32);
    let phase = (stamp_ns / 100_000_000 % 1000) as f32 * 0.01;
    for point in 0..points {
        let angle = point as f32 * 0.01 + phase;
        let radius = 2.0 + point as f32 * 0.003;
        let values = [radius * angle.cos(), radius * angle.sin(), -1.7 + phase, angle % 1.0];
        values.iter().for_each(|value| cdr.0.extend_from_slice(&value.to_le_bytes()));
    }
    cdr.0.push(1);
    cdr.0
}
