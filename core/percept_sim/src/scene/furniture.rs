//! What authorities put along roads: lights, lamps, signs, shelters, rails, walls, gantries, bridges.
//!
//! Local axes: x along the road, +y towards it, z up from the ground.

use crate::material::{Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Plane, Shape, Solid};
use crate::vector::Vec3;

fn cuboid(low: [f32; 3], high: [f32; 3], material: Material) -> Solid {
    Solid { shape: Shape::cuboid(Vec3::from_array(low), Vec3::from_array(high)), material }
}

fn rod(from: [f32; 3], to: [f32; 3], radius: f32, material: Material) -> Solid {
    Solid { shape: Shape::cylinder(Vec3::from_array(from), Vec3::from_array(to), radius), material }
}

fn metal(random: &mut Sampler) -> Material {
    Material::opaque(class::POLE, random.uniform(0.1, 0.4) as f32, 0.15)
}

/// Foil of a sign: bright from wherever it is lit.
fn foil(random: &mut Sampler) -> Material {
    Material::opaque(class::TRAFFIC_SIGN, random.uniform(0.6, 2.0) as f32, 0.2)
        .with_retro(random.uniform(0.6, 0.95) as f32)
}

/// Traffic lights on a post, some on an arm over the road.
pub fn traffic_light(random: &mut Sampler) -> Vec<Solid> {
    let metal = metal(random);
    let height = random.uniform(2.9, 3.6) as f32;
    let box_at = |x: f32, y: f32, z: f32| {
        cuboid([x - 0.14, y - 0.16, z - 0.9], [x + 0.14, y + 0.16, z], Material::opaque(class::POLE, 0.1, 0.06))
    };
    let mut solids = vec![rod([0.0, 0.0, -0.3], [0.0, 0.0, height], 0.07, metal), box_at(0.12, 0.0, height)];
    if random.chance(0.4) {
        let (reach, up) = (random.uniform(2.5, 5.5) as f32, random.uniform(5.2, 5.9) as f32);
        solids.push(rod([0.0, 0.0, height], [0.0, 0.0, up], 0.07, metal));
        solids.push(rod([0.0, 0.0, up], [0.0, reach, up], 0.06, metal));
        solids.push(box_at(0.12, reach - 0.3, up + 0.3));
    }
    if random.chance(0.5) {
        // The button that people press.
        solids.push(cuboid([-0.1, -0.08, 1.0], [0.1, 0.08, 1.25], metal));
    }
    solids
}

/// A lamp post with an arm or two.
pub fn lamp(random: &mut Sampler) -> Vec<Solid> {
    let metal = metal(random);
    let (height, reach) = (random.uniform(4.0, 10.5) as f32, random.uniform(0.4, 2.2) as f32);
    let radius = random.uniform(0.05, 0.11) as f32;
    let mut solids = vec![
        rod([0.0, 0.0, -0.5], [0.0, 0.0, height], radius, metal),
        rod([0.0, 0.0, height], [0.0, reach, height + 0.25], 0.04, metal),
        cuboid([-0.15, reach - 0.3, height + 0.18], [0.15, reach + 0.4, height + 0.34], metal),
    ];
    if random.chance(0.3) {
        solids.push(rod([0.0, 0.0, -0.3], [0.0, 0.0, random.uniform(0.5, 1.2) as f32], radius * 1.8, metal));
    }
    if random.chance(0.15) {
        // A bin or a box fixed to the post.
        solids.push(cuboid([-0.2, 0.05, 0.7], [0.2, 0.4, 1.2], Material::opaque(class::OTHER_STRUCTURE, 0.2, 0.1)));
    }
    solids
}

/// A sign: disc, triangle, square or board, sometimes two on one post; it faces along the road.
pub fn road_sign(random: &mut Sampler) -> Vec<Solid> {
    let metal = metal(random);
    let facing = random.sign() as f32;
    let mut solids = Vec::new();
    let mut bottom = random.uniform(1.6, 2.4) as f32;
    if random.chance(0.15) {
        bottom = random.uniform(0.4, 0.9) as f32;
    }
    for _ in 0..1 + usize::from(random.chance(0.25)) {
        let foil = foil(random);
        let x = facing * 0.05;
        let radius = random.uniform(0.28, 0.46) as f32;
        let middle = Vec3::new(x, 0.0, bottom + radius);
        let thickness = Vec3::X * 0.01;
        let shape = match random.weighted(&[0.4, 0.25, 0.35]) {
            0 => Shape::cylinder(middle - thickness, middle + thickness, radius),
            1 => {
                let mut planes = vec![
                    Plane::through(middle + thickness, Vec3::X),
                    Plane::through(middle - thickness, -Vec3::X),
                    Plane::through(middle - Vec3::Z * (radius * 0.6), -Vec3::Z),
                ];
                for side in [-1.0, 1.0] {
                    let out = Vec3::new(0.0, side * 0.866, 0.5);
                    planes.push(Plane::through(middle + out * (radius * 0.6), out));
                }
                Shape::convex(planes)
            }
            _ => {
                let half = Vec3::new(0.01, radius * random.uniform(0.6, 1.8) as f32, radius);
                Shape::cuboid(middle - half, middle + half)
            }
        };
        solids.push(Solid { shape, material: foil });
        bottom += 2.0 * radius + 0.08;
    }
    solids.push(rod([0.0, 0.0, -0.3], [0.0, 0.0, bottom], random.uniform(0.025, 0.05) as f32, metal));
    solids
}

