//! Motorcycles and scooters, parked or with one or two riders.

use super::car::sample_paint;
use crate::material::{Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Shape, Solid};
use crate::vector::Vec3;

/// The numbers of one motorcycle.
#[derive(Clone, Debug)]
pub struct MotorcycleShape {
    riders: usize,
    half_base_m: f32,
    wheel_radius_m: f32,
    seat_m: f32,
    bar_m: f32,
    half_bar_m: f32,
    is_scooter: bool,
    screen: bool,
    box_behind: bool,
    panniers: bool,
    lean_rad: f32,
    bulk: f32,
    stature_m: f32,
    paint: Material,
    clothes: Material,
}

impl MotorcycleShape {
    /// A parked motorcycle.
    pub fn sample_parked(random: &mut Sampler) -> Self {
        Self::sample(random, 0, class::MOTORCYCLE)
    }

    /// A motorcycle with one rider or two.
    pub fn sample_ridden(random: &mut Sampler) -> Self {
        let riders = if random.chance(0.12) { 2 } else { 1 };
        Self::sample(random, riders, class::MOTORCYCLIST)
    }

    fn sample(random: &mut Sampler, riders: usize, class_id: u16) -> Self {
        let is_scooter = random.chance(0.4);
        let radius = if is_scooter { random.uniform(0.22, 0.29) } else { random.uniform(0.29, 0.34) };
        Self {
            riders,
            half_base_m: if is_scooter { random.uniform(0.60, 0.72) } else { random.uniform(0.66, 0.80) } as f32,
            wheel_radius_m: radius as f32,
            seat_m: random.uniform(0.72, 0.88) as f32,
            bar_m: random.uniform(0.95, 1.15) as f32,
            half_bar_m: random.uniform(0.32, 0.43) as f32,
            is_scooter,
            screen: random.chance(0.4),
            box_behind: random.chance(0.3),
            panniers: !is_scooter && random.chance(0.2),
            lean_rad: random.uniform(0.0, 0.6) as f32,
            bulk: random.uniform(0.95, 1.3) as f32,
            stature_m: random.bounded_normal(1.75, 0.08) as f32,
            paint: sample_paint(random, class_id),
            clothes: Material::opaque(class_id, random.uniform(0.03, 0.4) as f32, 0.09).with_loss(0.02),
        }
    }

    /// Whether someone rides it.
    pub fn is_ridden(&self) -> bool {
        self.riders > 0
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let mut solids = self.machine();
        for rider in 0..self.riders {
            solids.extend(self.rider(-0.18 - 0.42 * rider as f32, rider == 0));
        }
        solids
    }

    fn machine(&self) -> Vec<Solid> {
        let (base, radius, seat) = (self.half_base_m, self.wheel_radius_m, self.seat_m);
        let dark = Material::opaque(self.paint.class_id, 0.08, 0.06).with_loss(0.05);
        let rim = dark.with_surface(Surface::Sparse { coverage: 0.7 });
        let solid = |shape, material| Solid { shape, material };
        let wheel = |x: f32| {
            let hub = Vec3::new(x, 0.0, radius);
            solid(Shape::cylinder(hub - Vec3::Y * 0.07, hub + Vec3::Y * 0.07, radius), rim)
        };
        let cuboid = |low: [f32; 3], high: [f32; 3], material| {
            solid(Shape::cuboid(Vec3::from_array(low), Vec3::from_array(high)), material)
        };
        let bar = Vec3::new(base - 0.28, 0.0, self.bar_m);
        let mut solids = vec![
            wheel(base),
            wheel(-base),
            solid(Shape::cylinder(Vec3::new(base, 0.0, radius), bar, 0.06), dark),
            solid(Shape::cylinder(bar - Vec3::Y * self.half_bar_m, bar + Vec3::Y * self.half_bar_m, 0.025), dark),
            cuboid([-base - 0.1, -0.13, seat - 0.14], [0.12, 0.13, seat], dark),
        ];
        if self.is_scooter {
            solids.push(cuboid([-base - 0.12, -0.19, 0.3], [-0.05, 0.19, seat - 0.1], self.paint));
            solids.push(cuboid([-0.1, -0.2, 0.24], [base - 0.35, 0.2, 0.32], self.paint));
            solids.push(cuboid([base - 0.42, -0.22, 0.28], [base - 0.28, 0.22, self.bar_m - 0.12], self.paint));
        } else {
            let tank = Vec3::new(0.2, 0.0, seat + 0.06);
            solids.push(solid(Shape::ellipsoid(tank, Vec3::new(0.32, 0.16, 0.17)), self.paint));
            solids.push(cuboid([-0.3, -0.17, 0.25], [0.35, 0.17, 0.6], dark));
            solids.push(cuboid(
                [base - 0.42, -0.17, self.bar_m - 0.3],
                [base - 0.1, 0.17, self.bar_m - 0.06],
                self.paint,
            ));
        }
        if self.screen {
            let glass = self.paint.with_surface(Surface::Glass { lost: 0.4, passed: 0.4 });
            let x = base - 0.24;
            solids.push(cuboid([x, -0.2, self.bar_m - 0.05], [x + 0.03, 0.2, self.bar_m + 0.35], glass));
        }
        if self.box_behind {
            solids.push(cuboid([-base - 0.35, -0.21, seat + 0.02], [-base + 0.07, 0.21, seat + 0.36], dark));
        }
        if self.panniers {
            solids.push(cuboid([-base - 0.15, -0.42, 0.42], [-base + 0.3, 0.42, 0.75], dark));
        }
        solids
    }

