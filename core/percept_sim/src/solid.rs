//! Solids that rays can meet: convex polyhedra, ellipsoids and cylinders.
//!
//! Actors and scenery are built from them in local axes (x forward, y left, z up) and moved into the sensor's frame.

use crate::material::Material;
use crate::vector::{Affine, Vec3};

/// A half-space `normal . p <= offset` and what its boundary is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    /// Outward unit normal.
    pub normal: Vec3,
    /// Distance from the origin along the normal.
    pub offset: f32,
}

impl Plane {
    /// The plane of this outward direction (any length) through a point.
    pub fn through(point: Vec3, direction: Vec3) -> Self {
        let normal = direction.normalize_or_zero();
        Self { normal, offset: normal.dot(point) }
    }

    fn moved(&self, motion: &Affine) -> Self {
        let normal = motion.turn(self.normal);
        Self { normal, offset: self.offset + normal.dot(motion.shift) }
    }
}

/// The form of a solid.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Intersection of half-spaces, with the corners it has.
    Convex {
        /// Its faces.
        planes: Vec<Plane>,
        /// Its corners.
        corners: Vec<Vec3>,
    },
    /// An ellipsoid of upright axes in its own frame.
    Ellipsoid {
        /// Centre.
        center: Vec3,
        /// Unit directions of its axes.
        axes: [Vec3; 3],
        /// Half-lengths along the axes.
        radii: Vec3,
    },
    /// A cylinder with flat ends.
    Cylinder {
        /// Centre of one end.
        from: Vec3,
        /// Centre of the other end.
        to: Vec3,
        /// Radius.
        radius: f32,
    },
}

/// A shape and what it is made of.
#[derive(Clone, Debug)]
pub struct Solid {
    /// Its form.
    pub shape: Shape,
    /// Its substance.
    pub material: Material,
}

/// Where a ray enters and leaves a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// Distance along the ray to the entry; 0 when it starts inside.
    pub enter_m: f32,
    /// Distance to the exit.
    pub leave_m: f32,
    /// Outward normal at the entry; zero when the ray starts inside.
    pub normal: Vec3,
}

impl Shape {
    /// The polyhedron that these half-spaces leave.
    pub fn convex(planes: Vec<Plane>) -> Self {
        let corners = corners_of(&planes);
        Shape::Convex { planes, corners }
    }

    /// An upright box from its lower to its upper corner.
    pub fn cuboid(low: Vec3, high: Vec3) -> Self {
        let axes = [Vec3::X, Vec3::Y, Vec3::Z];
        let planes = axes.iter().flat_map(|a| [Plane::through(high, *a), Plane::through(low, -*a)]).collect();
        let corner = |i: usize| {
            let pick = |bit: usize, l: f32, h: f32| if i & bit == 0 { l } else { h };
            Vec3::new(pick(1, low.x, high.x), pick(2, low.y, high.y), pick(4, low.z, high.z))
        };
        Shape::Convex { planes, corners: (0..8).map(corner).collect() }
    }

    /// An ellipsoid with upright axes.
    pub fn ellipsoid(center: Vec3, radii: Vec3) -> Self {
        Shape::Ellipsoid { center, axes: [Vec3::X, Vec3::Y, Vec3::Z], radii }
    }

    /// A cylinder between two points.
    pub fn cylinder(from: Vec3, to: Vec3, radius: f32) -> Self {
        Shape::Cylinder { from, to, radius }
    }

    /// The shape after a rigid motion.
    pub fn moved(&self, motion: &Affine) -> Self {
        match self {
            Shape::Convex { planes, corners } => Shape::Convex {
                planes: planes.iter().map(|p| p.moved(motion)).collect(),
                corners: corners.iter().map(|c| motion.apply(*c)).collect(),
            },
            Shape::Ellipsoid { center, axes, radii } => Shape::Ellipsoid {
                center: motion.apply(*center),
                axes: axes.map(|axis| motion.turn(axis)),
                radii: *radii,
            },
            Shape::Cylinder { from, to, radius } => {
                Shape::Cylinder { from: motion.apply(*from), to: motion.apply(*to), radius: *radius }
            }
        }
    }

