//! What stands round building sites: cones and barriers.

use crate::material::{Material, class};
use crate::random::Sampler;
use crate::solid::{Plane, Shape, Solid};
use crate::vector::Vec3;

/// A traffic cone, or a post of the same use.
#[derive(Clone, Debug)]
pub struct ConeShape {
    height_m: f32,
    foot_m: f32,
    is_post: bool,
    plastic: Material,
}

impl ConeShape {
    /// A cone.
    pub fn sample(random: &mut Sampler) -> Self {
        let height_m = random.uniform(0.45, 1.05) as f32;
        Self {
            height_m,
            foot_m: height_m * random.uniform(0.2, 0.3) as f32,
            is_post: random.chance(0.15),
            plastic: Material::opaque(class::OTHER_OBJECT, random.uniform(0.25, 0.5) as f32, 0.1),
        }
    }

    /// Its parts: an eight-sided cone with two retro-reflecting collars on a square foot.
    pub fn solids(&self) -> Vec<Solid> {
        let (height, foot) = (self.height_m, self.foot_m);
        let tip = if self.is_post { foot * 0.45 } else { 0.03 };
        let root = if self.is_post { tip + 0.005 } else { foot * 0.75 };
        let slope = (root - tip) / height;
        let faces = |grown: f32, from: f32, to: f32| {
            let mut planes: Vec<Plane> = (0..8)
                .map(|i| {
                    let (sin, cos) = (i as f32 * std::f32::consts::FRAC_PI_4).sin_cos();
                    Plane::through(Vec3::new(cos, sin, 0.0) * (root + grown), Vec3::new(cos, sin, slope))
                })
                .collect();
            planes.push(Plane::through(Vec3::Z * from, -Vec3::Z));
            planes.push(Plane::through(Vec3::Z * to, Vec3::Z));
            Shape::convex(planes)
        };
        let foil = Material::opaque(class::OTHER_OBJECT, 0.9, 0.15).with_retro(0.9);
        let plate = Shape::cuboid(Vec3::new(-foot, -foot, 0.0), Vec3::new(foot, foot, 0.04));
        vec![
            Solid { shape: plate, material: Material::opaque(class::OTHER_OBJECT, 0.08, 0.05) },
            Solid { shape: faces(0.0, 0.02, height), material: self.plastic },
            Solid { shape: faces(0.004, height * 0.35, height * 0.55), material: foil },
            Solid { shape: faces(0.004, height * 0.7, height * 0.85), material: foil },
        ]
    }
}

/// A barrier: a striped board on feet, a block of plastic or concrete, a mesh panel.
#[derive(Clone, Debug)]
pub struct BarrierShape {
    length_m: f32,
    height_m: f32,
    is_block: bool,
    body: Material,
}

impl BarrierShape {
    /// A barrier; it lies along y, across the way that it closes.
    pub fn sample(random: &mut Sampler) -> Self {
        let is_block = random.chance(0.45);
        Self {
            length_m: random.uniform(1.0, 2.6) as f32,
            height_m: random.uniform(0.8, 1.2) as f32,
            is_block,
            body: Material::opaque(class::FENCE, random.uniform(0.25, 0.6) as f32, 0.12),
        }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let (half, height) = (self.length_m / 2.0, self.height_m);
        let solid = |low: [f32; 3], high: [f32; 3], material| Solid {
            shape: Shape::cuboid(Vec3::from_array(low), Vec3::from_array(high)),
            material,
        };
        if self.is_block {
            return vec![
                solid([-0.25, -half, 0.0], [0.25, half, 0.3 * height], self.body),
                solid([-0.12, -half, 0.0], [0.12, half, height], self.body),
            ];
        }
        let board = self.body.with_retro(0.5);
        let dark = Material::opaque(class::FENCE, 0.1, 0.05);
        let mut parts = vec![
            solid([-0.02, -half, height - 0.25], [0.02, half, height], board),
            solid([-0.02, -half, 0.25], [0.02, half, 0.4], board),
        ];
        for y in [-half + 0.1, half - 0.1] {
            parts.push(solid([-0.025, y - 0.025, 0.0], [0.025, y + 0.025, height], dark));
            parts.push(solid([-0.35, y - 0.1, 0.0], [0.35, y + 0.1, 0.1], dark));
        }
        parts
    }
}