    fn rider(&self, hip_x: f32, holds_bar: bool) -> Vec<Solid> {
        let dressed = |shape| Solid { shape, material: self.clothes };
        let hip = Vec3::new(hip_x, 0.0, self.seat_m + 0.1);
        let trunk = 0.33 * self.stature_m;
        let (sin, cos) = self.lean_rad.sin_cos();
        let back = Vec3::new(sin, 0.0, cos);
        let shoulders = hip + back * trunk;
        let chest = Shape::Ellipsoid {
            center: hip + back * (0.55 * trunk),
            axes: [Vec3::new(cos, 0.0, -sin), Vec3::Y, back],
            radii: Vec3::new(0.15 * self.bulk, 0.21 * self.bulk, 0.62 * trunk),
        };
        let head = shoulders + Vec3::new(0.06 + 0.05 * sin, 0.0, 0.2);
        let mut solids = vec![
            dressed(chest),
            dressed(Shape::ellipsoid(hip, Vec3::new(0.17, 0.19, 0.14) * self.bulk)),
            dressed(Shape::ellipsoid(head, Vec3::new(0.145, 0.125, 0.145))),
        ];
        for side in [-1.0_f32, 1.0] {
            let root = hip + Vec3::Y * (side * 0.1);
            let knee = root + Vec3::new(0.4, side * 0.12, -0.08);
            let foot = Vec3::new(hip_x + 0.18, side * 0.22, 0.33);
            solids.push(dressed(Shape::cylinder(root, knee, 0.09 * self.bulk)));
            solids.push(dressed(Shape::cylinder(knee, foot, 0.065 * self.bulk)));
            solids.push(dressed(Shape::ellipsoid(foot + Vec3::X * 0.06, Vec3::new(0.14, 0.05, 0.06))));
            let shoulder = shoulders + Vec3::new(0.0, side * 0.2, -0.05);
            let bar = Vec3::new(self.half_base_m - 0.3, side * (self.half_bar_m - 0.05), self.bar_m + 0.02);
            let hand = if holds_bar { bar } else { hip + Vec3::new(0.35, side * 0.16, 0.12) };
            let elbow = (shoulder + hand) * 0.5 + Vec3::new(-0.03, side * 0.06, -0.07);
            solids.push(dressed(Shape::cylinder(shoulder, elbow, 0.055 * self.bulk)));
            solids.push(dressed(Shape::cylinder(elbow, hand, 0.045)));
        }
        solids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::{ActorKind, ActorShape};

    #[test]
    fn motorcycles_are_about_two_metres_long_and_higher_with_a_rider() {
        let mut random = Sampler::new(6, "motorcycles");
        for _ in 0..40 {
            let parked = ActorShape::Motorcycle(MotorcycleShape::sample_parked(&mut random));
            let ridden = ActorShape::Motorcycle(MotorcycleShape::sample_ridden(&mut random));
            assert_eq!([parked.kind(), ridden.kind()], [ActorKind::Motorcycle, ActorKind::Motorcyclist]);
            let (parked, ridden) = (parked.label_box().1, ridden.label_box().1);
            assert!((1.6..2.6).contains(&parked.x) && (0.5..1.1).contains(&parked.y), "{parked}");
            assert!(parked.z < 1.6 && (1.45..2.0).contains(&ridden.z), "{parked} {ridden}");
        }
    }
}
