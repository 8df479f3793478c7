//! What stands still along a street: houses, hedges, fences, walls, trees, shrubs, poles, signs, bins.

use crate::actor::CyclistShape;
use crate::material::{Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Shape, Solid};
use crate::vector::{Affine, Vec3};

/// Leaves of a mean depth.
fn leaves(random: &mut Sampler, depth_m: [f64; 2]) -> Material {
    let mean_depth_m = random.within(depth_m) as f32;
    let reflectance = random.uniform(0.3, 0.48) as f32;
    Material::opaque(class::VEGETATION, reflectance, 0.09)
        .with_loss(0.01)
        .with_surface(Surface::Foliage { mean_depth_m })
}

/// A house: `length` along x, its front at y = 0, depth towards -y; windows and doors lose returns.
pub fn building(random: &mut Sampler, length_m: f64) -> Vec<Solid> {
    let (half, depth, height) =
        (length_m as f32 / 2.0, random.uniform(6.0, 14.0) as f32, random.uniform(3.0, 14.0) as f32);
    let plaster = Material::opaque(class::BUILDING, random.uniform(0.28, 0.62) as f32, 0.08);
    let lost = random.uniform(0.0, 0.2) as f32;
    let glass =
        Material::opaque(class::BUILDING, 0.15, 0.12).with_surface(Surface::Glass { lost, passed: (1.0 - lost) * 0.3 });
    let cuboid = |low, high, material| Solid { shape: Shape::cuboid(low, high), material };
    let mut solids = vec![cuboid(Vec3::new(-half, -depth, -3.0), Vec3::new(half, 0.0, height), plaster)];
    let spacing = random.uniform(2.2, 4.5) as f32;
    let (sill, lintel) = (random.uniform(0.6, 1.3) as f32, random.uniform(2.0, 2.6) as f32);
    let window_width = spacing * random.uniform(0.3, 0.65) as f32;
    let mut x = -half + spacing * 0.5;
    while x + window_width * 0.5 < half {
        let bottom = if random.chance(0.15) { 0.05 } else { sill };
        let (low, high) =
            (Vec3::new(x - window_width / 2.0, -0.3, bottom), Vec3::new(x + window_width / 2.0, 0.01, lintel));
        solids.push(cuboid(low, high, glass));
        x += spacing;
    }
    if random.chance(0.3) {
        // A bay, a porch or steps before the front.
        let (at, reach) = (random.uniform(-0.7, 0.7) as f32 * half, random.uniform(0.4, 1.8) as f32);
        let low = Vec3::new(at - random.uniform(0.5, 1.8) as f32, -0.1, -1.0);
        let top = if random.chance(0.5) { random.uniform(0.2, 1.0) } else { random.uniform(2.3, 3.2) };
        solids.push(cuboid(low, Vec3::new(at + random.uniform(0.5, 1.8) as f32, reach, top as f32), plaster));
    }
    solids
}

/// A clipped hedge along x.
pub fn hedge(random: &mut Sampler, length_m: f64) -> Vec<Solid> {
    let (half, height) = (length_m as f32 / 2.0, random.uniform(0.7, 2.4) as f32);
    let width = random.uniform(0.5, 1.4) as f32;
    let material = leaves(random, [0.08, 0.5]);
    let mut solids = Vec::new();
    let mut x = -half;
    // Shorter pieces of uneven height: nobody clips to a line.
    while x < half {
        let end = (x + random.uniform(1.5, 5.0) as f32).min(half);
        let (out, up) = (random.uniform(-0.12, 0.12) as f32, random.uniform(-0.12, 0.12) as f32);
        let low = Vec3::new(x, -width / 2.0 + out, -0.3);
        solids.push(Solid {
            shape: Shape::cuboid(low, Vec3::new(end, width / 2.0 + out, (height + up).max(0.4))),
            material,
        });
        x = end;
    }
    solids
}

/// A fence along x with posts.
pub fn fence(random: &mut Sampler, length_m: f64) -> Vec<Solid> {
    let (half, height) = (length_m as f32 / 2.0, random.uniform(0.8, 2.0) as f32);
    let coverage = if random.chance(0.3) { 1.0 } else { random.uniform(0.15, 0.8) as f32 };
    let wood = Material::opaque(class::FENCE, random.uniform(0.22, 0.5) as f32, 0.1);
    let mesh = wood.with_surface(Surface::Sparse { coverage });
    let panel = Shape::cuboid(Vec3::new(-half, -0.02, 0.05), Vec3::new(half, 0.02, height));
    let mut solids = vec![Solid { shape: panel, material: mesh }];
    let spacing = random.uniform(2.0, 3.5) as f32;
    let mut x = -half;
    while x <= half {
        let post = Shape::cylinder(Vec3::new(x, 0.0, -0.4), Vec3::new(x, 0.0, height + 0.05), 0.045);
        solids.push(Solid { shape: post, material: wood });
        x += spacing;
    }
    solids
}

/// A garden wall along x.
pub fn wall(random: &mut Sampler, length_m: f64) -> Vec<Solid> {
    let (half, height) = (length_m as f32 / 2.0, random.uniform(0.4, 2.4) as f32);
    let stone = Material::opaque(class::FENCE, random.uniform(0.25, 0.55) as f32, 0.1);
    let shape = Shape::cuboid(Vec3::new(-half, -0.15, -1.0), Vec3::new(half, 0.15, height));
    vec![Solid { shape, material: stone }]
}

