//! Roads: centre lines of arcs, widths, and what lies on each side.

use std::f64::consts::PI;

/// An arc of constant curvature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    /// Where it begins.
    pub start_m: [f64; 2],
    /// Heading where it begins.
    pub heading_rad: f64,
    /// Curvature in 1/m, positive to the left; 0 for a straight line.
    pub curvature: f64,
    /// Distance along the road where it begins.
    pub from_s_m: f64,
    /// Its length.
    pub length_m: f64,
}

impl Arc {
    /// Position and heading `along_m` after its start.
    pub fn pose(&self, along_m: f64) -> ([f64; 2], f64) {
        let heading = self.heading_rad + self.curvature * along_m;
        let (sin, cos) = self.heading_rad.sin_cos();
        let (forward, left) = if self.curvature.abs() < 1e-6 {
            (along_m, 0.0)
        } else {
            let angle = self.curvature * along_m;
            (angle.sin() / self.curvature, (1.0 - angle.cos()) / self.curvature)
        };
        ([self.start_m[0] + forward * cos - left * sin, self.start_m[1] + forward * sin + left * cos], heading)
    }
}

/// What the land beyond the pavement is covered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideSurface {
    /// Grass and earth.
    Grass,
    /// Stones, tarmac, gravel.
    Paved,
}

/// One side of a road, from the edge of its carriageway outward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoadSide {
    /// Width of the parking strip, 0 where there is none.
    pub parking_m: f32,
    /// Height of the kerb.
    pub kerb_m: f32,
    /// Width of the pavement.
    pub sidewalk_m: f32,
    /// Slope of the land beyond.
    pub bank_slope: f32,
    /// Cover of the land beyond.
    pub surface: SideSurface,
}

/// A road.
#[derive(Clone, Debug, PartialEq)]
pub struct Road {
    /// Its centre line.
    pub arcs: Vec<Arc>,
    /// Half of the carriageway.
    pub half_width_m: f32,
    /// Left side, right side.
    pub sides: [RoadSide; 2],
    /// Whether a dashed centre line and edge lines are painted.
    pub marked: bool,
}

/// A place in a road's own coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoadPlace {
    /// Distance along the road.
    pub s_m: f32,
    /// Distance to the left of the centre line.
    pub lateral_m: f32,
}

impl Road {
    /// Position and heading at a distance along the road; straight on beyond its ends.
    pub fn pose(&self, s_m: f64, lateral_m: f64) -> ([f64; 2], f64) {
        let arc = self.arcs.iter().rev().find(|a| s_m >= a.from_s_m).or(self.arcs.first());
        let Some(arc) = arc else { return ([s_m, lateral_m], 0.0) };
        let along = s_m - arc.from_s_m;
        let inside = along.clamp(0.0, arc.length_m);
        let (mut p, heading) = arc.pose(inside);
        let (sin, cos) = heading.sin_cos();
        let beyond = along - inside;
        p[0] += beyond * cos - lateral_m * sin;
        p[1] += beyond * sin + lateral_m * cos;
        (p, heading)
    }

    /// The side on which a lateral distance lies.
    pub fn side(&self, lateral_m: f32) -> &RoadSide {
        &self.sides[usize::from(lateral_m < 0.0)]
    }

    /// Distance from the centre line to the outer edge of the parking strip.
    pub fn edge_m(&self, lateral_m: f32) -> f32 {
        self.half_width_m + self.side(lateral_m).parking_m
    }

    /// A place in the road's coordinates: that of the nearest arc; `None` beyond its ends.
    pub fn locate(&self, x: f32, y: f32) -> Option<RoadPlace> {
        let mut nearest: Option<RoadPlace> = None;
        for arc in &self.arcs {
            let place = locate_on(arc, x, y);
            let inside = place.s_m >= arc.from_s_m as f32 && place.s_m <= (arc.from_s_m + arc.length_m) as f32;
            if inside && nearest.is_none_or(|n| place.lateral_m.abs() < n.lateral_m.abs()) {
                nearest = Some(place);
            }
        }
        nearest
    }

    /// Whether paint lies at a place.
    pub fn is_marked(&self, place: &RoadPlace) -> bool {
        let lateral = place.lateral_m.abs();
        self.marked
            && ((lateral < 0.07 && place.s_m.rem_euclid(9.0) < 3.0)
                || (lateral - self.half_width_m + 0.25).abs() < 0.06)
    }

    /// The same road in coordinates relative to an anchor, without the arcs beyond `reach_m`.
    pub fn relative_to(&self, anchor_m: [f64; 2], reach_m: f64) -> Self {
        let near = |arc: &&Arc| {
            let (middle, _) = arc.pose(arc.length_m / 2.0);
            (middle[0] - anchor_m[0]).hypot(middle[1] - anchor_m[1]) < reach_m + arc.length_m / 2.0
        };
        let shifted = |arc: &Arc| Arc { start_m: [arc.start_m[0] - anchor_m[0], arc.start_m[1] - anchor_m[1]], ..*arc };
        Self { arcs: self.arcs.iter().filter(near).map(shifted).collect(), ..self.clone() }
    }
}

fn locate_on(arc: &Arc, x: f32, y: f32) -> RoadPlace {
    let (sin, cos) = (arc.heading_rad as f32).sin_cos();
    let (dx, dy) = (x - arc.start_m[0] as f32, y - arc.start_m[1] as f32);
    let (forward, left) = (dx * cos + dy * sin, dy * cos - dx * sin);
    let from_s = arc.from_s_m as f32;
    if arc.curvature.abs() < 1e-6 {
        return RoadPlace { s_m: from_s + forward, lateral_m: left };
    }
    let radius = 1.0 / arc.curvature as f32;
    let sign = radius.signum();
    let to_center = (radius - left) * sign;
    let angle = (forward * sign).atan2(to_center) * sign;
    let mut along = angle * radius * sign;
    if along < -1e-3 && (arc.curvature * arc.length_m).abs() > PI {
        along += std::f32::consts::TAU * radius.abs();
    }
    RoadPlace { s_m: from_s + along, lateral_m: radius - sign * forward.hypot(to_center) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn road(curvature: f64) -> Road {
        let side =
            RoadSide { parking_m: 2.0, kerb_m: 0.1, sidewalk_m: 2.0, bank_slope: 0.0, surface: SideSurface::Grass };
        let arc = Arc { start_m: [3.0, -2.0], heading_rad: 0.4, curvature, from_s_m: 10.0, length_m: 60.0 };
        Road { arcs: vec![arc], half_width_m: 3.0, sides: [side; 2], marked: true }
    }

    #[test]
    fn a_place_found_on_a_road_is_the_place_it_was_made_from() {
        for curvature in [0.0, 0.01, -0.015] {
            let road = road(curvature);
            for (s, lateral) in [(12.0, 0.0), (40.0, 3.5), (65.0, -6.0)] {
                let ([x, y], _) = road.pose(s, lateral);
                let place = road.locate(x as f32, y as f32).unwrap();
                assert!((place.s_m - s as f32).abs() < 1e-2, "{curvature} {s}: {}", place.s_m);
                assert!((place.lateral_m - lateral as f32).abs() < 1e-2, "{curvature}: {}", place.lateral_m);
            }
        }
    }

    #[test]
    fn beyond_the_ends_there_is_no_road() {
        let ([x, y], _) = road(0.0).pose(80.0, 0.0);
        assert!(road(0.0).locate(x as f32, y as f32).is_none());
    }
}
