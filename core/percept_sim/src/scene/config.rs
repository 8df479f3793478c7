//! A scene as distributions: what streets look like and who is on them.

use super::sections::{CarPark, Details, LayoutKind, Motorway, PeopleMix, Simplify, TrafficMix};
use crate::error::SimError;
use crate::weather::WeatherMix;
use serde::{Deserialize, Serialize};

/// Chances with which parking strips are laid out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParkingMix {
    /// No strip.
    pub none: f64,
    /// Along the kerb.
    pub parallel: f64,
    /// At a right angle.
    pub perpendicular: f64,
    /// At 45 to 70 degrees.
    pub oblique: f64,
}

impl Default for ParkingMix {
    fn default() -> Self {
        Self { none: 0.34, parallel: 0.36, perpendicular: 0.14, oblique: 0.16 }
    }
}

/// Chances of what stands along a street.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrontageMix {
    /// Houses.
    pub building: f64,
    /// Clipped hedges.
    pub hedge: f64,
    /// Wire and board fences.
    pub fence: f64,
    /// Garden walls.
    pub wall: f64,
    /// Shrubs and trees.
    pub shrubs: f64,
    /// Nothing.
    pub open: f64,
}

impl Default for FrontageMix {
    fn default() -> Self {
        Self { building: 0.28, hedge: 0.20, fence: 0.08, wall: 0.08, shrubs: 0.31, open: 0.05 }
    }
}

/// Distributions of a scene; ranges are drawn from evenly, densities once a scene (and skewed to the low end).
///
/// The default is the scene `mixed`: what a scene file leaves out is as there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SceneConfig {
    /// What the scene is, in a sentence.
    pub description: String,
    /// The plan of the place.
    pub layout: LayoutKind,
    /// Width of a lane.
    pub lane_width_m: [f64; 2],
    /// Largest curvature of a road in 1/m.
    pub max_curvature: f64,
    /// Largest slope of hills.
    pub max_slope: f64,
    /// Amplitude of the small undulation of the ground.
    pub undulation_m: [f64; 2],
    /// Pitch and roll of the vehicle on its springs, standard deviation.
    pub vehicle_tilt_deg: f64,
    /// Distance between crossings.
    pub crossing_spacing_m: [f64; 2],
    /// Chance that a scene has crossings.
    pub crossing_chance: f64,
    /// Layout of parking strips.
    pub parking: ParkingMix,
    /// Share of parking places taken.
    pub parking_occupancy: [f64; 2],
    /// Moving or waiting vehicles on each 100 m of a lane.
    pub traffic_per_100m: [f64; 2],
    /// Share of vans among vehicles.
    pub van_share: f64,
    /// Share of lorries among moving vehicles; parked ones are five times rarer.
    pub truck_share: f64,
    /// Chance of a tram.
    pub tram_chance: f64,
    /// Cars parked at odd angles in yards, on each 100 m of road.
    pub yard_cars_per_100m: [f64; 2],
    /// Groups of people on each 100 m of road.
    pub pedestrian_groups_per_100m: [f64; 2],
    /// Share of people sitting.
    pub sitting_share: f64,
    /// Cyclists on each 100 m of road.
    pub cyclists_per_100m: [f64; 2],
    /// What stands along the streets.
    pub frontage: FrontageMix,
    /// Shrubs, bins, cabinets, bollards, signs and poles on each 100 m of a side.
    pub clutter_per_100m: [f64; 2],
    /// Distance between street trees, where there are any.
    pub tree_spacing_m: [f64; 2],
    /// Factor on all intensities of the ground: old and new tarmac.
    pub ground_tint: [f64; 2],
    /// Who else drives, and how fast.
    pub traffic: TrafficMix,
    /// How people differ and what they do.
    pub people: PeopleMix,
    /// What streets have besides.
    pub details: Details,
    /// The plan of a motorway, where the layout is one.
    pub motorway: Motorway,
    /// The plan of a car park, where the layout is one.
    pub car_park: CarPark,
    /// What the weather is.
    pub weather: WeatherMix,
    /// What is left out to see what it is worth.
    pub simplify: Simplify,
}

impl Default for SceneConfig {
    fn default() -> Self {
        Self {
            description: "Streets of many kinds in one distribution, on clear days".to_owned(),
            layout: LayoutKind::Street,
            lane_width_m: [2.2, 3.7],
            max_curvature: 0.014,
            max_slope: 0.026,
            undulation_m: [0.01, 0.05],
            vehicle_tilt_deg: 0.35,
            crossing_spacing_m: [22.0, 120.0],
            crossing_chance: 0.6,
            parking: ParkingMix::default(),
            parking_occupancy: [0.1, 0.95],
            traffic_per_100m: [0.0, 5.0],
            van_share: 0.10,
            truck_share: 0.06,
            tram_chance: 0.05,
            yard_cars_per_100m: [0.0, 8.0],
            pedestrian_groups_per_100m: [0.0, 24.0],
            sitting_share: 0.03,
            cyclists_per_100m: [0.0, 20.0],
            frontage: FrontageMix::default(),
            clutter_per_100m: [2.0, 28.0],
            tree_spacing_m: [6.0, 20.0],
            ground_tint: [0.78, 1.2],
            traffic: TrafficMix::default(),
            people: PeopleMix::default(),
            details: Details::default(),
            motorway: Motorway::default(),
            car_park: CarPark::default(),
            weather: WeatherMix::default(),
            simplify: Simplify::default(),
        }
    }
}

