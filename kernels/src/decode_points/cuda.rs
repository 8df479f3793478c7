//! The launches of decode_points.cu: the message's bytes go to the device as they came.

use bytemuck::{Pod, Zeroable};
use percept_types::RawCloud;

use super::{Channel, Column, num_points, resolve};
use crate::cuda::{Arguments, Buffer, CudaDevice, DeviceError, Kernel, Launch, blocks};
use crate::error::KernelError;

const PTX: &str = include_str!("decode_points.ptx");
const DECODE: Kernel = Kernel { name: "decode_points", ptx: PTX };
const SAMPLE: Kernel = Kernel { name: "decode_points_sample", ptx: PTX };
const THREADS: u32 = 256;
/// As in decode_points.cu.
const MAX_COLUMNS: usize = 8;

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct ColumnArguments {
    offset: u32,
    datatype: u32,
    constant: f32,
    unused: u32,
}

/// One message, as decode_points.cu reads it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct CloudDescription {
    bytes: u64,
    row_step: u64,
    point_step: u64,
    num_points: u32,
    width: u32,
    num_columns: u32,
    is_big_endian: u32,
    is_moved: u32,
    unused: u32,
    columns: [ColumnArguments; MAX_COLUMNS],
    rotation_xyzw: [f64; 4],
    translation_m: [f64; 3],
}

/// The motion of points, as `p -> q p q* + t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motion {
    /// Unit quaternion.
    pub rotation_xyzw: [f64; 4],
    /// Metres.
    pub translation_m: [f64; 3],
}

/// A cloud on a device: bytes and decoded points.
#[derive(Debug)]
pub struct CudaCloud {
    device: CudaDevice,
    max_points: usize,
    num_columns: usize,
    bytes: Buffer,
    description: Buffer,
    /// (N, columns) f32 in order of arrival; a point that is not finite has x = NaN.
    pub points: Buffer,
}

impl CudaCloud {
    /// Room for at most `max_points` points of x, y, z and `num_channels` further values.
    ///
    /// # Errors
    /// More than five channels; memory that is not there.
    pub fn new(device: &CudaDevice, num_channels: usize, max_points: usize) -> Result<Self, KernelError> {
        let num_columns = 3 + num_channels;
        if num_columns > MAX_COLUMNS {
            let what = "number of values of a point".to_owned();
            return Err(DeviceError::Unsupported { what, found: num_columns, limit: MAX_COLUMNS }.into());
        }
        Ok(Self {
            device: device.clone(),
            max_points,
            num_columns,
            bytes: device.allocate::<u8>(1 << 20)?,
            description: device.allocate::<CloudDescription>(1)?,
            points: device.allocate::<f32>(num_columns * max_points)?,
        })
    }

    /// Sends a message; returns how many of its points are beyond the room there is and will be left out, the last
    /// to arrive first.
    ///
    /// # Errors
    /// As `decode_points`; what the driver says.
    pub fn upload(
        &mut self,
        raw: &RawCloud,
        channels: &[Channel],
        motion: Option<&Motion>,
    ) -> Result<usize, KernelError> {
        let found = num_points(raw)?;
        let columns = resolve(raw, channels)?;
        if columns.len() != self.num_columns {
            let what = "values of a point";
            return Err(KernelError::InputMismatch { what, expected: self.num_columns, found: columns.len() });
        }
        if raw.bytes.len() > self.bytes.len_bytes() {
            self.bytes = self.device.allocate::<u8>(raw.bytes.len().next_power_of_two())?;
        }
        let mut description = CloudDescription {
            bytes: self.bytes.address(),
            row_step: raw.row_step as u64,
            point_step: raw.point_step as u64,
            num_points: found.min(self.max_points) as u32,
            width: u32::try_from(raw.width).unwrap_or(u32::MAX).max(1),
            num_columns: columns.len() as u32,
            is_big_endian: u32::from(raw.big_endian),
            is_moved: u32::from(motion.is_some()),
            ..Zeroable::zeroed()
        };
        if let Some(motion) = motion {
            (description.rotation_xyzw, description.translation_m) = (motion.rotation_xyzw, motion.translation_m);
        }
        for (slot, column) in description.columns.iter_mut().zip(columns) {
            match column {
                Column::Constant(constant) => slot.constant = constant,
                Column::Field { offset, datatype } => {
                    (slot.offset, slot.datatype) = (u32::try_from(offset).unwrap_or(u32::MAX), datatype as u32);
                }
            }
        }
        self.bytes.upload(&raw.bytes)?;
        self.description.upload(&[description])?;
        Ok(found - found.min(self.max_points))
    }

    /// Where the number of points lies.
    pub(crate) fn num_points(&self) -> (&Buffer, usize) {
        (&self.description, std::mem::offset_of!(CloudDescription, num_points))
    }

    /// bytes -> points; `not_finite` is the place of a count.
    pub(crate) fn decode(&self, not_finite: (&Buffer, usize)) -> Launch {
        let arguments = Arguments::new().buffer(&self.description).buffer(&self.points);
        let arguments = arguments.at(not_finite.0, not_finite.1);
        Launch::line(DECODE, blocks(self.max_points, THREADS), THREADS, arguments)
    }

