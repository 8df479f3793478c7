//! The ground: hills, undulation, roads with kerbs, pavements, banks; and where a ray meets it.
//!
//! Heights are evaluated in single precision relative to an anchor, so that long drives lose no digits.

use crate::material::{Material, class};
use crate::road::{CenterLine, Road, SideSurface, nearest};
use crate::vector::Vec3;

/// A sine wave of the terrain.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    /// Wave vector in radians a metre.
    pub k: [f64; 2],
    /// Phase at the world's origin.
    pub phase_rad: f64,
    /// Amplitude.
    pub amplitude_m: f32,
}

/// What lies at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cover {
    /// Carriageway.
    Road,
    /// Painted line on it.
    Marking,
    /// Parking strip.
    Parking,
    /// Pavement.
    Sidewalk,
    /// Grass, earth.
    Terrain,
    /// Paved yard.
    Yard,
}

/// The ground round an anchor.
#[derive(Clone, Debug)]
pub struct Ground {
    waves: Vec<(f32, f32, f32, f32)>,
    /// Roads in coordinates relative to the anchor.
    roads: Vec<(Vec<CenterLine>, Road)>,
    materials: [Material; 6],
}

/// Where a ray meets the ground.
#[derive(Clone, Copy, Debug)]
pub struct GroundHit {
    /// Distance along the ray.
    pub range_m: f32,
    /// Cosine of the angle between ray and surface normal.
    pub cos_incidence: f32,
    /// What is there.
    pub cover: Cover,
}

/// A place in the coordinates of the road beside which it lies nearest.
#[derive(Clone, Copy, Debug)]
pub struct RoadSpot {
    /// Which road.
    pub index: usize,
    /// Distance along it.
    pub s_m: f32,
    /// Distance to the left of its centre line.
    pub lateral_m: f32,
    /// Distance beyond the outer edge of carriageway and parking strip, negative on them.
    pub beyond_m: f32,
}

/// Steepest slope that a step of the search expects; steeper banks are found by the change of sign.
const EXPECTED_SLOPE: f32 = 0.1;

impl Ground {
    /// The ground of waves and roads, seen from an anchor in world coordinates; roads beyond `reach_m` are left out.
    pub fn anchored(waves: &[Wave], roads: &[Road], anchor_m: [f64; 2], reach_m: f64, tint: f32) -> Self {
        let waves = waves
            .iter()
            .map(|w| {
                let phase =
                    (w.phase_rad + w.k[0] * anchor_m[0] + w.k[1] * anchor_m[1]).rem_euclid(std::f64::consts::TAU);
                (w.k[0] as f32, w.k[1] as f32, phase as f32, w.amplitude_m)
            })
            .collect();
        let roads = roads
            .iter()
            .map(|road| road.relative_to(anchor_m, reach_m))
            .map(|road| (road.arcs.iter().map(CenterLine::new).collect(), road))
            .collect();
        let shade = |class_id, reflectance: f32, spread| Material::opaque(class_id, reflectance * tint, spread);
        let materials = [
            shade(class::ROAD, 0.21, 0.08),
            shade(class::LANE_MARKING, 0.41, 0.15),
            shade(class::PARKING, 0.28, 0.08),
            shade(class::SIDEWALK, 0.30, 0.07),
            shade(class::TERRAIN, 0.31, 0.10),
            shade(class::PARKING, 0.30, 0.08),
        ];
        Self { waves, roads, materials }
    }

    /// Material of a cover.
    pub fn material(&self, cover: Cover) -> &Material {
        &self.materials[cover as usize]
    }

    /// The road beside which a place lies nearest.
    pub fn road_at(&self, x: f32, y: f32) -> Option<RoadSpot> {
        let beside = |(index, (lines, road)): (usize, &(Vec<CenterLine>, Road))| {
            let (line, lateral_m) = nearest(lines, x, y)?;
            let beyond_m = lateral_m.abs() - road.edge_m(lateral_m);
            Some(RoadSpot { index, s_m: line.s_m(x, y), lateral_m, beyond_m })
        };
        let spots = self.roads.iter().enumerate().filter_map(beside);
        spots.min_by(|a, b| a.beyond_m.total_cmp(&b.beyond_m))
    }

    fn swell(&self, x: f32, y: f32) -> f32 {
        self.waves.iter().map(|(kx, ky, phase, amplitude)| amplitude * (kx * x + ky * y + phase).sin()).sum()
    }

