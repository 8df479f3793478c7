//! Houses with storeys: windows that lie deeper than the wall, doors, shop fronts, balconies, roofs.

use crate::material::{Material, Surface, class};
use crate::random::Sampler;
use crate::solid::{Plane, Shape, Solid};
use crate::vector::Vec3;

/// A house along x, its front at y = 0, depth towards -y, of one storey to eight.
pub fn house(random: &mut Sampler, length_m: f64) -> Vec<Solid> {
    let most = 2 + random.weighted(&[0.4, 0.2, 0.2, 0.1, 0.1]);
    let storeys = random.integer(1, most);
    let mut front = Facade {
        half: length_m as f32 / 2.0,
        depth: random.uniform(7.0, 15.0) as f32,
        storey_m: random.uniform(2.7, 3.6) as f32,
        storeys,
        plaster: Material::opaque(class::BUILDING, random.uniform(0.28, 0.62) as f32, 0.08),
        glass: Material::opaque(class::BUILDING, 0.12, 0.12),
        recess_m: random.uniform(0.04, 0.3) as f32,
        solids: Vec::new(),
    };
    let lost = random.uniform(0.0, 0.2) as f32;
    front.glass = front.glass.with_surface(Surface::Glass { lost, passed: (1.0 - lost) * 0.4 });
    front.core();
    front.storeys(random);
    front.porch(random);
    front.roof(random);
    front.solids
}

struct Facade {
    half: f32,
    depth: f32,
    storey_m: f32,
    storeys: usize,
    plaster: Material,
    glass: Material,
    /// How deep windows lie in the wall.
    recess_m: f32,
    solids: Vec<Solid>,
}

impl Facade {
    fn height(&self) -> f32 {
        self.storey_m * self.storeys as f32 + 0.3
    }

    fn push(&mut self, low: [f32; 3], high: [f32; 3], material: Material) {
        let shape = Shape::cuboid(Vec3::from_array(low), Vec3::from_array(high));
        self.solids.push(Solid { shape, material });
    }

    /// The house behind its outer wall.
    fn core(&mut self) {
        let (half, depth, height) = (self.half, self.depth, self.height());
        self.push([-half, -depth, -3.0], [half, -self.recess_m, height], self.plaster);
        // Foot and top of the outer wall, on which the piers between the windows stand.
        self.push([-half, -self.recess_m, -3.0], [half, 0.0, 0.35], self.plaster);
    }

    /// Bands of wall between the windows of two storeys and piers between bays; what they leave is glass in a recess.
    fn storeys(&mut self, random: &mut Sampler) {
        let spacing = random.uniform(2.0, 4.2) as f32;
        let share = random.uniform(0.3, 0.65) as f32;
        let (sill, lintel) = (random.uniform(0.7, 1.1) as f32, random.uniform(2.1, 2.5) as f32);
        let has_shop = random.chance(0.3);
        let has_balconies = random.chance(0.3);
        let bays = ((2.0 * self.half / spacing).floor() as usize).max(1);
        let pitch = 2.0 * self.half / bays as f32;
        let (recess, half, top) = (self.recess_m, self.half, self.height());
        let pane = -recess + 0.02;
        self.push([-half + 0.05, -recess - 0.1, 0.3], [half - 0.05, pane, top - 0.2], self.glass);
        let mut wall_from = 0.3;
        for storey in 0..self.storeys {
            let floor = 0.3 + storey as f32 * self.storey_m;
            let is_shop = has_shop && storey == 0;
            let (low, high) = if is_shop { (0.25, 2.6) } else { (sill, lintel) };
            self.push([-half, -recess, wall_from], [half, 0.0, floor + low], self.plaster);
            wall_from = floor + high;
            if has_balconies && storey > 0 {
                self.balconies(random, floor, bays, pitch);
            }
        }
        self.push([-half, -recess, wall_from], [half, 0.0, top], self.plaster);
        let foot = if has_shop { 0.3 + self.storey_m } else { 0.3 };
        let pier = 0.5 * pitch * (1.0 - share);
        for bay in 0..=bays {
            // A pier between two bays, half as wide at the corners; a shop has slim ones below.
            let x = -half + bay as f32 * pitch;
            let ends = |pier: f32| ((x - pier).max(-half), (x + pier).min(half));
            let (from, to) = ends(pier);
            if foot < top - 0.1 {
                self.push([from, -recess, foot], [to, 0.0, top], self.plaster);
            }
            if has_shop {
                let (from, to) = ends(0.12);
                self.push([from, -recess, 0.2], [to, 0.0, foot], self.plaster);
            }
        }
    }