/// A bus stop's shelter with its bench, open towards the road.
pub fn shelter(random: &mut Sampler) -> Vec<Solid> {
    let (half, depth) = (random.uniform(1.4, 2.6) as f32, random.uniform(1.1, 1.7) as f32);
    let frame = Material::opaque(class::OTHER_STRUCTURE, random.uniform(0.1, 0.35) as f32, 0.1);
    let glass = frame.with_surface(Surface::Glass { lost: 0.55, passed: 0.3 });
    let mut solids = vec![
        cuboid([-half, -depth, 0.15], [half, -depth + 0.03, 2.2], glass),
        cuboid([-half - 0.1, -depth - 0.1, 2.25], [half + 0.1, 0.15, 2.4], frame),
        cuboid([-half * 0.6, -depth + 0.15, 0.4], [half * 0.6, -depth + 0.5, 0.48], frame),
    ];
    for side in [-1.0, 1.0] {
        let x = side * half;
        solids.push(cuboid([x - 0.02, -depth, 0.15], [x + 0.02, -depth * 0.3, 2.2], glass));
        solids.push(rod([x, -depth, -0.2], [x, -depth, 2.3], 0.05, frame));
        solids.push(rod([x, -0.05, -0.2], [x, -0.05, 2.3], 0.04, frame));
    }
    if random.chance(0.6) {
        // The board with the timetable and the H.
        let board = foil(random);
        solids.push(rod([half + 0.8, 0.2, -0.2], [half + 0.8, 0.2, 2.9], 0.04, frame));
        solids.push(cuboid([half + 0.78, -0.05, 2.3], [half + 0.82, 0.45, 2.8], board));
    }
    solids
}

/// A railing or a row of bollards along x between pavement and carriageway.
pub fn railing(random: &mut Sampler, length_m: f64) -> Vec<Solid> {
    let (half, height) = (length_m as f32 / 2.0, random.uniform(0.8, 1.15) as f32);
    let steel = Material::opaque(class::FENCE, random.uniform(0.1, 0.4) as f32, 0.12);
    let bars = random.chance(0.5);
    let spacing = random.uniform(1.4, 2.4) as f32;
    let mut solids = vec![rod([-half, 0.0, height], [half, 0.0, height], 0.03, steel)];
    if bars {
        let coverage = random.uniform(0.12, 0.35) as f32;
        let field = steel.with_surface(Surface::Sparse { coverage });
        solids.push(cuboid([-half, -0.012, 0.1], [half, 0.012, height], field));
    } else {
        solids.push(rod([-half, 0.0, height * 0.5], [half, 0.0, height * 0.5], 0.025, steel));
    }
    let mut x = -half;
    while x <= half {
        solids.push(rod([x, 0.0, -0.2], [x, 0.0, height], 0.03, steel));
        x += spacing;
    }
    solids
}

/// A stretch of crash barrier: a W-beam on posts, or a wall of concrete.
pub fn guard_rail(length_m: f64, is_concrete: bool) -> Vec<Solid> {
    let half = length_m as f32 / 2.0;
    if is_concrete {
        let concrete = Material::opaque(class::FENCE, 0.4, 0.1);
        return vec![
            cuboid([-half, -0.3, -0.2], [half, 0.3, 0.25], concrete),
            cuboid([-half, -0.13, 0.2], [half, 0.13, 0.9], concrete),
        ];
    }
    let steel = Material::opaque(class::FENCE, 0.35, 0.15).with_gloss(0.3);
    let mut solids = vec![
        cuboid([-half, -0.04, 0.44], [half, 0.03, 0.58], steel),
        cuboid([-half, -0.04, 0.61], [half, 0.03, 0.75], steel),
        cuboid([-half, -0.02, 0.5], [half, 0.0, 0.7], steel),
    ];
    let mut x = -half + 1.0;
    while x <= half {
        solids.push(cuboid([x - 0.05, -0.16, -0.2], [x + 0.05, -0.03, 0.7], steel));
        x += 2.0;
    }
    solids
}

