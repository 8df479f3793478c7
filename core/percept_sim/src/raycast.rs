//! Rays against a scene: a bounding-volume hierarchy (parry's) over convex parts, and the ground.
//!
//! What happens by chance to a ray at a surface (glass, leaves, wire) is a hash of ray and part, so results depend
//! neither on the order of parts met nor on threads.

use crate::ground::Ground;
use crate::material::{Material, Surface, class};
use crate::random::{mix, unit_from_hash};
use crate::sensor::DropOutLaw;
use crate::solid::Shape;
use crate::vector::Vec3;
use crate::weather::Air;
use parry3d::bounding_volume::Aabb;
use parry3d::partitioning::{Bvh, BvhBuildStrategy};
use parry3d::query::Ray;

/// A part in the frame in which rays are cast.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its form at time 0 of the revolution.
    pub shape: Shape,
    /// Its substance.
    pub material: Material,
    /// Instance it belongs to, 0 for scenery.
    pub instance_id: u16,
    /// How it moves during the revolution.
    pub velocity_mps: Vec3,
}

/// A scene ready for rays.
pub struct RayScene {
    parts: Vec<Part>,
    bvh: Bvh,
    ground: Ground,
    air: Air,
}

/// What a ray met first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Distance along the ray.
    pub range_m: f32,
    /// Cosine of the angle between ray and surface normal, 0 to 1.
    pub cos_incidence: f32,
    /// What was met.
    pub material: Material,
    /// Instance it belongs to, 0 for scenery and ground.
    pub instance_id: u16,
    /// Whether the surface mirrored the ray away, so that nothing returns.
    pub lost: bool,
    /// Share of the light that the air leaves on the way there and back.
    pub transmission: f32,
}

/// A ray: where from, where to, when in the revolution, and its number for draws.
#[derive(Clone, Copy, Debug)]
pub struct Beam {
    /// Where it starts.
    pub origin: Vec3,
    /// Unit direction.
    pub direction: Vec3,
    /// Seconds from the middle of the revolution.
    pub time_s: f32,
    /// Distinguishes it from all other rays of the world.
    pub key: u64,
    /// Shared by the rays of a small patch: reflections and leaves come in patches.
    pub patch_key: u64,
}

/// Share of chances that a whole patch of rays has in common.
const PATCHINESS: f32 = 0.55;

impl Beam {
    /// A number in [0, 1) for one purpose: often the one of the whole patch.
    pub fn chance(&self, purpose: u64) -> f32 {
        let patch = mix(self.patch_key, purpose);
        let shared = unit_from_hash(mix(patch, 1)) < PATCHINESS;
        unit_from_hash(if shared { patch } else { mix(self.key, purpose) })
    }
}

impl RayScene {
    /// Builds the hierarchy; parts may move for `half_period_s` both ways from where they are.
    pub fn new(parts: Vec<Part>, ground: Ground, half_period_s: f32) -> Self {
        let bounds: Vec<Aabb> = parts
            .iter()
            .map(|part| {
                let (low, high) = part.shape.bounds();
                let sweep = part.velocity_mps.abs() * half_period_s;
                Aabb::new(low - sweep, high + sweep)
            })
            .collect();
        Self { bvh: Bvh::from_leaves(BvhBuildStrategy::Binned, &bounds), parts, ground, air: Air::default() }
    }

    /// The same with this air between its things.
    pub(crate) fn with_air(self, air: Air) -> Self {
        Self { air, ..self }
    }

    /// The parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What a LiDAR of this law gets of a ray within `max_m`: what it meets, dimmed by the air, or the air itself.
    pub fn cast_through_air(&self, beam: &Beam, max_m: f32, law: &DropOutLaw) -> Option<Hit> {
        self.air.pass(self.cast(beam, max_m), beam, max_m, law)
    }

    /// What a ray meets first within `max_m`, whatever the weather.
    pub fn cast(&self, beam: &Beam, max_m: f32) -> Option<Hit> {
        let ray = Ray::new(beam.origin, beam.direction);
        let reach = max_m.min(self.ground.surely_below_m(beam.origin, beam.direction));
        let nearest = self.bvh.cast_ray(&ray, reach, |index, best| {
            let met = meet(self.parts.get(index as usize)?, index, beam)?;
            (met.range_m < best).then_some(met.range_m)
        });
        // The march over the ground is the dearer of the two: what stands nearer cuts it short.
        let ground = self.ground.meet(beam.origin, beam.direction, nearest.map_or(max_m, |(_, range_m)| range_m));
        if let (Some((index, _)), None) = (nearest, ground) {
            return self.parts.get(index as usize).and_then(|part| meet(part, index, beam));
        }
        ground.map(|hit| {
            let material = self.ground.material(hit.cover);
            // Blades of grass stand over the earth: rays enter and end among them.
            let blades = if material.class_id == class::TERRAIN {
                self.ground.grass_m() * unit_from_hash(mix(beam.key, 0x6772_6173)) / hit.cos_incidence.max(0.2)
            } else {
                0.0
            };
            Hit {
                range_m: (hit.range_m - blades).max(0.0),
                cos_incidence: material.effective_cos(hit.cos_incidence),
                material: *material,
                instance_id: 0,
                lost: false,
                transmission: 1.0,
            }
        })
    }
}

