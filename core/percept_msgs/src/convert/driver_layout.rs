//! A simulated sweep in the layout of a LiDAR's own driver.
//!
//! ```text
//! Velodyne  x@0 y@4 z@8 intensity@12 f32, ring@16 u16, time@18 f32 (seconds from the stamp)                22 bytes
//! Ouster    x@0 y@4 z@8 intensity@16 f32, t@20 u32 (ns from the stamp), reflectivity@24 ring@26 ambient@28 u16,
//!           range@32 u32 (mm); a row a ring                                                                48 bytes
//! Hesai     x@0 y@4 z@8 intensity@12 f32, ring@16 u16, timestamp@18 f64 (seconds since 1970)               26 bytes
//! ```
//!
//! Source  velodyne_pointcloud pointcloudXYZIRT.cc; ouster-ros os_point.h (16-byte aligned, organised by default);
//!         HesaiLidar_ROS_2.0 source_driver_ros2.hpp.
//! Limits  Ouster's `ambient` is 0: no sun is simulated.

use crate::MsgError;
use crate::sensor_msgs::{PointCloud2, PointField};
use crate::std_msgs::Header;
use percept_types::{PointCloud, Stamp};

/// A driver's layout of PointCloud2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriverLayout {
    /// velodyne_pointcloud's XYZIRT.
    #[default]
    Velodyne,
    /// ouster-ros' original point, organised.
    Ouster {
        /// Rows of the image; the points come row by row.
        rows: usize,
    },
    /// HesaiLidar_ROS_2.0's point.
    Hesai,
}

/// One field of a point, its offset, and the bytes of its value.
struct Field {
    name: &'static str,
    offset: u32,
    value: Value,
}

/// How a field follows from a column of the cloud.
#[derive(Clone, Copy)]
enum Value {
    /// The column itself.
    F32(usize),
    /// Rounded, within 0 to 65535.
    U16(usize),
    /// The column times a factor, rounded.
    U32(usize, f64),
    /// The header's stamp in seconds plus the column.
    Since(usize),
    /// 0.
    NothingU16,
}

impl PointCloud2 {
    /// A sweep with the columns `intensity`, `ring`, `time` (seconds from the stamp) and for Ouster `reflectivity` and
    /// `range` (metres) in a driver's layout.
    ///
    /// # Errors
    /// [`MsgError::CountMismatch`] where the cloud is no whole number of rows, [`MsgError::MissingColumn`] where it
    /// lacks what the driver tells, [`MsgError::CloudTooLarge`] beyond 32-bit sizes.
    pub fn from_sweep(cloud: &PointCloud, layout: DriverLayout, header: Header) -> Result<Self, MsgError> {
        let column = |name: &'static str| {
            cloud
                .layout()
                .index_of(name)
                .ok_or_else(|| MsgError::MissingColumn { missing: name, found: cloud.layout().channels.clone() })
        };
        let (rows, point_step, mut fields) = match layout {
            DriverLayout::Velodyne => return Self::from_cloud(cloud, header),
            DriverLayout::Ouster { rows } => (rows, 48, ouster_fields(column)?),
            DriverLayout::Hesai => (1, 26, hesai_fields(column)?),
        };
        let axes = [("x", 0), ("y", 1), ("z", 2)];
        let place = axes.map(|(name, axis)| Field { name, offset: 4 * axis as u32, value: Value::F32(axis) });
        fields.splice(0..0, place);
        write(cloud, rows, point_step, &fields, header)
    }

    /// Makes an image of a cloud whose points come row by row.
    ///
    /// # Errors
    /// [`MsgError::CountMismatch`] where they are no whole number of rows.
    pub fn organised(mut self, rows: usize) -> Result<Self, MsgError> {
        let points = self.width as usize * self.height as usize;
        if rows == 0 || !points.is_multiple_of(rows) {
            return Err(MsgError::CountMismatch { what: "points", found: points, expected: rows });
        }
        self.height = rows as u32;
        self.width = (points / rows) as u32;
        self.row_step = self.width * self.point_step;
        Ok(self)
    }
}