    /// Lower and upper corner of the upright box round it.
    pub fn bounds(&self) -> (Vec3, Vec3) {
        match self {
            Shape::Convex { corners, .. } => bounds_of(corners),
            Shape::Ellipsoid { center, axes, radii } => {
                let reach =
                    |pick: fn(Vec3) -> f32| (0..3).map(|i| (pick(axes[i]) * radii[i]).powi(2)).sum::<f32>().sqrt();
                let half = Vec3::new(reach(|v| v.x), reach(|v| v.y), reach(|v| v.z));
                (*center - half, *center + half)
            }
            Shape::Cylinder { from, to, radius } => {
                let axis = (*to - *from).normalize_or_zero();
                let half = (Vec3::ONE - axis * axis).max(Vec3::ZERO);
                let half = Vec3::new(half.x.sqrt(), half.y.sqrt(), half.z.sqrt()) * *radius;
                (from.min(*to) - half, from.max(*to) + half)
            }
        }
    }

    /// Where the ray from `origin` along the unit `direction` crosses it, if ahead.
    pub fn crossing(&self, origin: Vec3, direction: Vec3) -> Option<Crossing> {
        match self {
            Shape::Convex { planes, .. } => crossing_of_convex(planes, origin, direction),
            Shape::Ellipsoid { center, axes, radii } => {
                let local = |v: Vec3| Vec3::new(axes[0].dot(v), axes[1].dot(v), axes[2].dot(v)) / *radii;
                let (from, along) = (local(origin - *center), local(direction));
                let (a, b, c) = (along.dot(along), from.dot(along), from.dot(from) - 1.0);
                let root = (b * b - a * c).max(-1.0);
                if root <= 0.0 {
                    return None;
                }
                let (enter_m, leave_m) = ((-b - root.sqrt()) / a, (-b + root.sqrt()) / a);
                let gradient = (from + along * enter_m) / *radii;
                let normal = axes[0] * gradient.x + axes[1] * gradient.y + axes[2] * gradient.z;
                ahead(enter_m, leave_m, normal.normalize_or_zero())
            }
            Shape::Cylinder { from, to, radius } => crossing_of_cylinder(*from, *to, *radius, origin, direction),
        }
    }
}

fn ahead(enter_m: f32, leave_m: f32, normal: Vec3) -> Option<Crossing> {
    if leave_m <= 0.0 || enter_m >= leave_m {
        return None;
    }
    let inside = enter_m <= 0.0;
    Some(Crossing { enter_m: enter_m.max(0.0), leave_m, normal: if inside { Vec3::ZERO } else { normal } })
}

fn crossing_of_convex(planes: &[Plane], origin: Vec3, direction: Vec3) -> Option<Crossing> {
    let (mut enter_m, mut leave_m, mut normal) = (f32::NEG_INFINITY, f32::INFINITY, Vec3::ZERO);
    for plane in planes {
        let speed = plane.normal.dot(direction);
        let gap = plane.offset - plane.normal.dot(origin);
        if speed < -1e-9 {
            let t = gap / speed;
            if t > enter_m {
                (enter_m, normal) = (t, plane.normal);
            }
        } else if speed > 1e-9 {
            leave_m = leave_m.min(gap / speed);
        } else if gap < 0.0 {
            return None;
        }
        if enter_m > leave_m {
            return None;
        }
    }
    ahead(enter_m, leave_m, normal)
}

fn crossing_of_cylinder(from: Vec3, to: Vec3, radius: f32, origin: Vec3, direction: Vec3) -> Option<Crossing> {
    let length = (to - from).length();
    let axis = (to - from) / length;
    let start = origin - from;
    let (along_start, along_speed) = (start.dot(axis), direction.dot(axis));
    let (side_start, side_speed) = (start - axis * along_start, direction - axis * along_speed);
    let (a, b, c) =
        (side_speed.dot(side_speed), side_start.dot(side_speed), side_start.dot(side_start) - radius * radius);
    let (mut enter_m, mut leave_m, mut normal) = (f32::NEG_INFINITY, f32::INFINITY, Vec3::ZERO);
    if a > 1e-9 {
        let root = b * b - a * c;
        if root <= 0.0 {
            return None;
        }
        (enter_m, leave_m) = ((-b - root.sqrt()) / a, (-b + root.sqrt()) / a);
        normal = (side_start + side_speed * enter_m) / radius;
    } else if c > 0.0 {
        return None;
    }
    if along_speed.abs() > 1e-9 {
        let (t0, t1) = (-along_start / along_speed, (length - along_start) / along_speed);
        let (near, far, cap) = if t0 < t1 { (t0, t1, -axis) } else { (t1, t0, axis) };
        if near > enter_m {
            (enter_m, normal) = (near, cap);
        }
        leave_m = leave_m.min(far);
    } else if along_start < 0.0 || along_start > length {
        return None;
    }
    ahead(enter_m, leave_m, normal)
}

