//! What streets have besides houses and plants: lamps, signs, bus stops, bicycle racks, motorcycles, railings, building
//! sites.

use super::street::SideLine;
use super::{Layout, Motion, SceneConfig, furniture, people, scene_density};
use crate::actor::{ActorShape, BarrierShape, BusShape, ConeShape, CyclistShape, MotorcycleShape, PedestrianShape};
use crate::random::Sampler;
use std::f64::consts::{FRAC_PI_2, PI};

/// Furnishes both sides of all roads.
pub fn furnish(config: &SceneConfig, seed: u64, layout: &mut Layout) {
    let mut random = Sampler::new(seed, "roadside");
    for road in 0..layout.roads.len() {
        for side in [1.0, -1.0] {
            let mut line = SideLine { config, random: &mut random, layout, road, side };
            line.lamps();
            line.signs();
            line.bus_stops();
            line.railings();
            line.bicycle_racks();
            line.motorcycles();
        }
        construction(config, &mut random, layout, road);
    }
}

impl SideLine<'_> {
    /// Places along the road with a mean density, drawn once for this side.
    fn places(&mut self, per_100m: [f64; 2]) -> Vec<f64> {
        let density = scene_density(self.random, per_100m);
        let [start, end] = self.span();
        if density <= 0.0 {
            return Vec::new();
        }
        let mut places = Vec::new();
        let mut s = start + self.random.exponential(100.0 / density);
        while s < end {
            places.push(s);
            s += self.random.exponential(100.0 / density);
        }
        places
    }

    fn lamps(&mut self) {
        let density = scene_density(self.random, self.config.details.lamps_per_100m);
        if density <= 0.0 {
            return;
        }
        let (kerb, pavement) = self.edges();
        let outward = if self.random.chance(0.6) { kerb + 0.4 } else { pavement + 0.3 };
        let [start, end] = self.span();
        let pitch = 100.0 / density;
        let mut s = start + self.random.uniform(0.0, pitch);
        while s < end {
            let lamp = furniture::lamp(self.random);
            self.stand(s, outward, 0.2, lamp, true);
            s += pitch * self.random.uniform(0.9, 1.1);
        }
    }

    fn signs(&mut self) {
        let (kerb, _) = self.edges();
        for s in self.places(self.config.details.signs_per_100m) {
            let sign = furniture::road_sign(self.random);
            let outward = kerb + self.random.uniform(0.3, 0.9);
            self.stand(s, outward, 0.2, sign, false);
        }
    }

    /// A shelter, people who wait, now and then the bus.
    fn bus_stops(&mut self) {
        let (kerb, pavement) = self.edges();
        for s in self.places(self.config.details.bus_stops_per_100m) {
            let shelter = furniture::shelter(self.random);
            let outward = (kerb + 1.9).max(pavement - 0.3);
            if !self.stand(s, outward, 0.4, shelter, false) {
                continue;
            }
            for _ in 0..self.random.integer(0, 6) {
                let sits = self.random.chance(0.25);
                let shape = if sits {
                    ActorShape::Pedestrian(PedestrianShape::sample_sitting(self.random))
                } else {
                    people::someone(self.config, self.random, false)
                };
                // Whoever sits has the bench behind, and faces the road.
                let depth = if sits { 0.85 } else { self.random.uniform(-0.6, 0.9) };
                let along = s + self.random.uniform(-2.5, 2.5);
                let (from_m, heading) = self.layout.roads[self.road].pose(along, self.side * (outward + depth));
                let toward_road = heading - self.side * FRAC_PI_2 + self.random.normal(0.0, 0.5);
                self.layout.place(shape, Motion::Straight { from_m, yaw_rad: toward_road, speed_mps: 0.0 }, -0.1);
            }
            if self.random.chance(0.3) {
                let bus = ActorShape::Bus(BusShape::sample(self.random, self.config.traffic.bendy_share));
                let lateral_m = self.side * (f64::from(self.layout.roads[self.road].half_width_m) - 1.5);
                let turn_rad = if self.side > 0.0 { PI } else { 0.0 };
                let motion = Motion::Road { road: self.road, s_m: s, lateral_m, speed_mps: 0.0, turn_rad };
                self.layout.place(bus, motion, 0.3);
            }
        }
    }

    fn railings(&mut self) {
        let (kerb, _) = self.edges();
        for s in self.places(self.config.details.railings_per_100m) {
            let length = self.random.uniform(4.0, 16.0);
            let railing = furniture::railing(self.random, length);
            self.stand(s, kerb + 0.3, 0.2, railing, false);
        }
    }

    /// Bicycles side by side; each is an actor of its own.
    fn bicycle_racks(&mut self) {
        let (kerb, pavement) = self.edges();
        for s in self.places(self.config.details.bicycle_racks_per_100m) {
            let at_wall = self.random.chance(0.5);
            let lateral = if at_wall { pavement - 0.4 } else { kerb + 1.0 };
            let turn = if self.random.chance(0.7) { FRAC_PI_2 } else { self.random.uniform(0.6, 1.2) };
            let pitch = self.random.uniform(0.4, 0.8);
            for place in 0..self.random.integer(1, 10) {
                let bicycle = ActorShape::Bicycle(CyclistShape::sample_varied(self.random));
                let turn_rad = turn * self.random.sign() + self.random.normal(0.0, 0.1);
                let motion = Motion::Road {
                    road: self.road,
                    s_m: s + place as f64 * pitch,
                    lateral_m: self.side * (lateral + self.random.normal(0.0, 0.08)),
                    speed_mps: 0.0,
                    turn_rad,
                };
                // Handlebars overlap.
                self.layout.place(bicycle, motion, -0.12);
            }
        }
    }

    /// Motorcycles parked at the kerb, alone or in a row, at any angle.
    fn motorcycles(&mut self) {
        let (kerb, _) = self.edges();
        for s in self.places(self.config.details.motorcycles_per_100m) {
            let turn = self.random.uniform(0.6, FRAC_PI_2 + 0.3) * self.random.sign();
            let lateral = kerb + self.random.uniform(-1.0, 1.2);
            for place in 0..1 + self.random.weighted(&[0.6, 0.2, 0.1, 0.1]) {
                let shape = ActorShape::Motorcycle(MotorcycleShape::sample_parked(self.random));
                let motion = Motion::Road {
                    road: self.road,
                    s_m: s + 1.1 * place as f64,
                    lateral_m: self.side * lateral,
                    speed_mps: 0.0,
                    turn_rad: turn + self.random.normal(0.0, 0.08),
                };
                self.layout.place(shape, motion, 0.0);
            }
        }
    }
}

