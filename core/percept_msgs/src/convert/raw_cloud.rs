//! `PointCloud2` to `RawCloud`: the one place where a cloud's description is checked against its bytes.
//!
//! Accepted  any order, names, datatypes and counts of fields; padding; `row_step` 0 or larger than a row; either
//!           endianness; bytes behind the last point; `count` 0 read as 1, which drivers write for a single value;
//!           fields that are not coordinates and share bytes (`rgb` and `rgba`); a cloud of no points without fields.
//! Refused   everything else, each as its own [`CloudFault`].

use super::CloudFault;
use crate::sensor_msgs::{PointCloud2, PointField};
use crate::{MsgError, std_msgs::Header};
use percept_types::{FieldType, RawCloud, RawField, RawLayout, Stamp, Stamped};

const COORDINATES: [&str; 3] = ["x", "y", "z"];

impl TryFrom<PointCloud2> for RawCloud {
    type Error = CloudFault;

    /// Takes the points as they are; nothing of their size is copied.
    fn try_from(message: PointCloud2) -> Result<Self, CloudFault> {
        let PointCloud2 { height, width, fields, is_bigendian, point_step, row_step, mut data, .. } = message;
        let is_empty = width == 0 || height == 0;
        if is_empty && fields.is_empty() {
            return Ok(empty_cloud(is_bigendian));
        }
        let fields = fields.into_iter().map(raw_field).collect::<Result<Vec<_>, _>>()?;
        check_names(&fields)?;
        check_overlaps(&fields)?;
        let size = if is_empty {
            CloudSize { width: 0, height: 0, point_step: point_step as usize, row_step: 0 }
        } else {
            check_ends(&fields, point_step, width, height)?;
            cloud_size(width, height, point_step, row_step, data.len())?
        };
        if is_empty {
            data.clear();
        }
        Ok(Self {
            bytes: data,
            layout: RawLayout { fields },
            width: size.width,
            height: size.height,
            point_step: size.point_step,
            row_step: size.row_step,
            big_endian: is_bigendian,
        })
    }
}

impl PointCloud2 {
    /// The cloud with its moment and frame.
    ///
    /// # Errors
    /// [`MsgError::Cloud`] with what does not fit.
    pub fn into_stamped(mut self, received_at: Stamp) -> Result<Stamped<RawCloud>, MsgError> {
        let header: Header = std::mem::take(&mut self.header);
        Ok(header.stamp_on(RawCloud::try_from(self)?, received_at))
    }
}

/// No points; the fields are those that every cloud has.
fn empty_cloud(big_endian: bool) -> RawCloud {
    let fields = COORDINATES
        .iter()
        .enumerate()
        .map(|(i, name)| RawField { name: (*name).to_owned(), offset: 4 * i, datatype: FieldType::F32, count: 1 })
        .collect();
    let layout = RawLayout { fields };
    RawCloud { bytes: Vec::new(), layout, width: 0, height: 0, point_step: 12, row_step: 0, big_endian }
}

fn raw_field(field: PointField) -> Result<RawField, CloudFault> {
    let PointField { name, offset, datatype, count } = field;
    let Some(datatype) = FieldType::from_wire(datatype) else {
        return Err(CloudFault::UnknownDatatype { name, found: datatype });
    };
    Ok(RawField { name, offset: offset as usize, datatype, count: count.max(1) as usize })
}

/// One behind the last byte of a field in its point: at most 2^32 + 8 * 2^32, so never an overflow.
fn end_of(field: &RawField) -> u64 {
    field.offset as u64 + field.count as u64 * field.datatype.size_bytes() as u64
}

