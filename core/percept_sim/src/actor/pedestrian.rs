//! People on foot: legs in mid-stride, torso, arms, head; some with a coat, a bag, a rucksack; some sitting.

use crate::material::{Finish, Material, class};
use crate::random::Sampler;
use crate::solid::{Shape, Solid};
use crate::vector::Vec3;

/// What someone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posture {
    /// Walking or standing.
    Upright,
    /// On a bench or a chair.
    Sitting,
}

/// The numbers of one person.
#[derive(Clone, Debug)]
pub struct PedestrianShape {
    /// Walking, standing or sitting.
    pub posture: Posture,
    /// Height from sole to crown when standing.
    pub stature_m: f32,
    /// Signed swing of the legs from the vertical; arms swing against them.
    swing_rad: f32,
    bulk: f32,
    arm_spread_m: f32,
    coat: bool,
    rucksack: bool,
    bag: bool,
    clothes: [Material; 2],
}

impl PedestrianShape {
    /// Someone walking (`moving`), standing, or now and then a child.
    pub fn sample(random: &mut Sampler, moving: bool) -> Self {
        let child = random.chance(0.07);
        let stature = if child { random.uniform(1.05, 1.45) } else { random.bounded_normal(1.75, 0.085) };
        let swing = if moving { random.uniform(0.08, 0.52) } else { random.uniform(0.0, 0.14) };
        let mut cloth = || Material::opaque(class::PERSON, random.uniform(0.14, 0.56) as f32, 0.09).with_loss(0.01);
        let clothes = [cloth().with_finish(Finish::Trousers), cloth().with_finish(Finish::Top)];
        Self {
            posture: Posture::Upright,
            stature_m: stature as f32,
            swing_rad: (swing * random.sign()) as f32,
            bulk: random.uniform(0.88, 1.25) as f32,
            arm_spread_m: random.uniform(0.0, 0.08) as f32,
            coat: random.chance(0.25),
            rucksack: random.chance(0.15),
            bag: random.chance(0.2),
            clothes,
        }
    }

    /// Someone sitting.
    pub fn sample_sitting(random: &mut Sampler) -> Self {
        Self { posture: Posture::Sitting, coat: false, rucksack: false, ..Self::sample(random, false) }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        match self.posture {
            Posture::Upright => self.upright(),
            Posture::Sitting => self.sitting(),
        }
    }

    fn dressed(&self, shape: Shape, upper: bool) -> Solid {
        Solid { shape, material: self.clothes[usize::from(upper)] }
    }

    fn upright(&self) -> Vec<Solid> {
        let hip_z = 0.50 * self.stature_m;
        let mut solids = self.torso(0.0, hip_z);
        for side in [-1.0, 1.0] {
            solids.extend(self.leg(side, hip_z));
        }
        if self.coat {
            let foot = Vec3::new(0.0, 0.0, 0.30 * self.stature_m);
            let skirt = Shape::cylinder(foot, Vec3::Z * (hip_z + 0.1), 0.19 * self.bulk);
            solids.push(self.dressed(skirt, true));
        }
        if self.rucksack {
            let low = Vec3::new(-0.36, -0.16, hip_z + 0.08);
            solids.push(self.dressed(Shape::cuboid(low, low + Vec3::new(0.26, 0.32, 0.45)), false));
        }
        if self.bag {
            let low = Vec3::new(-0.2, 0.25 * self.bulk, 0.25 * self.stature_m);
            solids.push(self.dressed(Shape::cuboid(low, low + Vec3::new(0.38, 0.13, 0.32)), false));
        }
        solids
    }

    /// Thigh, shin and foot; the knee of the leg behind is bent.
    fn leg(&self, side: f32, hip_z: f32) -> Vec<Solid> {
        let swing = self.swing_rad * side;
        let half = 0.5 * (hip_z - 0.05);
        let hip = Vec3::new(0.0, side * 0.09 * self.bulk, hip_z);
        let knee = hip + Vec3::new(half * (swing + 0.08).sin(), 0.0, -half * (swing + 0.08).cos());
        let bend = if swing < 0.0 { swing * 1.5 } else { swing };
        let mut ankle = knee + Vec3::new(half * bend.sin(), 0.0, -half * bend.cos());
        ankle.z = ankle.z.max(0.06);
        let shoe = Shape::ellipsoid(Vec3::new(ankle.x + 0.06, ankle.y, ankle.z.min(0.2)), Vec3::new(0.14, 0.05, 0.055));
        vec![
            self.dressed(Shape::cylinder(hip, knee, 0.095 * self.bulk), false),
            self.dressed(Shape::cylinder(knee, ankle, 0.072 * self.bulk), false),
            self.dressed(shoe, false),
        ]
    }

