//! A cloud's coordinates, intensities and times out of its bytes, and back into bytes.
//!
//! Times   fields `time`, `t`, `timestamp`, `time_stamp`, `offset_time`. Whole numbers are nanoseconds from the stamp;
//!         floating ones are seconds from the stamp, above 1e8 seconds since 1970, above 1e14 nanoseconds since 1970.
//! Source  velodyne_pointcloud (time f32), ouster-ros (t u32), HesaiLidar_ROS_2.0 and rslidar_sdk (timestamp f64),
//!         livox_ros_driver2 (timestamp f64), nebula (time_stamp u32).

use percept_types::{FieldType, RawCloud, RawField, RawLayout, Stamp, Stamped, Transform};

const TIME_FIELDS: [&str; 5] = ["time", "t", "timestamp", "time_stamp", "offset_time"];
/// Seconds: three years; no sweep is as long, no date of this century as early.
const ABSOLUTE_S: f64 = 1e8;
const ABSOLUTE_NS: f64 = 1e14;

/// The points of one cloud: x, y, z in metres and the intensity.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// When its coordinates are true.
    pub stamp: Stamp,
    /// The frame of its coordinates.
    pub frame_id: String,
    /// x, y, z, intensity (0 where the cloud has none).
    pub points: Vec<[f32; 4]>,
    /// Seconds from the stamp, one a point; empty where the cloud does not tell or was compensated.
    pub times_s: Vec<f32>,
    /// Whether the cloud has intensities.
    pub has_intensity: bool,
}

/// Reads one field of every point.
#[derive(Clone, Copy)]
struct Column {
    offset: usize,
    datatype: FieldType,
    big_endian: bool,
}

impl Column {
    fn of(cloud: &RawCloud, field: &RawField) -> Self {
        Self { offset: field.offset, datatype: field.datatype, big_endian: cloud.big_endian }
    }

    fn is_plain(self) -> bool {
        self.datatype == FieldType::F32 && !self.big_endian
    }

    /// A plain value; validation has made sure that it lies in the point.
    fn read_plain(self, point: &[u8]) -> f32 {
        let bytes = point.get(self.offset..self.offset + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(f32::NAN, f32::from_le_bytes)
    }

    fn read(self, point: &[u8]) -> f64 {
        let bytes = &point[self.offset..];
        macro_rules! number {
            ($type:ty, $size:literal) => {{
                let mut raw = [0u8; $size];
                raw.copy_from_slice(&bytes[..$size]);
                (if self.big_endian { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) }) as f64
            }};
        }
        match self.datatype {
            FieldType::I8 => number!(i8, 1),
            FieldType::U8 => number!(u8, 1),
            FieldType::I16 => number!(i16, 2),
            FieldType::U16 => number!(u16, 2),
            FieldType::I32 => number!(i32, 4),
            FieldType::U32 => number!(u32, 4),
            FieldType::F32 => number!(f32, 4),
            FieldType::F64 => number!(f64, 8),
        }
    }
}

impl Sweep {
    /// Reads a cloud; its times only where they are wanted and there.
    pub fn read(cloud: &Stamped<RawCloud>, intensity_field: &str, wants_times: bool) -> Self {
        let raw = &cloud.payload;
        let column = |name: &str| raw.layout.field(name).map(|field| Column::of(raw, field));
        let intensity = column(intensity_field);
        let time = TIME_FIELDS.iter().find_map(|name| column(name)).filter(|_| wants_times);
        let mut sweep = Self {
            stamp: cloud.stamp,
            frame_id: cloud.frame_id.clone(),
            points: Vec::with_capacity(raw.num_points()),
            times_s: Vec::with_capacity(if time.is_some() { raw.num_points() } else { 0 }),
            has_intensity: intensity.is_some(),
        };
        let [Some(x), Some(y), Some(z)] = ["x", "y", "z"].map(column) else { return sweep };
        let mut scale = None;
        // What nearly every driver writes is read without asking for each value what it is.
        let is_plain = [x, y, z].into_iter().chain(intensity).all(Column::is_plain);
        for point in points(raw) {
            sweep.points.push(if is_plain {
                let intensity = intensity.map_or(0.0, |column| column.read_plain(point));
                [x.read_plain(point), y.read_plain(point), z.read_plain(point), intensity]
            } else {
                let intensity = intensity.map_or(0.0, |column| column.read(point));
                [x.read(point), y.read(point), z.read(point), intensity].map(|value| value as f32)
            });
            if let Some(time) = time {
                let value = time.read(point);
                let scale = *scale.get_or_insert_with(|| TimeScale::of(time.datatype, value));
                sweep.times_s.push(scale.seconds_from(value, cloud.stamp) as f32);
            }
        }
        sweep
    }

