//! Which boxes belong to which truth.

use percept_types::{Detections, TruthObject};

/// What became of a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectionVerdict {
    /// It is a true object.
    Matched,
    /// Nothing is there.
    False,
    /// It does not count, for one on a class or object that is left out.
    Ignored,
}

/// What became of a true object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruthVerdict {
    /// It was found.
    Found,
    /// It was missed.
    Missed,
    /// It does not count, for one beyond every difficulty.
    Ignored,
}

/// What became of each box of a frame, in their orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// One a detection.
    pub detections: Vec<DetectionVerdict>,
    /// One a true object.
    pub truth: Vec<TruthVerdict>,
}

impl Verdict {
    /// Each detection in its order takes the free object of its class that it overlaps most, at least by
    /// `min_iou_bev`. A plain rule for pictures; benchmarks have their own. Detections below `score_threshold` are
    /// ignored, and objects without points cannot be missed.
    pub fn by_overlap(
        detections: &Detections,
        truth: &[TruthObject],
        min_iou_bev: impl Fn(&str) -> f64,
        score_threshold: f32,
    ) -> Self {
        let mut verdict = Self { detections: Vec::new(), truth: vec![TruthVerdict::Missed; truth.len()] };
        for (object, what) in truth.iter().zip(&mut verdict.truth) {
            if object.num_points == 0 {
                *what = TruthVerdict::Ignored;
            }
        }
        for detection in &detections.boxes {
            if detection.score < score_threshold {
                verdict.detections.push(DetectionVerdict::Ignored);
                continue;
            }
            let class_name = detections.class_name(detection).unwrap_or_default();
            let free = truth
                .iter()
                .enumerate()
                .filter(|(i, object)| object.class_name == class_name && verdict.truth[*i] != TruthVerdict::Found);
            let overlaps = free.map(|(i, object)| (i, object.box3d.iou_bev(&detection.box3d)));
            let best = overlaps.reduce(|best, other| if other.1 > best.1 { other } else { best });
            match best.filter(|(_, iou)| *iou >= min_iou_bev(class_name)) {
                Some((index, _)) => {
                    verdict.truth[index] = TruthVerdict::Found;
                    verdict.detections.push(DetectionVerdict::Matched);
                }
                None => verdict.detections.push(DetectionVerdict::False),
            }
        }
        verdict
    }

    /// Objects missed.
    pub fn num_missed(&self) -> usize {
        self.truth.iter().filter(|v| **v == TruthVerdict::Missed).count()
    }

    /// Boxes that are nothing.
    pub fn num_false(&self) -> usize {
        self.detections.iter().filter(|v| **v == DetectionVerdict::False).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::{Box3d, Detection, Occlusion};

    fn box_at(x: f64) -> Box3d {
        Box3d { center_m: [x, 0.0, 0.0], size_m: [4.0, 2.0, 1.5], yaw_rad: 0.0 }
    }

    fn object(x: f64, num_points: usize) -> TruthObject {
        TruthObject {
            class_name: "Car".into(),
            box3d: box_at(x),
            velocity_mps: [0.0; 2],
            instance_id: 1,
            num_points,
            occlusion: Occlusion::Visible,
            truncation: 0.0,
            image_box: None,
        }
    }

    #[test]
    fn an_object_is_found_once_and_the_second_box_is_false() {
        let boxes = [10.2, 10.0, 30.0, 50.0].map(|x| Detection {
            box3d: box_at(x),
            class_index: 0,
            score: if x == 50.0 { 0.1 } else { 0.9 },
            velocity_mps: None,
        });
        let detections = Detections { class_names: vec!["Car".into()], boxes: boxes.to_vec() };
        let truth = [object(10.0, 50), object(20.0, 50), object(70.0, 0)];
        let verdict = Verdict::by_overlap(&detections, &truth, |_| 0.5, 0.3);
        use {DetectionVerdict as D, TruthVerdict as T};
        assert_eq!(verdict.detections, [D::Matched, D::False, D::False, D::Ignored]);
        assert_eq!(verdict.truth, [T::Found, T::Missed, T::Ignored]);
        assert_eq!((verdict.num_missed(), verdict.num_false()), (1, 2));
    }
}
