//! Roads: centre lines of arcs, widths, and what lies on each side.

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
        let lines: Vec<CenterLine> = self.arcs.iter().map(CenterLine::new).collect();
        let (line, lateral_m) = nearest(&lines, x, y)?;
        Some(RoadPlace { s_m: line.s_m(x, y), lateral_m })
    }

    /// Whether paint lies at a place.
    pub fn is_marked(&self, lateral_m: f32, s_m: impl FnOnce() -> f32) -> bool {
        let lateral = lateral_m.abs();
        self.marked
            && ((lateral < 0.07 && s_m().rem_euclid(9.0) < 3.0) || (lateral - self.half_width_m + 0.25).abs() < 0.06)
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

/// An arc prepared for many questions in single precision. Arcs turn by less than half a circle.
#[derive(Clone, Copy, Debug)]
pub struct CenterLine {
    start: [f32; 2],
    /// Cosine and sine of the heading at the start and at the end.
    start_heading: [f32; 2],
    end: [f32; 2],
    end_heading: [f32; 2],
    from_s_m: f32,
    /// Signed radius, positive to the left; `None` for a straight line.
    radius_m: Option<f32>,
}

impl CenterLine {
    /// Prepares an arc.
    pub fn new(arc: &Arc) -> Self {
        let (end, end_heading) = arc.pose(arc.length_m);
        let unit = |heading: f64| [heading.cos() as f32, heading.sin() as f32];
        Self {
            start: arc.start_m.map(|v| v as f32),
            start_heading: unit(arc.heading_rad),
            end: end.map(|v| v as f32),
            end_heading: unit(end_heading),
            from_s_m: arc.from_s_m as f32,
            radius_m: (arc.curvature.abs() >= 1e-6).then(|| (1.0 / arc.curvature) as f32),
        }
    }

    /// Distance to the left of the arc, if the place lies beside it.
    fn lateral_m(&self, x: f32, y: f32) -> Option<f32> {
        let ahead = |from: [f32; 2], heading: [f32; 2]| (x - from[0]) * heading[0] + (y - from[1]) * heading[1];
        if ahead(self.start, self.start_heading) < 0.0 || ahead(self.end, self.end_heading) > 0.0 {
            return None;
        }
        let (forward, left) = self.local(x, y);
        Some(match self.radius_m {
            None => left,
            Some(radius) => radius - radius.signum() * forward.hypot(radius - left),
        })
    }

    fn local(&self, x: f32, y: f32) -> (f32, f32) {
        let (dx, dy) = (x - self.start[0], y - self.start[1]);
        let [cos, sin] = self.start_heading;
        (dx * cos + dy * sin, dy * cos - dx * sin)
    }

    /// Distance along the road of a place beside the arc.
    pub fn s_m(&self, x: f32, y: f32) -> f32 {
        let (forward, left) = self.local(x, y);
        self.from_s_m
            + match self.radius_m {
                None => forward,
                Some(radius) => forward.atan2((radius - left) * radius.signum()) * radius.abs(),
            }
    }
}

/// The centre line beside which a place lies nearest, and the distance to its left.
pub fn nearest(lines: &[CenterLine], x: f32, y: f32) -> Option<(&CenterLine, f32)> {
    let beside = lines.iter().filter_map(|line| line.lateral_m(x, y).map(|lateral| (line, lateral)));
    beside.min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
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
