//! The ground: hills, undulation, roads with kerbs, pavements, banks; and where a ray meets it.
//!
//! Heights are evaluated in single precision relative to an anchor, so that long drives lose no digits.

use crate::material::{Material, class};
use crate::road::{Arc, CenterLine, Road, SideSurface, nearest};
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
    /// Rail of a tram.
    Rail,
}

/// What the surfaces of a world look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroundLook {
    /// Factor on all brightness.
    pub tint: f32,
    /// Brightness of paint before the tint.
    pub paint_reflectance: f32,
    /// Share of light that paint sends back to its source.
    pub paint_retro: f32,
    /// How wet it is, 0 to 1.
    pub wetness: f32,
    /// Height of grass.
    pub grass_m: f32,
}

impl GroundLook {
    /// Dry, with plain paint.
    pub fn plain(tint: f32) -> Self {
        Self { tint, paint_reflectance: 0.41, paint_retro: 0.0, wetness: 0.0, grass_m: 0.05 }
    }

    /// Materials in the order of [`Cover`].
    fn materials(&self) -> [Material; 7] {
        let dry = |class_id, reflectance: f32, spread| Material::opaque(class_id, reflectance * self.tint, spread);
        let paint = dry(class::LANE_MARKING, self.paint_reflectance, 0.15);
        // Water over glass beads takes their effect away.
        let paint = paint.with_retro(self.paint_retro * (1.0 - 0.8 * self.wetness));
        let hard = [
            dry(class::ROAD, 0.35, 0.055),
            paint,
            dry(class::PARKING, 0.35, 0.055),
            dry(class::SIDEWALK, 0.37, 0.055),
            dry(class::TERRAIN, 0.37, 0.07),
            dry(class::PARKING, 0.36, 0.06),
            dry(class::OTHER_GROUND, 0.12, 0.10).with_gloss(0.3),
        ];
        hard.map(|material| self.wet(material))
    }

    /// A film of water darkens, and mirrors flat rays away; earth drinks most of it.
    fn wet(&self, material: Material) -> Material {
        if self.wetness <= 0.0 {
            return material;
        }
        let film = self.wetness * if material.class_id == class::TERRAIN { 0.35 } else { 1.0 };
        let gloss = material.gloss + (1.0 - material.gloss) * 0.75 * film;
        material.dimmed(1.0 - 0.55 * film).with_gloss(gloss)
    }
}
/// The ground round an anchor.
#[derive(Clone, Debug)]
pub struct Ground {
    waves: Vec<(f32, f32, f32, f32)>,
    /// Roads in coordinates relative to the anchor.
    roads: Vec<NearRoad>,
    /// Nothing of the surface lies lower.
    lowest_m: f32,
    materials: [Material; 7],
    grass_m: f32,
}

/// A road prepared for many questions.
#[derive(Clone, Debug)]
struct NearRoad {
    lines: Vec<CenterLine>,
    road: Road,
    /// Lower and upper corner of the rectangle outside which the road and its pavements are not; all there is for the
    /// first road, whose banks have no end.
    bounds_m: [[f32; 2]; 2],
}

impl NearRoad {
    fn new(road: Road, is_first: bool) -> Self {
        let everywhere = [[f32::MIN; 2], [f32::MAX; 2]];
        let side = |index: usize| road.sides[index].parking_m + road.sides[index].sidewalk_m;
        let reach = road.half_width_m + side(0).max(side(1)) + 1.0;
        let bounds_m = if is_first { everywhere } else { around(&road.arcs, reach) };
        Self { lines: road.arcs.iter().map(CenterLine::new).collect(), road, bounds_m }
    }

    fn is_near(&self, x: f32, y: f32) -> bool {
        let [low, high] = self.bounds_m;
        x >= low[0] && x <= high[0] && y >= low[1] && y <= high[1]
    }
}

