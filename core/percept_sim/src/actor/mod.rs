//! Things that move or could move: cars, vans, trucks, trams, people, cyclists. Each is drawn as a handful of numbers
//! and built of convex parts when it comes into view.

mod car;
mod cyclist;
mod pedestrian;
mod truck;

pub use car::{BodyType, CarShape};
pub use cyclist::CyclistShape;
pub use pedestrian::{PedestrianShape, Posture};
pub use truck::{TramShape, TruckShape};

use crate::solid::{Solid, bounds_of};
use crate::vector::Vec3;

/// The numbers from which an actor is built.
#[derive(Clone, Debug)]
pub enum ActorShape {
    /// A car or a van.
    Car(CarShape),
    /// A lorry.
    Truck(TruckShape),
    /// A tram.
    Tram(TramShape),
    /// Someone on foot or sitting.
    Pedestrian(PedestrianShape),
    /// A rider on a bicycle.
    Cyclist(CyclistShape),
}

impl ActorShape {
    /// Class by KITTI's names.
    pub fn class_name(&self) -> &'static str {
        match self {
            ActorShape::Car(car) if car.body == BodyType::Van => "Van",
            ActorShape::Car(_) => "Car",
            ActorShape::Truck(_) => "Truck",
            ActorShape::Tram(_) => "Tram",
            ActorShape::Pedestrian(p) if p.posture == Posture::Sitting => "Person_sitting",
            ActorShape::Pedestrian(_) => "Pedestrian",
            ActorShape::Cyclist(_) => "Cyclist",
        }
    }

    /// Its parts in local axes: x forward, z up from the ground.
    pub fn solids(&self) -> Vec<Solid> {
        match self {
            ActorShape::Car(car) => car.solids(),
            ActorShape::Truck(truck) => truck.solids(),
            ActorShape::Tram(tram) => tram.solids(),
            ActorShape::Pedestrian(pedestrian) => pedestrian.solids(),
            ActorShape::Cyclist(cyclist) => cyclist.solids(),
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
            ActorShape::Tram(tram) => upright(tram.size_m),
            ActorShape::Pedestrian(_) | ActorShape::Cyclist(_) => enclosing_box(&self.solids(), self.slack_m()),
        }
    }

    /// Room that annotators leave round people: length, width, height.
    fn slack_m(&self) -> Vec3 {
        match self {
            ActorShape::Cyclist(_) => Vec3::new(0.04, 0.04, 0.02),
            _ => Vec3::new(0.14, 0.06, 0.05),
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