/// A shrub, up to the size of a car: clumps of leaves of all sizes.
pub fn shrub(random: &mut Sampler) -> Vec<Solid> {
    let material = leaves(random, [0.15, 0.8]);
    let height = random.uniform(0.4, 2.6);
    let spread = random.uniform(0.2, 1.0);
    (0..random.integer(3, 8))
        .map(|_| {
            let radius = random.uniform(0.2, 0.75);
            let up = random.uniform(0.15, height.max(0.3));
            let center = [random.normal(0.0, spread), random.normal(0.0, spread), up];
            let flat = [random.uniform(0.7, 1.3), random.uniform(0.7, 1.2)];
            let radii = crate::vector::from_f64([radius, radius * flat[0], radius * flat[1]]);
            Solid { shape: Shape::ellipsoid(crate::vector::from_f64(center), radii), material }
        })
        .collect()
}

/// A tree: a trunk and a crown of several clouds of leaves; some have none below 3 m, some down to the ground.
pub fn tree(random: &mut Sampler) -> Vec<Solid> {
    let bark = Material::opaque(class::TRUNK, random.uniform(0.2, 0.4) as f32, 0.12);
    let material = leaves(random, [0.4, 1.8]);
    let trunk_radius = random.uniform(0.07, 0.32);
    let bole = if random.chance(0.45) { random.uniform(0.5, 1.8) } else { random.uniform(1.8, 4.2) };
    let height = bole + random.uniform(2.0, 7.0);
    let lean = [random.normal(0.0, 0.12), random.normal(0.0, 0.12)];
    let top = crate::vector::from_f64([lean[0], lean[1], bole + 1.2]);
    let mut solids =
        vec![Solid { shape: Shape::cylinder(Vec3::new(0.0, 0.0, -0.5), top, trunk_radius as f32), material: bark }];
    let crown = random.uniform(1.0, 3.2);
    for _ in 0..random.integer(5, 11) {
        let radius = crown * random.uniform(0.25, 0.65);
        let up = random.uniform(bole + radius * 0.5, height);
        let center = [random.normal(lean[0], crown * 0.5), random.normal(lean[1], crown * 0.5), up];
        let radii = Vec3::new(radius as f32, radius as f32, (radius * random.uniform(0.6, 1.0)) as f32);
        solids.push(Solid { shape: Shape::ellipsoid(crate::vector::from_f64(center), radii), material });
    }
    solids
}

/// A lamp post, sometimes with a box at its foot.
pub fn pole(random: &mut Sampler) -> Vec<Solid> {
    let metal = Material::opaque(class::POLE, random.uniform(0.1, 0.35) as f32, 0.15);
    let radius = random.uniform(0.04, 0.13) as f32;
    let shape =
        Shape::cylinder(Vec3::new(0.0, 0.0, -0.5), Vec3::new(0.0, 0.0, random.uniform(3.0, 9.0) as f32), radius);
    vec![Solid { shape, material: metal }]
}

/// A traffic sign on its post, facing -x.
pub fn sign(random: &mut Sampler) -> Vec<Solid> {
    let metal = Material::opaque(class::POLE, 0.2, 0.15);
    let foil = Material::opaque(class::TRAFFIC_SIGN, random.uniform(0.4, 0.95) as f32, 0.15);
    let (bottom, half, tall) =
        (random.uniform(0.7, 2.3) as f32, random.uniform(0.2, 0.5) as f32, random.uniform(0.4, 1.0) as f32);
    let post = Shape::cylinder(Vec3::new(0.0, 0.0, -0.3), Vec3::new(0.0, 0.0, bottom + tall), 0.035);
    let panel = Shape::cuboid(Vec3::new(-0.06, -half, bottom), Vec3::new(-0.04, half, bottom + tall));
    vec![Solid { shape: post, material: metal }, Solid { shape: panel, material: foil }]
}

/// Bicycles in a rack or against a wall, side by side.
pub fn bicycles(random: &mut Sampler) -> Vec<Solid> {
    let spacing = random.uniform(0.35, 0.7);
    let along_wall = random.chance(0.4);
    let count = if along_wall { 1 } else { random.integer(1, 6) };
    let mut solids = Vec::new();
    for place in 0..count {
        let yaw = if along_wall { 0.0 } else { std::f64::consts::FRAC_PI_2 } + random.normal(0.0, 0.12);
        let shift = crate::vector::from_f64([place as f64 * spacing, random.normal(0.0, 0.08), 0.0]);
        let motion = Affine::from_yaw(shift, yaw as f32);
        let parts = CyclistShape::parked_bicycle(random);
        solids.extend(parts.iter().map(|p| Solid { shape: p.shape.moved(&motion), material: p.material }));
    }
    solids
}

/// A bin, a cabinet, a bollard, a container, a heap: anything boxy or round that is no vehicle.
pub fn street_furniture(random: &mut Sampler) -> Vec<Solid> {
    let material = Material::opaque(class::OTHER_STRUCTURE, random.uniform(0.05, 0.5) as f32, 0.12);
    let size = match random.weighted(&[0.35, 0.25, 0.15, 0.25]) {
        0 => [random.uniform(0.4, 0.9), random.uniform(0.4, 0.8), random.uniform(0.7, 1.3)],
        1 => [random.uniform(0.6, 1.8), random.uniform(0.25, 0.5), random.uniform(0.8, 1.8)],
        2 => [random.uniform(1.2, 3.5), random.uniform(0.9, 2.2), random.uniform(0.7, 2.4)],
        _ => {
            let radius = random.uniform(0.06, 0.35);
            let top = Vec3::Z * random.uniform(0.5, 1.3) as f32;
            return vec![Solid { shape: Shape::cylinder(-Vec3::Z * 0.3, top, radius as f32), material }];
        }
    };
    let half = crate::vector::from_f64([size[0] / 2.0, size[1] / 2.0, 0.0]);
    let low = -half - Vec3::Z * 0.3;
    vec![Solid { shape: Shape::cuboid(low, half + Vec3::Z * size[2] as f32), material }]
}
