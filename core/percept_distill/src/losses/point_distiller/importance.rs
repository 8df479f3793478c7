//! Scores of pillars, the selection by them, and their weights.

use super::{ImportanceScore, Selection, Weighting};

/// One score a pillar.
pub(super) fn scores(score: ImportanceScore, num_points: &[u32], teacher: &[f32], channels: usize) -> Vec<f32> {
    match score {
        ImportanceScore::NumPoints => num_points.iter().map(|count| *count as f32).collect(),
        ImportanceScore::TeacherMaximum => {
            teacher.chunks_exact(channels.max(1)).map(|row| row.iter().copied().fold(f32::MIN, f32::max)).collect()
        }
    }
}

/// Indices of the selected pillars, ascending; of equal scores those of lower index. All where there are not more.
pub(super) fn select(selection: Selection, scores: &[f32], count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    let score = |index: &u32| scores[*index as usize];
    order.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.cmp(b)));
    let count = count.min(order.len());
    let mut selected = match selection {
        Selection::Top => order[..count].to_vec(),
        Selection::Bottom => order[order.len() - count..].to_vec(),
        Selection::HalfHalf => {
            let top = count.div_ceil(2);
            [&order[..top], &order[order.len() - (count - top)..]].concat()
        }
    };
    selected.sort_unstable();
    selected
}

/// One weight a selected pillar. With counts of points and the published temperatures the softmax is a hard maximum: the
/// weight lies evenly on the fullest pillars.
pub(super) fn weights(weighting: Weighting, scores: &[f32], selected: &[u32], temperature: f64) -> Vec<f64> {
    let scale = match weighting {
        Weighting::Uniform => return vec![1.0; selected.len()],
        Weighting::MeanOne => selected.len() as f64,
        Weighting::SumOne => 1.0,
    };
    let scaled: Vec<f64> = selected.iter().map(|i| f64::from(scores[*i as usize]) / temperature).collect();
    let largest = scaled.iter().copied().fold(f64::MIN, f64::max);
    let exponentials: Vec<f64> = scaled.iter().map(|value| (value - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| scale * value / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_broken_by_index_and_few_pillars_are_all_selected() {
        let scores = [3.0, 5.0, 5.0, 1.0, 5.0];
        assert_eq!(select(Selection::Top, &scores, 2), [1, 2]);
        assert_eq!(select(Selection::Bottom, &scores, 2), [0, 3]);
        assert_eq!(select(Selection::HalfHalf, &scores, 3), [1, 2, 3]);
        assert_eq!(select(Selection::Top, &scores, 100), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn with_the_published_temperature_only_the_fullest_pillars_count() {
        let scores = [32.0, 31.0, 32.0, 7.0];
        let all = [0, 1, 2, 3];
        assert_eq!(weights(Weighting::MeanOne, &scores, &all, 1e-2), [2.0, (-100f64).exp() * 2.0, 2.0, 0.0]);
        let sum: f64 = weights(Weighting::SumOne, &scores, &all, 10.0).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert_eq!(weights(Weighting::Uniform, &scores, &all, 1e-2), [1.0; 4]);
    }
}