/// Building sites: a lane or a piece of pavement fenced off by cones and barriers, with people at work.
pub fn construction(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize) {
    let density = scene_density(random, config.details.construction_per_100m);
    let [start, end] = layout.spans_m[road];
    let count = (density * (end - start) / 100.0 + random.unit()).floor() as usize;
    for _ in 0..count.min(200) {
        let from_s = random.uniform(start, end);
        let length = random.uniform(6.0, 40.0);
        let side = if road == 0 { 1.0 } else { random.sign() };
        let side = if random.chance(0.3) { -side } else { side };
        site(config, random, layout, road, [from_s, from_s + length], side);
    }
}

fn site(config: &SceneConfig, random: &mut Sampler, layout: &mut Layout, road: usize, span_m: [f64; 2], side: f64) {
    let edge = f64::from(layout.roads[road].edge_m(side as f32));
    let inner = edge - random.uniform(0.5, 2.6);
    let still = |road: usize, s_m: f64, lateral_m: f64, turn_rad: f64| Motion::Road {
        road,
        s_m,
        lateral_m,
        speed_mps: 0.0,
        turn_rad,
    };
    let spacing = random.uniform(1.5, 5.0);
    let mut s = span_m[0];
    while s < span_m[1] {
        // A taper leads traffic past the site.
        let taper = (1.0 - (s - span_m[0]) / 8.0).max(0.0) * 2.0;
        let lateral = side * (inner + taper).min(edge + 0.5) + random.normal(0.0, 0.08);
        let thing = if random.chance(0.7) {
            ActorShape::Cone(ConeShape::sample(random))
        } else {
            ActorShape::Barrier(BarrierShape::sample(random))
        };
        let turn = if matches!(thing, ActorShape::Barrier(_)) { FRAC_PI_2 + random.normal(0.0, 0.1) } else { 0.0 };
        layout.place(thing, still(road, s, lateral, turn), 0.05);
        s += spacing;
    }
    for end in span_m {
        for step in 0..random.integer(1, 3) {
            let lateral = side * (inner + 0.8 + 1.8 * step as f64);
            let barrier = ActorShape::Barrier(BarrierShape::sample(random));
            layout.place(barrier, still(road, end, lateral, random.normal(0.0, 0.1)), 0.0);
        }
    }
    for _ in 0..random.integer(0, 3) {
        let (from_m, _) = layout.roads[road].pose(random.within(span_m), side * (inner + random.uniform(0.8, 3.0)));
        let worker = people::someone(config, random, false);
        let yaw_rad = random.uniform(0.0, std::f64::consts::TAU);
        layout.place(worker, Motion::Straight { from_m, yaw_rad, speed_mps: 0.0 }, 0.0);
    }
}