    /// First and last time of a point, seconds from the stamp; the stamp alone where no times are known.
    pub fn span_s(&self) -> (f64, f64) {
        let times = || self.times_s.iter().copied().filter(|time| time.is_finite());
        let first = times().fold(f32::INFINITY, f32::min);
        let last = times().fold(f32::NEG_INFINITY, f32::max);
        if first <= last { (f64::from(first), f64::from(last)) } else { (0.0, 0.0) }
    }

    /// Moves every point by one motion.
    pub fn move_by(&mut self, motion: &Transform) {
        let matrix = matrix_of(motion);
        for point in &mut self.points {
            apply_to_return(&matrix, point);
        }
    }
}

/// The bytes of each point, in order; validation has made sure of every range.
fn points(raw: &RawCloud) -> impl Iterator<Item = &[u8]> {
    (0..raw.height).flat_map(move |row| {
        (0..raw.width).map(move |column| &raw.bytes[row * raw.row_step + column * raw.point_step..])
    })
}

/// How a time field counts.
#[derive(Clone, Copy)]
enum TimeScale {
    NanosecondsFromStamp,
    SecondsFromStamp,
    Seconds,
    Nanoseconds,
}

impl TimeScale {
    fn of(datatype: FieldType, first: f64) -> Self {
        match datatype {
            FieldType::F32 | FieldType::F64 if first > ABSOLUTE_NS => Self::Nanoseconds,
            FieldType::F32 | FieldType::F64 if first > ABSOLUTE_S => Self::Seconds,
            FieldType::F32 | FieldType::F64 => Self::SecondsFromStamp,
            _ => Self::NanosecondsFromStamp,
        }
    }

    fn seconds_from(self, value: f64, stamp: Stamp) -> f64 {
        match self {
            Self::NanosecondsFromStamp => value * 1e-9,
            Self::SecondsFromStamp => value,
            Self::Seconds => value - stamp.as_secs_f64(),
            Self::Nanoseconds => (value - stamp.nanoseconds as f64) * 1e-9,
        }
    }
}

/// The upper three rows of a motion.
pub(super) type Rows = [[f64; 4]; 3];

pub(super) fn matrix_of(motion: &Transform) -> Rows {
    let matrix = motion.to_matrix();
    [0, 1, 2].map(|row| [0, 1, 2, 3].map(|column| matrix[(row, column)]))
}

pub(super) fn apply(rows: &Rows, point: &mut [f32; 4]) {
    let [x, y, z, _] = point.map(f64::from);
    let moved = rows.map(|[a, b, c, d]| (a * x + b * y + c * z + d) as f32);
    point[..3].copy_from_slice(&moved);
}

/// Moves a point unless it is the exact origin, by which drivers of organised clouds tell a firing without a return.
pub(super) fn apply_to_return(rows: &Rows, point: &mut [f32; 4]) {
    if point[..3] != [0.0; 3] {
        apply(rows, point);
    }
}

