//! The ten classes and eight attributes of the detection task.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A class of the detection task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DetectionClass {
    Car,
    Truck,
    Bus,
    Trailer,
    ConstructionVehicle,
    Pedestrian,
    Motorcycle,
    Bicycle,
    TrafficCone,
    Barrier,
}

impl DetectionClass {
    /// All ten, in the order of the devkit.
    pub const ALL: [Self; 10] = [
        Self::Car,
        Self::Truck,
        Self::Bus,
        Self::Trailer,
        Self::ConstructionVehicle,
        Self::Pedestrian,
        Self::Motorcycle,
        Self::Bicycle,
        Self::TrafficCone,
        Self::Barrier,
    ];

    /// Name in result files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Car => "car",
            Self::Truck => "truck",
            Self::Bus => "bus",
            Self::Trailer => "trailer",
            Self::ConstructionVehicle => "construction_vehicle",
            Self::Pedestrian => "pedestrian",
            Self::Motorcycle => "motorcycle",
            Self::Bicycle => "bicycle",
            Self::TrafficCone => "traffic_cone",
            Self::Barrier => "barrier",
        }
    }

    /// The class of a name, case ignored.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name().eq_ignore_ascii_case(name))
    }

    /// Half a turn changes nothing about a barrier.
    pub(super) fn yaw_period_rad(self) -> f64 {
        if self == Self::Barrier { std::f64::consts::PI } else { std::f64::consts::TAU }
    }
}

impl fmt::Display for DetectionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a thing is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Attribute {
    #[serde(rename = "pedestrian.moving")]
    PedestrianMoving,
    #[serde(rename = "pedestrian.sitting_lying_down")]
    PedestrianSittingLyingDown,
    #[serde(rename = "pedestrian.standing")]
    PedestrianStanding,
    #[serde(rename = "cycle.with_rider")]
    CycleWithRider,
    #[serde(rename = "cycle.without_rider")]
    CycleWithoutRider,
    #[serde(rename = "vehicle.moving")]
    VehicleMoving,
    #[serde(rename = "vehicle.parked")]
    VehicleParked,
    #[serde(rename = "vehicle.stopped")]
    VehicleStopped,
}
