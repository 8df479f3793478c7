//! Lorries and trams: large convex bodies that a car detector must not take for cars.

use super::car::sample_paint;
use crate::material::{Finish, Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Plane, Shape, Solid};
use crate::vector::Vec3;

/// A lorry: driver's cab, load, wheels.
#[derive(Clone, Debug)]
pub struct TruckShape {
    /// Length, width, height.
    pub size_m: [f64; 3],
    cab_length_m: f32,
    cab_height_m: f32,
    paint: Material,
    load: Material,
}

impl TruckShape {
    /// A lorry.
    pub fn sample(random: &mut Sampler) -> Self {
        let size_m = [random.uniform(5.8, 14.0), random.uniform(2.2, 2.65), random.uniform(2.6, 3.9)];
        Self {
            size_m,
            cab_length_m: random.uniform(1.6, 2.3) as f32,
            cab_height_m: random.uniform(2.3, size_m[2].min(3.1)) as f32,
            paint: sample_paint(random, class::TRUCK),
            load: sample_paint(random, class::TRUCK),
        }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let [length, width, height] = self.size_m.map(|v| v as f32);
        let (half_length, half_width) = (length / 2.0, width / 2.0);
        let cab_rear = half_length - self.cab_length_m;
        let mut cab =
            box_planes(Vec3::new(cab_rear, -half_width, 0.45), Vec3::new(half_length, half_width, self.cab_height_m));
        cab.push(Plane::through(Vec3::new(half_length, 0.0, 1.3), Vec3::new(1.0, 0.0, 0.18)));
        for side in [-1.0, 1.0] {
            let corner = Vec3::new(half_length - 0.15, side * half_width, 1.0);
            cab.push(Plane::through(corner, Vec3::new(1.0, side, 0.0)));
        }
        let glass = self.paint.with_surface(Surface::Glass { lost: 0.6, passed: 0.0 });
        let mut window = cab.clone();
        window.iter_mut().for_each(|p| p.offset += 0.004);
        window.push(Plane::through(Vec3::Z * (self.cab_height_m - 1.0), -Vec3::Z));
        window.push(Plane::through(Vec3::Z * (self.cab_height_m - 0.25), Vec3::Z));
        let load_low = Vec3::new(-half_length, -half_width, 1.0);
        let load_high = Vec3::new(cab_rear - 0.25, half_width, height);
        let mut solids = vec![
            Solid { shape: Shape::convex(cab), material: self.paint },
            Solid { shape: Shape::convex(window), material: glass },
            Solid { shape: Shape::cuboid(load_low, load_high), material: self.load },
        ];
        let frame_low = Vec3::new(-half_length + 0.3, -0.5, 0.6);
        let dark = Material::opaque(class::TRUCK, 0.08, 0.06).with_finish(Finish::Rubber);
        solids.push(Solid { shape: Shape::cuboid(frame_low, Vec3::new(cab_rear, 0.5, 1.0)), material: dark });
        let rear_axles = if length > 8.5 { 2 } else { 1 };
        let mut axles = vec![half_length - 1.2];
        axles.extend((0..rear_axles).map(|i| -half_length + 1.3 + 1.3 * i as f32));
        solids.extend(wheels(&axles, half_width, 0.5, dark));
        solids
    }
}

/// A trailer behind a car: a box, a flat bed with or without a load, a caravan.
#[derive(Clone, Debug)]
pub struct TrailerShape {
    /// Length of the body, width, height.
    size_m: [f32; 3],
    floor_m: f32,
    body: Material,
}

impl TrailerShape {
    /// A trailer.
    pub fn sample(random: &mut Sampler) -> Self {
        let size = match random.weighted(&[0.5, 0.3, 0.2]) {
            0 => [random.uniform(1.8, 3.0), random.uniform(1.2, 1.7), random.uniform(0.9, 1.6)],
            1 => [random.uniform(3.0, 5.0), random.uniform(1.6, 2.1), random.uniform(1.0, 1.8)],
            _ => [random.uniform(4.0, 6.5), random.uniform(2.0, 2.4), random.uniform(2.3, 2.7)],
        };
        Self {
            size_m: size.map(|v| v as f32),
            floor_m: random.uniform(0.35, 0.6) as f32,
            body: sample_paint(random, class::OTHER_VEHICLE),
        }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let [length, width, height] = self.size_m;
        let (half_length, half_width) = (length / 2.0, width / 2.0);
        let dark = Material::opaque(class::OTHER_VEHICLE, 0.08, 0.06);
        let body = Shape::cuboid(
            Vec3::new(-half_length, -half_width, self.floor_m),
            Vec3::new(half_length, half_width, height.max(self.floor_m + 0.3)),
        );
        let bar = Shape::cylinder(Vec3::new(half_length, 0.0, 0.45), Vec3::new(half_length + 1.1, 0.0, 0.45), 0.05);
        let mut solids = vec![Solid { shape: body, material: self.body }, Solid { shape: bar, material: dark }];
        solids.extend(wheels(&[-0.1], half_width + 0.1, 0.3, dark));
        solids
    }
}

/// A tram of one or more cars.
#[derive(Clone, Debug)]
pub struct TramShape {
    /// Length, width, height.
    pub size_m: [f64; 3],
    paint: Material,
}

impl TramShape {
    /// A tram.
    pub fn sample(random: &mut Sampler) -> Self {
        let size_m = [random.uniform(12.0, 34.0), random.uniform(2.3, 2.65), random.uniform(3.2, 3.7)];
        Self { size_m, paint: sample_paint(random, class::ON_RAILS) }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let [length, width, height] = self.size_m.map(|v| v as f32);
        let (half_length, half_width) = (length / 2.0, width / 2.0);
        let mut hull =
            box_planes(Vec3::new(-half_length, -half_width, 0.3), Vec3::new(half_length, half_width, height));
        for end in [-1.0, 1.0] {
            hull.push(Plane::through(Vec3::new(end * half_length, 0.0, 1.2), Vec3::new(end, 0.0, 0.3)));
            for side in [-1.0, 1.0] {
                let corner = Vec3::new(end * (half_length - 0.5), side * half_width, 1.0);
                hull.push(Plane::through(corner, Vec3::new(end, side * 0.8, 0.0)));
            }
        }
        let mut windows = hull.clone();
        windows.iter_mut().for_each(|p| p.offset += 0.004);
        windows.push(Plane::through(Vec3::Z * 1.3, -Vec3::Z));
        windows.push(Plane::through(Vec3::Z * (height - 0.7), Vec3::Z));
        let glass = self.paint.with_surface(Surface::Glass { lost: 0.6, passed: 0.15 });
        vec![
            Solid { shape: Shape::convex(hull), material: self.paint },
            Solid { shape: Shape::convex(windows), material: glass },
        ]
    }
}

pub(super) fn box_planes(low: Vec3, high: Vec3) -> Vec<Plane> {
    [Vec3::X, Vec3::Y, Vec3::Z].iter().flat_map(|a| [Plane::through(high, *a), Plane::through(low, -*a)]).collect()
}

pub(super) fn wheels(axles_x: &[f32], half_width: f32, radius: f32, material: Material) -> Vec<Solid> {
    let wheel = |x: f32, side: f32| Solid {
        shape: Shape::cylinder(
            Vec3::new(x, side * (half_width - 0.35), radius),
            Vec3::new(x, side * half_width, radius),
            radius,
        ),
        material,
    };
    axles_x.iter().flat_map(|x| [wheel(*x, -1.0), wheel(*x, 1.0)]).collect()
}