    fn balconies(&mut self, random: &mut Sampler, floor: f32, bays: usize, pitch: f32) {
        for bay in 0..bays {
            if random.chance(0.5) {
                continue;
            }
            let x = -self.half + (bay as f32 + 0.5) * pitch;
            let (wide, reach) = (pitch * 0.42, random.uniform(0.8, 1.6) as f32);
            self.push([x - wide, 0.0, floor - 0.15], [x + wide, reach, floor], self.plaster);
            let rail = self.plaster.with_surface(Surface::Sparse { coverage: 0.45 });
            self.push([x - wide, reach - 0.04, floor], [x + wide, reach, floor + 1.0], rail);
        }
    }

    /// A door in its recess with steps, sometimes a bay or an awning.
    fn porch(&mut self, random: &mut Sampler) {
        let x = self.half * random.uniform(-0.7, 0.7) as f32;
        let deep = -self.recess_m - random.uniform(0.0, 0.5) as f32;
        let wood = Material::opaque(class::BUILDING, random.uniform(0.1, 0.35) as f32, 0.1);
        self.push([x - 0.6, deep.min(-0.02), 0.0], [x + 0.6, 0.01, 2.2], wood);
        if random.chance(0.5) {
            self.push([x - 0.8, 0.0, -0.5], [x + 0.8, random.uniform(0.4, 1.2) as f32, 0.3], self.plaster);
        }
        if random.chance(0.2) {
            let reach = random.uniform(0.8, 2.0) as f32;
            self.push([-self.half * 0.8, 0.0, 2.5], [self.half * 0.8, reach, 2.6], wood);
        }
        if random.chance(0.2) {
            // A downpipe.
            let pipe = Shape::cylinder(
                Vec3::new(self.half - 0.2, 0.06, -0.5),
                Vec3::new(self.half - 0.2, 0.06, self.height()),
                0.05,
            );
            self.solids.push(Solid { shape: pipe, material: wood });
        }
    }

    /// A gable, a hip towards the road, or a flat roof.
    fn roof(&mut self, random: &mut Sampler) {
        if random.chance(0.3) {
            return;
        }
        let (half, depth, eave) = (self.half, self.depth, self.height());
        let over = random.uniform(0.1, 0.5) as f32;
        let pitch = random.uniform(0.35, 1.0) as f32;
        let tiles = Material::opaque(class::BUILDING, random.uniform(0.15, 0.4) as f32, 0.12);
        let ridge = Vec3::new(0.0, -depth / 2.0, eave + pitch * depth / 2.0);
        let shape = Shape::convex(vec![
            Plane::through(Vec3::Z * (eave - 0.05), -Vec3::Z),
            Plane::through(ridge, Vec3::new(0.0, pitch, 1.0)),
            Plane::through(ridge, Vec3::new(0.0, -pitch, 1.0)),
            Plane::through(Vec3::X * half, Vec3::X),
            Plane::through(-Vec3::X * half, -Vec3::X),
            Plane::through(Vec3::Y * over, Vec3::Y),
            Plane::through(-Vec3::Y * (depth + over), -Vec3::Y),
        ]);
        self.solids.push(Solid { shape, material: tiles });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rays_at_a_facade_end_at_different_depths() {
        let mut random = Sampler::new(3, "houses");
        let mut stepped = 0;
        for _ in 0..20 {
            let solids = house(&mut random, 14.0);
            let depth = |x: f32, z: f32| {
                let ray = Vec3::new(x, 20.0, z);
                let crossings = solids.iter().filter_map(|s| s.shape.crossing(ray, -Vec3::Y));
                crossings.map(|c| c.enter_m).fold(f32::MAX, f32::min)
            };
            let depths: Vec<f32> = (0..60).map(|i| depth(-6.0 + 0.2 * i as f32, 1.7)).collect();
            let (low, high) = depths.iter().fold((f32::MAX, 0.0_f32), |(l, h), d| (l.min(*d), h.max(*d)));
            assert!(high < 21.5, "no ray passes through a house: {high}");
            stepped += usize::from(high - low > 0.03);
        }
        assert!(stepped > 15, "{stepped} of 20 houses have windows in recesses or things before them");
    }
}
