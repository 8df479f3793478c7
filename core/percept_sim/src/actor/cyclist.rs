//! Cyclists: a rider bent over a bicycle whose wheels let most rays through.

use crate::material::{Finish, Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Shape, Solid};
use crate::vector::{Affine, Vec3};

/// The numbers of one cyclist.
#[derive(Clone, Debug)]
pub struct CyclistShape {
    /// Height of the rider when standing.
    pub stature_m: f32,
    wheel_radius_m: f32,
    half_base_m: f32,
    /// Lean of the back from the vertical.
    lean_rad: f32,
    crank_rad: f32,
    bulk: f32,
    rucksack: bool,
    pannier: bool,
    clothes: [Material; 2],
    metal: Material,
    frame: Frame,
}

/// What the wide distribution varies of the bicycle and the ride.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Share of rays that spokes, tyres and mudguards stop.
    coverage: f32,
    /// Radius of the tubes.
    tube_m: f32,
    /// Factor on saddle and handlebar height.
    scale: f32,
    /// Half of the handlebar.
    bar_m: f32,
    /// Width of the shoulders over the common one.
    shoulders: f32,
    /// Lean of rider and bicycle to the left.
    roll_rad: f32,
    step_through: bool,
    /// A basket or a box before the handlebar.
    basket: bool,
    /// A child's seat behind.
    child_seat: bool,
    helmet: bool,
    /// One foot on the ground: waiting.
    waiting: bool,
}

impl Frame {
    /// The bicycle of the narrow distribution.
    const PLAIN: Self = Self {
        coverage: 0.32,
        tube_m: 0.025,
        scale: 1.0,
        bar_m: 0.25,
        shoulders: 1.0,
        roll_rad: 0.0,
        step_through: false,
        basket: false,
        child_seat: false,
        helmet: false,
        waiting: false,
    };

    fn sample(random: &mut Sampler) -> Self {
        Self {
            coverage: random.uniform(0.2, 0.6) as f32,
            tube_m: random.uniform(0.018, 0.036) as f32,
            scale: random.uniform(0.86, 1.1) as f32,
            bar_m: random.uniform(0.2, 0.37) as f32,
            shoulders: random.uniform(0.85, 1.2) as f32,
            roll_rad: random.bounded_normal(0.0, 0.04) as f32,
            step_through: random.chance(0.45),
            basket: random.chance(0.25),
            child_seat: random.chance(0.12),
            helmet: random.chance(0.4),
            waiting: random.chance(0.12),
        }
    }
}

impl CyclistShape {
    /// A cyclist.
    pub fn sample(random: &mut Sampler) -> Self {
        let mut cloth = |class_id| Material::opaque(class_id, random.uniform(0.1, 0.6) as f32, 0.09).with_loss(0.01);
        let [trousers, top, metal] =
            [Finish::Trousers, Finish::Top, Finish::Metal].map(|finish| cloth(class::BICYCLIST).with_finish(finish));
        let clothes = [trousers, top];
        Self {
            stature_m: random.bounded_normal(1.70, 0.08) as f32,
            wheel_radius_m: random.uniform(0.31, 0.355) as f32,
            half_base_m: random.uniform(0.49, 0.56) as f32,
            lean_rad: random.uniform(0.12, 0.75) as f32,
            crank_rad: random.uniform(0.0, std::f64::consts::TAU) as f32,
            bulk: random.uniform(0.9, 1.2) as f32,
            rucksack: random.chance(0.2),
            pannier: random.chance(0.25),
            clothes,
            metal,
            frame: Frame::PLAIN,
        }
    }

    /// A cyclist of the wide distribution: frames, sizes, loads, leans and clothes of all kinds.
    pub fn sample_varied(random: &mut Sampler) -> Self {
        let child = random.chance(0.06);
        let usual = Self::sample(random);
        Self {
            stature_m: if child { random.uniform(1.2, 1.5) } else { random.bounded_normal(1.72, 0.1) } as f32,
            wheel_radius_m: if random.chance(0.1) { random.uniform(0.2, 0.28) } else { random.uniform(0.3, 0.36) }
                as f32,
            half_base_m: random.uniform(0.46, 0.60) as f32,
            lean_rad: random.uniform(0.0, 0.95) as f32,
            bulk: random.uniform(0.82, 1.4) as f32,
            frame: Frame::sample(random),
            ..usual
        }
    }

