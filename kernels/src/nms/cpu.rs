//! Greedy suppression, one routine and four notions of overlap.

use crate::error::KernelError;
use percept_types::BevRectangle;

/// boxes (N), scores (N) -> kept indices: turned rectangles of any class against each other.
///
/// # Errors
/// When there are not as many scores as boxes.
pub fn nms_rotated(
    boxes: &[BevRectangle],
    scores: &[f32],
    iou_threshold: f64,
    max_kept: usize,
) -> Result<Vec<usize>, KernelError> {
    same_length("scores of boxes", boxes.len(), scores.len())?;
    Ok(greedy(scores, max_kept, |kept, other| boxes[kept].iou(&boxes[other]) > iou_threshold))
}

/// boxes (N), scores (N), classes (N) -> kept indices: turned rectangles against those of their own class.
///
/// # Errors
/// When there are not as many scores and classes as boxes.
pub fn nms_rotated_by_class(
    boxes: &[BevRectangle],
    scores: &[f32],
    classes: &[usize],
    iou_threshold: f64,
    max_kept: usize,
) -> Result<Vec<usize>, KernelError> {
    same_length("scores of boxes", boxes.len(), scores.len())?;
    same_length("classes of boxes", boxes.len(), classes.len())?;
    Ok(greedy(scores, max_kept, |kept, other| {
        classes[kept] == classes[other] && boxes[kept].iou(&boxes[other]) > iou_threshold
    }))
}

/// centers (N, 2), scores (N) -> kept indices: a centre falls within this *squared* distance of a kept one.
///
/// # Errors
/// When there are not as many scores as centres.
pub fn nms_circle(
    centers_m: &[[f64; 2]],
    scores: &[f32],
    squared_distance_m2: f64,
    max_kept: usize,
) -> Result<Vec<usize>, KernelError> {
    same_length("scores of centres", centers_m.len(), scores.len())?;
    Ok(greedy(scores, max_kept, |kept, other| {
        let [dx, dy] = [0, 1].map(|axis| centers_m[kept][axis] - centers_m[other][axis]);
        dx * dx + dy * dy <= squared_distance_m2
    }))
}

/// An upright box by its corners, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlignedBox {
    /// Lower corner.
    pub min_m: [f64; 3],
    /// Upper corner.
    pub max_m: [f64; 3],
}

impl AlignedBox {
    fn volume_m3(&self) -> f64 {
        (0..3).map(|axis| (self.max_m[axis] - self.min_m[axis]).max(0.0)).product()
    }

    /// Shared volume over joint volume; 0 where the union is empty.
    pub fn iou(&self, other: &Self) -> f64 {
        let shared = Self {
            min_m: std::array::from_fn(|axis| self.min_m[axis].max(other.min_m[axis])),
            max_m: std::array::from_fn(|axis| self.max_m[axis].min(other.max_m[axis])),
        };
        let intersection = shared.volume_m3();
        let union = self.volume_m3() + other.volume_m3() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }
}

/// boxes (N), scores (N), classes (N) -> kept indices: upright boxes against those of their own class.
///
/// # Errors
/// When there are not as many scores and classes as boxes.
pub fn nms_aligned_3d(
    boxes: &[AlignedBox],
    scores: &[f32],
    classes: &[usize],
    iou_threshold: f64,
) -> Result<Vec<usize>, KernelError> {
    same_length("scores of boxes", boxes.len(), scores.len())?;
    same_length("classes of boxes", boxes.len(), classes.len())?;
    Ok(greedy(scores, boxes.len(), |kept, other| {
        classes[kept] == classes[other] && boxes[kept].iou(&boxes[other]) > iou_threshold
    }))
}

fn same_length(what: &'static str, expected: usize, found: usize) -> Result<(), KernelError> {
    if expected == found { Ok(()) } else { Err(KernelError::Length { what, expected, found }) }
}

/// Walks from the best score down and keeps what no kept one suppresses.
fn greedy(scores: &[f32], max_kept: usize, suppresses: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|index| !scores[*index].is_nan()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        if kept.len() == max_kept {
            break;
        }
        if !kept.iter().any(|one| suppresses(*one, candidate)) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
