//! What stands along streets: houses, hedges, fences, walls, shrubs, trees, poles, signs, bins; where cars may park.

use super::{Layout, SceneConfig, buildings, scene_density, scenery};
use crate::random::Sampler;
use crate::solid::Solid;
use std::f64::consts::{FRAC_PI_2, PI};

/// How cars park on one side of a road.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Parking {
    /// Not at all.
    None,
    /// Along the kerb.
    Parallel,
    /// At an angle to the road.
    Angled {
        /// Angle to the road, pi/2 for a right angle.
        angle_rad: f64,
    },
}

impl Parking {
    /// Draws a layout.
    pub fn sample(config: &SceneConfig, random: &mut Sampler) -> Self {
        let mix = &config.parking;
        match random.weighted(&[mix.none, mix.parallel, mix.perpendicular, mix.oblique]) {
            0 => Parking::None,
            1 => Parking::Parallel,
            2 => Parking::Angled { angle_rad: FRAC_PI_2 },
            _ => Parking::Angled { angle_rad: random.uniform(0.75, 1.25) },
        }
    }

    /// Width of its strip.
    pub fn depth_m(&self) -> f64 {
        match self {
            Parking::None => 0.0,
            Parking::Parallel => 2.1,
            Parking::Angled { angle_rad } => 4.4 * angle_rad.sin() + 1.7 * angle_rad.cos(),
        }
    }
}

/// What one side of a street looks like over a while.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Frontage {
    Building,
    Hedge,
    Fence,
    Wall,
    Shrubs,
    Open,
}

/// Furnishes both sides of all roads.
pub fn furnish(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    let mut random = Sampler::new(seed, "street");
    for road in 0..layout.roads.len() {
        for side in [1.0, -1.0] {
            let mut line = SideLine { config, random: &mut random, layout, road, side };
            line.frontage();
            line.trees();
            line.clutter();
            line.backdrop();
        }
    }
}

/// One side of a road, being furnished.
pub struct SideLine<'a> {
    pub(super) config: &'a SceneConfig,
    pub(super) random: &'a mut Sampler,
    pub(super) layout: &'a mut Layout,
    pub(super) road: usize,
    /// 1 for the left side, -1 for the right.
    pub(super) side: f64,
}

