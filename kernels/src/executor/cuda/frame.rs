//! A whole frame on a device: the message's bytes in, boxes out, one synchronisation.
//!
//! ```text
//! bytes ─decode_points─► points ─voxelize─► indices ─decorate─► rows ─network─► predictions ─box_decode, nms─► rows
//!   └ host to device                                                        device to host: counts, samples, boxes ┘
//! ```
//! Everything between the two copies is one graph.

use bytemuck::{Pod, Zeroable};
use percept_types::RawCloud;

use super::CudaNetwork;
use crate::box_decode::{BoxDecodeSettings, BoxDecodeSpec, CudaBoxDecoder, DecodeCounts, DetectionRow};
use crate::cuda::{Buffer, CudaDevice, Program};
use crate::decode_points::Channel;
use crate::decode_points::cuda::{CudaCloud, Motion};
use crate::error::KernelError;
use crate::executor::cpu::Keep;
use crate::parameters::ParameterMap;
use crate::pillar_decorate::{Decoration, PillarsOnDevice};
use crate::plan::Plan;
use crate::voxelize::VoxelizeSpec;
use crate::voxelize::cuda::{CudaVoxelizer, VoxelizeTallies};

/// Values of a point: x, y, z, intensity.
const POINT_FEATURES: usize = 4;
/// Points of which the host is told, for statistics of the input.
const MAX_SAMPLES: usize = 4096;
/// Boxes that come with the counts; further ones are fetched in a second copy.
const ROWS_AT_ONCE: usize = 512;
/// Room for points at first; it grows with the clouds.
const FIRST_POINTS: usize = 1 << 17;
/// Room for points at most: what comes after is left out and counted.
const MAX_POINTS: usize = 1 << 22;

/// Counts, samples and rows in one buffer, so that one copy brings them.
const COUNTS_BYTES: usize = 64;
const SAMPLES_BYTES: usize = MAX_SAMPLES * POINT_FEATURES * size_of::<f32>();

/// What the device counts in a frame.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct FrameCounts {
    /// Of voxelization; points that are not finite are counted out of range as well.
    pub voxelize: VoxelizeTallies,
    /// Points dropped because a value was not finite.
    pub not_finite: u32,
    /// Of decoding.
    pub decode: DecodeCounts,
    unused: [u32; 4],
}

/// What a frame is made of, beside the network.
#[derive(Clone, Debug)]
pub struct FrameSpec {
    /// Points to pillars.
    pub voxelize: VoxelizeSpec,
    /// Pillars to decorated points.
    pub decoration: Decoration,
    /// Predictions to boxes.
    pub boxes: BoxDecodeSpec,
    /// Names of the network's outputs: class logits, box codes, direction logits.
    pub outputs: [&'static str; 3],
}

/// What came out of a frame.
#[derive(Clone, Debug, Default)]
pub struct FrameResult {
    /// Counts.
    pub counts: FrameCounts,
    /// Points of the message that there was no room for.
    pub points_beyond: usize,
    /// Every `sample_stride`-th point (x, y, z, intensity); x is NaN where a point is not finite.
    pub samples: Vec<f32>,
    /// Points a sample stands for.
    pub sample_stride: usize,
    /// Boxes kept, list after list.
    pub rows: Vec<DetectionRow>,
}

/// A detector's frame on a device.
#[derive(Debug)]
pub struct CudaFrame {
    device: CudaDevice,
    spec: FrameSpec,
    network: CudaNetwork,
    decoder: CudaBoxDecoder,
    report: Buffer,
    /// What the copy back needs on the host, kept from frame to frame.
    landed: Vec<u8>,
    stage: Stage,
}

/// What depends on the room for points.
#[derive(Debug)]
struct Stage {
    max_points: usize,
    cloud: CudaCloud,
    /// Read by the launches of `program`.
    _voxelizer: CudaVoxelizer,
    decorated: Buffer,
    program: Program,
}

impl CudaFrame {
    /// Compiles the network, plans all memory and captures the frame.
    ///
    /// # Errors
    /// What the parts refuse; memory that is not there.
    pub fn new(
        device: &CudaDevice,
        plan: &Plan,
        parameters: &ParameterMap,
        spec: FrameSpec,
    ) -> Result<Self, KernelError> {
        let network = CudaNetwork::compile(device, plan, parameters, Keep::Outputs, spec.voxelize.max_voxels)?;
        let decoder = CudaBoxDecoder::new(device, &spec.boxes)?;
        let row_bytes = size_of::<DetectionRow>();
        let report = device.allocate::<u8>(COUNTS_BYTES + SAMPLES_BYTES + decoder.max_rows() * row_bytes)?;
        let rows_at_once = ROWS_AT_ONCE.min(decoder.max_rows());
        let landed = vec![0; COUNTS_BYTES + SAMPLES_BYTES + rows_at_once * row_bytes];
        let stage = Stage::new(device, &spec, (&network, &decoder, &report), FIRST_POINTS)?;
        Ok(Self { device: device.clone(), spec, network, decoder, report, landed, stage })
    }