/// Points with a lag each (seconds before the stamp) into a cloud: x, y, z, the intensity, `time_lag` where asked for.
pub(super) fn pack(points: &[[f32; 4]], lags_s: Option<&[f32]>, intensity_field: Option<&str>) -> RawCloud {
    let names = ["x", "y", "z"].into_iter().chain(intensity_field).chain(lags_s.map(|_| "time_lag"));
    let fields: Vec<RawField> = names
        .enumerate()
        .map(|(i, name)| RawField { name: name.to_owned(), offset: 4 * i, datatype: FieldType::F32, count: 1 })
        .collect();
    let point_step = 4 * fields.len();
    let mut bytes = Vec::with_capacity(point_step * points.len());
    let kept = if intensity_field.is_some() { 4 } else { 3 };
    for (index, point) in points.iter().enumerate() {
        bytes.extend_from_slice(point.map(f32::to_le_bytes)[..kept].as_flattened());
        if let Some(lag_s) = lags_s.and_then(|lags| lags.get(index)) {
            bytes.extend_from_slice(&lag_s.to_le_bytes());
        }
    }
    let (layout, width) = (RawLayout { fields }, points.len());
    RawCloud { row_step: bytes.len(), bytes, layout, width, height: 1, point_step, big_endian: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(
        fields: &[(&str, usize, FieldType)],
        point_step: usize,
        bytes: Vec<u8>,
        stamp: Stamp,
    ) -> Stamped<RawCloud> {
        let fields = fields
            .iter()
            .map(|(name, offset, datatype)| RawField {
                name: (*name).to_owned(),
                offset: *offset,
                datatype: *datatype,
                count: 1,
            })
            .collect();
        let width = bytes.len() / point_step;
        let layout = RawLayout { fields };
        let payload =
            RawCloud { row_step: bytes.len(), bytes, layout, width, height: 1, point_step, big_endian: false };
        Stamped { stamp, frame_id: "lidar".to_owned(), received_at: stamp, payload }
    }

    fn xyz_and(time: (&'static str, FieldType), times: &[Vec<u8>], stamp: Stamp) -> Sweep {
        let mut bytes = Vec::new();
        for time in times {
            [1.0f32, 2.0, 3.0].iter().for_each(|v| bytes.extend_from_slice(&v.to_le_bytes()));
            bytes.extend_from_slice(time);
        }
        let fields =
            [("x", 0, FieldType::F32), ("y", 4, FieldType::F32), ("z", 8, FieldType::F32), (time.0, 12, time.1)];
        Sweep::read(&cloud(&fields, 12 + time.1.size_bytes(), bytes, stamp), "intensity", true)
    }

    #[test]
    fn every_drivers_time_becomes_seconds_from_the_stamp() {
        let stamp = Stamp::from_ns(1_700_000_000_250_000_000);
        let found = |time, values: [Vec<u8>; 2]| xyz_and(time, &values, stamp).times_s;
        let near = |found: Vec<f32>, expected: [f32; 2]| {
            assert!(found.len() == 2 && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        };
        near(found(("time", FieldType::F32), [-0.05f32, 0.02].map(|v| v.to_le_bytes().to_vec())), [-0.05, 0.02]);
        let nanoseconds = [0u32, 99_000_000].map(|v| v.to_le_bytes().to_vec());
        near(found(("t", FieldType::U32), nanoseconds.clone()), [0.0, 0.099]);
        near(found(("time_stamp", FieldType::U32), nanoseconds), [0.0, 0.099]);
        let absolute = [1_700_000_000.25f64, 1_700_000_000.3].map(|v| v.to_le_bytes().to_vec());
        near(found(("timestamp", FieldType::F64), absolute), [0.0, 0.05]);
        let livox = [1_700_000_000_250_000_000f64, 1_700_000_000_300_000_000.0].map(|v| v.to_le_bytes().to_vec());
        near(found(("timestamp", FieldType::F64), livox), [0.0, 0.05]);
    }

    #[test]
    fn what_is_packed_reads_back() {
        let points = [[1.0, 2.0, 3.0, 0.5], [f32::NAN, 0.0, 0.0, 0.0]];
        let packed = pack(&points, Some(&[0.0, 0.1]), Some("reflectivity"));
        assert_eq!((packed.point_step, packed.num_points(), packed.bytes.len()), (20, 2, 40));
        let stamped = Stamped {
            stamp: Stamp::default(),
            frame_id: String::new(),
            received_at: Stamp::default(),
            payload: packed,
        };
        let sweep = Sweep::read(&stamped, "reflectivity", false);
        assert_eq!(sweep.points[0], points[0]);
        assert!(sweep.points[1][0].is_nan() && sweep.has_intensity);
        assert_eq!(pack(&points, None, None).point_step, 12);
    }
}
