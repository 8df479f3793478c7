//! How an augmentation moved the scene, and the teacher's anchors moved with it.
//!
//! Boxes are moved exactly and written relative to the anchor that is nearest afterwards; logits stay as they are, and the
//! anchor is the one whose place and heading are nearest to the moved one's. Without motion every anchor stays itself.

use percept_models::pointpillars::{Anchors, BOX_CODE_SIZE, decode_box, direction_bin, encode_box, resolve_yaw};
use percept_types::Box3d;
use std::collections::BTreeMap;
use std::f64::consts::{FRAC_PI_2, PI};

use super::AnchorTargets;

/// The motion of a whole scene: mirrored in y, turned about z, scaled; then lifted and tilted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SceneMotion {
    /// Whether y became -y.
    pub flip: bool,
    /// Turn about z.
    pub yaw_rad: f64,
    /// Factor on all lengths.
    pub scale: f64,
    /// Lift.
    pub lift_m: f64,
    /// Slope along x and y, metres a metre.
    pub slope: [f64; 2],
}

impl Default for SceneMotion {
    fn default() -> Self {
        Self { flip: false, yaw_rad: 0.0, scale: 1.0, lift_m: 0.0, slope: [0.0; 2] }
    }
}

impl SceneMotion {
    /// Whether nothing moved.
    pub fn is_still(&self) -> bool {
        *self == Self::default()
    }

    /// Where a point went.
    pub fn place(&self, p: [f64; 3]) -> [f64; 3] {
        let [x, y] = self.turn([p[0], p[1]]);
        let (x, y) = (x * self.scale, y * self.scale);
        [x, y, p[2] * self.scale + self.lift_m + self.slope[0] * x + self.slope[1] * y]
    }

    /// A direction in the plane, mirrored and turned.
    pub fn turn(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.yaw_rad.sin_cos();
        let y = if self.flip { -y } else { y };
        [x * cos - y * sin, x * sin + y * cos]
    }

    /// A heading, not wrapped.
    pub fn heading(&self, yaw_rad: f64) -> f64 {
        if self.flip { self.yaw_rad - yaw_rad } else { yaw_rad + self.yaw_rad }
    }

    /// Where a box went.
    pub fn place_box(&self, b: &Box3d) -> Box3d {
        Box3d {
            center_m: self.place(b.center_m),
            size_m: b.size_m.map(|length| length * self.scale),
            yaw_rad: self.heading(b.yaw_rad),
        }
    }
}

/// The teacher's anchors of a frame after a motion; both lists are on the lattice of `anchors`, the whole grid's. Where two
/// come to one anchor, the surer one stays; those that leave the lattice fall.
pub fn moved_anchors(
    targets: &AnchorTargets,
    anchors: &Anchors,
    direction_offset_rad: f64,
    motion: &SceneMotion,
) -> AnchorTargets {
    if motion.is_still() {
        return targets.clone();
    }
    let mut landed: BTreeMap<u32, (usize, [f32; BOX_CODE_SIZE], [f32; 2])> = BTreeMap::new();
    for place in 0..targets.anchors.len() {
        let Some((number, code, direction)) = moved(targets, place, anchors, direction_offset_rad, motion) else {
            continue;
        };
        let stays = landed.get(&number).is_some_and(|(other, ..)| targets.logit(*other) >= targets.logit(place));
        if !stays {
            landed.insert(number, (place, code, direction));
        }
    }
    let mut moved = AnchorTargets { num_classes: targets.num_classes, ..AnchorTargets::default() };
    for (number, (place, code, direction)) in landed {
        moved.push(number, targets, place);
        let count = moved.anchors.len();
        moved.box_codes[(count - 1) * BOX_CODE_SIZE..].copy_from_slice(&code);
        moved.direction_logits[(count - 1) * 2..].copy_from_slice(&direction);
    }
    moved
}

type Moved = (u32, [f32; BOX_CODE_SIZE], [f32; 2]);

fn moved(
    targets: &AnchorTargets,
    place: usize,
    anchors: &Anchors,
    direction_offset_rad: f64,
    motion: &SceneMotion,
) -> Option<Moved> {
    let from = anchors.get(targets.anchors[place] as usize)?;
    let code: [f64; BOX_CODE_SIZE] = std::array::from_fn(|i| f64::from(targets.box_codes[place * BOX_CODE_SIZE + i]));
    let logits = &targets.direction_logits[place * 2..][..2];
    let said = decode_box(&code, &from.box3d);
    let bin = usize::from(logits[1] > logits[0]);
    let heading = resolve_yaw(said.yaw_rad, bin, direction_offset_rad);
    let said = motion.place_box(&Box3d { yaw_rad: heading, ..said });
    let stood = motion.place(from.box3d.center_m);
    let x = nearest(anchors.xs_m(), stood[0])?;
    let y = nearest(anchors.ys_m(), stood[1])?;
    let across = motion.heading(from.box3d.yaw_rad).rem_euclid(PI);
    let rotation = usize::from((across - FRAC_PI_2).abs() < FRAC_PI_2 / 2.0);
    let number = anchors.index(y, x, from.class_index, rotation);
    let to = anchors.get(number)?;
    let mut code = encode_box(&said, &to.box3d);
    // The residual within a quarter turn; the direction tells the half.
    code[6] = (code[6] + FRAC_PI_2).rem_euclid(PI) - FRAC_PI_2;
    let lead = (logits[0] - logits[1]).abs() / 2.0;
    let direction = match direction_bin(said.yaw_rad, direction_offset_rad) {
        0 => [lead, -lead],
        _ => [-lead, lead],
    };
    Some((number as u32, code.map(|value| value as f32), direction))
}

/// Index of the evenly spaced position nearest to a value; `None` beyond half a step from the ends.
fn nearest(positions_m: &[f64], value_m: f64) -> Option<usize> {
    let (first, last) = (*positions_m.first()?, *positions_m.last()?);
    let step = (last - first) / (positions_m.len().max(2) - 1) as f64;
    let index = ((value_m - first) / step).round();
    (index >= 0.0 && index < positions_m.len() as f64).then_some(index as usize)
}
