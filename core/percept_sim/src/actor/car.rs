//! Cars and vans: bonnet, body, tapered cabin of glass between pillars, rounded plan corners, wheels, clearance.
//!
//! Sizes follow KITTI's labels (cars 3.88 x 1.63 x 1.53 m on average), which are drawn a little round the sheet metal:
//! on the side that faces the sensor recorded points end 0.06 m inside the ends, 0.01 m inside the sides and 0.08 m
//! below the top.

use crate::material::{Finish, Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Plane, Shape, Solid};
use crate::vector::Vec3;

/// The families of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyType {
    /// Small cars with a steep tail.
    Compact,
    /// The common hatchback.
    Hatchback,
    /// Three boxes.
    Saloon,
    /// Long roof, steep tail.
    Estate,
    /// High cars and people carriers.
    Suv,
    /// Delivery vans and minibuses.
    Van,
}

/// The numbers of one car.
#[derive(Clone, Debug)]
pub struct CarShape {
    /// Family.
    pub body: BodyType,
    /// Length, width, height as labelled.
    pub label_size_m: [f64; 3],
    clearance_m: f32,
    belt_m: f32,
    nose_m: f32,
    /// Windscreen foot and tail-glass foot, from the front and from the rear end.
    windscreen_foot_m: f32,
    tail_foot_m: f32,
    windscreen_rad: f32,
    tail_rad: f32,
    tumblehome_rad: f32,
    corner_radius_m: f32,
    rake: f32,
    wheel_radius_m: f32,
    axle_m: [f32; 2],
    paint: Material,
    glass: Material,
    windows_behind: bool,
}

/// Ranges from which a body type is drawn.
struct Family {
    size_m: [[f64; 2]; 3],
    clearance_m: [f64; 2],
    belt_share: [f64; 2],
    nose_share: [f64; 2],
    windscreen_foot_share: [f64; 2],
    tail_foot_m: [f64; 2],
    windscreen_deg: [f64; 2],
    tail_deg: [f64; 2],
}

fn family(body: BodyType) -> Family {
    let hatchback = Family {
        size_m: [[3.62, 4.20], [1.54, 1.72], [1.41, 1.58]],
        clearance_m: [0.16, 0.24],
        belt_share: [0.56, 0.62],
        nose_share: [0.40, 0.48],
        windscreen_foot_share: [0.23, 0.30],
        tail_foot_m: [0.02, 0.14],
        windscreen_deg: [28.0, 38.0],
        tail_deg: [50.0, 72.0],
    };
    match body {
        BodyType::Hatchback => hatchback,
        BodyType::Compact => Family {
            size_m: [[3.1, 3.70], [1.44, 1.64], [1.40, 1.62]],
            windscreen_foot_share: [0.19, 0.27],
            windscreen_deg: [32.0, 46.0],
            tail_deg: [58.0, 78.0],
            ..hatchback
        },
        BodyType::Saloon => Family {
            size_m: [[3.95, 4.70], [1.58, 1.80], [1.36, 1.52]],
            belt_share: [0.59, 0.65],
            windscreen_foot_share: [0.26, 0.32],
            tail_foot_m: [0.45, 0.85],
            tail_deg: [25.0, 36.0],
            ..hatchback
        },
        BodyType::Estate => Family {
            size_m: [[3.95, 4.60], [1.57, 1.78], [1.40, 1.56]],
            tail_deg: [48.0, 75.0],
            tail_foot_m: [0.02, 0.1],
            ..hatchback
        },
        BodyType::Suv => Family {
            size_m: [[3.75, 4.60], [1.60, 1.86], [1.58, 1.88]],
            clearance_m: [0.19, 0.30],
            nose_share: [0.44, 0.52],
            windscreen_foot_share: [0.18, 0.28],
            windscreen_deg: [32.0, 48.0],
            tail_deg: [62.0, 84.0],
            ..hatchback
        },
        BodyType::Van => Family {
            size_m: [[4.3, 6.2], [1.70, 2.05], [1.80, 2.75]],
            clearance_m: [0.22, 0.34],
            belt_share: [0.46, 0.56],
            nose_share: [0.38, 0.46],
            windscreen_foot_share: [0.10, 0.20],
            tail_foot_m: [0.0, 0.06],
            windscreen_deg: [42.0, 62.0],
            tail_deg: [80.0, 88.0],
        },
    }
}

