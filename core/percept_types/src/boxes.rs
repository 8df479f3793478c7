//! Oriented boxes and the geometry that every user of them shares.

use serde::{Deserialize, Serialize};

/// An upright box: centre, (length, width, height) and yaw counter-clockwise from +x, in the frame of its cloud.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Box3d {
    /// Geometric centre in metres.
    pub center_m: [f64; 3],
    /// Length (along the heading), width, height in metres.
    pub size_m: [f64; 3],
    /// Heading in radians.
    pub yaw_rad: f64,
}

/// The angle in [-pi, pi) that points the same way.
pub fn wrap_to_pi(angle_rad: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    let wrapped = (angle_rad + PI).rem_euclid(TAU) - PI;
    // rem_euclid may round up to TAU itself for tiny negative input.
    if wrapped >= PI { -PI } else { wrapped }
}

impl Box3d {
    /// The eight corners in metres: the bottom four counter-clockwise from front-left, then the top four.
    pub fn corners_m(&self) -> [[f64; 3]; 8] {
        let bev = self.bev().corners_m();
        let (bottom, top) = (self.bottom_z_m(), self.top_z_m());
        std::array::from_fn(|i| [bev[i % 4][0], bev[i % 4][1], if i < 4 { bottom } else { top }])
    }

    /// Height of the bottom face.
    pub fn bottom_z_m(&self) -> f64 {
        self.center_m[2] - self.size_m[2] / 2.0
    }

    /// Height of the top face.
    pub fn top_z_m(&self) -> f64 {
        self.center_m[2] + self.size_m[2] / 2.0
    }

    /// The footprint.
    pub fn bev(&self) -> BevRectangle {
        BevRectangle {
            center_m: [self.center_m[0], self.center_m[1]],
            size_m: [self.size_m[0], self.size_m[1]],
            yaw_rad: self.yaw_rad,
        }
    }

    /// A point in the box's own axes: x along its length, y to its left, z up, from its centre.
    pub fn to_local(&self, point_m: [f64; 3]) -> [f64; 3] {
        let (sin, cos) = self.yaw_rad.sin_cos();
        let (dx, dy) = (point_m[0] - self.center_m[0], point_m[1] - self.center_m[1]);
        [dx * cos + dy * sin, dy * cos - dx * sin, point_m[2] - self.center_m[2]]
    }

    /// Whether a point lies strictly inside.
    pub fn contains(&self, point_m: [f64; 3]) -> bool {
        let local = self.to_local(point_m);
        (0..3).all(|axis| local[axis].abs() < self.size_m[axis] / 2.0)
    }

    /// Volume in cubic metres.
    pub fn volume_m3(&self) -> f64 {
        self.size_m.iter().product()
    }

    /// Overlap of the two footprints over their union; 0 where the union is empty.
    pub fn iou_bev(&self, other: &Self) -> f64 {
        self.bev().iou(&other.bev())
    }

    /// Overlap of the two volumes over their union; 0 where the union is empty.
    pub fn iou_3d(&self, other: &Self) -> f64 {
        let overlap_z = self.top_z_m().min(other.top_z_m()) - self.bottom_z_m().max(other.bottom_z_m());
        if overlap_z <= 0.0 {
            return 0.0;
        }
        let intersection = self.bev().intersection_area_m2(&other.bev()) * overlap_z;
        let union = self.volume_m3() + other.volume_m3() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }

    /// Whether every number is finite and every side is positive.
    pub fn is_valid(&self) -> bool {
        let finite = self.center_m.iter().chain(&self.size_m).all(|v| v.is_finite()) && self.yaw_rad.is_finite();
        finite && self.size_m.iter().all(|side| *side > 0.0)
    }
}

/// A rectangle on the ground, turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BevRectangle {
    /// Centre (x, y) in metres.
    pub center_m: [f64; 2],
    /// Length and width in metres.
    pub size_m: [f64; 2],
    /// Heading of the length in radians.
    pub yaw_rad: f64,
}

impl BevRectangle {
    /// Corners counter-clockwise: front-left, rear-left, rear-right, front-right.
    pub fn corners_m(&self) -> [[f64; 2]; 4] {
        let (sin, cos) = self.yaw_rad.sin_cos();
        let (l, w) = (self.size_m[0] / 2.0, self.size_m[1] / 2.0);
        [[l, w], [-l, w], [-l, -w], [l, -w]]
            .map(|[x, y]| [self.center_m[0] + x * cos - y * sin, self.center_m[1] + x * sin + y * cos])
    }

    /// Area in square metres.
    pub fn area_m2(&self) -> f64 {
        self.size_m[0] * self.size_m[1]
    }