/// What a ray does at one part.
fn meet(part: &Part, index: u32, beam: &Beam) -> Option<Hit> {
    let crossing = part.shape.crossing(beam.origin - part.velocity_mps * beam.time_s, beam.direction)?;
    let chance = || beam.chance(u64::from(index) + 1);
    let (mut range_m, mut lost) = (crossing.enter_m, false);
    let mut cos_incidence = -crossing.normal.dot(beam.direction);
    match part.material.surface {
        Surface::Opaque => {}
        Surface::Glass { lost: mirrored, passed } => {
            let chance = chance();
            if chance < passed {
                return None;
            }
            lost = chance < passed + mirrored;
        }
        Surface::Sparse { coverage } => {
            if chance() >= coverage {
                return None;
            }
        }
        Surface::Foliage { mean_depth_m } => {
            // Gaps between twigs make some patches deeper than others; the mean stays.
            let gap = 0.3 + 1.4 * unit_from_hash(mix(beam.patch_key, u64::from(index)));
            range_m -= gap * mean_depth_m * (1.0 - unit_from_hash(mix(beam.key, u64::from(index)))).ln();
            if range_m >= crossing.leave_m {
                return None;
            }
            // Leaves turn every way.
            cos_incidence = 0.7;
        }
    }
    Some(Hit {
        range_m,
        cos_incidence: part.material.effective_cos(cos_incidence.clamp(0.02, 1.0)),
        material: part.material,
        instance_id: part.instance_id,
        lost,
        transmission: 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat_ground() -> Ground {
        Ground::level()
    }

    fn part(shape: Shape, material: Material, instance_id: u16) -> Part {
        Part { shape, material, instance_id, velocity_mps: Vec3::ZERO }
    }

    fn beam(direction: Vec3, key: u64) -> Beam {
        Beam {
            origin: Vec3::new(0.0, 0.0, 2.0),
            direction: direction.normalize(),
            time_s: 0.0,
            key,
            patch_key: key ^ 0xff,
        }
    }

    fn wall_at(x: f32) -> Part {
        let low = Vec3::new(x, -50.0, -1.0);
        part(Shape::cuboid(low, Vec3::new(x + 0.2, 50.0, 6.0)), Material::opaque(class::BUILDING, 0.4, 0.1), 0)
    }

    #[test]
    fn no_ray_passes_through_a_wall() {
        let hidden = part(
            Shape::cuboid(Vec3::new(14.0, -1.0, 0.0), Vec3::new(16.0, 1.0, 3.0)),
            Material::opaque(class::CAR, 0.4, 0.1),
            7,
        );
        let scene = RayScene::new(vec![hidden, wall_at(10.0)], flat_ground(), 0.0);
        for i in 0..2000_u64 {
            let (y, z) = ((i % 50) as f32 * 0.02 - 0.5, (i / 50) as f32 * 0.012 - 0.3);
            let hit = scene.cast(&beam(Vec3::new(1.0, y, z), i), 80.0).unwrap();
            let x = hit.range_m / Vec3::new(1.0, y, z).length();
            assert!(x < 10.01 && hit.instance_id == 0, "ray {i} reached {x}");
        }
    }

    #[test]
    fn leaves_let_rays_in_by_an_exponential_depth() {
        let leaves = Material::opaque(class::VEGETATION, 0.3, 0.1).with_surface(Surface::Foliage { mean_depth_m: 0.5 });
        let crown = part(Shape::cuboid(Vec3::new(5.0, -1.0, 0.0), Vec3::new(9.0, 1.0, 4.0)), leaves, 0);
        let scene = RayScene::new(vec![crown], flat_ground(), 0.0);
        let depths: Vec<f32> =
            (0..4000).filter_map(|key| scene.cast(&beam(Vec3::X, key), 80.0)).map(|hit| hit.range_m - 5.0).collect();
        let mean = depths.iter().sum::<f32>() / depths.len() as f32;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
    }

    #[test]
    fn glass_returns_loses_and_passes_in_its_shares() {
        let pane = Material::opaque(class::CAR, 0.1, 0.0).with_surface(Surface::Glass { lost: 0.5, passed: 0.3 });
        let glass = part(Shape::cuboid(Vec3::new(5.0, -1.0, 1.0), Vec3::new(5.1, 1.0, 3.0)), pane, 1);
        let scene = RayScene::new(vec![glass, wall_at(10.0)], flat_ground(), 0.0);
        let hits: Vec<Hit> = (0..4000).filter_map(|key| scene.cast(&beam(Vec3::X, key), 80.0)).collect();
        let share = |test: &dyn Fn(&Hit) -> bool| hits.iter().filter(|h| test(h)).count() as f32 / 4000.0;
        assert!((share(&|h| h.lost) - 0.5).abs() < 0.03);
        assert!((share(&|h| h.instance_id == 0) - 0.3).abs() < 0.03);
    }

    #[test]
    fn a_moving_part_is_met_where_it_is_at_the_time_of_the_ray() {
        let mut car = part(
            Shape::cuboid(Vec3::new(9.0, -1.0, 0.0), Vec3::new(13.0, 1.0, 3.0)),
            Material::opaque(class::CAR, 0.4, 0.1),
            1,
        );
        car.velocity_mps = Vec3::new(20.0, 0.0, 0.0);
        let scene = RayScene::new(vec![car], flat_ground(), 0.05);
        let late = Beam { time_s: 0.05, ..beam(Vec3::X, 0) };
        assert!((scene.cast(&late, 80.0).unwrap().range_m - 10.0).abs() < 1e-4);
    }
}