/// Corners of an intersection of half-spaces: every triple of planes whose common point satisfies all others.
fn corners_of(planes: &[Plane]) -> Vec<Vec3> {
    let mut corners = Vec::new();
    for i in 0..planes.len() {
        for j in i + 1..planes.len() {
            let edge = planes[i].normal.cross(planes[j].normal);
            for k in j + 1..planes.len() {
                let volume = edge.dot(planes[k].normal);
                if volume.abs() < 1e-6 {
                    continue;
                }
                let point = (planes[j].normal.cross(planes[k].normal) * planes[i].offset
                    + planes[k].normal.cross(planes[i].normal) * planes[j].offset
                    + edge * planes[k].offset)
                    / volume;
                if planes.iter().all(|p| p.normal.dot(point) <= p.offset + 1e-4) {
                    corners.push(point);
                }
            }
        }
    }
    corners
}

/// Lower and upper corner of the upright box round points; two zero corners where there are none.
pub fn bounds_of(points: &[Vec3]) -> (Vec3, Vec3) {
    let Some(first) = points.first() else { return (Vec3::ZERO, Vec3::ZERO) };
    points.iter().fold((*first, *first), |(low, high), p| (low.min(*p), high.max(*p)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit_box() -> Shape {
        Shape::cuboid(Vec3::splat(-1.0), Vec3::splat(1.0))
    }

    #[test]
    fn a_ray_meets_the_near_face_of_a_box_and_leaves_by_the_far_one() {
        let crossing = unit_box().crossing(Vec3::new(-5.0, 0.2, 0.3), Vec3::X).unwrap();
        assert!((crossing.enter_m - 4.0).abs() < 1e-6 && (crossing.leave_m - 6.0).abs() < 1e-6);
        assert_eq!(crossing.normal, -Vec3::X);
        assert!(unit_box().crossing(Vec3::new(-5.0, 1.2, 0.0), Vec3::X).is_none());
        assert!(unit_box().crossing(Vec3::new(5.0, 0.0, 0.0), Vec3::X).is_none());
    }

    #[test]
    fn half_spaces_and_corners_describe_the_same_box() {
        let Shape::Convex { planes, .. } = unit_box() else { unreachable!() };
        let Shape::Convex { corners, .. } = Shape::convex(planes) else { unreachable!() };
        assert_eq!(corners.len(), 8);
        assert_eq!(bounds_of(&corners), (Vec3::splat(-1.0), Vec3::splat(1.0)));
    }

    #[test]
    fn a_cylinder_is_met_on_its_side_and_on_its_cap() {
        let cylinder = Shape::cylinder(Vec3::ZERO, Vec3::new(0.0, 0.0, 2.0), 0.5);
        let side = cylinder.crossing(Vec3::new(-3.0, 0.0, 1.0), Vec3::X).unwrap();
        assert!((side.enter_m - 2.5).abs() < 1e-5 && (side.normal + Vec3::X).length() < 1e-5);
        let cap = cylinder.crossing(Vec3::new(0.1, 0.0, 5.0), -Vec3::Z).unwrap();
        assert!((cap.enter_m - 3.0).abs() < 1e-5 && cap.normal == Vec3::Z);
        assert!(cylinder.crossing(Vec3::new(-3.0, 0.0, 2.1), Vec3::X).is_none());
    }

    #[test]
    fn an_ellipsoid_has_the_bounds_of_its_radii_when_turned() {
        let quarter = Affine::from_yaw(Vec3::ZERO, std::f32::consts::FRAC_PI_2);
        let (low, high) = Shape::ellipsoid(Vec3::X, Vec3::new(2.0, 1.0, 0.5)).moved(&quarter).bounds();
        assert!((low - Vec3::new(-1.0, -1.0, -0.5)).length() < 1e-5, "{low}");
        assert!((high - Vec3::new(1.0, 3.0, 0.5)).length() < 1e-5, "{high}");
    }
}
