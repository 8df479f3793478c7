//! The teacher's logits and codes at the anchors that are compared.

use percept_models::pointpillars::BOX_CODE_SIZE;
use serde::{Deserialize, Serialize};

use crate::DistillError;

/// From this score an anchor of the teacher counts in the normaliser.
const CONFIDENT: f32 = 0.1;
/// Bins of the direction.
const BINS: usize = 2;

/// Which anchors of a frame or window are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorChoice {
    /// Every one.
    Dense,
    /// So many of the highest score.
    Top(usize),
}

impl AnchorChoice {
    /// The one that holds the other.
    pub fn wider(self, other: Self) -> Self {
        match (self, other) {
            (Self::Top(a), Self::Top(b)) => Self::Top(a.max(b)),
            (Self::Dense, _) | (_, Self::Dense) => Self::Dense,
        }
    }

    fn count(self, all: usize) -> usize {
        match self {
            Self::Dense => all,
            Self::Top(count) => count.min(all),
        }
    }
}

/// Anchors of a window with what the teacher says of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnchorTargets {
    /// K.
    pub num_classes: usize,
    /// (M) numbers in [y, x, class, rotation] order, ascending.
    pub anchors: Vec<u32>,
    /// (M, K).
    pub class_logits: Vec<f32>,
    /// (M, 7).
    pub box_codes: Vec<f32>,
    /// (M, 2).
    pub direction_logits: Vec<f32>,
}

/// A head's three maps over one window: (A K, H, W), (A 7, H, W), (A 2, H, W).
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadMaps<'a> {
    pub(crate) class_logits: &'a [f32],
    pub(crate) box_codes: &'a [f32],
    pub(crate) direction_logits: &'a [f32],
    pub(crate) num_classes: usize,
    pub(crate) kinds: usize,
}

impl AnchorTargets {
    /// The chosen anchors of a window; of equal scores those of lower number.
    pub(crate) fn of_maps(maps: &HeadMaps<'_>, choice: AnchorChoice) -> Self {
        let HeadMaps { num_classes, kinds, .. } = *maps;
        let cells = maps.class_logits.len() / (kinds * num_classes).max(1);
        let value = |map: &[f32], values: usize, anchor: u32, i: usize| {
            let (cell, kind) = (anchor as usize / kinds, anchor as usize % kinds);
            map[(kind * values + i) * cells + cell]
        };
        let score = |anchor: u32| {
            (0..num_classes).map(|class| value(maps.class_logits, num_classes, anchor, class)).fold(f32::MIN, f32::max)
        };
        let all = cells * kinds;
        let mut chosen: Vec<(f32, u32)> = (0..all as u32).map(|anchor| (score(anchor), anchor)).collect();
        let count = choice.count(all);
        if count < all {
            chosen.select_nth_unstable_by(count, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            chosen.truncate(count);
        }
        let mut anchors: Vec<u32> = chosen.into_iter().map(|(_, anchor)| anchor).collect();
        anchors.sort_unstable();
        let gather = |map: &[f32], values: usize| {
            anchors.iter().flat_map(|anchor| (0..values).map(|i| value(map, values, *anchor, i))).collect()
        };
        Self {
            num_classes,
            class_logits: gather(maps.class_logits, num_classes),
            box_codes: gather(maps.box_codes, BOX_CODE_SIZE),
            direction_logits: gather(maps.direction_logits, BINS),
            anchors,
        }
    }

    /// Adds an anchor; those of a window are added by rising number.
    pub(crate) fn push(&mut self, anchor: u32, of: &Self, place: usize) {
        self.anchors.push(anchor);
        self.class_logits.extend_from_slice(&of.class_logits[place * of.num_classes..][..of.num_classes]);
        self.box_codes.extend_from_slice(&of.box_codes[place * BOX_CODE_SIZE..][..BOX_CODE_SIZE]);
        self.direction_logits.extend_from_slice(&of.direction_logits[place * BINS..][..BINS]);
    }

    /// Those of the highest scores, in the order of their numbers.
    pub(crate) fn best(&self, choice: AnchorChoice) -> Self {
        let count = choice.count(self.anchors.len());
        let mut places: Vec<usize> = (0..self.anchors.len()).collect();
        places.sort_by(|a, b| self.logit(*b).total_cmp(&self.logit(*a)).then(a.cmp(b)));
        places.truncate(count);
        places.sort_unstable();
        let mut best = Self { num_classes: self.num_classes, ..Self::default() };
        places.into_iter().for_each(|place| best.push(self.anchors[place], self, place));
        best
    }

    /// Largest class logit of an anchor in the list.
    pub(crate) fn logit(&self, place: usize) -> f32 {
        self.class_logits[place * self.num_classes..][..self.num_classes].iter().copied().fold(f32::MIN, f32::max)
    }

    /// Largest class probability of an anchor in the list.
    pub fn confidence(&self, place: usize) -> f32 {
        1.0 / (1.0 + (-self.logit(place)).exp())
    }

    /// Sum over the anchors of which the teacher is somewhat sure.
    pub fn summed_confidence(&self) -> f64 {
        let confident = (0..self.anchors.len()).map(|place| self.confidence(place)).filter(|c| *c >= CONFIDENT);
        confident.map(f64::from).sum()
    }

    /// Refuses lists of another network.
    pub(crate) fn check(&self, num_classes: usize, anchors: usize) -> Result<(), DistillError> {
        let count = self.anchors.len();
        let lengths = [self.class_logits.len(), self.box_codes.len(), self.direction_logits.len()];
        let fits = lengths == [count * num_classes, count * BOX_CODE_SIZE, count * BINS]
            && self.num_classes == num_classes
            && self.anchors.iter().all(|anchor| (*anchor as usize) < anchors);
        let found = vec![self.num_classes, self.anchors.last().map_or(0, |last| *last as usize + 1)];
        let expected = vec![num_classes, anchors];
        if fits { Ok(()) } else { Err(DistillError::Shape { what: "teacher's anchors", expected, found }) }
    }

    /// Whether every number is one.
    pub(crate) fn is_finite(&self) -> bool {
        let all = [&self.class_logits, &self.box_codes, &self.direction_logits];
        all.into_iter().flatten().all(|value| value.is_finite())
    }
}