    /// Area shared with another rectangle: the first clipped by the four edges of the second
    /// (Sutherland and Hodgman 1974), computed relative to its centre so that far boxes lose no digits.
    pub fn intersection_area_m2(&self, other: &Self) -> f64 {
        let reach = self.size_m[0].hypot(self.size_m[1]) + other.size_m[0].hypot(other.size_m[1]);
        let (dx, dy) = (other.center_m[0] - self.center_m[0], other.center_m[1] - self.center_m[1]);
        let apart = dx.hypot(dy) * 2.0 >= reach;
        if apart || reach.is_nan() {
            return 0.0;
        }
        let subject = Self { center_m: [0.0, 0.0], ..*self }.corners_m();
        let clip = Self { center_m: [dx, dy], ..*other }.corners_m();
        let mut polygon = ClippedPolygon::from_corners(&subject);
        for edge in 0..4 {
            polygon = polygon.clipped_left_of(clip[edge], clip[(edge + 1) % 4]);
        }
        polygon.area_m2()
    }

    /// Overlap over union; 0 where the union is empty.
    pub fn iou(&self, other: &Self) -> f64 {
        let intersection = self.intersection_area_m2(other);
        let union = self.area_m2() + other.area_m2() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }
}

/// A convex polygon of at most eight corners: a rectangle cut by four lines gains one corner a cut.
struct ClippedPolygon {
    corners: [[f64; 2]; 8],
    len: usize,
}

impl ClippedPolygon {
    fn from_corners(rectangle: &[[f64; 2]; 4]) -> Self {
        let mut corners = [[0.0; 2]; 8];
        corners[..4].copy_from_slice(rectangle);
        Self { corners, len: 4 }
    }

    fn push(&mut self, corner: [f64; 2]) {
        // Rounding on near-parallel edges may ask for a ninth corner: it lies on an edge and adds no area.
        if self.len < self.corners.len() {
            self.corners[self.len] = corner;
            self.len += 1;
        }
    }

    /// What lies to the left of the line from `a` to `b`.
    fn clipped_left_of(&self, a: [f64; 2], b: [f64; 2]) -> Self {
        let side = |p: [f64; 2]| (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
        let mut kept = Self { corners: [[0.0; 2]; 8], len: 0 };
        for i in 0..self.len {
            let (p, q) = (self.corners[i], self.corners[(i + 1) % self.len]);
            let (side_p, side_q) = (side(p), side(q));
            if side_p >= 0.0 {
                kept.push(p);
            }
            if (side_p > 0.0 && side_q < 0.0) || (side_p < 0.0 && side_q > 0.0) {
                let t = side_p / (side_p - side_q);
                kept.push([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
            }
        }
        kept
    }

    fn area_m2(&self) -> f64 {
        let cross = |i: usize| {
            let (p, q) = (self.corners[i], self.corners[(i + 1) % self.len]);
            p[0] * q[1] - p[1] * q[0]
        };
        ((0..self.len).map(cross).sum::<f64>() / 2.0).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn square(x: f64, y: f64, side: f64, yaw_rad: f64) -> BevRectangle {
        BevRectangle { center_m: [x, y], size_m: [side, side], yaw_rad }
    }

    #[test]
    fn a_square_turned_by_45_degrees_shares_an_octagon() {
        let area = square(1.0, 1.0, 2.0, 0.0).intersection_area_m2(&square(1.0, 1.0, 2.0, PI / 4.0));
        assert!((area - 3.313_708_498_984_760_3).abs() < 1e-12, "{area}");
    }

    #[test]
    fn a_rectangle_shares_all_of_itself_with_itself_wherever_it_stands() {
        for i in 0..100 {
            let yaw_rad = i as f64 * 0.37;
            let b = BevRectangle { center_m: [1e4 + i as f64, -3e3], size_m: [4.2, 1.7], yaw_rad };
            assert!((b.iou(&b) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn rectangles_that_touch_share_nothing() {
        assert!(square(0.0, 0.0, 2.0, 0.0).intersection_area_m2(&square(2.0, 0.0, 2.0, 0.0)) < 1e-12);
    }

    #[test]
    fn a_box_of_no_size_overlaps_nothing_and_divides_by_nothing() {
        let flat = Box3d { center_m: [0.0; 3], size_m: [0.0; 3], yaw_rad: 0.0 };
        assert_eq!(flat.iou_bev(&flat), 0.0);
        assert_eq!(flat.iou_3d(&flat), 0.0);
    }

    #[test]
    fn wrapping_keeps_the_half_open_interval() {
        assert_eq!(wrap_to_pi(PI), -PI);
        assert!((wrap_to_pi(3.0 * PI + 0.1) - (-PI + 0.1)).abs() < 1e-12);
        assert!((-PI..PI).contains(&wrap_to_pi(-1e-18 - PI)));
    }

    #[test]
    fn corners_lie_at_half_the_size_from_the_centre() {
        let b = Box3d { center_m: [10.0, 0.0, 1.0], size_m: [4.0, 2.0, 1.5], yaw_rad: PI / 2.0 };
        let corners = b.corners_m();
        assert!((corners[0][0] - 9.0).abs() < 1e-12 && (corners[0][1] - 2.0).abs() < 1e-12);
        assert_eq!(corners[0][2], 0.25);
        assert_eq!(corners[4][2], 1.75);
    }
}
