//! From an anchor head's predictions to boxes, on a GPU: the best anchors, their boxes, suppression.
//!
//! cls (cells, A K), box (cells, A 7), dir (cells, A 2) f32, channels last -> rows, list after list, best first in each.
//! Rules   class agnostic: one list of the best class of each anchor; per class: one list a class, whose rows the host
//!         puts together.
//! Order   candidates by score, then by anchor; boxes in the lists by score, then by candidate.
//! Limits  at most 4096 candidates and 256 classes.
//! Twin    percept_models' decode.
//! Source  Lang et al., PointPillars, CVPR 2019, sections 2.3 and 4; OpenPCDet and mmdetection3d for the two rules.

use bytemuck::{Pod, Zeroable};

use crate::cuda::{Arguments, Buffer, CudaDevice, DeviceError, Kernel, Launch, blocks};
use crate::error::KernelError;

const PTX: &str = include_str!("box_decode.ptx");
const CANDIDATES: Kernel = Kernel { name: "box_decode_candidates", ptx: PTX };
const CHOOSE: Kernel = Kernel { name: "box_decode_choose", ptx: PTX };
const BOXES: Kernel = Kernel { name: "box_decode_boxes", ptx: PTX };
const LISTS: Kernel = Kernel { name: "box_decode_lists", ptx: PTX };
const NMS_PTX: &str = include_str!("../nms/nms.ptx");
const MASKS: Kernel = Kernel { name: "nms_masks", ptx: NMS_PTX };
const KEEP: Kernel = Kernel { name: "nms_keep", ptx: NMS_PTX };

const THREADS: u32 = 256;
/// Threads of the blocks that sort.
const SORT_THREADS: u32 = 1024;
/// Threads and rows of a tile of masks, columns of a word.
const WORD: usize = 64;
/// Most candidates, as in cuda/sort.cuh.
pub const MAX_CANDIDATES: usize = 4096;
/// Most classes, as in box_decode.cu.
const MAX_CLASSES: usize = 256;
/// Bytes of a box with sine, cosine and class.
const BOX_BYTES: usize = 80;

/// The head whose predictions are decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxDecodeSpec {
    /// Columns of the head's map.
    pub xs_m: Vec<f64>,
    /// Rows of the head's map.
    pub ys_m: Vec<f64>,
    /// Length, width, height and height of the centre of each class's anchor; each stands along x and along y.
    pub anchors: Vec<([f64; 3], f64)>,
    /// Whether each class has its own list.
    pub is_per_class: bool,
    /// Anchors looked at, best first.
    pub max_candidates: usize,
    /// Where the first of the two direction bins begins.
    pub direction_offset_rad: f64,
}

/// What may change from frame to frame.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxDecodeSettings {
    /// Least score of a box, one a class.
    pub score_thresholds: Vec<f32>,
    /// Overlap above which a box falls.
    pub nms_iou_threshold: f64,
    /// Boxes of a frame at most, where there is one list.
    pub max_detections: usize,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct DecodeShape {
    cells: u32,
    width: u32,
    num_classes: u32,
    is_per_class: u32,
    max_candidates: u32,
    cls_pitch: u32,
    box_pitch: u32,
    dir_pitch: u32,
    direction_offset: f64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct SettingsOnDevice {
    iou_threshold: f64,
    max_detections: u32,
    least_logit: f32,
    thresholds: [f32; MAX_CLASSES],
}

/// What decoding counts on the device; zero at the beginning of a frame.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DecodeCounts {
    /// Anchors that may say something.
    pub num_candidates: u32,
    /// Those chosen.
    pub num_chosen: u32,
    not_first_bad_logit: u32,
    not_first_bad_box: u32,
    /// Boxes kept.
    pub num_rows: u32,
}

impl DecodeCounts {
    /// Place, in (A K, H, W), of the first logit that is no number.
    pub fn bad_logit(&self) -> Option<usize> {
        (self.not_first_bad_logit != 0).then_some(!self.not_first_bad_logit as usize)
    }

