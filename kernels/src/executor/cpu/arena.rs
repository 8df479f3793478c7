//! Which part of one buffer each map lives in, and for how long.
//!
//! Where empty cells are skipped, every map keeps its place from frame to frame. Else:
//! A map that is concatenated once is computed right where the concatenation wants it. The canvas keeps its place
//! for the whole frame, so that the next frame need only clear the cells that this one wrote. The other buffers
//! are placed largest first at the lowest offset that no buffer alive at the same time occupies.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{EmptyCells, Keep};
use crate::error::KernelError;
use crate::plan::{Op, Plan, ValueId, ValueShape};

/// A part of the arena, in values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// First value.
    pub start: usize,
    /// Values.
    pub len: usize,
}

impl Slot {
    /// As a range of the arena.
    pub fn range(self) -> Range<usize> {
        self.start..self.start + self.len
    }

    /// This slot to read and another to write. The planner keeps inputs and results of a step apart.
    pub(super) fn read_write(self, write: Slot, arena: &mut [f32]) -> (&[f32], &mut [f32]) {
        if self.start < write.start {
            let (low, high) = arena.split_at_mut(write.start);
            (&low[self.range()], &mut high[..write.len])
        } else {
            let (low, high) = arena.split_at_mut(self.start);
            (&high[..self.len], &mut low[write.range()])
        }
    }
}

/// The place of every map of a plan.
#[derive(Debug, Clone)]
pub struct ArenaPlan {
    slots: BTreeMap<ValueId, Slot>,
    len: usize,
}

/// A buffer with the maps that live in it and the layers during which it is alive.
struct Buffer {
    owner: ValueId,
    len: usize,
    alive: Range<usize>,
}

impl ArenaPlan {
    /// Plans the memory of one frame.
    ///
    /// # Errors
    /// A plan whose values do not refer to each other properly (the builder makes none).
    pub fn new(plan: &Plan, keep: Keep, empty_cells: EmptyCells) -> Result<Self, KernelError> {
        let parents = concat_parents(plan)?;
        let alive = lifetimes(plan, keep, empty_cells);
        let mut buffers: BTreeMap<ValueId, Buffer> = BTreeMap::new();
        let mut within = BTreeMap::new();
        for (value, len) in maps(plan) {
            let (owner, offset) = resolve(&parents, value);
            within.insert(value, (owner, offset, len));
            let alive = alive[value.0].clone();
            let buffer = buffers.entry(owner).or_insert(Buffer { owner, len: 0, alive: alive.clone() });
            buffer.len = buffer.len.max(offset + len);
            buffer.alive = buffer.alive.start.min(alive.start)..buffer.alive.end.max(alive.end);
        }
        let (starts, len) = place(buffers.into_values().collect());
        let slot = |(value, (owner, offset, len)): (ValueId, (ValueId, usize, usize))| {
            let start = starts.get(&owner).copied().unwrap_or(0) + offset;
            (value, Slot { start, len })
        };
        Ok(Self { slots: within.into_iter().map(slot).collect(), len })
    }

    /// Values of the arena.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the plan has no maps.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place of a map; none for pillar features, which live outside.
    pub fn slot(&self, value: ValueId) -> Option<Slot> {
        self.slots.get(&value).copied()
    }

    pub(super) fn map_slot(&self, value: ValueId) -> Result<Slot, KernelError> {
        self.slot(value).ok_or(KernelError::UnknownValue { index: value.0, layers: self.slots.len() })
    }
}

fn maps(plan: &Plan) -> impl Iterator<Item = (ValueId, usize)> {
    plan.layers().iter().enumerate().filter_map(|(index, layer)| match layer.shape {
        ValueShape::Map { channels, height, width } => Some((ValueId(index), channels * height * width)),
        ValueShape::Pillars { .. } => None,
    })
}

/// For each map that is computed inside a concatenation: that concatenation and the offset in it.
fn concat_parents(plan: &Plan) -> Result<BTreeMap<ValueId, (ValueId, usize)>, KernelError> {
    let mut parents = BTreeMap::new();
    for (index, layer) in plan.layers().iter().enumerate() {
        let Op::Concat { inputs } = &layer.op else { continue };
        let mut offset = 0;
        for &input in inputs {
            let ValueShape::Map { channels, height, width } = plan.shape(input)? else { continue };
            // The canvas stays where it is; a map that was placed already is copied.
            let is_canvas = plan.layers().get(input.0).is_some_and(|l| matches!(l.op, Op::Scatter { .. }));
            if !is_canvas {
                parents.entry(input).or_insert((ValueId(index), offset));
            }
            offset += channels * height * width;
        }
    }
    Ok(parents)
}

fn resolve(parents: &BTreeMap<ValueId, (ValueId, usize)>, value: ValueId) -> (ValueId, usize) {
    let (mut owner, mut offset) = (value, 0);
    while let Some(&(parent, inside)) = parents.get(&owner) {
        owner = parent;
        offset += inside;
    }
    (owner, offset)
}

/// Layers during which each value must stay: from its own to one past its last reader.
fn lifetimes(plan: &Plan, keep: Keep, empty_cells: EmptyCells) -> Vec<Range<usize>> {
    let end = plan.layers().len();
    let mut alive: Vec<Range<usize>> = (0..end).map(|index| index..index + 1).collect();
    for (index, layer) in plan.layers().iter().enumerate() {
        for input in layer.op.inputs() {
            alive[input.0].end = index + 1;
        }
    }
    for (index, layer) in plan.layers().iter().enumerate() {
        if matches!(layer.op, Op::Scatter { .. }) || empty_cells == EmptyCells::Skip {
            alive[index] = 0..end;
        }
    }
    let kept = plan.outputs().iter().chain(match keep {
        Keep::Outputs => &[],
        Keep::OutputsAndTaps => plan.taps(),
    });
    for named in kept {
        alive[named.value.0].end = end;
    }
    alive
}

/// Start of each buffer, and the length of the arena.
fn place(mut buffers: Vec<Buffer>) -> (BTreeMap<ValueId, usize>, usize) {
    buffers.sort_by_key(|buffer| (std::cmp::Reverse(buffer.len), buffer.owner));
    let mut placed: Vec<(usize, Buffer)> = Vec::with_capacity(buffers.len());
    for buffer in buffers {
        let overlaps = |other: &Buffer| other.alive.start < buffer.alive.end && buffer.alive.start < other.alive.end;
        let mut taken: Vec<Range<usize>> = placed
            .iter()
            .filter(|(_, other)| overlaps(other))
            .map(|(start, other)| *start..start + other.len)
            .collect();
        taken.sort_by_key(|range| range.start);
        let mut start = 0;
        for range in taken {
            if start + buffer.len <= range.start {
                break;
            }
            start = start.max(range.end);
        }
        placed.push((start, buffer));
    }
    let len = placed.iter().map(|(start, buffer)| start + buffer.len).max().unwrap_or(0);
    (placed.into_iter().map(|(start, buffer)| (buffer.owner, start)).collect(), len)
}