fn check_names(fields: &[RawField]) -> Result<(), CloudFault> {
    for coordinate in ['x', 'y', 'z'] {
        if !fields.iter().any(|field| field.name.chars().eq([coordinate])) {
            let found = fields.iter().map(|field| field.name.clone()).collect();
            return Err(CloudFault::MissingCoordinate { missing: coordinate, found });
        }
    }
    let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    // Nameless fields are padding that a driver spells out.
    match names.windows(2).find(|pair| pair[0] == pair[1] && !pair[0].is_empty()) {
        Some(pair) => Err(CloudFault::DuplicateField { name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

fn check_overlaps(fields: &[RawField]) -> Result<(), CloudFault> {
    for coordinate in fields.iter().filter(|field| COORDINATES.contains(&field.name.as_str())) {
        for other in fields.iter().filter(|other| other.name != coordinate.name) {
            let from = coordinate.offset.max(other.offset) as u64;
            let to = end_of(coordinate).min(end_of(other));
            if from < to {
                let (name, other) = (coordinate.name.clone(), other.name.clone());
                return Err(CloudFault::OverlappingFields { name, other, from, to });
            }
        }
    }
    Ok(())
}

fn check_ends(fields: &[RawField], point_step: u32, width: u32, height: u32) -> Result<(), CloudFault> {
    if point_step == 0 {
        return Err(CloudFault::ZeroPointStep { width, height });
    }
    match fields.iter().find(|field| end_of(field) > u64::from(point_step)) {
        Some(field) => Err(CloudFault::FieldBeyondPoint { name: field.name.clone(), end: end_of(field), point_step }),
        None => Ok(()),
    }
}

struct CloudSize {
    width: usize,
    height: usize,
    point_step: usize,
    row_step: usize,
}

/// Sizes of a cloud with points, checked against the bytes there are.
fn cloud_size(width: u32, height: u32, point_step: u32, row_step: u32, found: usize) -> Result<CloudSize, CloudFault> {
    let row_bytes = u64::from(width) * u64::from(point_step);
    let row_step = match u64::from(row_step) {
        0 => row_bytes,
        larger if larger >= row_bytes => larger,
        _ => return Err(CloudFault::RowStepTooSmall { row_step, expected: row_bytes }),
    };
    // The last row may end where its last point ends.
    let expected = u64::from(height - 1).checked_mul(row_step).and_then(|rows| rows.checked_add(row_bytes));
    let Some(expected) = expected.and_then(|bytes| usize::try_from(bytes).ok()) else {
        return Err(CloudFault::SizeOverflow { width, height, point_step });
    };
    if found < expected {
        return Err(CloudFault::DataTooShort { found, expected, width, height, point_step });
    }
    let [width, height, point_step] = [width, height, point_step].map(|size| size as usize);
    // Fits: it is at most the length of the data, but for a single row, of which it is never used as a stride.
    let row_step = usize::try_from(row_step).unwrap_or(found);
    Ok(CloudSize { width, height, point_step, row_step })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, offset: u32, datatype: u8, count: u32) -> PointField {
        PointField { name: name.into(), offset, datatype, count }
    }

    fn xyz() -> Vec<PointField> {
        vec![field("x", 0, 7, 1), field("y", 4, 7, 1), field("z", 8, 7, 1)]
    }

    fn cloud(fields: Vec<PointField>, width: u32, height: u32, point_step: u32) -> PointCloud2 {
        let data = vec![0; (width * height * point_step) as usize];
        PointCloud2 { height, width, fields, point_step, row_step: width * point_step, data, ..Default::default() }
    }

    /// Driver, point_step, and name, offset and datatype of each field.
    type DriverLayout = (&'static str, u32, Vec<(&'static str, u32, u8)>);

    /// Every driver layout of the field's common drivers, packed and aligned ones.
    fn driver_layouts() -> Vec<DriverLayout> {
        vec![
            (
                "velodyne",
                22,
                vec![("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("intensity", 12, 7), ("ring", 16, 4), ("time", 18, 7)],
            ),
            (
                "ouster",
                48,
                vec![
                    ("x", 0, 7),
                    ("y", 4, 7),
                    ("z", 8, 7),
                    ("intensity", 16, 7),
                    ("t", 20, 6),
                    ("reflectivity", 24, 4),
                    ("ring", 26, 4),
                    ("ambient", 28, 4),
                    ("range", 32, 6),
                ],
            ),
            (
                "hesai",
                26,
                vec![
                    ("x", 0, 7),
                    ("y", 4, 7),
                    ("z", 8, 7),
                    ("intensity", 12, 7),
                    ("ring", 16, 4),
                    ("timestamp", 18, 8),
                ],
            ),
            ("robosense", 16, vec![("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("intensity", 12, 7)]),
            (
                "livox",
                26,
                vec![
                    ("x", 0, 7),
                    ("y", 4, 7),
                    ("z", 8, 7),
                    ("intensity", 12, 7),
                    ("tag", 16, 2),
                    ("line", 17, 2),
                    ("timestamp", 18, 8),
                ],
            ),
            (
                "autoware",
                16,
                vec![
                    ("x", 0, 7),
                    ("y", 4, 7),
                    ("z", 8, 7),
                    ("intensity", 12, 2),
                    ("return_type", 13, 2),
                    ("channel", 14, 4),
                ],
            ),
            (
                "shuffled doubles",
                40,
                vec![("z", 16, 8), ("ring", 2, 4), ("x", 32, 8), ("intensity", 0, 4), ("y", 8, 8)],
            ),
        ]
    }

    #[test]
    fn every_driver_layout_is_a_cloud() {
        for (driver, point_step, fields) in driver_layouts() {
            let names: Vec<_> = fields.iter().map(|f| f.0).collect();
            let fields = fields.into_iter().map(|(name, offset, datatype)| field(name, offset, datatype, 1)).collect();
            let raw = RawCloud::try_from(cloud(fields, 5, 3, point_step)).expect(driver);
            assert_eq!(
                (raw.num_points(), raw.point_step, raw.row_step),
                (15, point_step as usize, 5 * point_step as usize)
            );
            assert!(raw.layout.fields.iter().map(|f| f.name.as_str()).eq(names));
        }
    }

    #[test]
    fn a_row_step_of_zero_is_resolved_and_a_larger_one_kept() {
        let mut message = cloud(xyz(), 4, 2, 12);
        message.row_step = 0;
        assert_eq!(RawCloud::try_from(message.clone()).unwrap().row_step, 48);
        message.row_step = 64;
        // The last row ends with its last point: 64 + 48 bytes.
        message.data = vec![0; 112];
        assert_eq!(RawCloud::try_from(message.clone()).unwrap().row_step, 64);
        message.data.pop();
        let expected = CloudFault::DataTooShort { found: 111, expected: 112, width: 4, height: 2, point_step: 12 };
        assert_eq!(RawCloud::try_from(message).unwrap_err(), expected);
    }

    #[test]
    fn the_points_are_taken_and_not_copied() {
        let message = cloud(xyz(), 1000, 1, 12);
        let before = message.data.as_ptr();
        assert_eq!(RawCloud::try_from(message).unwrap().bytes.as_ptr(), before);
    }

    #[test]
    fn each_fault_is_told_apart() {
        let fault = |change: &dyn Fn(&mut PointCloud2)| {
            let mut message = cloud(xyz(), 4, 1, 12);
            change(&mut message);
            RawCloud::try_from(message).unwrap_err()
        };
        assert!(matches!(fault(&|m| m.point_step = 0), CloudFault::ZeroPointStep { width: 4, height: 1 }));
        assert!(matches!(fault(&|m| m.row_step = 47), CloudFault::RowStepTooSmall { row_step: 47, expected: 48 }));
        assert!(matches!(fault(&|m| m.data.truncate(47)), CloudFault::DataTooShort { found: 47, expected: 48, .. }));
        assert!(matches!(
            fault(&|m| m.fields[2].name = "Z".into()),
            CloudFault::MissingCoordinate { missing: 'z', .. }
        ));
        assert!(matches!(fault(&|m| m.fields[1].datatype = 9), CloudFault::UnknownDatatype { found: 9, .. }));
        assert!(matches!(fault(&|m| m.fields[1].datatype = 0), CloudFault::UnknownDatatype { found: 0, .. }));
        assert!(matches!(fault(&|m| m.fields[1].offset = 3), CloudFault::OverlappingFields { from: 3, to: 4, .. }));
        assert!(matches!(fault(&|m| m.fields[2].offset = 9), CloudFault::FieldBeyondPoint { end: 13, .. }));
        assert!(matches!(fault(&|m| m.fields[2].count = u32::MAX), CloudFault::FieldBeyondPoint { .. }));
        assert!(matches!(fault(&|m| m.fields.push(field("x", 12, 7, 1))), CloudFault::DuplicateField { .. }));
        let huge =
            |m: &mut PointCloud2| (m.width, m.height, m.point_step, m.row_step) = (u32::MAX, u32::MAX, u32::MAX, 0);
        assert!(matches!(fault(&huge), CloudFault::SizeOverflow { .. }));
    }

    #[test]
    fn counts_of_several_values_and_of_zero_are_read_as_what_they_mean() {
        let mut fields = xyz();
        fields.push(field("normal", 12, 7, 3));
        fields.push(field("intensity", 24, 7, 0));
        let raw = RawCloud::try_from(cloud(fields, 2, 1, 28)).unwrap();
        assert_eq!(raw.layout.field("normal").unwrap().count, 3);
        assert_eq!(raw.layout.field("intensity").unwrap().count, 1);
    }

    #[test]
    fn colours_that_share_bytes_are_no_fault() {
        let mut fields = xyz();
        fields.push(field("rgb", 12, 7, 1));
        fields.push(field("rgba", 12, 6, 1));
        assert!(RawCloud::try_from(cloud(fields, 2, 1, 16)).is_ok());
    }

    #[test]
    fn a_cloud_without_points_is_a_cloud_even_without_fields() {
        let raw = RawCloud::try_from(PointCloud2::default()).unwrap();
        assert_eq!((raw.num_points(), raw.layout.fields.len()), (0, 3));
        let mut driver = cloud(xyz(), 0, 1, 12);
        driver.data = vec![1, 2, 3];
        let raw = RawCloud::try_from(driver).unwrap();
        assert!(raw.num_points() == 0 && raw.bytes.is_empty());
        let labels_only = cloud(vec![field("label", 0, 4, 1)], 0, 1, 2);
        assert!(matches!(RawCloud::try_from(labels_only), Err(CloudFault::MissingCoordinate { missing: 'x', .. })));
    }
}