/// The upright rectangle round arcs, grown by `reach_m` and by how far an arc bows out of its chord.
fn around(arcs: &[Arc], reach_m: f32) -> [[f32; 2]; 2] {
    let mut bounds = [[f32::MAX; 2], [f32::MIN; 2]];
    for arc in arcs {
        let bow = reach_m + (arc.curvature.abs() * arc.length_m * arc.length_m / 8.0) as f32;
        for end in [0.0, arc.length_m] {
            let (at, _) = arc.pose(end);
            for axis in 0..2 {
                bounds[0][axis] = bounds[0][axis].min(at[axis] as f32 - bow);
                bounds[1][axis] = bounds[1][axis].max(at[axis] as f32 + bow);
            }
        }
    }
    bounds
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
    pub fn anchored(waves: &[Wave], roads: &[Road], anchor_m: [f64; 2], reach_m: f64, look: &GroundLook) -> Self {
        let waves: Vec<_> = waves
            .iter()
            .map(|w| {
                let phase =
                    (w.phase_rad + w.k[0] * anchor_m[0] + w.k[1] * anchor_m[1]).rem_euclid(std::f64::consts::TAU);
                (w.k[0] as f32, w.k[1] as f32, phase as f32, w.amplitude_m)
            })
            .collect();
        let near = |(index, road): (usize, &Road)| NearRoad::new(road.relative_to(anchor_m, reach_m), index == 0);
        let roads: Vec<NearRoad> = roads.iter().enumerate().map(near).collect();
        // Camber and strips lie up to 0.04 m low, banks fall by 3 m at most.
        let falls = roads.first().is_some_and(|near| near.road.sides.iter().any(|side| side.bank_slope < 0.0));
        let swell_m: f32 = waves.iter().map(|wave: &(f32, f32, f32, f32)| wave.3.abs()).sum();
        let lowest_m = -swell_m - if falls { 3.2 } else { 0.2 };
        Self { waves, roads, lowest_m, materials: look.materials(), grass_m: look.grass_m }
    }

    /// A level meadow without roads.
    #[cfg(test)]
    pub fn level() -> Self {
        Self::anchored(&[], &[], [0.0; 2], 100.0, &GroundLook::plain(1.0))
    }

    /// Height of the grass.
    pub fn grass_m(&self) -> f32 {
        self.grass_m
    }

    /// Material of a cover.
    pub fn material(&self, cover: Cover) -> &Material {
        &self.materials[cover as usize]
    }

    /// The road beside which a place lies nearest.
    pub fn road_at(&self, x: f32, y: f32) -> Option<RoadSpot> {
        let beside = |(index, near): (usize, &NearRoad)| {
            let (line, lateral_m) = nearest(&near.lines, x, y)?;
            let beyond_m = lateral_m.abs() - near.road.edge_m(lateral_m);
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
        self.swell(x, y) + self.relief(x, y, false).0
    }

    /// Height above the swell, and what covers the place; paint and rails only where they are asked for.
    fn relief(&self, x: f32, y: f32, with_paint: bool) -> (f32, Cover) {
        let mut off_road: Option<(f32, Cover)> = None;
        for (index, near) in self.roads.iter().enumerate() {
            if !near.is_near(x, y) {
                continue;
            }
            let road = &near.road;
            let Some((line, lateral_m)) = nearest(&near.lines, x, y) else { continue };
            let side = road.side(lateral_m);
            let beyond = lateral_m.abs() - road.half_width_m;
            if beyond < 0.0 {
                let lanes = road.lanes.filter(|lanes| lateral_m.abs() < lanes.half_median_m);
                if lanes.is_some() {
                    // The reservation between two carriageways: a low bank of grass.
                    return (0.06, Cover::Terrain);
                }
                let cover = match () {
                    () if !with_paint => Cover::Road,
                    () if road.is_rail(lateral_m) => Cover::Rail,
                    () if road.is_marked(lateral_m, || line.s_m(x, y)) => Cover::Marking,
                    () => Cover::Road,
                };
                return (-0.02 * lateral_m.abs().min(4.0) * 0.5, cover);
            }
            if beyond < side.parking_m {
                let painted = with_paint && road.is_bay_line(lateral_m, || line.s_m(x, y));
                return (-0.03, if painted { Cover::Marking } else { Cover::Parking });
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

    /// Distance beyond which a ray is below the ground, wherever it goes.
    pub fn surely_below_m(&self, origin: Vec3, direction: Vec3) -> f32 {
        if direction.z >= 0.0 {
            return f32::MAX;
        }
        ((self.lowest_m - origin.z) / direction.z).max(0.0) + 0.01
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
        Some(GroundHit { range_m, cos_incidence, cover: self.relief(p.x, p.y, true).1 })
    }
}