    /// Height of the surface at a place relative to the anchor.
    pub fn height_m(&self, x: f32, y: f32) -> f32 {
        self.swell(x, y) + self.relief(x, y).0
    }

    /// Height above the swell, and what covers the place.
    fn relief(&self, x: f32, y: f32) -> (f32, Cover) {
        let mut off_road: Option<(f32, Cover)> = None;
        for (index, (lines, road)) in self.roads.iter().enumerate() {
            let Some((line, lateral_m)) = nearest(lines, x, y) else { continue };
            let side = road.side(lateral_m);
            let beyond = lateral_m.abs() - road.half_width_m;
            if beyond < 0.0 {
                let cover = if road.is_marked(lateral_m, || line.s_m(x, y)) { Cover::Marking } else { Cover::Road };
                return (-0.02 * lateral_m.abs().min(4.0) * 0.5, cover);
            }
            if beyond < side.parking_m {
                return (-0.03, Cover::Parking);
            }
            let outside = beyond - side.parking_m;
            let raised = side.kerb_m;
            if outside < side.sidewalk_m {
                if off_road.is_none_or(|(_, cover)| cover != Cover::Sidewalk) {
                    off_road = Some((raised, Cover::Sidewalk));
                }
            } else if off_road.is_none() && index == 0 {
                let bank = ((outside - side.sidewalk_m) * side.bank_slope).clamp(-3.0, 4.0);
                let cover = match side.surface {
                    SideSurface::Grass => Cover::Terrain,
                    SideSurface::Paved => Cover::Yard,
                };
                off_road = Some((raised + bank, cover));
            }
        }
        off_road.unwrap_or((0.1, Cover::Terrain))
    }

    /// First meeting of a ray with the ground within `max_m`.
    ///
    /// Steps as far as the expected slope allows; a change of sign is then halved, which also finds kerbs.
    pub fn meet(&self, origin: Vec3, direction: Vec3, max_m: f32) -> Option<GroundHit> {
        let clearance = |t: f32| {
            let p = origin + direction * t;
            p.z - self.height_m(p.x, p.y)
        };
        let closing = EXPECTED_SLOPE - direction.z.min(EXPECTED_SLOPE * 0.5);
        let (mut t, mut gap) = (0.0_f32, clearance(0.0));
        if gap <= 0.0 {
            return None;
        }
        for _ in 0..48 {
            let next = t + (gap / closing).clamp(0.05 + 0.004 * t, 12.0);
            let next_gap = clearance(next);
            if next_gap <= 0.0 {
                return self.refine(origin, direction, [t, next], max_m);
            }
            (t, gap) = (next, next_gap);
            if t > max_m {
                return None;
            }
        }
        None
    }

    fn refine(&self, origin: Vec3, direction: Vec3, bracket: [f32; 2], max_m: f32) -> Option<GroundHit> {
        let clearance = |t: f32| {
            let p = origin + direction * t;
            p.z - self.height_m(p.x, p.y)
        };
        let [mut above, mut below] = bracket;
        let (mut gap_above, mut gap_below) = (clearance(above), clearance(below));
        for round in 0..12 {
            if below - above < 0.004 {
                break;
            }
            // Regula falsi, with every other step a halving so that kerbs (a jump) do not stall it.
            let share = if round % 2 == 0 { gap_above / (gap_above - gap_below) } else { 0.5 };
            let middle = above + (below - above) * share.clamp(0.02, 0.98);
            let gap = clearance(middle);
            if gap > 0.0 {
                (above, gap_above) = (middle, gap);
            } else {
                (below, gap_below) = (middle, gap);
            }
            if gap.abs() < 0.001 {
                (above, gap_above) = (middle, gap.max(0.0));
                below = middle;
            }
        }
        let range_m = 0.5 * (above + below);
        if range_m > max_m {
            return None;
        }
        let p = origin + direction * (range_m + 0.002);
        let on_kerb = gap_below < -0.03 && gap_above > 0.0 && below - above < 0.01;
        let cos_incidence = if on_kerb { 0.6 } else { (-direction.z + EXPECTED_SLOPE * 0.1).max(0.01) };
        Some(GroundHit { range_m, cos_incidence, cover: self.relief(p.x, p.y).1 })
    }
}
