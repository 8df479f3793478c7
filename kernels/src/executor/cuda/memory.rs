//! Where each map lies on the device: one arena, planned by liveness, channels last.
//!
//! A pixel's channels are padded to multiples of 8 (16 bytes of halves). A map that is concatenated is computed among the
//! channels of the concatenation; the canvas keeps its place for the whole frame and beyond, since the next frame clears
//! only what this one wrote. Outputs that nothing reads are f32.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::KernelError;
use crate::executor::cpu::Keep;
use crate::plan::{Op, Plan, ValueId, ValueShape};

/// Alignment of every buffer in the arena.
const ALIGN_BYTES: usize = 256;

/// A multiple of 8 channels.
pub(super) fn padded(channels: usize) -> usize {
    channels.next_multiple_of(8)
}

/// The place of one map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MapPlace {
    /// First byte of its first channel of pixel 0.
    pub start_bytes: usize,
    /// Channels from a pixel to the next.
    pub pitch: usize,
    /// Channels with their padding.
    pub width_channels: usize,
    /// Where each channel of the plan is among them.
    pub channels: Vec<usize>,
    pub height: usize,
    pub width: usize,
    pub is_f32: bool,
}

/// The places of all maps.
#[derive(Debug)]
pub(super) struct DeviceArena {
    places: BTreeMap<ValueId, MapPlace>,
    pub bytes: usize,
}

struct Block {
    owner: ValueId,
    bytes: usize,
    alive: Range<usize>,
}

impl DeviceArena {
    pub fn new(plan: &Plan, keep: Keep) -> Result<Self, KernelError> {
        let channels = channels_of(plan);
        let parents = parents(plan, &channels);
        let alive = lifetimes(plan, keep);
        let mut blocks: BTreeMap<ValueId, Block> = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (index, layer) in plan.layers().iter().enumerate() {
            let ValueShape::Map { height, width, .. } = layer.shape else { continue };
            let value = ValueId(index);
            let (mut owner, mut first) = (value, 0);
            while let Some((parent, offset)) = parents.get(&owner) {
                (owner, first) = (*parent, first + offset);
            }
            let pitch = channels[owner.0].0;
            let is_f32 = is_f32(plan, value);
            let bytes = height * width * pitch * if is_f32 { 4 } else { 2 };
            let block = blocks.entry(owner).or_insert(Block { owner, bytes, alive: alive[index].clone() });
            block.alive = block.alive.start.min(alive[index].start)..block.alive.end.max(alive[index].end);
            let (width_channels, channels) = channels[index].clone();
            let place = MapPlace { start_bytes: 2 * first, pitch, width_channels, channels, height, width, is_f32 };
            places.insert(value, (owner, place));
        }
        let (starts, bytes) = arrange(blocks.into_values().collect());
        let settle = |(value, (owner, mut place)): (ValueId, (ValueId, MapPlace))| {
            place.start_bytes += starts.get(&owner).copied().unwrap_or(0);
            (value, place)
        };
        Ok(Self { places: places.into_iter().map(settle).collect(), bytes })
    }

    /// The place of a map.
    pub fn place(&self, value: ValueId) -> Result<&MapPlace, KernelError> {
        self.places.get(&value).ok_or(KernelError::UnknownValue { index: value.0, layers: self.places.len() })
    }
}

/// For each value its channels with padding, and where each channel of the plan is among them.
fn channels_of(plan: &Plan) -> Vec<(usize, Vec<usize>)> {
    let mut known: Vec<(usize, Vec<usize>)> = Vec::new();
    for layer in plan.layers() {
        let of_layer = match &layer.op {
            Op::Concat { inputs } => inputs.iter().fold((0, Vec::new()), |(width, mut channels), input| {
                let (part_width, part) = &known[input.0];
                channels.extend(part.iter().map(|channel| width + channel));
                (width + part_width, channels)
            }),
            Op::PillarEncode(_) | Op::Scatter { .. } | Op::ConvBnAct { .. } | Op::DeconvBnAct { .. } => {
                let channels = layer.shape.channels();
                (padded(channels), (0..channels).collect())
            }
        };
        known.push(of_layer);
    }
    known
}

/// For each map that is computed inside a concatenation: that concatenation and its first channel in it.
fn parents(plan: &Plan, channels: &[(usize, Vec<usize>)]) -> BTreeMap<ValueId, (ValueId, usize)> {
    let mut parents = BTreeMap::new();
    for (index, layer) in plan.layers().iter().enumerate() {
        let Op::Concat { inputs } = &layer.op else { continue };
        let mut first = 0;
        for input in inputs {
            // The canvas stays where it is; a map that was placed already is copied.
            if !matches!(plan.layers()[input.0].op, Op::Scatter { .. }) {
                parents.entry(*input).or_insert((ValueId(index), first));
            }
            first += channels[input.0].0;
        }
    }
    parents
}

fn is_f32(plan: &Plan, value: ValueId) -> bool {
    let is_output = plan.outputs().iter().any(|output| output.value == value);
    let is_read = plan.layers().iter().any(|layer| layer.op.inputs().contains(&value));
    let is_product = matches!(plan.layers()[value.0].op, Op::ConvBnAct { .. } | Op::DeconvBnAct { .. });
    is_output && is_product && !is_read
}

/// Layers during which each value must stay: from its own to one past its last reader.
fn lifetimes(plan: &Plan, keep: Keep) -> Vec<Range<usize>> {
    let end = plan.layers().len();
    let mut alive: Vec<Range<usize>> = (0..end).map(|index| index..index + 1).collect();
    for (index, layer) in plan.layers().iter().enumerate() {
        for input in layer.op.inputs() {
            alive[input.0].end = index + 1;
        }
        if matches!(layer.op, Op::Scatter { .. }) {
            alive[index] = 0..end;
        }
    }
    for (index, layer) in plan.layers().iter().enumerate() {
        if matches!(layer.op, Op::Scatter { .. }) {
            alive[index] = 0..end;
        }
    }
    let taps = match keep {
        Keep::Outputs => &[],
        Keep::OutputsAndTaps => plan.taps(),
    };
    for named in plan.outputs().iter().chain(taps) {
        alive[named.value.0].end = end;
    }
    alive
}

/// Largest first, each at the lowest place that nothing alive at the same time occupies.
fn arrange(mut blocks: Vec<Block>) -> (BTreeMap<ValueId, usize>, usize) {
    blocks.sort_by_key(|block| (std::cmp::Reverse(block.bytes), block.owner));
    let mut placed: Vec<(Range<usize>, Block)> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let overlaps = |other: &Block| other.alive.start < block.alive.end && block.alive.start < other.alive.end;
        let mut taken: Vec<Range<usize>> =
            placed.iter().filter(|(_, other)| overlaps(other)).map(|(range, _)| range.clone()).collect();
        taken.sort_by_key(|range| range.start);
        let mut start = 0;
        for range in taken {
            if start + block.bytes <= range.start {
                break;
            }
            start = start.max(range.end.next_multiple_of(ALIGN_BYTES));
        }
        placed.push((start..start + block.bytes, block));
    }
    let bytes = placed.iter().map(|(range, _)| range.end).max().unwrap_or(0);
    (placed.into_iter().map(|(range, block)| (block.owner, range.start)).collect(), bytes)
}
