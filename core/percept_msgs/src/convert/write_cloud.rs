//! `PointCloud` and `PointLabels` to `PointCloud2`, and labels back.

use super::CloudFault;
use crate::MsgError;
use crate::sensor_msgs::{PointCloud2, PointField};
use crate::std_msgs::Header;
use percept_types::{FieldType, PointCloud, PointLabels, RawCloud};

/// Colour of a class for the `rgb` field of a labelled cloud, by its number.
pub type LabelColor = fn(u16) -> [u8; 3];

/// A field under construction: name, datatype, and the column of the cloud that fills it.
struct Column<'a> {
    name: &'a str,
    datatype: u8,
    source: Source<'a>,
}

enum Source<'a> {
    /// A column of the cloud.
    Channel(usize),
    /// A number a point.
    Numbers(&'a [u16]),
    /// A colour a point, by its class.
    Colors(&'a [u16], LabelColor),
}

impl PointCloud2 {
    /// A cloud as Velodyne's driver lays it out, packed: every channel FLOAT32 in its order, but `ring` UINT16.
    ///
    /// x, y, z, intensity gives 16 bytes a point; with ring and time it is the driver's XYZIRT of 22.
    ///
    /// # Errors
    /// [`MsgError::CloudTooLarge`] beyond 32-bit sizes.
    pub fn from_cloud(cloud: &PointCloud, header: Header) -> Result<Self, MsgError> {
        write_columns(cloud, &cloud_columns(cloud), header)
    }

    /// A cloud with the class and instance of each point behind its channels (`label` and `instance` UINT16), and
    /// `rgb` FLOAT32 whose bytes are 0x00RRGGBB, as RViz reads it.
    ///
    /// # Errors
    /// Where there is not one label a point, or beyond 32-bit sizes.
    pub fn from_labelled_cloud(
        cloud: &PointCloud,
        labels: &PointLabels,
        color_of: LabelColor,
        header: Header,
    ) -> Result<Self, MsgError> {
        for (what, found) in [("classes", labels.class_ids.len()), ("instances", labels.instance_ids.len())] {
            if found != cloud.len() {
                return Err(MsgError::CountMismatch { what, found, expected: cloud.len() });
            }
        }
        let mut columns = cloud_columns(cloud);
        let numbers = |name, numbers| Column { name, datatype: PointField::UINT16, source: Source::Numbers(numbers) };
        columns.push(numbers("label", &labels.class_ids));
        columns.push(numbers("instance", &labels.instance_ids));
        let source = Source::Colors(&labels.class_ids, color_of);
        columns.push(Column { name: "rgb", datatype: PointField::FLOAT32, source });
        write_columns(cloud, &columns, header)
    }

    /// The labels of a cloud's points, in their order, from the fields `label` and, where there is one, `instance`.
    ///
    /// # Errors
    /// [`MsgError::Cloud`] where there is no `label` of an unsigned type, or one is above 65535.
    pub fn labels_of(cloud: &RawCloud) -> Result<PointLabels, MsgError> {
        let class_ids = read_numbers(cloud, "label")?;
        let instance_ids = match cloud.layout.field("instance") {
            Some(_) => read_numbers(cloud, "instance")?,
            None => vec![0; class_ids.len()],
        };
        Ok(PointLabels { class_ids, instance_ids })
    }
}

fn cloud_columns(cloud: &PointCloud) -> Vec<Column<'_>> {
    let channels = cloud.layout().channels.iter().enumerate();
    channels
        .map(|(index, name)| {
            let datatype = if name == "ring" { PointField::UINT16 } else { PointField::FLOAT32 };
            Column { name, datatype, source: Source::Channel(index) }
        })
        .collect()
}

fn write_columns(cloud: &PointCloud, columns: &[Column<'_>], header: Header) -> Result<PointCloud2, MsgError> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut offset = 0;
    for column in columns {
        fields.push(PointField { name: column.name.to_owned(), offset, datatype: column.datatype, count: 1 });
        offset += if column.datatype == PointField::UINT16 { 2 } else { 4 };
    }
    let (points, point_step) = (cloud.len(), offset as usize);
    let sizes = (u32::try_from(points).ok(), points.checked_mul(point_step).and_then(|b| u32::try_from(b).ok()));
    let (Some(width), Some(row_step)) = sizes else {
        return Err(MsgError::CloudTooLarge { points, point_step });
    };
    let mut data = Vec::with_capacity(row_step as usize);
    for (index, point) in cloud.points().enumerate() {
        for column in columns {
            column.source.write(index, point, column.datatype, &mut data);
        }
    }
    let is_dense = cloud.values().iter().all(|value| value.is_finite());
    Ok(PointCloud2 {
        header,
        height: 1,
        width,
        fields,
        is_bigendian: false,
        point_step: offset,
        row_step,
        data,
        is_dense,
    })
}

impl Source<'_> {
    fn write(&self, index: usize, point: &[f32], datatype: u8, data: &mut Vec<u8>) {
        let number = |numbers: &[u16]| numbers.get(index).copied().unwrap_or_default();
        match self {
            Self::Channel(column) if datatype == PointField::UINT16 => {
                // Rings are small whole numbers; the cast saturates and turns NaN to 0.
                data.extend((point[*column].round() as u16).to_le_bytes());
            }
            Self::Channel(column) => data.extend(point[*column].to_le_bytes()),
            Self::Numbers(numbers) => data.extend(number(numbers).to_le_bytes()),
            Self::Colors(numbers, color_of) => {
                let [red, green, blue] = color_of(number(numbers));
                data.extend([blue, green, red, 0]);
            }
        }
    }
}