    /// The network, for whoever looks at its outputs.
    pub fn network(&self) -> &CudaNetwork {
        &self.network
    }

    /// The first `len` values of the last frame's decorated points (R, D), pillar by pillar.
    ///
    /// # Errors
    /// More values than there is room for; what the driver says.
    pub fn decorated(&self, len: usize) -> Result<Vec<f32>, KernelError> {
        Ok(self.stage.decorated.values(len)?)
    }

    /// Anchor of a candidate of the last frame.
    ///
    /// # Errors
    /// As [`CudaBoxDecoder::anchor_of`].
    pub fn anchor_of(&self, rank: usize) -> Result<usize, KernelError> {
        self.decoder.anchor_of(rank)
    }

    /// Settings of the frames that follow.
    ///
    /// # Errors
    /// As [`CudaBoxDecoder::apply`].
    pub fn apply(&self, settings: &BoxDecodeSettings) -> Result<(), KernelError> {
        self.decoder.apply(settings)
    }

    /// Runs one frame and waits for it.
    ///
    /// # Errors
    /// A cloud without a channel that must be there; what the driver says.
    pub fn run(
        &mut self,
        raw: &RawCloud,
        channels: &[Channel],
        motion: Option<&Motion>,
    ) -> Result<FrameResult, KernelError> {
        self.make_room(raw.num_points())?;
        let points_beyond = self.stage.cloud.upload(raw, channels, motion)?;
        self.report.upload(&[0_u8; COUNTS_BYTES])?;
        self.stage.program.run()?;
        self.report.download(0, &mut self.landed)?;
        let counts: FrameCounts = bytemuck::pod_read_unaligned(&self.landed[..COUNTS_BYTES]);
        let num_points = raw.num_points() - points_beyond;
        let sample_stride = num_points.div_ceil(MAX_SAMPLES).max(1);
        let num_samples = num_points.div_ceil(sample_stride);
        let samples = &self.landed[COUNTS_BYTES..][..num_samples * POINT_FEATURES * size_of::<f32>()];
        let samples = samples.chunks_exact(size_of::<f32>()).map(bytemuck::pod_read_unaligned).collect();
        let num_rows = counts.decode.num_rows as usize;
        let first = self.landed[COUNTS_BYTES + SAMPLES_BYTES..].chunks_exact(size_of::<DetectionRow>());
        let mut rows: Vec<DetectionRow> = first.take(num_rows).map(bytemuck::pod_read_unaligned).collect();
        if num_rows > rows.len() {
            let had = rows.len();
            rows.resize(num_rows, DetectionRow::default());
            let offset = COUNTS_BYTES + SAMPLES_BYTES + had * size_of::<DetectionRow>();
            self.report.download(offset, &mut rows[had..])?;
        }
        Ok(FrameResult { counts, points_beyond, samples, sample_stride, rows })
    }

    /// More room where a cloud needs it: buffers grow, and the frame is captured anew.
    fn make_room(&mut self, num_points: usize) -> Result<(), KernelError> {
        let wanted = num_points.min(MAX_POINTS);
        if wanted > self.stage.max_points {
            let parts = (&self.network, &self.decoder, &self.report);
            self.stage = Stage::new(&self.device, &self.spec, parts, wanted.next_power_of_two())?;
        }
        Ok(())
    }
}

impl Stage {
    fn new(
        device: &CudaDevice,
        spec: &FrameSpec,
        (network, decoder, report): (&CudaNetwork, &CudaBoxDecoder, &Buffer),
        max_points: usize,
    ) -> Result<Self, KernelError> {
        let cloud = CudaCloud::new(device, POINT_FEATURES - 3, max_points)?;
        let voxelizer = CudaVoxelizer::new(device, &spec.voxelize, POINT_FEATURES, max_points)?;
        let decorated = device.allocate::<f32>(max_points * spec.decoration.columns.len())?;
        let place = |offset| (report, offset);
        let num_pillars = place(std::mem::offset_of!(VoxelizeTallies, num_voxels));
        let (cells, offsets) = (&voxelizer.cell_of_voxel, &voxelizer.offsets);
        let mut launches = vec![
            cloud.decode(place(std::mem::offset_of!(FrameCounts, not_finite))),
            cloud.sample(place(COUNTS_BYTES), MAX_SAMPLES),
        ];
        launches.extend(voxelizer.launches(&cloud.points, cloud.num_points(), place(0)));
        let pillars = PillarsOnDevice { decorated: &decorated, offsets, cells, num_pillars };
        let points = (&cloud.points, &voxelizer.point_indices);
        launches.push(spec.decoration.launch(points, &pillars, voxelizer.max_voxels()));
        launches.extend(network.launches(&pillars));
        let [cls, boxes, dir] = spec.outputs.map(|name| network.output(name));
        let counts = place(std::mem::offset_of!(FrameCounts, decode));
        launches.extend(decoder.launches([cls?, boxes?, dir?], counts, place(COUNTS_BYTES + SAMPLES_BYTES)));
        let program = device.program(launches)?;
        Ok(Self { max_points, cloud, _voxelizer: voxelizer, decorated, program })
    }
}
