//! What people push: strollers and shopping trolleys. The handle is at the rear.

use crate::material::{Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Shape, Solid};
use crate::vector::Vec3;

/// A stroller.
#[derive(Clone, Debug)]
pub struct StrollerShape {
    length_m: f32,
    half_width_m: f32,
    tub_m: f32,
    hood: bool,
    cloth: Material,
}

impl StrollerShape {
    /// A stroller.
    pub fn sample(random: &mut Sampler) -> Self {
        Self {
            length_m: random.uniform(0.65, 0.95) as f32,
            half_width_m: random.uniform(0.22, 0.34) as f32,
            tub_m: random.uniform(0.42, 0.6) as f32,
            hood: random.chance(0.7),
            cloth: Material::opaque(class::OTHER_OBJECT, random.uniform(0.05, 0.45) as f32, 0.09),
        }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let (half, width, tub) = (self.length_m / 2.0, self.half_width_m, self.tub_m);
        let dark = Material::opaque(class::OTHER_OBJECT, 0.1, 0.05);
        let mut parts = vec![Solid {
            shape: Shape::cuboid(Vec3::new(-half, -width + 0.04, tub), Vec3::new(half, width - 0.04, tub + 0.25)),
            material: self.cloth,
        }];
        if self.hood {
            let hood = Shape::ellipsoid(Vec3::new(-half * 0.4, 0.0, tub + 0.3), Vec3::new(0.28, width - 0.04, 0.3));
            parts.push(Solid { shape: hood, material: self.cloth });
        }
        let grip = Vec3::new(-half - 0.28, 0.0, 1.02);
        let bar = Shape::cylinder(grip - Vec3::Y * width, grip + Vec3::Y * width, 0.02);
        parts.push(Solid { shape: bar, material: dark });
        for side in [-1.0, 1.0] {
            let rod = Shape::cylinder(Vec3::new(half * 0.7, side * width, 0.2), grip + Vec3::Y * (side * width), 0.016);
            parts.push(Solid { shape: rod, material: dark });
            for x in [half * 0.8, -half * 0.8] {
                let hub = Vec3::new(x, side * width, 0.13);
                let wheel = Shape::cylinder(hub - Vec3::Y * 0.025, hub + Vec3::Y * 0.025, 0.13);
                parts.push(Solid { shape: wheel, material: dark.with_surface(Surface::Sparse { coverage: 0.6 }) });
            }
        }
        parts
    }
}

/// One shopping trolley, or several pushed together.
#[derive(Clone, Debug)]
pub struct TrolleyShape {
    length_m: f32,
    half_width_m: f32,
    coverage: f32,
}

impl TrolleyShape {
    /// One trolley.
    pub fn sample(random: &mut Sampler) -> Self {
        Self::sample_row(random, 1)
    }

    /// Trolleys pushed together.
    pub fn sample_row(random: &mut Sampler, count: usize) -> Self {
        Self {
            length_m: random.uniform(0.85, 1.05) as f32 + 0.3 * count.saturating_sub(1) as f32,
            half_width_m: random.uniform(0.24, 0.3) as f32,
            coverage: (random.uniform(0.25, 0.45) as f32 + 0.05 * count as f32).min(0.85),
        }
    }

    /// Its parts: a wire basket on a frame, its handle at the rear.
    pub fn solids(&self) -> Vec<Solid> {
        let (half, width) = (self.length_m / 2.0, self.half_width_m);
        let wire = Material::opaque(class::OTHER_OBJECT, 0.35, 0.15).with_gloss(0.3);
        let basket = Shape::cuboid(Vec3::new(-half, -width, 0.48), Vec3::new(half, width, 0.98));
        let frame = Shape::cuboid(Vec3::new(-half, -width, 0.1), Vec3::new(half, width, 0.22));
        let grip = Vec3::new(-half - 0.05, 0.0, 1.02);
        vec![
            Solid { shape: basket, material: wire.with_surface(Surface::Sparse { coverage: self.coverage }) },
            Solid { shape: frame, material: wire.with_surface(Surface::Sparse { coverage: 0.4 }) },
            Solid { shape: Shape::cylinder(grip - Vec3::Y * width, grip + Vec3::Y * width, 0.02), material: wire },
        ]
    }
}
