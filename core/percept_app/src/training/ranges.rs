//! Average precision by distance from the sensor.
//!
//! Truth and detections of a band are compared with each other alone; a pair that a band's edge divides counts as missed and
//! false, as few as there are.

use percept_eval::EvalError;
use percept_eval::bev_ap::{BevApConfig, BevFrame, BoxOverlap, evaluate};
use percept_eval::kitti::EvaluatedClass;
use percept_types::{Box3d, Detections, TruthObject};
use std::collections::BTreeMap;

/// Edges of the bands.
const BANDS_M: [[f64; 2]; 3] = [[0.0, 20.0], [20.0, 40.0], [40.0, 80.0]];

/// Average precision of volumes over 40 recalls in percent, by class and band.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RangeScores {
    figures: Vec<(String, String, f64)>,
}

impl RangeScores {
    /// On frames whose truth tells its points.
    pub(super) fn of(frames: &[BevFrame<'_>]) -> Result<Self, EvalError> {
        let mut figures = Vec::new();
        for [from_m, to_m] in BANDS_M {
            let inside = |b: &Box3d| (from_m..to_m).contains(&b.center_m[0].hypot(b.center_m[1]));
            let banded: Vec<(Vec<TruthObject>, Detections)> = frames
                .iter()
                .map(|frame| {
                    let is_region = |o: &&TruthObject| o.class_name == "DontCare" || inside(&o.box3d);
                    let truth = frame.truth.iter().filter(is_region).cloned().collect();
                    let boxes = frame.detections.boxes.iter().filter(|d| inside(&d.box3d)).cloned().collect();
                    (truth, Detections { class_names: frame.detections.class_names.clone(), boxes })
                })
                .collect();
            let pairs = banded.iter().zip(frames);
            let own: Vec<BevFrame<'_>> = pairs
                .map(|((truth, detections), frame)| BevFrame { truth, detections, camera: frame.camera })
                .collect();
            for class in EvaluatedClass::kitti_three() {
                let config = BevApConfig { overlap: BoxOverlap::Volume, ..BevApConfig::kitti(&class.class_name)? };
                if let Some(ap) = evaluate(&own, &config)?.ap_r40 {
                    figures.push((class.class_name, format!("{from_m:.0}_{to_m:.0}m"), ap));
                }
            }
        }
        Ok(Self { figures })
    }

    /// The figures by name: `sim/Car/range_0_20m_3d_ap_r40`.
    pub(super) fn metrics(&self, set: &str) -> BTreeMap<String, f64> {
        let named = |(class, band, ap): &(String, String, f64)| (format!("{set}/{class}/range_{band}_3d_ap_r40"), *ap);
        self.figures.iter().map(named).collect()
    }

    /// Names of the bands, near to far.
    pub fn bands() -> Vec<String> {
        BANDS_M.iter().map(|[from_m, to_m]| format!("{from_m:.0}_{to_m:.0}m")).collect()
    }
}
