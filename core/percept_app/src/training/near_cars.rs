//! The cars that a LiDAR sees well: what a network trained on one world is worth in another.
//!
//! KITTI's difficulties ask for every labelled car, down to a handful of points 70 m away, and its sampling of recalls
//! caps the figure of a set with fewer than 41 cars. To tell whether training carries over to another world, cars with
//! enough points within a range are asked for, and every score is a point of the curve.

use percept_eval::EvalError;
use percept_eval::bev_ap::{BevAp, BevApConfig, BevFrame, BoxOverlap, evaluate};
use percept_eval::table::{Table, percent};
use std::collections::BTreeMap;

/// Cars with fewer points are ignored.
const MIN_POINTS: usize = 20;
/// Cars and detections farther away are ignored.
const MAX_RANGE_M: f64 = 40.0;
/// The figures told: name, what is laid over each other, overlap that a match exceeds.
const FIGURES: [(&str, BoxOverlap, f64); 4] = [
    ("bev_0.5", BoxOverlap::Bev, 0.5),
    ("bev_0.7", BoxOverlap::Bev, 0.7),
    ("3d_0.5", BoxOverlap::Volume, 0.5),
    ("3d_0.7", BoxOverlap::Volume, 0.7),
];

/// The cars asked for, under one of the overlaps.
pub(crate) fn near_config(overlap: BoxOverlap, min_overlap: f64) -> Result<BevApConfig, EvalError> {
    Ok(BevApConfig {
        min_overlap,
        overlap,
        min_points: MIN_POINTS,
        max_range_m: Some(MAX_RANGE_M),
        ..BevApConfig::kitti("Car")?
    })
}

/// Average precision of the cars that are near and have points; vans and DontCare are neither right nor wrong.
#[derive(Clone, Debug)]
pub struct NearCars {
    figures: Vec<(&'static str, BevAp)>,
}

impl NearCars {
    /// The figures on frames whose truth tells its points.
    ///
    /// # Errors
    /// Without frames; a box or score that is not finite.
    pub fn of(frames: &[BevFrame<'_>]) -> Result<Self, EvalError> {
        let figure = |(name, overlap, min_overlap)| Ok((name, evaluate(frames, &near_config(overlap, min_overlap)?)?));
        Ok(Self { figures: FIGURES.into_iter().map(figure).collect::<Result<_, EvalError>>()? })
    }

    /// What the figures ask for, in words.
    pub fn protocol() -> String {
        format!(
            "Cars with at least {MIN_POINTS} points within {MAX_RANGE_M:.0} m; other cars, vans and DontCare regions are \
             ignored. Average precision over 40 recalls in percent, every score a point of the curve."
        )
    }

    /// One row a set: the number of cars, and AP by figure.
    pub fn table(&self) -> String {
        let mut header = vec!["cars"];
        header.extend(self.figures.iter().map(|(name, _)| *name));
        let mut row = vec![self.num_cars().to_string()];
        row.extend(self.figures.iter().map(|(_, ap)| percent(ap.ap_r40)));
        let mut table = Table::new(&header);
        table.push(row);
        table.to_string()
    }

    /// The figures that go into the weights' metadata, by name; without any where there is no such car.
    pub fn metrics(&self, set: &str) -> BTreeMap<String, f64> {
        let named = |(name, ap): &(&str, BevAp)| Some((format!("{set}/NearCar/{name}_ap_r40"), ap.ap_r40?));
        self.figures.iter().filter_map(named).collect()
    }

    /// The figures on one line.
    pub fn line(&self) -> String {
        let one = |(name, ap): &(&str, BevAp)| format!("{name} {}", percent(ap.ap_r40));
        let figures: Vec<String> = self.figures.iter().map(one).collect();
        format!("{} near cars {}", self.num_cars(), figures.join(", "))
    }

    /// Average precision in percent by figure; without any where there is no such car.
    pub fn figures(&self) -> BTreeMap<String, f64> {
        self.figures.iter().filter_map(|(name, ap)| Some(((*name).to_owned(), ap.ap_r40?))).collect()
    }

    /// Cars that count.
    pub fn num_cars(&self) -> usize {
        self.figures.first().map_or(0, |(_, ap)| ap.num_truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::{Box3d, Detection, Detections, Occlusion, TruthObject};

    fn car(x: f64, num_points: usize) -> TruthObject {
        TruthObject {
            class_name: "Car".into(),
            box3d: Box3d { center_m: [x, 0.0, -1.0], size_m: [4.0, 1.7, 1.5], yaw_rad: 0.0 },
            velocity_mps: [0.0; 2],
            instance_id: 1,
            num_points,
            occlusion: Occlusion::Visible,
            truncation: 0.0,
            image_box: None,
        }
    }

    #[test]
    fn only_cars_with_points_within_range_are_asked_for_and_a_shifted_box_passes_the_lower_overlap_alone() {
        let truth = [car(10.0, 20), car(20.0, 19), car(45.0, 100)];
        let box3d = Box3d { center_m: [11.0, 0.0, -1.0], ..truth[0].box3d };
        let boxes = vec![Detection { box3d, class_index: 0, score: 0.5, velocity_mps: None }];
        let detections = Detections { class_names: vec!["Car".into()], boxes };
        let frame = BevFrame { truth: &truth, detections: &detections, camera: None };
        let metrics = NearCars::of(&[frame]).unwrap().metrics("real");
        // 3 m of 4 m shared: 3 / 5 of the union.
        let expected = [("3d_0.5", 100.0), ("3d_0.7", 0.0), ("bev_0.5", 100.0), ("bev_0.7", 0.0)];
        let expected = expected.map(|(name, ap)| (format!("real/NearCar/{name}_ap_r40"), ap));
        assert_eq!(metrics, BTreeMap::from(expected));
    }
}