    /// Rank of the first candidate whose box is no box.
    pub fn bad_box(&self) -> Option<usize> {
        (self.not_first_bad_box != 0).then_some(!self.not_first_bad_box as usize)
    }
}

/// One box kept.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct DetectionRow {
    /// Centre in metres.
    pub center_m: [f64; 3],
    /// Length, width, height in metres.
    pub size_m: [f64; 3],
    /// Heading in radians.
    pub yaw_rad: f64,
    /// Score.
    pub score: f32,
    /// Number among the candidates.
    pub rank: u32,
    /// The class where each has its own list, else 0.
    pub list: u32,
    /// The class.
    pub class_index: u32,
}

/// Predictions on the device: buffer, first byte, channels from a cell to the next.
pub type Prediction<'a> = (&'a Buffer, usize, usize);

/// Buffers between the kernels.
#[derive(Debug)]
pub struct CudaBoxDecoder {
    shape: DecodeShape,
    num_lists: usize,
    settings: Buffer,
    xs: Buffer,
    ys: Buffer,
    sizes: Buffer,
    keys: Buffer,
    anchors: Buffer,
    scores: Buffer,
    boxes: Buffer,
    list_ranks: Buffer,
    list_scores: Buffer,
    list_counts: Buffer,
    masks: Buffer,
}

impl CudaBoxDecoder {
    /// Buffers for a head.
    ///
    /// # Errors
    /// More candidates or classes than the kernels hold; memory that is not there.
    pub fn new(device: &CudaDevice, spec: &BoxDecodeSpec) -> Result<Self, KernelError> {
        let (cells, num_classes) = (spec.xs_m.len() * spec.ys_m.len(), spec.anchors.len());
        limit("max_candidates", spec.max_candidates, MAX_CANDIDATES)?;
        limit("number of classes", num_classes, MAX_CLASSES)?;
        let num_anchors = cells * num_classes * 2;
        limit("number of class logits", num_anchors * num_classes, u32::MAX as usize - 1)?;
        let num_lists = if spec.is_per_class { num_classes } else { 1 };
        let capacity = spec.max_candidates;
        let sizes: Vec<f64> =
            spec.anchors.iter().flat_map(|(size, z)| size.iter().chain([z]).copied().collect::<Vec<_>>()).collect();
        Ok(Self {
            shape: DecodeShape {
                cells: cells as u32,
                width: spec.xs_m.len() as u32,
                num_classes: num_classes as u32,
                is_per_class: u32::from(spec.is_per_class),
                max_candidates: capacity as u32,
                cls_pitch: 0,
                box_pitch: 0,
                dir_pitch: 0,
                direction_offset: spec.direction_offset_rad,
            },
            num_lists,
            settings: device.allocate::<SettingsOnDevice>(1)?,
            xs: device.with_values(&spec.xs_m)?,
            ys: device.with_values(&spec.ys_m)?,
            sizes: device.with_values(&sizes)?,
            keys: device.allocate::<u64>(num_anchors)?,
            anchors: device.allocate::<u32>(capacity)?,
            scores: device.allocate::<f32>(capacity)?,
            boxes: device.allocate::<u8>(capacity * BOX_BYTES)?,
            list_ranks: device.allocate::<u32>(num_lists * capacity)?,
            list_scores: device.allocate::<f32>(num_lists * capacity)?,
            list_counts: device.allocate::<u32>(num_lists)?,
            masks: device.allocate::<u64>(num_lists * capacity * capacity.div_ceil(WORD))?,
        })
    }

    /// Anchor of a candidate of the last frame.
    ///
    /// # Errors
    /// A rank beyond the room for candidates; what the driver says.
    pub fn anchor_of(&self, rank: usize) -> Result<usize, KernelError> {
        let mut anchor = [0_u32];
        self.anchors.download(rank.saturating_mul(size_of::<u32>()), &mut anchor)?;
        Ok(anchor[0] as usize)
    }

    /// Most rows of a frame.
    pub fn max_rows(&self) -> usize {
        self.num_lists * self.shape.max_candidates as usize
    }

