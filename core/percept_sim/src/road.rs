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
    /// Width along the road of painted bays in the strip, 0 where none are painted.
    pub bay_m: f32,
}

/// Lanes as they are painted, the same for both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lanes {
    /// Lanes of each direction.
    pub per_direction: usize,
    /// Width of a lane.
    pub width_m: f32,
    /// Half of what lies between the directions, shoulders included; 0 for a painted line alone.
    pub inner_m: f32,
    /// Half of the raised reservation in the middle; 0 where there is none.
    pub half_median_m: f32,
    /// Length and period of the dashes between lanes.
    pub dash_m: [f32; 2],
}

impl Lanes {
    /// Middle of a lane from the centre line, counted from the innermost.
    pub fn middle_m(&self, lane: usize) -> f64 {
        f64::from(self.inner_m) + (lane as f64 + 0.5) * f64::from(self.width_m)
    }

    fn is_painted(&self, lateral_m: f32, s_m: f32) -> bool {
        /// Half of the width of a line between lanes and of one at an edge.
        const LINE_M: f32 = 0.07;
        const EDGE_M: f32 = 0.11;
        let out = lateral_m.abs() - self.inner_m;
        let dashed = s_m.rem_euclid(self.dash_m[1].max(0.1)) < self.dash_m[0];
        let border = (out / self.width_m).round();
        let off = (out - border * self.width_m).abs();
        match border {
            b if b < 0.0 || b > self.per_direction as f32 => false,
            b if b == self.per_direction as f32 => off < EDGE_M,
            b if b > 0.0 => off < LINE_M && dashed,
            // Between the directions: the edge of the reservation, or a line that is dashed where it is the only one.
            _ if self.inner_m > 0.0 => off < EDGE_M,
            _ => lateral_m.abs() < LINE_M && (dashed || self.per_direction > 1),
        }
    }
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
    /// Lanes, where they are painted instead.
    pub lanes: Option<Lanes>,
    /// Where along the road zebra crossings begin and end.
    pub zebras_m: Vec<[f32; 2]>,
    /// Distance of the middle of a track of rails from the centre line, on both sides.
    pub rails_m: Option<f32>,
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
        if self.lanes.is_some() || !self.zebras_m.is_empty() {
            let s_m = s_m();
            let on_zebra = self.zebras_m.iter().any(|[from, to]| s_m >= *from && s_m <= *to);
            return match self.lanes {
                _ if on_zebra => (lateral_m + 100.0).rem_euclid(1.0) < 0.5,
                Some(lanes) => lanes.is_painted(lateral_m, s_m),
                None => self.has_plain_paint(lateral, || s_m),
            };
        }
        self.has_plain_paint(lateral, s_m)
    }

    /// Whether a rail lies at a place.
    pub fn is_rail(&self, lateral_m: f32) -> bool {
        /// Half of the standard gauge to the middle of a rail, and half of a grooved rail.
        const HALF_GAUGE_M: f32 = 0.75;
        const HALF_RAIL_M: f32 = 0.06;
        self.rails_m.is_some_and(|middle| ((lateral_m.abs() - middle).abs() - HALF_GAUGE_M).abs() < HALF_RAIL_M)
    }

    /// Whether a line between bays lies at a place of the parking strip.
    pub fn is_bay_line(&self, lateral_m: f32, s_m: impl FnOnce() -> f32) -> bool {
        let bay_m = self.side(lateral_m).bay_m;
        bay_m > 0.0 && s_m().rem_euclid(bay_m) < 0.1
    }

    fn has_plain_paint(&self, lateral: f32, s_m: impl FnOnce() -> f32) -> bool {
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
        let side = RoadSide {
            parking_m: 2.0,
            kerb_m: 0.1,
            sidewalk_m: 2.0,
            bank_slope: 0.0,
            surface: SideSurface::Grass,
            bay_m: 0.0,
        };
        let arc = Arc { start_m: [3.0, -2.0], heading_rad: 0.4, curvature, from_s_m: 10.0, length_m: 60.0 };
        Road {
            arcs: vec![arc],
            half_width_m: 3.0,
            sides: [side; 2],
            marked: true,
            lanes: None,
            zebras_m: Vec::new(),
            rails_m: None,
        }
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
    fn lanes_are_painted_between_and_at_the_edges() {
        let lanes = Lanes { per_direction: 3, width_m: 3.5, inner_m: 2.0, half_median_m: 1.5, dash_m: [6.0, 18.0] };
        let road = Road { lanes: Some(lanes), half_width_m: 15.0, ..road(0.0) };
        let painted = |lateral: f32, s: f32| road.is_marked(lateral, || s);
        assert!(painted(5.5, 2.0) && !painted(5.5, 10.0), "between the first two lanes");
        assert!(painted(-12.5, 10.0) && painted(2.0, 10.0), "at both edges");
        assert!(!painted(4.0, 2.0) && !painted(0.0, 2.0) && !painted(14.5, 2.0));
    }

    #[test]
    fn a_zebra_crossing_has_stripes_along_the_road() {
        let road = Road { zebras_m: vec![[30.0, 34.0]], ..road(0.0) };
        let painted = |lateral: f32| road.is_marked(lateral, || 32.0);
        assert!(painted(0.2) && !painted(0.7) && painted(-0.8) && !painted(-0.3));
    }

    #[test]
    fn beyond_the_ends_there_is_no_road() {
        let ([x, y], _) = road(0.0).pose(80.0, 0.0);
        assert!(road(0.0).locate(x as f32, y as f32).is_none());
    }
}
