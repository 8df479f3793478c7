//! Sections of a scene file beyond the plain street: traffic, people, details, motorways, car parks.
//!
//! The defaults switch everything off that the scene `mixed` does not have.

use super::config::{check_range, check_share};
use crate::error::SimError;
use serde::{Deserialize, Serialize};

/// The plan of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayoutKind {
    /// A street with crossings.
    #[default]
    Street,
    /// Two carriageways with a central reservation.
    Motorway,
    /// Aisles with bays on both sides.
    CarPark,
}

/// Who else drives, and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficMix {
    /// Speed of a lane that flows.
    pub speed_mps: [f64; 2],
    /// Chance that a lane stands.
    pub standing_share: f64,
    /// Share of buses among moving vehicles.
    pub bus_share: f64,
    /// Share of bendy ones among buses.
    pub bendy_share: f64,
    /// Share of motorcycles among moving vehicles.
    pub motorcycle_share: f64,
    /// Share of cars and vans that draw a trailer.
    pub trailer_share: f64,
    /// Vehicles that turn at each crossing, and so stand oblique.
    pub turning_per_crossing: [f64; 2],
    /// Share of scenes whose lanes flow densely in both directions (columns of cars that hide each other).
    pub column_chance: f64,
}

impl Default for TrafficMix {
    fn default() -> Self {
        Self {
            speed_mps: [2.0, 14.0],
            standing_share: 0.25,
            bus_share: 0.0,
            bendy_share: 0.3,
            motorcycle_share: 0.0,
            trailer_share: 0.0,
            turning_per_crossing: [0.0, 0.0],
            column_chance: 0.0,
        }
    }
}

impl TrafficMix {
    /// Checks that every number is possible.
    pub fn validate(&self) -> Result<(), SimError> {
        check_range("traffic.speed_mps", self.speed_mps, [0.0, 70.0])?;
        check_range("traffic.turning_per_crossing", self.turning_per_crossing, [0.0, 8.0])?;
        check_share("traffic.standing_share", self.standing_share)?;
        check_share("traffic.bus_share", self.bus_share)?;
        check_share("traffic.bendy_share", self.bendy_share)?;
        check_share("traffic.motorcycle_share", self.motorcycle_share)?;
        check_share("traffic.trailer_share", self.trailer_share)?;
        check_share("traffic.column_chance", self.column_chance)
    }
}

/// How people differ and what they do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleMix {
    /// Share of people and cyclists drawn from the wide distribution: posture, clothes, loads, kinds of bicycles.
    pub varied_share: f64,
    /// Share of groups that touch: arm in arm, hand in hand, a crowd.
    pub close_group_share: f64,
    /// Share of walking groups with a stroller.
    pub stroller_share: f64,
    /// Chance that people cross at a zebra crossing.
    pub at_crossings: f64,
    /// Share of cyclists that keep to the right edge of the lane, in addition to those of `mixed`.
    pub cyclists_in_lane_share: f64,
}

impl PeopleMix {
    /// Checks that every number is possible.
    pub fn validate(&self) -> Result<(), SimError> {
        check_share("people.varied_share", self.varied_share)?;
        check_share("people.close_group_share", self.close_group_share)?;
        check_share("people.stroller_share", self.stroller_share)?;
        check_share("people.at_crossings", self.at_crossings)?;
        check_share("people.cyclists_in_lane_share", self.cyclists_in_lane_share)
    }
}

/// What a scene leaves out, to see what it is worth: nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Simplify {
    /// Cars and vans are cuboids of the size of their label, as high and low as it.
    pub cars_as_boxes: bool,
    /// Every surface returns every ray: glass is a wall, dark paint and gloss lose nothing, fences have no holes.
    pub opaque_surfaces: bool,
}

