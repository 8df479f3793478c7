//! What actors are, in the words of KITTI, SemanticKITTI and nuScenes.
//!
//! KITTI has no word for buses, motorcycles, parked bicycles, cones and the like: they are `Misc` there.

use crate::material::class;
use serde::Serialize;

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Passenger car.
    Car,
    /// Delivery van, minibus.
    Van,
    /// Lorry.
    Truck,
    /// Trailer behind a car.
    Trailer,
    /// Bus of one piece.
    RigidBus,
    /// Bus with a joint.
    BendyBus,
    /// Tram.
    Tram,
    /// Grown-up on foot.
    Adult,
    /// Child on foot.
    Child,
    /// Someone sitting.
    Sitting,
    /// Stroller with whoever lies in it.
    Stroller,
    /// Bicycle with its rider.
    Cyclist,
    /// Parked bicycle.
    Bicycle,
    /// Parked motorcycle or scooter.
    Motorcycle,
    /// Motorcycle with its rider.
    Motorcyclist,
    /// Traffic cone.
    Cone,
    /// Barrier of a building site.
    Barrier,
    /// Shopping trolley.
    Trolley,
}

impl ActorKind {
    /// All there are.
    pub const ALL: [ActorKind; 18] = [
        ActorKind::Car,
        ActorKind::Van,
        ActorKind::Truck,
        ActorKind::Trailer,
        ActorKind::RigidBus,
        ActorKind::BendyBus,
        ActorKind::Tram,
        ActorKind::Adult,
        ActorKind::Child,
        ActorKind::Sitting,
        ActorKind::Stroller,
        ActorKind::Cyclist,
        ActorKind::Bicycle,
        ActorKind::Motorcycle,
        ActorKind::Motorcyclist,
        ActorKind::Cone,
        ActorKind::Barrier,
        ActorKind::Trolley,
    ];

    /// KITTI's object class.
    pub fn kitti_class(self) -> &'static str {
        match self {
            ActorKind::Car => "Car",
            ActorKind::Van => "Van",
            ActorKind::Truck => "Truck",
            ActorKind::Tram => "Tram",
            ActorKind::Adult | ActorKind::Child => "Pedestrian",
            ActorKind::Sitting => "Person_sitting",
            ActorKind::Cyclist => "Cyclist",
            ActorKind::Trailer
            | ActorKind::RigidBus
            | ActorKind::BendyBus
            | ActorKind::Stroller
            | ActorKind::Bicycle
            | ActorKind::Motorcycle
            | ActorKind::Motorcyclist
            | ActorKind::Cone
            | ActorKind::Barrier
            | ActorKind::Trolley => "Misc",
        }
    }

    /// SemanticKITTI's raw class of its points.
    pub fn semantic_kitti_class(self) -> u16 {
        match self {
            ActorKind::Car | ActorKind::Van => class::CAR,
            ActorKind::Truck => class::TRUCK,
            ActorKind::Trailer => class::OTHER_VEHICLE,
            ActorKind::RigidBus | ActorKind::BendyBus => class::BUS,
            ActorKind::Tram => class::ON_RAILS,
            ActorKind::Adult | ActorKind::Child | ActorKind::Sitting => class::PERSON,
            ActorKind::Cyclist => class::BICYCLIST,
            ActorKind::Bicycle => class::BICYCLE,
            ActorKind::Motorcycle => class::MOTORCYCLE,
            ActorKind::Motorcyclist => class::MOTORCYCLIST,
            // SemanticKITTI counts crash barriers as fences.
            ActorKind::Barrier => class::FENCE,
            ActorKind::Stroller | ActorKind::Cone | ActorKind::Trolley => class::OTHER_OBJECT,
        }
    }

    /// nuScenes' category; `None` where it has none (trams).
    pub fn nuscenes_category(self) -> Option<&'static str> {
        Some(match self {
            ActorKind::Car | ActorKind::Van => "vehicle.car",
            ActorKind::Truck => "vehicle.truck",
            ActorKind::Trailer => "vehicle.trailer",
            ActorKind::RigidBus => "vehicle.bus.rigid",
            ActorKind::BendyBus => "vehicle.bus.bendy",
            ActorKind::Tram => return None,
            ActorKind::Adult | ActorKind::Sitting => "human.pedestrian.adult",
            ActorKind::Child => "human.pedestrian.child",
            ActorKind::Stroller => "human.pedestrian.stroller",
            ActorKind::Cyclist | ActorKind::Bicycle => "vehicle.bicycle",
            ActorKind::Motorcycle | ActorKind::Motorcyclist => "vehicle.motorcycle",
            ActorKind::Cone => "movable_object.trafficcone",
            ActorKind::Barrier => "movable_object.barrier",
            ActorKind::Trolley => "movable_object.pushable_pullable",
        })
    }

    /// The class of nuScenes' detection task; `None` for what the task leaves out.
    pub fn nuscenes_detection_class(self) -> Option<&'static str> {
        Some(match self {
            ActorKind::Car | ActorKind::Van => "car",
            ActorKind::Truck => "truck",
            ActorKind::Trailer => "trailer",
            ActorKind::RigidBus | ActorKind::BendyBus => "bus",
            ActorKind::Adult | ActorKind::Child | ActorKind::Sitting => "pedestrian",
            ActorKind::Cyclist | ActorKind::Bicycle => "bicycle",
            ActorKind::Motorcycle | ActorKind::Motorcyclist => "motorcycle",
            ActorKind::Cone => "traffic_cone",
            ActorKind::Barrier => "barrier",
            ActorKind::Tram | ActorKind::Stroller | ActorKind::Trolley => return None,
        })
    }

    /// Whether it stands on wheels far apart and so tilts with the ground.
    pub fn is_long(self) -> bool {
        matches!(
            self,
            ActorKind::Car
                | ActorKind::Van
                | ActorKind::Truck
                | ActorKind::Trailer
                | ActorKind::RigidBus
                | ActorKind::BendyBus
                | ActorKind::Tram
        )
    }
}