impl CarShape {
    /// A passenger car.
    pub fn sample(random: &mut Sampler) -> Self {
        const FAMILIES: [BodyType; 5] =
            [BodyType::Compact, BodyType::Hatchback, BodyType::Saloon, BodyType::Estate, BodyType::Suv];
        let body = FAMILIES[random.weighted(&[0.26, 0.34, 0.12, 0.13, 0.15])];
        Self::sample_body(random, body)
    }

    /// A delivery van or a minibus.
    pub fn sample_van(random: &mut Sampler) -> Self {
        Self::sample_body(random, BodyType::Van)
    }

    /// A car of this family.
    pub fn sample_body(random: &mut Sampler, body: BodyType) -> Self {
        let family = family(body);
        let share = random.unit();
        // Long cars tend to be wide: half of the position within each range is shared.
        let mut size = |axis: usize| {
            let own = random.unit();
            let position = if axis == 2 { own } else { 0.5 * (own + share) };
            family.size_m[axis][0] + (family.size_m[axis][1] - family.size_m[axis][0]) * position
        };
        let label_size_m = [size(0), size(1), size(2)];
        let [length, _, height] = label_size_m;
        let wheel_radius_m = random.uniform(0.28, 0.34) as f32;
        let lost = random.uniform(0.35, 0.78) as f32;
        let passed = (1.0 - lost) * random.uniform(0.4, 0.9) as f32;
        Self {
            body,
            label_size_m,
            clearance_m: random.within(family.clearance_m) as f32,
            belt_m: (height * random.within(family.belt_share)) as f32,
            nose_m: (height * random.within(family.nose_share)) as f32,
            windscreen_foot_m: (length * random.within(family.windscreen_foot_share)) as f32,
            tail_foot_m: random.within(family.tail_foot_m) as f32,
            windscreen_rad: random.within(family.windscreen_deg).to_radians() as f32,
            tail_rad: random.within(family.tail_deg).to_radians() as f32,
            tumblehome_rad: random
                .uniform(if body == BodyType::Van { 3.0 } else { 12.0 }, if body == BodyType::Van { 8.0 } else { 24.0 })
                .to_radians() as f32,
            corner_radius_m: random.uniform(0.30, 0.70) as f32,
            rake: random.uniform(0.18, 0.5) as f32,
            wheel_radius_m,
            axle_m: [random.uniform(0.72, 0.92) as f32, random.uniform(0.6, 0.9) as f32],
            paint: sample_paint(random, class::CAR),
            glass: Material::opaque(class::CAR, 0.08, 0.1).with_surface(Surface::Glass { lost, passed }),
            windows_behind: body != BodyType::Van || random.chance(0.4),
        }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let [length, width, height] = self.label_size_m.map(|v| v as f32);
        // The sheet metal is a little smaller than the label; see the head of this file.
        let (length, width, height) = (length - 0.08, width - 0.01, height - 0.02);
        let body = Body { car: self, half_length: length / 2.0, half_width: width / 2.0, height };
        let mut solids = vec![body.trunk(), body.nose()];
        solids.extend(body.greenhouse());
        solids.extend(body.pillars());
        solids.extend(body.wheels());
        solids.extend(body.details());
        solids
    }
}

/// Paint between black, which loses returns, and white.
pub(super) fn sample_paint(random: &mut Sampler, class_id: u16) -> Material {
    let (reflectance, loss) = match random.weighted(&[0.40, 0.33, 0.27]) {
        0 => (random.uniform(-0.20, -0.02), random.uniform(0.0, 0.12)),
        1 => (random.uniform(-0.08, 0.15), random.uniform(0.0, 0.05)),
        _ => (random.uniform(0.10, 0.33), random.uniform(0.0, 0.02)),
    };
    Material::opaque(class_id, reflectance as f32, random.uniform(0.12, 0.24) as f32)
        .with_loss(loss as f32)
        .with_gloss(0.3)
        .with_finish(Finish::Paint)
}