/// What streets have besides the furniture of `mixed`; densities on each 100 m of a side or of the road.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Details {
    /// Share of houses with storeys, doors, recesses, balconies and roofs.
    pub facade_share: f64,
    /// Chance that a street has lanes painted in retro-reflecting paint.
    pub lane_paint_share: f64,
    /// Brightness of paint at normal incidence.
    pub paint_reflectance: [f64; 2],
    /// Height of grass that rays enter.
    pub grass_m: [f64; 2],
    /// Chance of a zebra crossing at each mouth of a crossing.
    pub zebra_share: f64,
    /// Chance of traffic lights at a crossing.
    pub signal_share: f64,
    /// Signs of all shapes on each 100 m.
    pub signs_per_100m: [f64; 2],
    /// Lamp posts with arms on each 100 m.
    pub lamps_per_100m: [f64; 2],
    /// Bus stops on each 100 m.
    pub bus_stops_per_100m: [f64; 2],
    /// Rows of parked bicycles on each 100 m; each bicycle counts.
    pub bicycle_racks_per_100m: [f64; 2],
    /// Parked motorcycles on each 100 m.
    pub motorcycles_per_100m: [f64; 2],
    /// Railings between pavement and carriageway on each 100 m.
    pub railings_per_100m: [f64; 2],
    /// Building sites with cones and barriers on each 100 m.
    pub construction_per_100m: [f64; 2],
    /// Chance of tram rails in the main road; where they lie, trams run.
    pub rails_chance: f64,
}

impl Default for Details {
    fn default() -> Self {
        Self {
            facade_share: 0.0,
            lane_paint_share: 0.0,
            paint_reflectance: [0.41, 0.41],
            grass_m: [0.05, 0.05],
            zebra_share: 0.0,
            signal_share: 0.0,
            signs_per_100m: [0.0; 2],
            lamps_per_100m: [0.0; 2],
            bus_stops_per_100m: [0.0; 2],
            bicycle_racks_per_100m: [0.0; 2],
            motorcycles_per_100m: [0.0; 2],
            railings_per_100m: [0.0; 2],
            construction_per_100m: [0.0; 2],
            rails_chance: 0.0,
        }
    }
}

impl Details {
    /// Checks that every number is possible.
    pub fn validate(&self) -> Result<(), SimError> {
        check_share("details.facade_share", self.facade_share)?;
        check_share("details.lane_paint_share", self.lane_paint_share)?;
        check_share("details.zebra_share", self.zebra_share)?;
        check_share("details.signal_share", self.signal_share)?;
        check_share("details.rails_chance", self.rails_chance)?;
        check_range("details.paint_reflectance", self.paint_reflectance, [0.0, 3.0])?;
        check_range("details.grass_m", self.grass_m, [0.0, 1.0])?;
        let densities = [
            ("details.signs_per_100m", self.signs_per_100m),
            ("details.lamps_per_100m", self.lamps_per_100m),
            ("details.bus_stops_per_100m", self.bus_stops_per_100m),
            ("details.bicycle_racks_per_100m", self.bicycle_racks_per_100m),
            ("details.motorcycles_per_100m", self.motorcycles_per_100m),
            ("details.railings_per_100m", self.railings_per_100m),
            ("details.construction_per_100m", self.construction_per_100m),
        ];
        densities.into_iter().try_for_each(|(name, range)| check_range(name, range, [0.0, 50.0]))
    }
}

/// The plan of a motorway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Motorway {
    /// Lanes of each direction.
    pub lanes: [f64; 2],
    /// Width of the central reservation.
    pub median_m: [f64; 2],
    /// Width of the hard shoulder.
    pub shoulder_m: [f64; 2],
    /// Share of lorries on the slowest lane; each faster one has a third of it.
    pub slow_lane_truck_share: f64,
    /// Chance that a direction is jammed.
    pub jam_chance: f64,
    /// Chance of a noise wall along a stretch of a side.
    pub noise_wall_share: f64,
    /// Chance of a guard rail along a stretch of the outer side; the reservation always has one.
    pub guard_rail_share: f64,
    /// Distance between sign gantries.
    pub gantry_spacing_m: [f64; 2],
    /// Distance between bridges that cross above.
    pub bridge_spacing_m: [f64; 2],
    /// Broken-down vehicles on the shoulder, on each 100 m.
    pub stranded_per_100m: [f64; 2],
}