    /// Settings of the frames that follow.
    ///
    /// # Errors
    /// Another number of thresholds than classes; what the driver says.
    pub fn apply(&self, settings: &BoxDecodeSettings) -> Result<(), KernelError> {
        let (expected, found) = (self.shape.num_classes as usize, settings.score_thresholds.len());
        crate::conv2d::check_len("score thresholds", expected, found)?;
        let lowest = settings.score_thresholds.iter().copied().fold(1.0, f32::min);
        let mut on_device = SettingsOnDevice {
            iou_threshold: settings.nms_iou_threshold,
            max_detections: u32::try_from(settings.max_detections).unwrap_or(u32::MAX),
            // A little below, as on the CPU; the score decides afterwards.
            least_logit: (lowest / (1.0 - lowest)).ln() - 1e-3,
            thresholds: [0.0; MAX_CLASSES],
        };
        on_device.thresholds[..found].copy_from_slice(&settings.score_thresholds);
        Ok(self.settings.upload(&[on_device])?)
    }

    /// cls, box, dir -> rows at a place of a buffer; counts at another.
    pub(crate) fn launches(
        &self,
        [cls, boxes, dir]: [Prediction<'_>; 3],
        counts: (&Buffer, usize),
        rows: (&Buffer, usize),
    ) -> Vec<Launch> {
        let pitch = |prediction: Prediction<'_>| prediction.2 as u32;
        let shape = DecodeShape { cls_pitch: pitch(cls), box_pitch: pitch(boxes), dir_pitch: pitch(dir), ..self.shape };
        let capacity = shape.max_candidates as usize;
        let anchors = (shape.cells * 2 * shape.num_classes) as usize;
        let new = || Arguments::new().value(shape);
        let counted = |arguments: Arguments| arguments.at(counts.0, counts.1);
        let candidates = new().buffer(&self.settings).at(cls.0, cls.1).buffer(&self.keys);
        let choose = new().buffer(&self.keys).buffer(&self.anchors).buffer(&self.scores);
        let of_boxes = new().at(cls.0, cls.1).at(boxes.0, boxes.1).at(dir.0, dir.1);
        let of_boxes =
            of_boxes.buffer(&self.xs).buffer(&self.ys).buffer(&self.sizes).buffer(&self.anchors).buffer(&self.boxes);
        let lists = new().buffer(&self.settings).at(cls.0, cls.1).buffer(&self.anchors).buffer(&self.scores);
        let lists = lists.buffer(&self.list_ranks).buffer(&self.list_scores).buffer(&self.list_counts);
        let masks = Arguments::new().size(capacity).buffer(&self.settings).buffer(&self.boxes).buffer(&self.list_ranks);
        let masks = masks.buffer(&self.list_counts).buffer(&self.masks);
        // Where each class has its list, all of them are cut to the settings' number together, on the host.
        let keep =
            Arguments::new().size(capacity).size(self.num_lists).value(shape.is_per_class).buffer(&self.settings);
        let keep = keep.buffer(&self.boxes).buffer(&self.list_ranks).buffer(&self.list_scores);
        let keep = keep.buffer(&self.list_counts).buffer(&self.masks).at(rows.0, rows.1);
        let keep = keep.at(counts.0, counts.1 + std::mem::offset_of!(DecodeCounts, num_rows));
        let words = capacity.div_ceil(WORD) as u32;
        vec![
            Launch::line(CANDIDATES, blocks(anchors, THREADS), THREADS, counted(candidates)),
            Launch::line(CHOOSE, 1, SORT_THREADS, counted(choose)),
            Launch::line(BOXES, blocks(capacity, THREADS), THREADS, counted(of_boxes)),
            Launch::line(LISTS, self.num_lists, SORT_THREADS, counted(lists)),
            Launch { kernel: MASKS, grid: [words, words, self.num_lists as u32], block: WORD as u32, arguments: masks },
            Launch::line(KEEP, 1, WORD as u32, keep),
        ]
    }
}

fn limit(what: &str, found: usize, limit: usize) -> Result<(), DeviceError> {
    if found <= limit {
        return Ok(());
    }
    Err(DeviceError::Unsupported { what: what.to_owned(), found, limit })
}
