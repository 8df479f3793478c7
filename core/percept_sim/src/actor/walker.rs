//! People on foot, drawn wide: postures, clothes, loads and builds of all kinds.
//!
//! [`super::PedestrianShape`] is the narrow distribution of the scene `mixed`; real people bend, carry, fold their arms,
//! wear skirts, coats and hoods, stand wide and lean on things.

use crate::material::{Material, class};
use crate::random::Sampler;
use crate::solid::{Shape, Solid};
use crate::vector::Vec3;

/// What an arm does: angles of the upper arm and the forearm ahead of the vertical, and outward, in radians.
#[derive(Clone, Copy, Debug)]
struct Arm {
    upper_rad: f32,
    fore_rad: f32,
    out_rad: f32,
    /// How far the hand turns inward before the body.
    inward_m: f32,
}

/// What covers the legs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Legwear {
    Trousers {
        /// Factor on the width of the legs.
        width: f32,
    },
    /// Skirt, dress or coat down to this share of the stature, and how far it flares.
    Skirt { hem_share: f32, flare_m: f32 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Headgear {
    None,
    Hat,
    Hood,
    Umbrella,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Load {
    None,
    Rucksack,
    ShoulderBag,
    /// Bags in one hand or both.
    Shopping {
        both: bool,
    },
    /// A suitcase on wheels drawn behind.
    Suitcase,
    /// A box held before the chest, or a baby.
    Armful,
}

/// The numbers of one person.
#[derive(Clone, Debug)]
pub struct WalkerShape {
    /// Whether it is a child.
    pub is_child: bool,
    stature_m: f32,
    /// Half of the shoulders, depth of chest and belly over the common ones.
    build: [f32; 3],
    /// Lean of the trunk ahead and to the left.
    lean_rad: [f32; 2],
    /// Angle of each leg ahead of the vertical, right then left.
    legs_rad: [f32; 2],
    stance_m: f32,
    knee_rad: f32,
    arms: [Arm; 2],
    legwear: Legwear,
    headgear: Headgear,
    load: Load,
    clothes: [Material; 3],
}

impl WalkerShape {
    /// Someone walking (`moving`) or standing about.
    pub fn sample(random: &mut Sampler, moving: bool) -> Self {
        let is_child = random.chance(0.09);
        let stature = if is_child { random.uniform(0.95, 1.5) } else { random.bounded_normal(1.73, 0.095) };
        let stride = if moving { random.uniform(0.05, 0.55) } else { random.uniform(0.0, 0.12) };
        let stride = (stride * random.sign()) as f32;
        let mut cloth = || Material::opaque(class::PERSON, random.uniform(0.1, 0.58) as f32, 0.09).with_loss(0.01);
        let clothes = [cloth(), cloth(), cloth()];
        let bent = random.chance(if moving { 0.04 } else { 0.12 });
        let lean = if bent { random.uniform(0.3, 1.0) } else { random.bounded_normal(0.05, 0.08) };
        let load = match random.weighted(&[0.46, 0.16, 0.14, 0.12, 0.05, 0.07]) {
            1 => Load::Rucksack,
            2 => Load::ShoulderBag,
            3 => Load::Shopping { both: random.chance(0.4) },
            4 if moving => Load::Suitcase,
            5 => Load::Armful,
            _ => Load::None,
        };
        let arms = [-1.0_f32, 1.0].map(|side| arm(random, -stride * side, load));
        let loose = random.chance(0.3);
        Self {
            is_child,
            stature_m: stature as f32,
            build: [
                random.uniform(0.82, if loose { 1.35 } else { 1.18 }) as f32,
                random.uniform(0.8, 1.3) as f32,
                random.uniform(0.75, 1.5) as f32,
            ],
            lean_rad: [lean as f32, random.bounded_normal(0.0, 0.05) as f32],
            legs_rad: [-stride, stride * random.uniform(0.7, 1.1) as f32],
            stance_m: random.uniform(0.06, if moving { 0.13 } else { 0.22 }) as f32,
            knee_rad: random.uniform(0.0, 0.5) as f32,
            arms,
            legwear: legwear(random),
            headgear: match random.weighted(&[0.66, 0.16, 0.14, 0.04]) {
                1 => Headgear::Hat,
                2 => Headgear::Hood,
                3 => Headgear::Umbrella,
                _ => Headgear::None,
            },
            load,
            clothes,
        }
    }

    /// Its parts.
    pub fn solids(&self) -> Vec<Solid> {
        let hip = Vec3::Z * (0.505 * self.stature_m);
        let mut solids = Vec::new();
        for (index, side) in [-1.0, 1.0].into_iter().enumerate() {
            solids.extend(self.leg(side, self.legs_rad[index], hip));
        }
        self.legwear(hip, &mut solids);
        let back = self.back();
        let shoulders = hip + back * (0.32 * self.stature_m);
        self.trunk(hip, back, &mut solids);
        self.head(shoulders, back, &mut solids);
        for (index, side) in [-1.0, 1.0].into_iter().enumerate() {
            let hand = self.arm(side, &self.arms[index], shoulders, &mut solids);
            self.in_hand(side, hand, &mut solids);
        }
        self.load(hip, shoulders, back, &mut solids);
        solids
    }

    fn dressed(&self, shape: Shape, part: usize) -> Solid {
        Solid { shape, material: self.clothes[part] }
    }

    fn back(&self) -> Vec3 {
        let [ahead, left] = self.lean_rad;
        Vec3::new(ahead.sin(), left.sin(), ahead.cos()).normalize_or_zero()
    }

    fn leg(&self, side: f32, swing: f32, hip: Vec3) -> Vec<Solid> {
        let half = 0.5 * (hip.z - 0.05);
        let width = match self.legwear {
            Legwear::Trousers { width } => width,
            Legwear::Skirt { .. } => 0.8,
        };
        let root = hip + Vec3::Y * (side * 0.09 * self.build[2]);
        let apart = side * (self.stance_m - 0.06);
        let thigh = swing + 0.08 + 0.4 * self.knee_rad * swing.abs();
        let knee = root + Vec3::new(half * thigh.sin(), apart * 0.5, -half * thigh.cos());
        let shin = if swing < 0.0 { swing * 1.5 - self.knee_rad } else { swing };
        let mut ankle = knee + Vec3::new(half * shin.sin(), apart * 0.5, -half * shin.cos());
        ankle.z = ankle.z.clamp(0.06, 0.5);
        let shoe = Shape::ellipsoid(ankle + Vec3::new(0.06, 0.0, -0.02), Vec3::new(0.14, 0.05, 0.055));
        vec![
            self.dressed(Shape::cylinder(root, knee, 0.09 * width), 0),
            self.dressed(Shape::cylinder(knee, ankle, 0.068 * width), 0),
            self.dressed(shoe, 2),
        ]
    }

    fn legwear(&self, hip: Vec3, solids: &mut Vec<Solid>) {
        let Legwear::Skirt { hem_share, flare_m } = self.legwear else { return };
        // A cone of three rings, wider towards the hem.
        let hem_z = hem_share * self.stature_m;
        let top_z = hip.z + 0.08;
        for ring in 0..3 {
            let share = ring as f32 / 3.0;
            let radius = 0.15 * self.build[2] + flare_m * (1.0 - share);
            let (low, high) = (hem_z + (top_z - hem_z) * share, hem_z + (top_z - hem_z) * (share + 0.36));
            solids.push(self.dressed(Shape::cylinder(Vec3::Z * low, Vec3::Z * high, radius), 0));
        }
    }

    fn trunk(&self, hip: Vec3, back: Vec3, solids: &mut Vec<Solid>) {
        let trunk = 0.32 * self.stature_m;
        let scale = self.stature_m / 1.73;
        let [shoulders, chest, belly] = self.build;
        let ahead = Vec3::Y.cross(back).normalize_or_zero();
        let left = back.cross(ahead);
        let ellipsoid = |along: f32, radii: Vec3| Shape::Ellipsoid {
            center: hip + back * (along * trunk),
            axes: [ahead, left, back],
            radii: radii * scale,
        };
        solids.push(self.dressed(ellipsoid(0.66, Vec3::new(0.13 * chest, 0.19 * shoulders, 0.29)), 1));
        solids.push(self.dressed(ellipsoid(0.25, Vec3::new(0.135 * belly, 0.165 * belly, 0.22)), 1));
        solids.push(self.dressed(ellipsoid(0.0, Vec3::new(0.13 * belly, 0.17 * belly, 0.14)), 0));
    }

    fn head(&self, shoulders: Vec3, back: Vec3, solids: &mut Vec<Solid>) {
        // A head stays more upright than a bent back.
        let up = (back + Vec3::Z).normalize_or_zero();
        let head = shoulders + up * (0.115 * self.stature_m) + Vec3::X * 0.02;
        let skin = Material::opaque(class::PERSON, 0.3, 0.1);
        let skull = if self.is_child { 0.075 } else { 0.066 } * self.stature_m;
        solids.push(Solid { shape: Shape::ellipsoid(head, Vec3::new(0.10, 0.08, skull)), material: skin });
        solids.push(Solid { shape: Shape::cylinder(shoulders - back * 0.05, head, 0.055), material: skin });
        match self.headgear {
            Headgear::None => {}
            Headgear::Hat => {
                let brim = head + Vec3::Z * (0.4 * skull);
                solids.push(self.dressed(Shape::cylinder(brim, brim + Vec3::Z * 0.1, 0.13), 2));
            }
            Headgear::Hood => {
                let hood = Shape::ellipsoid(head - Vec3::X * 0.03, Vec3::new(0.13, 0.12, skull + 0.03));
                solids.push(self.dressed(hood, 1));
            }
            Headgear::Umbrella => {
                let top = head + Vec3::Z * 0.3;
                let cloth = Shape::ellipsoid(top, Vec3::new(0.5, 0.5, 0.14));
                solids.push(self.dressed(cloth, 2));
            }
        }
    }

    /// Draws an arm; returns where its hand is.
    fn arm(&self, side: f32, arm: &Arm, shoulders: Vec3, solids: &mut Vec<Solid>) -> Vec3 {
        let reach = 0.17 * self.stature_m;
        let scale = self.stature_m / 1.73;
        let shoulder = shoulders + Vec3::new(0.0, side * 0.185 * self.build[0] * scale, -0.06);
        let out = side * arm.out_rad.sin();
        let elbow = shoulder + Vec3::new(arm.upper_rad.sin(), out, -arm.upper_rad.cos()) * reach;
        let fore = Vec3::new(arm.fore_rad.sin(), -side * arm.inward_m / reach, -arm.fore_rad.cos());
        let hand = elbow + fore.normalize_or_zero() * reach;
        solids.push(self.dressed(Shape::cylinder(shoulder, elbow, 0.052 * self.build[0]), 1));
        solids.push(self.dressed(Shape::cylinder(elbow, hand, 0.044), 1));
        hand
    }

    fn in_hand(&self, side: f32, hand: Vec3, solids: &mut Vec<Solid>) {
        match self.load {
            Load::Shopping { both } if both || side > 0.0 => {
                let low = hand + Vec3::new(-0.2, -0.09, -0.45);
                solids.push(self.dressed(
                    Shape::cuboid(low.max(Vec3::new(-9.0, -9.0, 0.08)), hand + Vec3::new(0.2, 0.09, -0.05)),
                    2,
                ));
            }
            Load::Suitcase if side > 0.0 => {
                let low = Vec3::new(-0.75, hand.y - 0.2, 0.05);
                solids.push(self.dressed(Shape::cuboid(low, low + Vec3::new(0.28, 0.42, 0.6)), 2));
                solids.push(self.dressed(Shape::cylinder(Vec3::new(-0.55, hand.y, 0.6), hand, 0.012), 2));
            }
            Load::Armful if side > 0.0 => {
                let center = Vec3::new(hand.x.max(0.25), 0.0, hand.z);
                let half = Vec3::new(0.16, 0.2, 0.18);
                solids.push(self.dressed(Shape::cuboid(center - half, center + half), 2));
            }
            _ => {}
        }
    }

    fn load(&self, hip: Vec3, shoulders: Vec3, back: Vec3, solids: &mut Vec<Solid>) {
        match self.load {
            Load::Rucksack => {
                let ahead = Vec3::Y.cross(back).normalize_or_zero();
                let center = hip + back * (0.2 * self.stature_m) - ahead * (0.13 * self.build[1] + 0.12);
                let half = Vec3::new(0.12, 0.16, 0.23);
                solids.push(self.dressed(Shape::cuboid(center - half, center + half), 2));
            }
            Load::ShoulderBag => {
                let low = hip + Vec3::new(-0.2, 0.19 * self.build[0], -0.12);
                solids.push(self.dressed(Shape::cuboid(low, low + Vec3::new(0.36, 0.14, 0.3)), 2));
                let strap = Shape::cylinder(low + Vec3::new(0.15, 0.05, 0.3), shoulders, 0.015);
                solids.push(self.dressed(strap, 2));
            }
            Load::None | Load::Shopping { .. } | Load::Suitcase | Load::Armful => {}
        }
    }
}

fn legwear(random: &mut Sampler) -> Legwear {
    if random.chance(0.28) {
        return Legwear::Skirt {
            hem_share: random.uniform(0.08, 0.34) as f32,
            flare_m: random.uniform(0.02, 0.16) as f32,
        };
    }
    Legwear::Trousers { width: random.uniform(0.8, 1.35) as f32 }
}

/// An arm that swings, holds a telephone, hides in a pocket, is folded, or holds what is carried.
fn arm(random: &mut Sampler, swing_rad: f32, load: Load) -> Arm {
    let out_rad = random.uniform(0.02, 0.35) as f32;
    let arm = |upper_rad: f32, fore_rad: f32, inward_m: f32| Arm { upper_rad, fore_rad, out_rad, inward_m };
    if load == Load::Armful {
        return arm(0.35, 1.5, 0.1);
    }
    match random.weighted(&[0.55, 0.12, 0.14, 0.10, 0.05, 0.04]) {
        0 => arm(0.8 * swing_rad, 0.8 * swing_rad + random.uniform(0.05, 0.6) as f32, 0.0),
        // A telephone before the face, or at the ear.
        1 => arm(0.4, random.uniform(1.7, 2.6) as f32, 0.1),
        // A hand in a pocket.
        2 => arm(-0.3, 0.45, 0.05),
        // Folded.
        3 => arm(0.3, 1.35, 0.25),
        // On the hip, elbow out.
        4 => Arm { out_rad: 0.8, ..arm(0.0, 0.2, 0.18) },
        // Pointing, waving.
        _ => arm(random.uniform(0.8, 2.2) as f32, random.uniform(0.9, 2.6) as f32, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::ActorShape;

    #[test]
    fn people_of_the_wide_distribution_have_the_mean_size_of_labels_and_spread_wider() {
        let mut random = Sampler::new(1, "walkers");
        let boxes: Vec<Vec3> =
            (0..600).map(|i| ActorShape::Walker(WalkerShape::sample(&mut random, i % 3 > 0)).label_box().1).collect();
        let mean = boxes.iter().fold(Vec3::ZERO, |sum, b| sum + *b) / boxes.len() as f32;
        let narrow = boxes.iter().filter(|b| b.y < 0.54).count();
        let wide = boxes.iter().filter(|b| b.y > 0.85).count();
        assert!((mean.x - 0.84).abs() < 0.15, "length {}", mean.x);
        assert!((mean.y - 0.66).abs() < 0.15, "width {}", mean.y);
        assert!((mean.z - 1.72).abs() < 0.09, "height {}", mean.z);
        assert!(narrow > 10 && wide > 30, "{narrow} {wide}");
    }

    #[test]
    fn every_part_of_a_person_has_a_volume_and_stands_on_the_ground() {
        let mut random = Sampler::new(2, "walkers");
        for i in 0..200 {
            let walker = WalkerShape::sample(&mut random, i % 2 == 0);
            for solid in walker.solids() {
                let (low, high) = solid.shape.bounds();
                assert!((high - low).min_element() > 0.01 && low.z > -0.1, "{walker:?} {:?}", solid.shape);
            }
        }
    }
}