impl SideLine<'_> {
    pub(super) fn span(&self) -> [f64; 2] {
        self.layout.spans_m[self.road]
    }

    /// Distance from the centre line to the kerb and to the outer edge of the pavement.
    pub(super) fn edges(&self) -> (f64, f64) {
        let road = &self.layout.roads[self.road];
        let kerb = f64::from(road.edge_m(self.side as f32));
        (kerb, kerb + f64::from(road.side(self.side as f32).sidewalk_m))
    }

    /// Stands something at a place of the road, `outward` from its centre line, facing the road; not on roads.
    pub(super) fn stand(
        &mut self,
        s: f64,
        outward: f64,
        clearance_m: f64,
        solids: Vec<Solid>,
        may_overlap: bool,
    ) -> bool {
        let (at, heading) = self.layout.roads[self.road].pose(s, self.side * outward);
        let yaw = if self.side > 0.0 { heading + PI } else { heading };
        let except = (clearance_m < 3.0).then_some(self.road);
        self.layout.is_clear_of_roads(at, clearance_m.min(3.0), except)
            && self.layout.is_clear_of_roads(at, 0.2, None)
            && self.layout.stand(at, yaw, solids, may_overlap)
    }

    fn frontage(&mut self) {
        let (_, pavement) = self.edges();
        let mix = self.config.frontage.clone();
        let weights = [mix.building, mix.hedge, mix.fence, mix.wall, mix.shrubs, mix.open];
        const KINDS: [Frontage; 6] =
            [Frontage::Building, Frontage::Hedge, Frontage::Fence, Frontage::Wall, Frontage::Shrubs, Frontage::Open];
        let [mut s, end] = self.span();
        while s < end {
            let kind = KINDS[self.random.weighted(&weights)];
            let block_end = s + self.random.uniform(12.0, 60.0);
            let setback = self.random.exponential(1.1).min(6.0);
            let line = pavement + 0.2 + setback;
            let green = self.random.uniform(-0.6, 1.0);
            while s < block_end.min(end) {
                let length = self.piece(kind, s, line);
                if self.random.chance(green) {
                    self.garden(s, length, [pavement, line]);
                }
                s += length;
            }
        }
    }

    /// One piece of frontage from `s` on; returns how far it reaches.
    fn piece(&mut self, kind: Frontage, s: f64, outward: f64) -> f64 {
        let length = match kind {
            Frontage::Building => self.random.uniform(6.0, 20.0),
            Frontage::Shrubs => self.random.uniform(0.7, 3.5),
            _ => self.random.uniform(3.0, 14.0),
        };
        let middle = s + length / 2.0;
        let gap = if self.random.chance(0.25) { self.random.uniform(1.0, 6.0) } else { 0.0 };
        let (random, outside) = (&mut *self.random, outward);
        let (solids, outward) = match kind {
            Frontage::Building => (building(self.config, random, length), outside + random.exponential(0.6).min(3.0)),
            Frontage::Hedge => (scenery::hedge(random, length), outside + 0.5),
            Frontage::Fence => (scenery::fence(random, length), outside),
            Frontage::Wall => (scenery::wall(random, length), outside),
            Frontage::Shrubs if random.chance(0.35) => (scenery::tree(random), outside + random.uniform(0.5, 6.0)),
            Frontage::Shrubs => (scenery::shrub(random), outside + random.uniform(0.3, 5.0)),
            Frontage::Open => return length,
        };
        self.stand(middle, outward, length / 2.0, solids, kind == Frontage::Shrubs);
        length + gap
    }

    /// Plants before and behind a piece of frontage.
    fn garden(&mut self, s: f64, length_m: f64, [pavement, line]: [f64; 2]) {
        for _ in 0..self.random.integer(1, 2 + (length_m / 4.0) as usize) {
            let at = s + self.random.uniform(0.0, length_m);
            let behind = line + self.random.uniform(0.5, 4.0);
            let outward =
                if self.random.chance(0.5) { self.random.uniform(pavement + 0.3, line + 0.3) } else { behind };
            let plant = if self.random.chance(0.2) { scenery::tree(self.random) } else { scenery::shrub(self.random) };
            self.stand(at, outward, 0.5, plant, true);
        }
    }

    fn trees(&mut self) {
        if !self.random.chance(0.35) {
            return;
        }
        let (kerb, pavement) = self.edges();
        let outward = if self.random.chance(0.5) { kerb + 0.6 } else { pavement + 0.8 };
        let spacing = self.random.within(self.config.tree_spacing_m);
        let [mut s, end] = self.span();
        while s < end {
            let tree = scenery::tree(self.random);
            // Crowns reach over roofs and cars: only the trunk needs ground.
            let wander = self.random.normal(0.0, 0.15);
            self.stand(s, outward + wander, 0.3, tree, true);
            s += spacing * self.random.uniform(0.7, 1.5);
        }
    }

    fn clutter(&mut self) {
        let density = scene_density(self.random, self.config.clutter_per_100m);
        if density <= 0.0 {
            return;
        }
        let (kerb, pavement) = self.edges();
        let [mut s, end] = self.span();
        loop {
            s += self.random.exponential(100.0 / density);
            if s >= end {
                return;
            }
            let outward = if self.random.chance(0.5) {
                kerb + self.random.uniform(0.3, 0.9)
            } else {
                pavement + self.random.uniform(0.0, 5.0)
            };
            let random = &mut *self.random;
            let solids = match random.weighted(&[0.28, 0.22, 0.14, 0.12, 0.24]) {
                0 => scenery::pole(random),
                1 => scenery::sign(random),
                2 => scenery::street_furniture(random),
                3 => scenery::bicycles(random),
                _ if outward > pavement => scenery::shrub(random),
                _ => scenery::street_furniture(random),
            };
            self.stand(s, outward, 0.4, solids, false);
        }
    }

    /// Houses and plants in two lines farther back, which close the view between those in front.
    fn backdrop(&mut self) {
        let (_, pavement) = self.edges();
        for depth_m in [[3.5, 13.0], [14.0, 45.0]] {
            let [mut s, end] = self.span();
            let wooded = self.random.chance(0.4);
            while s < end {
                let outward = pavement + self.random.within(depth_m);
                if self.random.chance(if wooded { 0.85 } else { 0.35 }) {
                    let is_tree = self.random.chance(0.55);
                    let plant = if is_tree { scenery::tree(self.random) } else { scenery::shrub(self.random) };
                    self.stand(s, outward, 1.0, plant, true);
                    s += self.random.exponential(3.0);
                } else {
                    let length = self.random.uniform(8.0, 18.0);
                    let house = building(self.config, self.random, length);
                    self.stand(s, outward, length / 2.0, house, false);
                    s += length * self.random.uniform(0.6, 1.5);
                }
            }
        }
    }
}

/// A plain block or a house with storeys.
fn building(config: &SceneConfig, random: &mut Sampler, length_m: f64) -> Vec<Solid> {
    let share = config.details.facade_share;
    if share > 0.0 && random.chance(share) {
        buildings::house(random, length_m)
    } else {
        scenery::building(random, length_m)
    }
}