/// A stretch of noise wall on posts.
pub fn noise_wall(random: &mut Sampler, length_m: f64, height_m: f32) -> Vec<Solid> {
    let half = length_m as f32 / 2.0;
    let panel = Material::opaque(class::FENCE, random.uniform(0.2, 0.5) as f32, 0.12);
    let mut solids = vec![cuboid([-half, -0.1, -0.5], [half, 0.1, height_m], panel)];
    let mut x = -half;
    while x <= half {
        solids.push(cuboid([x - 0.12, -0.18, -0.5], [x + 0.12, 0.18, height_m + 0.05], panel));
        x += 4.0;
    }
    solids
}

/// A post beside a motorway with its reflectors.
pub fn delineator() -> Vec<Solid> {
    let plastic = Material::opaque(class::POLE, 0.45, 0.1);
    let reflector = Material::opaque(class::POLE, 1.5, 0.2).with_retro(0.95);
    vec![
        cuboid([-0.06, -0.05, -0.2], [0.06, 0.05, 1.0], plastic),
        cuboid([-0.065, -0.03, 0.75], [0.065, 0.03, 0.92], reflector),
    ]
}

/// A gantry across `width_m` of carriageway with its boards; its middle lies over the origin, across x.
pub fn gantry(random: &mut Sampler, width_m: f64) -> Vec<Solid> {
    let (half, beam) = (width_m as f32 / 2.0, random.uniform(5.4, 6.6) as f32);
    let metal = metal(random);
    let mut solids = vec![
        rod([0.0, -half, -0.5], [0.0, -half, beam + 0.6], 0.2, metal),
        rod([0.0, half, -0.5], [0.0, half, beam + 0.6], 0.2, metal),
        cuboid(
            [-0.3, -half, beam + 0.1],
            [0.3, half, beam + 0.7],
            metal.with_surface(Surface::Sparse { coverage: 0.6 }),
        ),
    ];
    let mut y = -half + random.uniform(0.8, 2.5) as f32;
    while y < half - 2.0 {
        let wide = random.uniform(1.0, 4.5) as f32;
        let tall = random.uniform(1.0, 3.0) as f32;
        solids.push(cuboid([-0.42, y, beam], [-0.36, (y + wide).min(half), beam + tall], foil(random)));
        y += wide + random.uniform(0.5, 4.0) as f32;
    }
    solids
}

/// A bridge that crosses above `width_m` of carriageway: deck, parapets, abutments, now and then a pillar between.
pub fn bridge(random: &mut Sampler, width_m: f64, with_pillar: bool) -> Vec<Solid> {
    let (half, deck) = (width_m as f32 / 2.0, random.uniform(4.9, 6.0) as f32);
    let broad = random.uniform(2.5, 8.0) as f32;
    let concrete = Material::opaque(class::OTHER_STRUCTURE, random.uniform(0.3, 0.5) as f32, 0.1);
    let far = half + 30.0;
    let mut solids = vec![
        cuboid([-broad, -far, deck], [broad, far, deck + 1.1], concrete),
        cuboid([-broad, -far, deck + 1.1], [-broad + 0.2, far, deck + 2.1], concrete),
        cuboid([broad - 0.2, -far, deck + 1.1], [broad, far, deck + 2.1], concrete),
    ];
    for side in [-1.0, 1.0] {
        let (near, out) = (side * (half + 2.5), side * (half + 5.0));
        let low = [-broad - 0.5, near.min(out), -2.0];
        solids.push(cuboid(low, [broad + 0.5, near.max(out), deck + 0.2], concrete));
    }
    if with_pillar {
        solids.push(rod([0.0, 0.0, -1.0], [0.0, 0.0, deck + 0.1], 0.5, concrete));
    }
    solids
}

/// A shed for shopping trolleys: posts, a roof of glass and rails between which they stand.
pub fn trolley_shed(random: &mut Sampler) -> Vec<Solid> {
    let (half, depth) = (random.uniform(1.0, 1.8) as f32, random.uniform(3.5, 4.8) as f32);
    let frame = Material::opaque(class::OTHER_STRUCTURE, 0.3, 0.12);
    let glass = frame.with_surface(Surface::Glass { lost: 0.5, passed: 0.35 });
    let mut solids = vec![cuboid([-half, -depth, 2.2], [half, 0.0, 2.25], glass)];
    for x in [-half, half] {
        solids.push(rod([x, -depth, 0.4], [x, 0.0, 0.4], 0.03, frame));
        solids.push(rod([x, -depth, 0.9], [x, 0.0, 0.9], 0.03, frame));
        for y in [-depth, 0.0] {
            solids.push(rod([x, y, -0.2], [x, y, 2.2], 0.04, frame));
        }
    }
    solids
}