    /// A bicycle without its rider: scenery that a cyclist detector must leave alone.
    pub fn parked_bicycle(random: &mut Sampler) -> Vec<Solid> {
        Self::sample(random).without_rider()
    }

    /// The bicycle alone, parked.
    pub fn without_rider(&self) -> Vec<Solid> {
        let mut parts = self.bicycle();
        parts.iter_mut().for_each(|part| part.material.class_id = class::BICYCLE);
        parts
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let mut solids = self.bicycle();
        solids.extend(self.rider());
        if self.frame.roll_rad != 0.0 {
            let roll = Affine::from_roll(self.frame.roll_rad);
            solids.iter_mut().for_each(|part| part.shape = part.shape.moved(&roll));
        }
        solids
    }

    fn bicycle(&self) -> Vec<Solid> {
        let radius = self.wheel_radius_m;
        let spokes = self.metal.with_surface(Surface::Sparse { coverage: self.frame.coverage });
        let (front, rear) = (Vec3::new(self.half_base_m, 0.0, radius), Vec3::new(-self.half_base_m, 0.0, radius));
        let wheel = |hub: Vec3| Solid {
            shape: Shape::cylinder(hub - Vec3::Y * 0.025, hub + Vec3::Y * 0.025, radius),
            material: spokes,
        };
        let frame = &self.frame;
        let saddle = Vec3::new(-0.22, 0.0, 0.88 * frame.scale);
        let bracket = Vec3::new(-0.08, 0.0, 0.30);
        let head = Vec3::new(0.33, 0.0, 0.85 * frame.scale);
        let bar = Vec3::new(0.36, 0.0, 1.05 * frame.scale);
        let tube =
            |from: Vec3, to: Vec3| Solid { shape: Shape::cylinder(from, to, frame.tube_m), material: self.metal };
        // Without a top tube the second one runs beside the lower.
        let top_tube_m = if frame.step_through { 0.45 } else { 0.15 };
        let mut solids = vec![
            wheel(front),
            wheel(rear),
            tube(bracket, saddle),
            tube(bracket, head),
            tube(saddle - Vec3::Z * top_tube_m, head),
            tube(bracket, rear),
            tube(saddle - Vec3::Z * 0.15, rear),
            tube(front, bar),
            tube(bar - Vec3::Y * frame.bar_m, bar + Vec3::Y * frame.bar_m),
        ];
        if self.pannier {
            let low = Vec3::new(-0.72, -0.2, 0.4);
            let bags = Shape::cuboid(low, low + Vec3::new(0.36, 0.4, 0.36));
            solids.push(Solid { shape: bags, material: self.clothes[0] });
        }
        let load = self.metal.with_surface(Surface::Sparse { coverage: 0.75 });
        if frame.basket {
            let low = Vec3::new(0.42, -0.2, 0.72);
            let basket = Shape::cuboid(low, low + Vec3::new(0.34, 0.4, 0.28));
            solids.push(Solid { shape: basket, material: load });
        }
        if frame.child_seat {
            let low = Vec3::new(-0.68, -0.17, 0.75);
            let seat = Shape::cuboid(low, low + Vec3::new(0.3, 0.34, 0.55));
            solids.push(Solid { shape: seat, material: self.clothes[1] });
        }
        solids
    }