    /// Pelvis, chest, head and arms above a hip at `x`, `hip_z`.
    fn torso(&self, x: f32, hip_z: f32) -> Vec<Solid> {
        let trunk = 0.32 * self.stature_m;
        let shoulder_z = hip_z + trunk;
        let chest_center = Vec3::new(x, 0.0, hip_z + 0.58 * trunk);
        let chest = Shape::ellipsoid(chest_center, Vec3::new(0.135 * self.bulk, 0.19 * self.bulk, 0.60 * trunk));
        let pelvis = Shape::ellipsoid(Vec3::new(x, 0.0, hip_z), Vec3::new(0.13, 0.175, 0.14) * self.bulk);
        let head_z = self.stature_m * 0.435 + hip_z;
        let skin = Material::opaque(class::PERSON, 0.3, 0.1).with_finish(Finish::Skin);
        let head = Shape::ellipsoid(Vec3::new(x + 0.02, 0.0, head_z), Vec3::new(0.10, 0.08, 0.065 * self.stature_m));
        let mut solids = vec![
            self.dressed(chest, true),
            self.dressed(pelvis, false),
            Solid { shape: head, material: skin },
            Solid {
                shape: Shape::cylinder(Vec3::new(x, 0.0, shoulder_z - 0.05), Vec3::new(x, 0.0, head_z), 0.055),
                material: skin,
            },
        ];
        for side in [-1.0, 1.0] {
            let swing = -self.swing_rad * side * 0.8;
            let shoulder = Vec3::new(x, side * 0.185 * self.bulk, shoulder_z - 0.07);
            let reach = 0.17 * self.stature_m;
            let out = side * self.arm_spread_m;
            let elbow = shoulder + Vec3::new(reach * swing.sin(), out, -reach * swing.cos());
            let bend = swing + 0.35;
            let hand = elbow + Vec3::new(reach * bend.sin(), 0.0, -reach * bend.cos());
            solids.push(self.dressed(Shape::cylinder(shoulder, elbow, 0.05 * self.bulk), true));
            solids.push(self.dressed(Shape::cylinder(elbow, hand, 0.042), true));
        }
        solids
    }

    fn sitting(&self) -> Vec<Solid> {
        let seat_z = 0.22 * self.stature_m;
        let mut solids = self.torso(-0.15, seat_z + 0.05);
        let reach = 0.24 * self.stature_m;
        for side in [-1.0, 1.0] {
            let hip = Vec3::new(-0.15, side * 0.1, seat_z);
            let knee = hip + Vec3::new(reach, side * 0.03, 0.0);
            let ankle = Vec3::new(knee.x + 0.04, knee.y, 0.07);
            solids.push(self.dressed(Shape::cylinder(hip, knee, 0.08 * self.bulk), false));
            solids.push(self.dressed(Shape::cylinder(knee, ankle, 0.055), false));
        }
        solids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::ActorShape;

    #[test]
    fn people_are_as_large_as_the_labels_of_people() {
        let mut random = Sampler::new(1, "people");
        let boxes: Vec<Vec3> = (0..300)
            .map(|i| ActorShape::Pedestrian(PedestrianShape::sample(&mut random, i % 2 == 0)).label_box().1)
            .collect();
        let mean = boxes.iter().fold(Vec3::ZERO, |sum, b| sum + *b) / boxes.len() as f32;
        assert!((mean.x - 0.8).abs() < 0.15, "length {}", mean.x);
        assert!((mean.y - 0.63).abs() < 0.12, "width {}", mean.y);
        assert!((mean.z - 1.73).abs() < 0.06, "height {}", mean.z);
    }

    #[test]
    fn someone_sitting_is_lower_than_someone_standing() {
        let mut random = Sampler::new(2, "people");
        let (_, size) = ActorShape::Pedestrian(PedestrianShape::sample_sitting(&mut random)).label_box();
        assert!(size.z < 1.45 && size.z > 0.8, "{size}");
    }
}