fn read_numbers(cloud: &RawCloud, channel: &'static str) -> Result<Vec<u16>, MsgError> {
    let missing = || CloudFault::MissingLabels {
        missing: channel,
        found: cloud.layout.fields.iter().map(|field| field.name.clone()).collect(),
    };
    let field = cloud.layout.field(channel).ok_or_else(missing)?;
    if !matches!(field.datatype, FieldType::U8 | FieldType::U16 | FieldType::U32) {
        return Err(missing().into());
    }
    let size = field.datatype.size_bytes();
    let mut numbers = Vec::with_capacity(cloud.num_points());
    for row in 0..cloud.height {
        for column in 0..cloud.width {
            let start = row * cloud.row_step + column * cloud.point_step + field.offset;
            // Within the bytes by RawCloud's guarantee; a value that is not reads as 0.
            let bytes = cloud.bytes.get(start..start + size).unwrap_or_default();
            let fold = |number: u32, byte: &u8| number << 8 | u32::from(*byte);
            let found = if cloud.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) };
            let too_large = |_| CloudFault::LabelTooLarge { channel, point: numbers.len(), found };
            numbers.push(u16::try_from(found).map_err(too_large)?);
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use percept_types::PointLayout;

    #[test]
    fn a_cloud_with_ring_and_time_has_velodynes_layout() {
        let layout = PointLayout::xyz_and(&["intensity", "ring", "time"]);
        let cloud = PointCloud::new(layout, vec![1.0, 2.0, 3.0, 0.5, 17.0, -0.01]).unwrap();
        let message = PointCloud2::from_cloud(&cloud, Header::default()).unwrap();
        let offsets: Vec<_> = message.fields.iter().map(|f| (f.name.as_str(), f.offset, f.datatype)).collect();
        let expected = [("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("intensity", 12, 7), ("ring", 16, 4), ("time", 18, 7)];
        assert_eq!(offsets, expected);
        assert_eq!((message.point_step, message.row_step, message.is_dense), (22, 22, true));
        assert_eq!(message.data[16..18], [17, 0]);
        assert!(RawCloud::try_from(PointCloud2::decode(&message.encode()).unwrap()).is_ok());
    }

    #[test]
    fn labels_survive_the_message_in_order_and_are_coloured() {
        let cloud = PointCloud::new(PointLayout::xyzi(), (0..12).map(|v| v as f32).collect()).unwrap();
        let labels = PointLabels { class_ids: vec![10, 252, 0], instance_ids: vec![1, 65535, 0] };
        let color_of: LabelColor = |class| [class as u8, 1, 2];
        let message = PointCloud2::from_labelled_cloud(&cloud, &labels, color_of, Header::default()).unwrap();
        assert_eq!(message.point_step, 24);
        assert_eq!(message.data[20..24], [2, 1, 10, 0], "0x00RRGGBB, little-endian");
        let raw = RawCloud::try_from(message).unwrap();
        assert_eq!(PointCloud2::labels_of(&raw).unwrap(), labels);
    }

    #[test]
    fn labels_that_do_not_fit_the_points_are_refused() {
        let cloud = PointCloud::new(PointLayout::xyzi(), vec![0.0; 8]).unwrap();
        let labels = PointLabels { class_ids: vec![1], instance_ids: vec![1] };
        let error = PointCloud2::from_labelled_cloud(&cloud, &labels, |_| [0; 3], Header::default()).unwrap_err();
        assert_eq!(error, MsgError::CountMismatch { what: "classes", found: 1, expected: 2 });
    }

    #[test]
    fn a_cloud_without_labels_has_none() {
        let cloud = PointCloud::new(PointLayout::xyzi(), vec![0.0; 8]).unwrap();
        let raw = RawCloud::try_from(PointCloud2::from_cloud(&cloud, Header::default()).unwrap()).unwrap();
        let error = PointCloud2::labels_of(&raw).unwrap_err();
        assert!(matches!(error, MsgError::Cloud(CloudFault::MissingLabels { missing: "label", .. })));
    }

    #[test]
    fn a_cloud_with_nan_is_not_dense() {
        let cloud = PointCloud::new(PointLayout::xyzi(), vec![f32::NAN, 0.0, 0.0, 0.0]).unwrap();
        assert!(!PointCloud2::from_cloud(&cloud, Header::default()).unwrap().is_dense);
    }
}