impl SceneConfig {
    /// Checks that every number is possible.
    ///
    /// # Errors
    /// Names the first setting that is not.
    pub fn validate(&self) -> Result<(), SimError> {
        let ranges = [
            ("lane_width_m", self.lane_width_m, [2.0, 6.0]),
            ("undulation_m", self.undulation_m, [0.0, 0.5]),
            ("crossing_spacing_m", self.crossing_spacing_m, [15.0, 10_000.0]),
            ("parking_occupancy", self.parking_occupancy, [0.0, 1.0]),
            ("traffic_per_100m", self.traffic_per_100m, [0.0, 14.0]),
            ("yard_cars_per_100m", self.yard_cars_per_100m, [0.0, 50.0]),
            ("pedestrian_groups_per_100m", self.pedestrian_groups_per_100m, [0.0, 100.0]),
            ("cyclists_per_100m", self.cyclists_per_100m, [0.0, 100.0]),
            ("clutter_per_100m", self.clutter_per_100m, [0.0, 200.0]),
            ("tree_spacing_m", self.tree_spacing_m, [2.0, 10_000.0]),
            ("ground_tint", self.ground_tint, [0.0, 3.0]),
        ];
        ranges.into_iter().try_for_each(|(name, range, limits)| check_range(name, range, limits))?;
        let shares = [
            ("crossing_chance", self.crossing_chance),
            ("van_share", self.van_share),
            ("truck_share", self.truck_share),
            ("tram_chance", self.tram_chance),
            ("sitting_share", self.sitting_share),
            ("max_curvature", self.max_curvature * 20.0),
            ("max_slope", self.max_slope * 5.0),
            ("vehicle_tilt_deg", self.vehicle_tilt_deg / 10.0),
        ];
        for (name, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                let expected = "a share of 0 to 1, a curvature up to 0.05, a slope up to 0.2, a tilt up to 10";
                return Err(SimError::SceneSetting { name, found: format!("{share}"), expected });
            }
        }
        self.traffic.validate()?;
        self.people.validate()?;
        self.details.validate()?;
        self.motorway.validate()?;
        self.car_park.validate()?;
        self.weather.validate()?;
        self.validate_mixes()
    }

    fn validate_mixes(&self) -> Result<(), SimError> {
        let (p, f) = (&self.parking, &self.frontage);
        let mixes = [
            ("parking", vec![p.none, p.parallel, p.perpendicular, p.oblique]),
            ("frontage", vec![f.building, f.hedge, f.fence, f.wall, f.shrubs, f.open]),
        ];
        mixes.into_iter().try_for_each(|(name, weights)| check_weights(name, &weights))
    }
}

/// Refuses a range out of order or beyond its limits.
pub fn check_range(name: &'static str, range: [f64; 2], limits: [f64; 2]) -> Result<(), SimError> {
    if range[0] >= limits[0] && range[1] <= limits[1] && range[0] <= range[1] {
        return Ok(());
    }
    let expected = "a low and a high end, in order and physically possible";
    Err(SimError::SceneSetting { name, found: format!("{range:?}"), expected })
}

/// Refuses what is no probability.
pub fn check_share(name: &'static str, share: f64) -> Result<(), SimError> {
    if (0.0..=1.0).contains(&share) {
        return Ok(());
    }
    Err(SimError::SceneSetting { name, found: format!("{share}"), expected: "a share of 0 to 1" })
}

/// Refuses weights of which none can be drawn.
pub fn check_weights(name: &'static str, weights: &[f64]) -> Result<(), SimError> {
    let sum: f64 = weights.iter().sum();
    if weights.iter().all(|w| *w >= 0.0) && sum > 0.0 && sum.is_finite() {
        return Ok(());
    }
    let expected = "weights of 0 or more, not all 0";
    Err(SimError::SceneSetting { name, found: format!("{weights:?}"), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_scene_is_possible_and_a_reversed_range_is_refused_by_name() {
        assert!(SceneConfig::default().validate().is_ok());
        let reversed = SceneConfig { traffic_per_100m: [4.0, 1.0], ..SceneConfig::default() };
        assert!(reversed.validate().unwrap_err().to_string().contains("traffic_per_100m"));
        let nan = SceneConfig { max_slope: f64::NAN, ..SceneConfig::default() };
        assert!(nan.validate().unwrap_err().to_string().contains("max_slope"));
    }
}
