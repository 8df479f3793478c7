//! Labels of a point and of a box in nuScenes' terms, and SemanticKITTI's classes of moving things.
//!
//! Source  nuScenes lidarseg: 32 classes by index (nuscenes-devkit, `lidarseg`), visibility by the tokens 1 to 4
//!         (nuScenes schema, `visibility`); semantic-kitti.yaml.

use crate::actor::ActorKind;
use crate::material::class;

/// nuScenes' lidarseg index (0 to 31) of a point from its SemanticKITTI class and the actor it belongs to.
pub fn nuscenes_lidarseg_class(class_id: u16, kind: Option<ActorKind>) -> u8 {
    match (kind, class_id) {
        (Some(kind), _) => lidarseg_of_actor(kind),
        (None, class::ROAD | class::PARKING | class::LANE_MARKING) => 24,
        (None, class::OTHER_GROUND) => 25,
        (None, class::SIDEWALK) => 26,
        (None, class::TERRAIN) => 27,
        (None, class::BUILDING | class::FENCE | class::OTHER_STRUCTURE | class::POLE | class::TRAFFIC_SIGN) => 28,
        (None, class::OTHER_OBJECT) => 29,
        (None, class::VEGETATION | class::TRUNK) => 30,
        (None, class::CAR) => 17,
        (None, class::BICYCLE | class::BICYCLIST) => 14,
        (None, class::BUS) => 16,
        (None, class::MOTORCYCLE | class::MOTORCYCLIST) => 21,
        (None, class::TRUCK) => 23,
        (None, class::PERSON) => 2,
        // Noise: what nobody labelled, and points of the air.
        (None, _) => 0,
    }
}

fn lidarseg_of_actor(kind: ActorKind) -> u8 {
    match kind {
        ActorKind::Adult | ActorKind::Sitting => 2,
        ActorKind::Child => 3,
        ActorKind::Stroller => 7,
        ActorKind::Barrier => 9,
        ActorKind::Trolley => 11,
        ActorKind::Cone => 12,
        ActorKind::Cyclist | ActorKind::Bicycle => 14,
        ActorKind::BendyBus => 15,
        ActorKind::RigidBus => 16,
        ActorKind::Car | ActorKind::Van => 17,
        ActorKind::Motorcycle | ActorKind::Motorcyclist => 21,
        ActorKind::Trailer => 22,
        ActorKind::Truck => 23,
        // nuScenes has no trams: static.other, which its benchmark ignores.
        ActorKind::Tram => 29,
    }
}

/// SemanticKITTI's class of the same thing while it moves.
pub fn semantic_kitti_moving_class(class_id: u16) -> u16 {
    match class_id {
        class::CAR => 252,
        class::BICYCLIST => 253,
        class::PERSON => 254,
        class::MOTORCYCLIST => 255,
        class::ON_RAILS => 256,
        class::BUS => 257,
        class::TRUCK => 258,
        class::OTHER_VEHICLE => 259,
        other => other,
    }
}

/// nuScenes' visibility level for the share of rays towards a thing that nothing blocks: 1 up to 40 %, 2 up to 60 %,
/// 3 up to 80 %, 4 above.
pub fn nuscenes_visibility_level(visible_share: f64) -> u8 {
    match visible_share {
        share if share > 0.8 => 4,
        share if share > 0.6 => 3,
        share if share > 0.4 => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nuscenes_levels_part_at_40_60_and_80_percent() {
        assert_eq!(
            [0.0, 0.4, 0.41, 0.6, 0.61, 0.8, 0.81, 1.0].map(nuscenes_visibility_level),
            [1, 1, 2, 2, 3, 3, 4, 4]
        );
    }

    #[test]
    fn every_kind_of_actor_has_a_lidarseg_class_that_agrees_with_its_category() {
        // Index and name of nuScenes' lidarseg classes that actors have.
        let names = [
            (2, "human.pedestrian.adult"),
            (3, "human.pedestrian.child"),
            (7, "human.pedestrian.stroller"),
            (9, "movable_object.barrier"),
            (11, "movable_object.pushable_pullable"),
            (12, "movable_object.trafficcone"),
            (14, "vehicle.bicycle"),
            (15, "vehicle.bus.bendy"),
            (16, "vehicle.bus.rigid"),
            (17, "vehicle.car"),
            (21, "vehicle.motorcycle"),
            (22, "vehicle.trailer"),
            (23, "vehicle.truck"),
        ];
        for kind in ActorKind::ALL {
            let index = nuscenes_lidarseg_class(kind.semantic_kitti_class(), Some(kind));
            let name = names.iter().find(|(i, _)| *i == index).map(|(_, name)| *name);
            assert_eq!(name, kind.nuscenes_category(), "{kind:?}");
        }
    }

    #[test]
    fn the_ground_is_driveable_where_cars_drive_and_air_is_noise() {
        assert_eq!(nuscenes_lidarseg_class(class::LANE_MARKING, None), 24);
        assert_eq!(nuscenes_lidarseg_class(class::SIDEWALK, None), 26);
        assert_eq!(nuscenes_lidarseg_class(class::OUTLIER, None), 0);
        assert_eq!(semantic_kitti_moving_class(class::BUS), 257);
        assert_eq!(semantic_kitti_moving_class(class::ROAD), class::ROAD);
    }
}
