//! Buses: city buses of one piece, bendy ones, coaches, now and then a double-decker.

use super::car::sample_paint;
use super::truck::{box_planes, wheels};
use crate::material::{Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Plane, Shape, Solid};
use crate::vector::Vec3;

/// The numbers of one bus.
#[derive(Clone, Debug)]
pub struct BusShape {
    /// Whether it has a joint.
    pub is_bendy: bool,
    /// Length, width, height.
    pub size_m: [f64; 3],
    sill_m: f32,
    clearance_m: f32,
    corner_m: f32,
    rake: f32,
    roof_box: Option<[f32; 2]>,
    lost: f32,
    paint: Material,
}

impl BusShape {
    /// A bus.
    pub fn sample(random: &mut Sampler, bendy_share: f64) -> Self {
        let is_bendy = random.chance(bendy_share);
        let length = match random.weighted(&[0.2, 0.6, 0.2]) {
            _ if is_bendy => random.uniform(17.5, 18.8),
            0 => random.uniform(7.5, 10.5),
            1 => random.uniform(11.5, 12.6),
            _ => random.uniform(12.6, 15.0),
        };
        let is_high = !is_bendy && random.chance(0.06);
        let height = if is_high { random.uniform(3.9, 4.3) } else { random.uniform(2.85, 3.55) };
        let roof_box = (!is_high && random.chance(0.6))
            .then(|| [random.uniform(-0.3, 0.3) as f32 * length as f32, random.uniform(0.8, 1.8) as f32]);
        Self {
            is_bendy,
            size_m: [length, random.uniform(2.4, 2.56), height],
            sill_m: random.uniform(0.9, 1.5) as f32,
            clearance_m: random.uniform(0.25, 0.38) as f32,
            corner_m: random.uniform(0.15, 0.5) as f32,
            rake: random.uniform(0.02, 0.2) as f32,
            roof_box,
            lost: random.uniform(0.45, 0.8) as f32,
            paint: sample_paint(random, class::BUS),
        }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let [length, width, height] = self.size_m.map(|v| v as f32);
        let (half_length, half_width) = (length / 2.0 - 0.02, width / 2.0 - 0.01);
        let roof_z = height - if self.roof_box.is_some() { 0.22 } else { 0.02 };
        let dark = Material::opaque(class::BUS, 0.08, 0.06);
        let mut solids = Vec::new();
        // The joint of a bendy bus lies behind the middle and is narrower than the two halves.
        let joint = self.is_bendy.then_some(-0.1 * length);
        let halves: Vec<[f32; 2]> = match joint {
            Some(x) => vec![[-half_length, x - 0.6], [x + 0.6, half_length]],
            None => vec![[-half_length, half_length]],
        };
        for [rear, front] in halves {
            let hull = self.hull(rear, front, half_width, roof_z, half_length);
            let mut windows = hull.clone();
            windows.iter_mut().for_each(|plane| plane.offset += 0.006);
            windows.push(Plane::through(Vec3::Z * self.sill_m, -Vec3::Z));
            windows.push(Plane::through(Vec3::Z * (roof_z - 0.35), Vec3::Z));
            let glass = self.paint.with_surface(Surface::Glass { lost: self.lost, passed: 0.1 });
            solids.push(Solid { shape: Shape::convex(windows), material: glass });
            solids.push(Solid { shape: Shape::convex(hull), material: self.paint });
        }
        if let Some(x) = joint {
            let low = Vec3::new(x - 0.6, -half_width + 0.12, self.clearance_m);
            let high = Vec3::new(x + 0.6, half_width - 0.12, roof_z - 0.1);
            solids.push(Solid { shape: Shape::cuboid(low, high), material: dark });
        }
        if let Some([x, half]) = self.roof_box {
            let low = Vec3::new(x - half, -0.8, roof_z - 0.02);
            solids.push(Solid { shape: Shape::cuboid(low, Vec3::new(x + half, 0.8, height)), material: self.paint });
        }
        let mut axles = vec![half_length - 2.6, -half_length + 3.2];
        axles.extend(joint.map(|x| x + 2.0));
        solids.extend(wheels(&axles, half_width - 0.01, 0.48, dark));
        for side in [-1.0, 1.0] {
            let center = Vec3::new(half_length - 0.1, side * (half_width + 0.14), 2.2);
            let half = Vec3::new(0.06, 0.11, 0.22);
            solids.push(Solid { shape: Shape::cuboid(center - half, center + half), material: dark });
        }
        solids
    }

    fn hull(&self, rear: f32, front: f32, half_width: f32, roof_z: f32, half_length: f32) -> Vec<Plane> {
        let mut hull = box_planes(Vec3::new(rear, -half_width, self.clearance_m), Vec3::new(front, half_width, roof_z));
        for (x, end) in [(front, 1.0), (rear, -1.0)] {
            if x.abs() < half_length - 0.01 {
                continue;
            }
            hull.push(Plane::through(Vec3::new(x, 0.0, 1.2), Vec3::new(end, 0.0, self.rake)));
            for side in [-1.0, 1.0] {
                let corner = Vec3::new(x - end * self.corner_m, side * half_width, 1.0);
                hull.push(Plane::through(corner, Vec3::new(end, side, 0.0)));
            }
        }
        for side in [-1.0, 1.0] {
            let edge = Vec3::new(0.0, side * (half_width - 0.15), roof_z);
            hull.push(Plane::through(edge, Vec3::new(0.0, side, 1.0)));
        }
        hull
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solid::bounds_of;

    #[test]
    fn buses_fill_their_labels() {
        let mut random = Sampler::new(5, "buses");
        for _ in 0..40 {
            let bus = BusShape::sample(&mut random, 0.4);
            let corners: Vec<Vec3> = bus.solids().iter().flat_map(|s| <[Vec3; 2]>::from(s.shape.bounds())).collect();
            let (low, high) = bounds_of(&corners);
            let [length, width, height] = bus.size_m.map(|v| v as f32);
            assert!((high.x - low.x - length).abs() < 0.1, "{bus:?} {low} {high}");
            assert!((high.y - low.y) > width - 0.1 && (high.y - low.y) < width + 0.6, "{bus:?}");
            assert!((high.z - height).abs() < 0.05 && low.z.abs() < 0.02, "{bus:?} {low} {high}");
        }
    }
}