    /// Every so many-th point, at most `capacity`, to a place of a buffer.
    pub(crate) fn sample(&self, samples: (&Buffer, usize), capacity: usize) -> Launch {
        let arguments = Arguments::new().buffer(&self.description).buffer(&self.points);
        let arguments = arguments.at(samples.0, samples.1).size(capacity);
        Launch::line(SAMPLE, blocks(capacity, THREADS), THREADS, arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::EmulatedOrder;
    use crate::decode_points::cpu;
    use crate::test_values::values;
    use percept_types::{FieldType, RawField, RawLayout};

    /// A cloud of two rows with padding, its fields out of order and unaligned.
    fn cloud(datatype: FieldType, is_big_endian: bool, gap: usize) -> RawCloud {
        let size = datatype.size_bytes();
        let (width, height) = (7, 2);
        let point_step = 4 * size + gap;
        let row_step = width * point_step + 5;
        let noise = values(datatype as u64 + 10 * gap as u64, 4 * width * height);
        let mut bytes = vec![0; height * row_step];
        for (i, value) in noise.iter().enumerate() {
            let value = if i == 9 { f64::NAN } else { f64::from(*value) * 90.0 };
            let mut raw: Vec<u8> = match datatype {
                FieldType::I8 => (value as i8).to_le_bytes().into(),
                FieldType::U8 => (value as u8).to_le_bytes().into(),
                FieldType::I16 => (value as i16).to_le_bytes().into(),
                FieldType::U16 => (value as u16).to_le_bytes().into(),
                FieldType::I32 => (value as i32).to_le_bytes().into(),
                FieldType::U32 => (value as u32).to_le_bytes().into(),
                FieldType::F32 => (value as f32).to_le_bytes().into(),
                FieldType::F64 => value.to_le_bytes().into(),
            };
            if is_big_endian {
                raw.reverse();
            }
            let (point, column) = (i / 4, i % 4);
            let start = point / width * row_step + point % width * point_step + gap / 2 + column * size;
            bytes[start..start + size].copy_from_slice(&raw);
        }
        let names = ["intensity", "z", "x", "y"].into_iter().enumerate();
        let field = |(i, name): (usize, &str)| RawField {
            name: name.to_owned(),
            offset: gap / 2 + i * size,
            datatype,
            count: 1,
        };
        let layout = RawLayout { fields: names.map(field).collect() };
        RawCloud { bytes, layout, width, height, point_step, row_step, big_endian: is_big_endian }
    }

    /// Finite points, points that are not, points beyond the room.
    fn emulate(
        raw: &RawCloud,
        channels: &[Channel],
        motion: Option<&Motion>,
        max_points: usize,
    ) -> Option<(Vec<f32>, u32, usize)> {
        let device = CudaDevice::for_tests(EmulatedOrder::Forward).unwrap()?;
        let mut cloud = CudaCloud::new(&device, channels.len(), max_points).unwrap();
        let count = device.with_values(&[0_u32; 1]).unwrap();
        let beyond = cloud.upload(raw, channels, motion).unwrap();
        device.program(vec![cloud.decode((&count, 0))]).unwrap().run().unwrap();
        let width = 3 + channels.len();
        let points: Vec<f32> = cloud.points.values(raw.num_points().min(max_points) * width).unwrap();
        let finite = points.chunks_exact(width).filter(|point| !point[0].is_nan()).flatten().copied().collect();
        Some((finite, count.values(1).unwrap()[0], beyond))
    }

    #[test]
    fn every_datatype_endianness_and_padding_decodes_to_the_cpus_bits() {
        use FieldType::{F32, F64, I8, I16, I32, U8, U16, U32};
        for datatype in [I8, U8, I16, U16, I32, U32, F32, F64] {
            for (is_big_endian, gap) in [(false, 0), (false, 4), (false, 3), (true, 0), (true, 7)] {
                let raw = cloud(datatype, is_big_endian, gap);
                let channels = [Channel::required("intensity"), Channel::optional("ring", 3.5)];
                let expected = cpu::decode_points(&raw, &channels).unwrap();
                let Some((points, not_finite, _)) = emulate(&raw, &channels, None, 100) else { return };
                assert_eq!(points, expected.cloud.values(), "{datatype:?} {is_big_endian} {gap}");
                assert_eq!(not_finite as usize, expected.not_finite);
            }
        }
    }

    #[test]
    fn points_beyond_the_room_are_left_out_from_the_last_and_counted() {
        let raw = cloud(FieldType::F32, false, 0);
        let expected = cpu::decode_points(&raw, &[]).unwrap();
        let Some((points, not_finite, beyond)) = emulate(&raw, &[], None, 5) else { return };
        // The third point has a NaN.
        assert_eq!((points.as_slice(), not_finite, beyond), (&expected.cloud.values()[..12], 1, 9));
        let nothing = RawCloud { bytes: Vec::new(), width: 0, height: 0, row_step: 0, ..raw };
        assert_eq!(emulate(&nothing, &[], None, 5), Some((Vec::new(), 0, 0)));
    }

    #[test]
    fn points_move_into_the_frame_of_training_as_on_the_cpu() {
        let t = percept_types::Transform::from_roll_pitch_yaw([0.3, -2.0, 0.11], [0.02, -0.3, 1.7]);
        let motion = Motion { rotation_xyzw: t.quaternion_xyzw(), translation_m: t.translation_m() };
        let raw = cloud(FieldType::F32, false, 0);
        let expected: Vec<f32> = cpu::decode_points(&raw, &[])
            .unwrap()
            .cloud
            .values()
            .chunks_exact(3)
            .flat_map(|p| t.apply([p[0], p[1], p[2]].map(f64::from)).map(|v| v as f32))
            .collect();
        let Some((points, ..)) = emulate(&raw, &[], Some(&motion), 100) else { return };
        assert_eq!(points, expected);
    }
}