    fn rider(&self) -> Vec<Solid> {
        let dressed = |shape, upper: bool| Solid { shape, material: self.clothes[usize::from(upper)] };
        let hip = Vec3::new(-0.2, 0.0, 0.92 * self.frame.scale);
        let trunk = 0.33 * self.stature_m;
        let (sin, cos) = self.lean_rad.sin_cos();
        let back = Vec3::new(sin, 0.0, cos);
        let shoulders = hip + back * trunk;
        let chest = Shape::Ellipsoid {
            center: hip + back * (0.55 * trunk),
            axes: [Vec3::new(cos, 0.0, -sin), Vec3::Y, back],
            radii: Vec3::new(0.13 * self.bulk, 0.19 * self.bulk * self.frame.shoulders, 0.62 * trunk),
        };
        let skull = shoulders + Vec3::new(0.06 + 0.05 * sin, 0.0, 0.19);
        let helmet_m = if self.frame.helmet { 0.025 } else { 0.0 };
        let head = Shape::ellipsoid(skull, Vec3::new(0.115, 0.09, 0.125) + Vec3::splat(helmet_m));
        let mut solids = vec![
            dressed(chest, true),
            dressed(Shape::ellipsoid(hip, Vec3::new(0.15, 0.17, 0.13) * self.bulk), false),
            Solid { shape: head, material: Material::opaque(class::BICYCLIST, 0.3, 0.1).with_finish(Finish::Skin) },
        ];
        for side in [-1.0_f32, 1.0] {
            let crank = self.crank_rad + if side > 0.0 { std::f32::consts::PI } else { 0.0 };
            let foot = if self.frame.waiting && side > 0.0 {
                Vec3::new(0.02, 0.26, 0.06)
            } else {
                Vec3::new(-0.08 + 0.17 * crank.cos(), side * 0.11, 0.33 + 0.17 * crank.sin())
            };
            let thigh_root = hip + Vec3::Y * (side * 0.09);
            let middle = (thigh_root + foot) * 0.5;
            let slack = (0.46 - 0.5 * (thigh_root - foot).length()).max(0.05);
            let knee = middle + Vec3::new(0.1 + slack, side * 0.03, 0.08);
            solids.push(dressed(Shape::cylinder(thigh_root, knee, 0.08 * self.bulk), false));
            solids.push(dressed(Shape::cylinder(knee, foot, 0.055 * self.bulk), false));
            solids.push(dressed(Shape::ellipsoid(foot + Vec3::X * 0.05, Vec3::new(0.13, 0.045, 0.05)), false));
            let shoulder = shoulders + Vec3::new(0.0, side * 0.18 * self.frame.shoulders, -0.05);
            let hand = Vec3::new(0.36, side * (self.frame.bar_m - 0.03), 1.06 * self.frame.scale);
            let elbow = (shoulder + hand) * 0.5 + Vec3::new(-0.03, side * 0.03, -0.07);
            solids.push(dressed(Shape::cylinder(shoulder, elbow, 0.048 * self.bulk), true));
            solids.push(dressed(Shape::cylinder(elbow, hand, 0.042), true));
        }
        if self.rucksack {
            let center = hip + back * (0.6 * trunk) - Vec3::new(cos, 0.0, -sin) * 0.22;
            let half = Vec3::new(0.11, 0.15, 0.2);
            solids.push(dressed(Shape::cuboid(center - half, center + half), false));
        }
        solids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::ActorShape;

    #[test]
    fn cyclists_are_as_large_as_the_labels_of_cyclists() {
        let mut random = Sampler::new(1, "cyclists");
        let boxes: Vec<Vec3> =
            (0..200).map(|_| ActorShape::Cyclist(CyclistShape::sample(&mut random)).label_box().1).collect();
        let mean = boxes.iter().fold(Vec3::ZERO, |sum, b| sum + *b) / boxes.len() as f32;
        assert!((mean.x - 1.76).abs() < 0.08 && (mean.y - 0.63).abs() < 0.09, "{mean}");
        assert!((mean.z - 1.73).abs() < 0.08, "{mean}");
    }

    #[test]
    fn the_wide_distribution_has_the_mean_size_of_labels_and_spreads_wider() {
        let mut random = Sampler::new(2, "cyclists");
        let mut sizes = |varied: bool| -> Vec<Vec3> {
            let mut one =
                || if varied { CyclistShape::sample_varied(&mut random) } else { CyclistShape::sample(&mut random) };
            (0..300).map(|_| ActorShape::Cyclist(one()).label_box().1).collect()
        };
        let (plain, varied) = (sizes(false), sizes(true));
        let mean = |all: &[Vec3]| all.iter().fold(Vec3::ZERO, |sum, b| sum + *b) / all.len() as f32;
        let spread = |all: &[Vec3]| all.iter().fold(0.0_f32, |sum, b| sum + (*b - mean(all)).length_squared());
        assert!((mean(&varied) - Vec3::new(1.76, 0.63, 1.73)).abs().max_element() < 0.15, "{}", mean(&varied));
        assert!(spread(&varied) > 1.2 * spread(&plain));
    }
}