impl Default for Motorway {
    fn default() -> Self {
        Self {
            lanes: [2.0, 4.0],
            median_m: [2.0, 5.0],
            shoulder_m: [0.6, 3.0],
            slow_lane_truck_share: 0.4,
            jam_chance: 0.12,
            noise_wall_share: 0.3,
            guard_rail_share: 0.6,
            gantry_spacing_m: [120.0, 700.0],
            bridge_spacing_m: [150.0, 900.0],
            stranded_per_100m: [0.0, 0.6],
        }
    }
}

impl Motorway {
    /// Checks that every number is possible.
    pub fn validate(&self) -> Result<(), SimError> {
        check_range("motorway.lanes", self.lanes, [1.0, 5.0])?;
        check_range("motorway.median_m", self.median_m, [1.0, 15.0])?;
        check_range("motorway.shoulder_m", self.shoulder_m, [0.3, 5.0])?;
        check_range("motorway.gantry_spacing_m", self.gantry_spacing_m, [50.0, 1e5])?;
        check_range("motorway.bridge_spacing_m", self.bridge_spacing_m, [50.0, 1e5])?;
        check_range("motorway.stranded_per_100m", self.stranded_per_100m, [0.0, 5.0])?;
        check_share("motorway.slow_lane_truck_share", self.slow_lane_truck_share)?;
        check_share("motorway.jam_chance", self.jam_chance)?;
        check_share("motorway.noise_wall_share", self.noise_wall_share)?;
        check_share("motorway.guard_rail_share", self.guard_rail_share)
    }
}

/// The plan of a car park.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CarPark {
    /// Aisles beside the one that the ego vehicle drives, on each side.
    pub aisles: [f64; 2],
    /// Width of an aisle.
    pub aisle_m: [f64; 2],
    /// Width of a bay.
    pub bay_m: [f64; 2],
    /// Chance that the bays lie at 45 to 70 degrees to the aisles.
    pub oblique_chance: f64,
    /// Width of the strip between rows that stand back to back.
    pub strip_m: [f64; 2],
    /// Vehicles moving in or turning into bays, on each 100 m of an aisle.
    pub moving_per_100m: [f64; 2],
    /// People, some with trolleys, on each 100 m of an aisle.
    pub people_per_100m: [f64; 2],
    /// Trolleys left about, on each 100 m of an aisle.
    pub trolleys_per_100m: [f64; 2],
}

impl Default for CarPark {
    fn default() -> Self {
        Self {
            aisles: [1.0, 3.0],
            aisle_m: [5.2, 7.0],
            bay_m: [2.3, 2.7],
            oblique_chance: 0.3,
            strip_m: [0.0, 2.0],
            moving_per_100m: [0.0, 3.0],
            people_per_100m: [0.0, 7.0],
            trolleys_per_100m: [0.0, 5.0],
        }
    }
}

impl CarPark {
    /// Checks that every number is possible.
    pub fn validate(&self) -> Result<(), SimError> {
        check_range("car_park.aisles", self.aisles, [0.0, 5.0])?;
        check_range("car_park.aisle_m", self.aisle_m, [4.0, 12.0])?;
        check_range("car_park.bay_m", self.bay_m, [2.2, 4.0])?;
        check_range("car_park.strip_m", self.strip_m, [0.0, 6.0])?;
        check_range("car_park.moving_per_100m", self.moving_per_100m, [0.0, 20.0])?;
        check_range("car_park.people_per_100m", self.people_per_100m, [0.0, 60.0])?;
        check_range("car_park.trolleys_per_100m", self.trolleys_per_100m, [0.0, 40.0])?;
        check_share("car_park.oblique_chance", self.oblique_chance)
    }
}
