//! What is told of the objects near the sensor.

use super::threshold::ClassThreshold;
use crate::training::NearCars;
use percept_eval::bev_ap::BevApConfig;
use percept_eval::operating_point::OperatingPoint;
use percept_eval::table::{Table, figure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// A class at its threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearClass {
    /// The threshold and where it comes from.
    pub threshold: ClassThreshold,
    /// Truth with fewer points is ignored.
    pub min_points: usize,
    /// Overlap from above that finding exceeds.
    pub min_overlap: f64,
    /// What is found and false; `None` without a threshold.
    pub point: Option<OperatingPoint>,
    /// False boxes a frame.
    pub false_boxes_a_frame: Option<f64>,
}

/// Everything near the sensor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearScores {
    /// Frames with true boxes.
    pub frames: usize,
    /// Cars that count.
    pub cars: usize,
    /// Average precision of cars over 40 recalls in percent, every score a point of the curve, by figure.
    pub car_ap: BTreeMap<String, f64>,
    /// Each class at its threshold.
    pub classes: Vec<NearClass>,
    /// What of the surroundings is asked for, where no camera bounds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
}

impl NearClass {
    pub(super) fn new(
        threshold: ClassThreshold,
        config: &BevApConfig,
        point: Option<OperatingPoint>,
        frames: usize,
    ) -> Self {
        let false_boxes_a_frame = point.map(|point| point.false_boxes as f64 / frames.max(1) as f64);
        let (min_points, min_overlap) = (config.min_points, config.min_overlap);
        Self { threshold, min_points, min_overlap, point, false_boxes_a_frame }
    }
}

impl NearScores {
    pub(super) fn new(frames: usize, cars: &NearCars, classes: Vec<NearClass>, view: Option<String>) -> Self {
        Self { frames, cars: cars.num_cars(), car_ap: cars.figures(), classes, view }
    }
}

/// Found, recall, precision, false boxes and those a frame.
pub(super) fn found_and_false(point: Option<&OperatingPoint>, false_boxes_a_frame: Option<f64>) -> [String; 5] {
    let Some(point) = point else { return [(); 5].map(|()| "-".to_owned()) };
    [
        format!("{} of {}", point.found, point.found + point.missed),
        share(point.recall),
        share(point.precision),
        point.false_boxes.to_string(),
        figure(false_boxes_a_frame, 2),
    ]
}

/// A share in percent.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{:.1} %", value * 100.0))
}

impl fmt::Display for NearScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures: Vec<String> = self.car_ap.iter().map(|(name, ap)| format!("{name} {ap:.1}")).collect();
        writeln!(f, "{}", NearCars::protocol())?;
        if let Some(view) = &self.view {
            writeln!(f, "Asked for within {view}.")?;
        }
        writeln!(f, "{} cars in {} frames: {}", self.cars, self.frames, figures.join(", "))?;
        writeln!(f, "Within 40 m at thresholds that were not chosen on these frames")?;
        let header = ["class", "score from", "chosen by", "where chosen: recall", "precision"];
        let here = ["here: found", "recall", "precision", "false", "false a frame"];
        let mut table = Table::new(&[&header[..], &here[..]].concat());
        for class in &self.classes {
            let mut row = class.threshold.row();
            row.extend(found_and_false(class.point.as_ref(), class.false_boxes_a_frame));
            table.push(row);
        }
        writeln!(f, "{table}")
    }
}