fn hesai_fields(column: impl Fn(&'static str) -> Result<usize, MsgError>) -> Result<Vec<Field>, MsgError> {
    Ok(vec![
        Field { name: "intensity", offset: 12, value: Value::F32(column("intensity")?) },
        Field { name: "ring", offset: 16, value: Value::U16(column("ring")?) },
        Field { name: "timestamp", offset: 18, value: Value::Since(column("time")?) },
    ])
}

fn ouster_fields(column: impl Fn(&'static str) -> Result<usize, MsgError>) -> Result<Vec<Field>, MsgError> {
    Ok(vec![
        Field { name: "intensity", offset: 16, value: Value::F32(column("intensity")?) },
        Field { name: "t", offset: 20, value: Value::U32(column("time")?, 1e9) },
        Field { name: "reflectivity", offset: 24, value: Value::U16(column("reflectivity")?) },
        Field { name: "ring", offset: 26, value: Value::U16(column("ring")?) },
        Field { name: "ambient", offset: 28, value: Value::NothingU16 },
        Field { name: "range", offset: 32, value: Value::U32(column("range")?, 1e3) },
    ])
}

fn write(
    cloud: &PointCloud,
    rows: usize,
    point_step: usize,
    fields: &[Field],
    header: Header,
) -> Result<PointCloud2, MsgError> {
    let points = cloud.len();
    let sizes = (u32::try_from(points).ok(), points.checked_mul(point_step).and_then(|b| u32::try_from(b).ok()));
    let (Some(width), Some(row_step)) = sizes else {
        return Err(MsgError::CloudTooLarge { points, point_step });
    };
    let stamp_s = Stamp::from(header.stamp).nanoseconds as f64 * 1e-9;
    let mut data = vec![0; points * point_step];
    for (bytes, point) in data.chunks_exact_mut(point_step).zip(cloud.points()) {
        for field in fields {
            field.value.write(point, stamp_s, &mut bytes[field.offset as usize..]);
        }
    }
    let described =
        |f: &Field| PointField { name: f.name.to_owned(), offset: f.offset, datatype: f.value.datatype(), count: 1 };
    let message = PointCloud2 {
        header,
        height: 1,
        width,
        fields: fields.iter().map(described).collect(),
        is_bigendian: false,
        point_step: point_step as u32,
        row_step,
        data,
        is_dense: cloud.values().iter().all(|value| value.is_finite()),
    };
    message.organised(rows)
}

impl Value {
    fn datatype(self) -> u8 {
        match self {
            Self::F32(_) => PointField::FLOAT32,
            Self::U16(_) | Self::NothingU16 => PointField::UINT16,
            Self::U32(..) => PointField::UINT32,
            Self::Since(_) => PointField::FLOAT64,
        }
    }

    /// Casts saturate and turn NaN to 0.
    fn write(self, point: &[f32], stamp_s: f64, bytes: &mut [u8]) {
        match self {
            Self::F32(column) => bytes[..4].copy_from_slice(&point[column].to_le_bytes()),
            Self::U16(column) => bytes[..2].copy_from_slice(&(point[column].round() as u16).to_le_bytes()),
            Self::U32(column, factor) => {
                let value = (f64::from(point[column]) * factor).round() as u32;
                bytes[..4].copy_from_slice(&value.to_le_bytes());
            }
            Self::Since(column) => {
                bytes[..8].copy_from_slice(&(stamp_s + f64::from(point[column])).to_le_bytes());
            }
            Self::NothingU16 => bytes[..2].fill(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::{PointLayout, RawCloud};

    fn sweep() -> PointCloud {
        let layout = PointLayout::xyz_and(&["intensity", "ring", "time", "reflectivity", "range"]);
        let first = [1.0, 2.0, 3.0, 250.4, 17.0, 0.05, 31.0, 3.742];
        let no_return = [0.0, 0.0, 0.0, 0.0, 18.0, 0.05, 0.0, 0.0];
        PointCloud::new(layout, [first, no_return].concat()).unwrap()
    }

    fn layout_of(message: &PointCloud2) -> Vec<(&str, u32, u8)> {
        message.fields.iter().map(|f| (f.name.as_str(), f.offset, f.datatype)).collect()
    }

    #[test]
    fn ousters_points_are_48_bytes_in_rows_with_nanoseconds_and_millimetres() {
        let message = PointCloud2::from_sweep(&sweep(), DriverLayout::Ouster { rows: 2 }, Header::default()).unwrap();
        let expected = [
            ("x", 0, 7),
            ("y", 4, 7),
            ("z", 8, 7),
            ("intensity", 16, 7),
            ("t", 20, 6),
            ("reflectivity", 24, 4),
            ("ring", 26, 4),
            ("ambient", 28, 4),
            ("range", 32, 6),
        ];
        assert_eq!(layout_of(&message), expected);
        assert_eq!((message.height, message.width, message.point_step, message.row_step), (2, 1, 48, 48));
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| message.data[at + i]));
        assert!(word(20).abs_diff(50_000_000) < 10, "{}", word(20));
        assert_eq!((word(32), word(48 + 32), message.data[26], message.data[48 + 26]), (3742, 0, 17, 18));
        assert!(RawCloud::try_from(message).is_ok());
    }

    #[test]
    fn hesais_points_are_26_bytes_with_absolute_seconds() {
        let stamp = Stamp::from_ns(1_700_000_000_250_000_000);
        let message = PointCloud2::from_sweep(&sweep(), DriverLayout::Hesai, Header::new(stamp, "lidar")).unwrap();
        let expected =
            [("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("intensity", 12, 7), ("ring", 16, 4), ("timestamp", 18, 8)];
        assert_eq!((layout_of(&message), message.point_step, message.height), (expected.to_vec(), 26, 1));
        let timestamp = f64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| message.data[18 + i]));
        assert!((timestamp - 1_700_000_000.3).abs() < 1e-6, "{timestamp}");
    }

    #[test]
    fn a_cloud_without_what_the_driver_tells_is_refused() {
        let plain = PointCloud::new(PointLayout::xyzi(), vec![0.0; 8]).unwrap();
        let error = PointCloud2::from_sweep(&plain, DriverLayout::Hesai, Header::default()).unwrap_err();
        assert!(matches!(error, MsgError::MissingColumn { missing: "ring", .. }));
        let error = PointCloud2::from_sweep(&sweep(), DriverLayout::Ouster { rows: 3 }, Header::default()).unwrap_err();
        assert!(matches!(error, MsgError::CountMismatch { what: "points", found: 2, expected: 3 }));
    }
}
