//! Things that move or could be moved: vehicles, people, cyclists, cones. Each is drawn as a handful of numbers
//! and built of convex parts when it comes into view.

mod bus;
mod car;
mod cyclist;
mod kind;
mod motorcycle;
mod pedestrian;
mod roadwork;
mod stroller;
mod truck;
mod walker;

pub use bus::BusShape;
pub use car::{BodyType, CarShape};
pub use cyclist::CyclistShape;
pub use kind::ActorKind;
pub use motorcycle::MotorcycleShape;
pub use pedestrian::{PedestrianShape, Posture};
pub use roadwork::{BarrierShape, ConeShape};
pub use stroller::{StrollerShape, TrolleyShape};
pub use truck::{TrailerShape, TramShape, TruckShape};
pub use walker::WalkerShape;

use crate::solid::{Solid, bounds_of};
use crate::vector::Vec3;

/// The numbers from which an actor is built.
#[derive(Clone, Debug)]
pub enum ActorShape {
    /// A car or a van.
    Car(CarShape),
    /// A lorry.
    Truck(TruckShape),
    /// A trailer behind a car.
    Trailer(TrailerShape),
    /// A bus.
    Bus(BusShape),
    /// A tram.
    Tram(TramShape),
    /// Someone on foot or sitting.
    Pedestrian(PedestrianShape),
    /// Someone on foot, of the wide distribution.
    Walker(WalkerShape),
    /// A stroller.
    Stroller(StrollerShape),
    /// A rider on a bicycle.
    Cyclist(CyclistShape),
    /// A parked bicycle.
    Bicycle(CyclistShape),
    /// A motorcycle, parked or ridden.
    Motorcycle(MotorcycleShape),
    /// A traffic cone.
    Cone(ConeShape),
    /// A barrier.
    Barrier(BarrierShape),
    /// A shopping trolley.
    Trolley(TrolleyShape),
}

impl ActorShape {
    /// What it is.
    pub fn kind(&self) -> ActorKind {
        match self {
            ActorShape::Car(car) if car.body == BodyType::Van => ActorKind::Van,
            ActorShape::Car(_) => ActorKind::Car,
            ActorShape::Truck(_) => ActorKind::Truck,
            ActorShape::Trailer(_) => ActorKind::Trailer,
            ActorShape::Bus(bus) if bus.is_bendy => ActorKind::BendyBus,
            ActorShape::Bus(_) => ActorKind::RigidBus,
            ActorShape::Tram(_) => ActorKind::Tram,
            ActorShape::Pedestrian(p) if p.posture == Posture::Sitting => ActorKind::Sitting,
            ActorShape::Pedestrian(p) if p.stature_m < 1.46 => ActorKind::Child,
            ActorShape::Pedestrian(_) => ActorKind::Adult,
            ActorShape::Walker(walker) if walker.is_child => ActorKind::Child,
            ActorShape::Walker(_) => ActorKind::Adult,
            ActorShape::Stroller(_) => ActorKind::Stroller,
            ActorShape::Cyclist(_) => ActorKind::Cyclist,
            ActorShape::Bicycle(_) => ActorKind::Bicycle,
            ActorShape::Motorcycle(motorcycle) if motorcycle.is_ridden() => ActorKind::Motorcyclist,
            ActorShape::Motorcycle(_) => ActorKind::Motorcycle,
            ActorShape::Cone(_) => ActorKind::Cone,
            ActorShape::Barrier(_) => ActorKind::Barrier,
            ActorShape::Trolley(_) => ActorKind::Trolley,
        }
    }

    /// Class by KITTI's names.
    pub fn class_name(&self) -> &'static str {
        self.kind().kitti_class()
    }

    /// Its parts in local axes: x forward, z up from the ground.
    pub fn solids(&self) -> Vec<Solid> {
        match self {
            ActorShape::Car(car) => car.solids(),
            ActorShape::Truck(truck) => truck.solids(),
            ActorShape::Trailer(trailer) => trailer.solids(),
            ActorShape::Bus(bus) => bus.solids(),
            ActorShape::Tram(tram) => tram.solids(),
            ActorShape::Pedestrian(pedestrian) => pedestrian.solids(),
            ActorShape::Walker(walker) => walker.solids(),
            ActorShape::Stroller(stroller) => stroller.solids(),
            ActorShape::Cyclist(cyclist) => cyclist.solids(),
            ActorShape::Bicycle(bicycle) => bicycle.without_rider(),
            ActorShape::Motorcycle(motorcycle) => motorcycle.solids(),
            ActorShape::Cone(cone) => cone.solids(),
            ActorShape::Barrier(barrier) => barrier.solids(),
            ActorShape::Trolley(trolley) => trolley.solids(),
        }
    }

    /// Its label: centre of the box over the actor's origin on the ground, and (length, width, height).
    pub fn label_box(&self) -> (Vec3, Vec3) {
        let upright = |size: [f64; 3]| {
            let size = crate::vector::from_f64(size);
            (Vec3::new(0.0, 0.0, size.z / 2.0), size)
        };
        match self {
            ActorShape::Car(car) => upright(car.label_size_m),
            ActorShape::Truck(truck) => upright(truck.size_m),
            ActorShape::Bus(bus) => upright(bus.size_m),
            ActorShape::Tram(tram) => upright(tram.size_m),
            _ => enclosing_box(&self.solids(), self.slack_m()),
        }
    }

    /// Room that annotators leave round people: length, width, height.
    fn slack_m(&self) -> Vec3 {
        match self {
            ActorShape::Pedestrian(_) | ActorShape::Walker(_) => Vec3::new(0.14, 0.06, 0.05),
            _ => Vec3::new(0.04, 0.04, 0.02),
        }
    }
}

/// The box round solids with its bottom on the ground, grown by `slack_m`.
fn enclosing_box(solids: &[Solid], slack_m: Vec3) -> (Vec3, Vec3) {
    let corners: Vec<Vec3> = solids.iter().flat_map(|s| <[Vec3; 2]>::from(s.shape.bounds())).collect();
    let (low, high) = bounds_of(&corners);
    let size = Vec3::new(high.x - low.x, high.y - low.y, high.z) + slack_m;
    (Vec3::new((low.x + high.x) / 2.0, (low.y + high.y) / 2.0, size.z / 2.0), size)
}
