//! Every driver's layout, the edge set, and fast against plain.

use super::*;
use percept_types::{RawField, RawLayout};

use FieldType::{F32, F64, I8, I16, I32, U8, U16, U32};

type Layout = (&'static str, &'static [(&'static str, usize, FieldType)], usize);

/// Names, offsets and steps as drivers write them.
const DRIVERS: [Layout; 8] = [
    (
        "velodyne",
        &[("x", 0, F32), ("y", 4, F32), ("z", 8, F32), ("intensity", 12, F32), ("ring", 16, U16), ("time", 18, F32)],
        22,
    ),
    (
        "ouster",
        &[
            ("x", 0, F32),
            ("y", 4, F32),
            ("z", 8, F32),
            ("intensity", 16, F32),
            ("t", 20, U32),
            ("reflectivity", 24, U16),
            ("ring", 26, U16),
            ("ambient", 28, U16),
            ("range", 32, U32),
        ],
        48,
    ),
    (
        "hesai",
        &[
            ("x", 0, F32),
            ("y", 4, F32),
            ("z", 8, F32),
            ("intensity", 12, F32),
            ("ring", 16, U16),
            ("timestamp", 18, F64),
        ],
        26,
    ),
    ("robosense", &[("x", 0, F32), ("y", 4, F32), ("z", 8, F32), ("intensity", 12, F32)], 16),
    (
        "livox",
        &[
            ("x", 0, F32),
            ("y", 4, F32),
            ("z", 8, F32),
            ("intensity", 12, F32),
            ("tag", 16, U8),
            ("line", 17, U8),
            ("timestamp", 18, F64),
        ],
        26,
    ),
    (
        "autoware_xyzirc",
        &[
            ("x", 0, F32),
            ("y", 4, F32),
            ("z", 8, F32),
            ("intensity", 12, U8),
            ("return_type", 13, U8),
            ("channel", 14, U16),
        ],
        16,
    ),
    (
        "nebula_xyzircaedt",
        &[
            ("x", 0, F32),
            ("y", 4, F32),
            ("z", 8, F32),
            ("intensity", 12, U8),
            ("return_type", 13, U8),
            ("channel", 14, U16),
            ("azimuth", 16, F32),
            ("elevation", 20, F32),
            ("distance", 24, F32),
            ("time_stamp", 28, U32),
        ],
        32,
    ),
    (
        "out_of_order_unaligned",
        &[("intensity", 1, U16), ("z", 3, F64), ("time", 11, I32), ("x", 15, F64), ("y", 23, F32), ("odd", 27, I8)],
        29,
    ),
];

/// The value of field `field` of point `point`: exact in every type.
fn value_of(point: usize, field: usize) -> i32 {
    ((point * 7 + field * 13) % 100) as i32
}

fn encode(value: i32, datatype: FieldType, big_endian: bool) -> Vec<u8> {
    let mut bytes = match datatype {
        I8 => (value as i8).to_le_bytes().to_vec(),
        U8 => (value as u8).to_le_bytes().to_vec(),
        I16 => (value as i16).to_le_bytes().to_vec(),
        U16 => (value as u16).to_le_bytes().to_vec(),
        I32 => value.to_le_bytes().to_vec(),
        U32 => (value as u32).to_le_bytes().to_vec(),
        F32 => (value as f32).to_le_bytes().to_vec(),
        F64 => f64::from(value).to_le_bytes().to_vec(),
    };
    if big_endian {
        bytes.reverse();
    }
    bytes
}

/// A cloud of `height` rows of `width` points, `padding` bytes after each row, filled with 0xff in between.
fn cloud(
    fields: &[(&str, usize, FieldType)],
    point_step: usize,
    size: [usize; 2],
    padding: usize,
    big: bool,
) -> RawCloud {
    let [height, width] = size;
    let row_step = width * point_step + padding;
    let mut bytes = vec![0xff; height * row_step];
    for point in 0..height * width {
        let start = point / width * row_step + point % width * point_step;
        for (index, (_, offset, datatype)) in fields.iter().enumerate() {
            let value = encode(value_of(point, index), *datatype, big);
            bytes[start + offset..start + offset + value.len()].copy_from_slice(&value);
        }
    }
    let field = |(name, offset, datatype): &(&str, usize, FieldType)| RawField {
        name: (*name).to_owned(),
        offset: *offset,
        datatype: *datatype,
        count: 1,
    };
    let layout = RawLayout { fields: fields.iter().map(field).collect() };
    RawCloud { bytes, layout, width, height, point_step, row_step, big_endian: big }
}

/// Both versions, equal; the fast one with a used buffer.
fn decode(raw: &RawCloud, channels: &[Channel]) -> DecodedPoints {
    let plain = cpu::decode_points(raw, channels).unwrap();
    assert_eq!(decode_points(raw, channels, vec![f32::NAN; 7]).unwrap(), plain);
    plain
}

#[test]
fn every_driver_layout_is_decoded_by_name_in_either_byte_order_with_and_without_row_padding() {
    for (driver, fields, step) in DRIVERS {
        let column = |name: &str| fields.iter().position(|(field, ..)| *field == name).unwrap();
        for (size, padding) in [([1, 11], 0), ([3, 5], 0), ([3, 5], 9)] {
            for big_endian in [false, true] {
                let raw = cloud(fields, step, size, padding, big_endian);
                let decoded = decode(&raw, &[Channel::required("intensity")]);
                assert_eq!((decoded.cloud.len(), decoded.not_finite), (size[0] * size[1], 0), "{driver}");
                for (point, row) in decoded.cloud.points().enumerate() {
                    let expected = ["x", "y", "z", "intensity"].map(|name| value_of(point, column(name)) as f32);
                    assert_eq!(row, expected, "{driver} {size:?} {padding} {big_endian}");
                }
            }
        }
    }
}

#[test]
fn every_datatype_of_the_further_channel_is_decoded_in_one_pass_and_column_by_column() {
    for datatype in [I8, U8, I16, U16, I32, U32, F32, F64] {
        let fields = [("x", 0, F32), ("y", 4, F32), ("z", 8, F32), ("value", 13, datatype), ("other", 24, datatype)];
        for big_endian in [false, true] {
            let raw = cloud(&fields, 33, [2, 3], 1, big_endian);
            let one = decode(&raw, &[Channel::required("value")]);
            assert_eq!(one.cloud.points().nth(4).unwrap()[3], value_of(4, 3) as f32);
            let two = decode(&raw, &[Channel::required("value"), Channel::required("other")]);
            assert_eq!(two.cloud.points().nth(4).unwrap()[3..], [value_of(4, 3) as f32, value_of(4, 4) as f32]);
        }
    }
}

#[test]
fn an_empty_cloud_decodes_to_an_empty_cloud() {
    let (_, fields, step) = DRIVERS[0];
    for size in [[1, 0], [0, 0], [0, 5]] {
        let decoded = decode(&cloud(fields, step, size, 0, false), &[Channel::required("intensity")]);
        assert!(decoded.cloud.is_empty());
        assert_eq!(decoded.cloud.layout(), &PointLayout::xyzi());
    }
}

#[test]
fn points_with_nan_or_infinity_are_dropped_and_counted_and_the_rest_keeps_its_order() {
    let (_, fields, step) = DRIVERS[3];
    let mut raw = cloud(fields, step, [1, 6], 0, false);
    raw.bytes[step + 4..step + 8].copy_from_slice(&f32::NAN.to_le_bytes());
    raw.bytes[3 * step + 8..3 * step + 12].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
    raw.bytes[5 * step + 12..5 * step + 16].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let decoded = decode(&raw, &[Channel::required("intensity")]);
    assert_eq!(decoded.not_finite, 3);
    let xs: Vec<f32> = decoded.cloud.points().map(|point| point[0]).collect();
    assert_eq!(xs, [0, 2, 4].map(|point| value_of(point, 0) as f32));
    // What is not asked for does no harm.
    assert_eq!(decode(&raw, &[]).not_finite, 2);
}

#[test]
fn a_cloud_without_points_is_empty_in_every_layout() {
    for (driver, fields, step) in DRIVERS {
        for (size, big_endian) in [([0, 5], false), ([1, 0], false), ([0, 0], true)] {
            let raw = cloud(fields, step, size, 0, big_endian);
            for channels in [vec![], vec![Channel::constant("a", 1.0), Channel::constant("b", 2.0)]] {
                let decoded = decode(&raw, &channels);
                assert_eq!((decoded.cloud.len(), decoded.not_finite), (0, 0), "{driver}");
            }
        }
    }
}

#[test]
fn an_f64_beyond_f32_is_not_finite() {
    let fields = [("x", 0, F64), ("y", 8, F64), ("z", 16, F64)];
    let mut raw = cloud(&fields, 24, [1, 2], 0, false);
    raw.bytes[..8].copy_from_slice(&1e300f64.to_le_bytes());
    assert_eq!(decode(&raw, &[]).not_finite, 1);
}

#[test]
fn a_missing_channel_is_an_error_or_a_constant_as_the_caller_says() {
    let raw = cloud(&[("x", 0, F32), ("y", 4, F32), ("z", 8, F32)], 12, [1, 2], 0, false);
    for error in [
        cpu::decode_points(&raw, &[Channel::required("intensity")]).unwrap_err(),
        decode_points(&raw, &[Channel::required("intensity")], Vec::new()).unwrap_err(),
    ] {
        assert!(matches!(&error, KernelError::MissingChannel { channel, .. } if channel == "intensity"), "{error}");
        assert!(error.to_string().contains("[\"x\", \"y\", \"z\"]"), "{error}");
    }
    let with = |channel| decode(&raw, &[channel]).cloud.points().map(|point| point[3]).collect::<Vec<_>>();
    assert_eq!(with(Channel::optional("intensity", 0.5)), [0.5, 0.5]);
    assert_eq!(with(Channel::constant("x", 0.25)), [0.25, 0.25]);
}

#[test]
fn the_last_point_may_lack_the_padding_after_its_fields() {
    let (_, fields, step) = DRIVERS[1];
    let mut raw = cloud(fields, step, [1, 3], 0, false);
    raw.bytes.truncate(2 * step + 36);
    assert_eq!(decode(&raw, &[Channel::required("reflectivity")]).cloud.len(), 3);
}

#[test]
fn a_description_that_reaches_beyond_its_bytes_is_an_error_whatever_its_numbers() {
    let (_, fields, step) = DRIVERS[3];
    let whole = cloud(fields, step, [2, 3], 0, false);
    let lies: [fn(&mut RawCloud); 6] = [
        |raw| raw.bytes.truncate(90),
        |raw| raw.width = 4,
        |raw| raw.height = usize::MAX,
        |raw| raw.row_step = usize::MAX,
        |raw| raw.point_step = usize::MAX / 2,
        |raw| raw.layout.fields[3].offset = usize::MAX,
    ];
    for lie in lies {
        let mut raw = whole.clone();
        lie(&mut raw);
        assert!(cpu::decode_points(&raw, &[Channel::required("intensity")]).is_err());
        assert!(decode_points(&raw, &[Channel::required("intensity")], Vec::new()).is_err());
    }
}