struct Body<'a> {
    car: &'a CarShape,
    half_length: f32,
    half_width: f32,
    height: f32,
}

impl Body<'_> {
    fn windscreen_foot_x(&self) -> f32 {
        self.half_length - self.car.windscreen_foot_m
    }

    fn tail_foot_x(&self) -> f32 {
        -self.half_length + self.car.tail_foot_m
    }

    fn paint(&self, planes: Vec<Plane>) -> Solid {
        Solid { shape: Shape::convex(planes), material: self.car.paint }
    }

    /// Sides that are widest at the door handles and draw in below, with the bottom.
    fn flanks(&self) -> Vec<Plane> {
        let widest_z = self.car.clearance_m + 0.45 * (self.car.belt_m - self.car.clearance_m);
        let mut planes = vec![Plane::through(Vec3::Z * self.car.clearance_m, -Vec3::Z)];
        for side in [-1.0, 1.0] {
            let edge = Vec3::new(0.0, side * self.half_width, widest_z);
            planes.push(Plane::through(edge, Vec3::new(0.0, side, 0.10)));
            planes.push(Plane::through(edge, Vec3::new(0.0, side, -0.16)));
            let shoulder = Vec3::new(0.0, side * (self.half_width - 0.09), self.car.belt_m);
            planes.push(Plane::through(shoulder, Vec3::new(0.0, side, 1.2)));
        }
        planes
    }

    /// Rounded plan corners and a bowed face at one end (`end` 1 front, -1 rear).
    fn end_face(&self, end: f32) -> Vec<Plane> {
        let x = end * self.half_length;
        let radius = self.car.corner_radius_m;
        let middle_z = 0.5 * (self.car.clearance_m + self.car.nose_m);
        let mut planes = vec![
            Plane::through(Vec3::new(x, 0.0, middle_z), Vec3::new(end, 0.0, self.car.rake)),
            Plane::through(Vec3::new(x, 0.0, middle_z), Vec3::new(end, 0.0, -0.22)),
        ];
        for side in [-1.0_f32, 1.0] {
            let center = Vec3::new(x - end * radius, side * (self.half_width - radius), middle_z);
            for angle in [0.45_f32, 0.95] {
                let out = Vec3::new(end * angle.cos(), side * angle.sin(), 0.0);
                planes.push(Plane::through(center + out * radius, out));
            }
            let bow = Vec3::new(end, side * 0.2, 0.0);
            planes.push(Plane::through(Vec3::new(x, side * self.half_width * 0.2, middle_z), bow));
        }
        planes
    }

    /// The body from the windscreen's foot to the rear.
    fn trunk(&self) -> Solid {
        let mut planes = self.flanks();
        planes.extend(self.end_face(-1.0));
        planes.push(Plane::through(Vec3::Z * self.car.belt_m, Vec3::Z));
        planes.push(Plane::through(Vec3::X * self.windscreen_foot_x(), Vec3::X));
        self.paint(planes)
    }

    /// The bonnet, falling from the windscreen's foot to the nose.
    fn nose(&self) -> Solid {
        let foot = Vec3::new(self.windscreen_foot_x(), 0.0, self.car.belt_m);
        let fall = self.car.belt_m - self.car.nose_m;
        let mut planes = self.flanks();
        planes.extend(self.end_face(1.0));
        for side in [-1.0, 1.0] {
            let along = self.car.windscreen_foot_m;
            planes.push(Plane::through(foot, Vec3::new(fall * 0.75, side * 0.05 * along, along)));
            let shoulder = foot + Vec3::Y * (side * self.half_width * 0.55);
            planes.push(Plane::through(shoulder, Vec3::new(fall * 0.75, side * 0.2 * along, along)));
        }
        let tip = Vec3::new(self.half_length, 0.0, self.car.nose_m);
        planes.push(Plane::through(tip, Vec3::new(0.45, 0.0, 1.0)));
        planes.push(Plane::through(foot - Vec3::X * 0.05, -Vec3::X));
        self.paint(planes)
    }

    /// Faces of the cabin above the belt, without bottom and top.
    fn cabin_faces(&self) -> Vec<Plane> {
        let slope = |angle: f32, end: f32, yaw: f32| {
            let (sin, cos) = angle.sin_cos();
            Vec3::new(end * sin * yaw.cos(), sin * yaw.sin(), cos)
        };
        let belt = self.car.belt_m;
        let mut planes = Vec::new();
        for (x, angle, end) in
            [(self.windscreen_foot_x(), self.car.windscreen_rad, 1.0), (self.tail_foot_x(), self.car.tail_rad, -1.0)]
        {
            planes.push(Plane::through(Vec3::new(x, 0.0, belt), slope(angle, end, 0.0)));
            for side in [-1.0, 1.0] {
                let from = Vec3::new(x - end * 0.03, side * self.half_width * 0.35, belt);
                planes.push(Plane::through(from, slope(angle, end, side * 0.35)));
            }
        }
        for side in [-1.0, 1.0] {
            let (sin, cos) = self.car.tumblehome_rad.sin_cos();
            let foot = Vec3::new(0.0, side * (self.half_width - 0.05), belt);
            planes.push(Plane::through(foot, Vec3::new(0.0, side * cos, sin)));
            let roof_edge = self.roof_half_width() - 0.10;
            planes.push(Plane::through(
                Vec3::new(0.0, side * roof_edge, self.height - 0.01),
                Vec3::new(0.0, side * 0.5, 1.0),
            ));
        }
        let crown_x = 0.5 * (self.windscreen_foot_x() + self.tail_foot_x());
        // A roof is a shallow dome: rings draw arcs on it.
        let crown = Vec3::new(crown_x, 0.0, self.height);
        for (end, side) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
            planes.push(Plane::through(crown, Vec3::new(end * 0.05, side * 0.06, 1.0)));
            planes.push(Plane::through(crown - Vec3::Z * 0.015, Vec3::new(end * 0.10, side * 0.11, 1.0)));
        }
        planes
    }

    fn roof_half_width(&self) -> f32 {
        self.half_width - 0.05 - (self.height - self.car.belt_m) * self.car.tumblehome_rad.tan()
    }

    /// Glass below, roof above, seats inside, and sheet metal behind the doors of closed vans.
    fn greenhouse(&self) -> Vec<Solid> {
        let belt = self.car.belt_m;
        let roof_z = self.height - if self.car.body == BodyType::Van { 0.3 * (self.height - belt) } else { 0.10 };
        let mut glass = self.cabin_faces();
        glass.push(Plane::through(Vec3::Z * (belt - 0.02), -Vec3::Z));
        glass.push(Plane::through(Vec3::Z * (roof_z + 0.01), Vec3::Z));
        let mut roof = self.cabin_faces();
        roof.push(Plane::through(Vec3::Z * roof_z, -Vec3::Z));
        let mut solids = vec![Solid { shape: Shape::convex(glass), material: self.car.glass }, self.paint(roof)];
        if !self.car.windows_behind {
            let mut panel = self.cabin_faces();
            let behind_doors = self.windscreen_foot_x() - 1.5;
            panel.iter_mut().for_each(|p| p.offset += 0.005);
            panel.push(Plane::through(Vec3::Z * (belt - 0.02), -Vec3::Z));
            panel.push(Plane::through(Vec3::X * behind_doors, Vec3::X));
            solids.push(self.paint(panel));
        }
        let seats = Material::opaque(class::CAR, 0.12, 0.08).with_finish(Finish::Interior);
        let front_seats = self.windscreen_foot_x() - 1.15;
        for x in [front_seats, front_seats - 0.95] {
            if x - 0.2 > self.tail_foot_x() {
                let low = Vec3::new(x - 0.1, -self.half_width * 0.72, belt - 0.05);
                let high = Vec3::new(x + 0.08, self.half_width * 0.72, belt + 0.18);
                solids.push(Solid { shape: Shape::cuboid(low, high), material: seats });
            }
        }
        solids
    }

    /// Pillars at the windscreen, between the doors and at the tail.
    fn pillars(&self) -> Vec<Solid> {
        let (belt, top) = (self.car.belt_m, self.height - 0.06);
        let rise = top - belt;
        let foot_y = self.half_width - 0.10;
        let head_y = self.roof_half_width() - 0.04;
        let windscreen_head = self.windscreen_foot_x() - rise / self.car.windscreen_rad.tan();
        let tail_head = self.tail_foot_x() + rise / self.car.tail_rad.tan();
        let middle = windscreen_head - 0.75;
        let mut ends = vec![
            (self.windscreen_foot_x() - 0.06, windscreen_head - 0.04, 0.045),
            (self.tail_foot_x() + 0.10, tail_head + 0.06, 0.075),
        ];
        if self.car.windows_behind && middle - 0.5 > tail_head {
            ends.push((middle + 0.05, middle, 0.05));
        }
        let pillar = |(foot_x, head_x, radius): (f32, f32, f32), side: f32| Solid {
            shape: Shape::cylinder(
                Vec3::new(foot_x, side * foot_y, belt - 0.02),
                Vec3::new(head_x, side * head_y, top),
                radius,
            ),
            material: self.car.paint,
        };
        ends.into_iter().flat_map(|end| [pillar(end, -1.0), pillar(end, 1.0)]).collect()
    }

    fn wheels(&self) -> Vec<Solid> {
        let rubber = Material::opaque(class::CAR, 0.08, 0.06).with_loss(0.03).with_finish(Finish::Rubber);
        let radius = self.car.wheel_radius_m;
        let front = self.half_length - self.car.axle_m[0];
        let rear = -self.half_length + self.car.axle_m[1];
        let wheel = |x: f32, side: f32| Solid {
            shape: Shape::cylinder(
                Vec3::new(x, side * (self.half_width - 0.22), radius),
                Vec3::new(x, side * (self.half_width - 0.015), radius),
                radius,
            ),
            material: rubber,
        };
        [front, rear].into_iter().flat_map(|x| [wheel(x, -1.0), wheel(x, 1.0)]).collect()
    }

    /// Mirrors and number plates (retro-reflecting).
    fn details(&self) -> Vec<Solid> {
        let plate = Material::opaque(class::CAR, 0.85, 0.15).with_finish(Finish::Plate);
        let mut solids = Vec::new();
        for side in [-1.0, 1.0] {
            let center =
                Vec3::new(self.windscreen_foot_x() - 0.38, side * (self.half_width + 0.06), self.car.belt_m + 0.07);
            let half = Vec3::new(0.05, 0.09, 0.07);
            solids.push(Solid { shape: Shape::cuboid(center - half, center + half), material: self.car.paint });
        }
        for (end, z) in [(1.0, self.car.clearance_m + 0.18), (-1.0, self.car.clearance_m + 0.35)] {
            let center = Vec3::new(end * (self.half_length - 0.005), 0.0, z);
            let half = Vec3::new(0.015, 0.25, 0.05);
            solids.push(Solid { shape: Shape::cuboid(center - half, center + half), material: plate });
        }
        solids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solid::bounds_of;

    #[test]
    fn sheet_metal_lies_within_a_hand_of_the_label() {
        let mut random = Sampler::new(3, "cars");
        for i in 0..60 {
            let car = if i % 5 == 0 { CarShape::sample_van(&mut random) } else { CarShape::sample(&mut random) };
            let corners: Vec<Vec3> = car.solids().iter().flat_map(|s| <[Vec3; 2]>::from(s.shape.bounds())).collect();
            let (low, high) = bounds_of(&corners);
            let [length, width, height] = car.label_size_m.map(|v| v as f32);
            assert!(((high.x - low.x) - length).abs() < 0.1, "{:?} {length} {low} {high}", car.body);
            assert!((high.y - low.y) > width && (high.y - low.y) < width + 0.4, "{:?} {width}", car.body);
            assert!((high.z - height).abs() < 0.06 && low.z.abs() < 0.01, "{:?} {height} {high} {low}", car.body);
        }
    }

    #[test]
    fn every_part_of_a_car_has_a_volume() {
        let mut random = Sampler::new(4, "cars");
        for _ in 0..40 {
            for solid in CarShape::sample(&mut random).solids() {
                let (low, high) = solid.shape.bounds();
                assert!((high - low).min_element() > 0.005, "{:?}", solid.shape);
            }
        }
    }
}
