//! Vehicles: paint with seams, lamps, grille and sills; wheels; plates.

use super::{Spot, Substance};
use crate::render::look::{Body, BodyKind};
use crate::render::noise::{plane, shows};
use crate::vector::Vec3;
use std::f32::consts::TAU;

const BLACK: Vec3 = Vec3::new(0.015, 0.015, 0.016);
const GLASS: Vec3 = Vec3::new(0.55, 0.57, 0.60);
const TAIL: Vec3 = Vec3::new(0.42, 0.012, 0.014);
const AMBER: Vec3 = Vec3::new(0.62, 0.20, 0.015);

/// Painted sheet metal.
pub fn bodywork(spot: &Spot<'_>, body: &Body) -> Substance {
    let (p, n) = (spot.local, spot.normal);
    let across = (p.y / body.extent.y).abs();
    let up = p.z / body.extent.z;
    let faces_end = n.x.abs() > 0.55 && p.x.abs() > body.extent.x * 0.72;
    let lamp = if faces_end { lamps(body, p.x > 0.0, across, up) } else { None };
    if let Some((color, coat)) = lamp {
        return spot.matt(color).coated(coat);
    }
    let dark = match body.kind {
        BodyKind::Car => is_black(spot, body, up),
        BodyKind::Large => p.z < 0.55,
    };
    if dark {
        return spot.matt(BLACK).coated(0.15);
    }
    let dirt = 1.0 - 0.35 * (1.0 - up * 2.2).max(0.0) * plane(spot.part.seed, p.x * 3.0, p.z * 5.0);
    let seam = 1.0 - 0.75 * seam(spot, body, up);
    spot.matt(body.color * (dirt * seam)).coated(0.9 * dirt)
}

/// Colour and coat of head lamps, tail lamps and the grille on the face of an end.
fn lamps(body: &Body, is_front: bool, across: f32, up: f32) -> Option<(Vec3, f32)> {
    match (body.kind, is_front) {
        (BodyKind::Car, true) => {
            if across > 0.56 && across < 0.95 && (0.37..0.50).contains(&up) {
                return Some((GLASS, 0.8));
            }
            if across < 0.50 && (0.36..0.47).contains(&up) {
                return Some((BLACK * (1.0 + 3.0 * f32::from((up * 60.0).fract() < 0.3)), 0.3));
            }
            (across < 0.66 && (0.14..0.25).contains(&up)).then_some((BLACK, 0.1))
        }
        (BodyKind::Car, false) => {
            if across > 0.64 && (0.44..0.60).contains(&up) {
                return Some((if (0.47..0.505).contains(&up) { AMBER } else { TAIL }, 0.7));
            }
            (across < 0.85 && up < 0.20).then_some((BLACK, 0.1))
        }
        (BodyKind::Large, true) => (across > 0.62 && (0.16..0.25).contains(&up)).then_some((GLASS, 0.7)),
        (BodyKind::Large, false) => (across > 0.72 && (0.22..0.32).contains(&up)).then_some((TAIL, 0.6)),
    }
}

/// Sills and the arches over the wheels.
fn is_black(spot: &Spot<'_>, body: &Body, up: f32) -> bool {
    let p = spot.local;
    let [front, rear, radius] = body.axles;
    let on_side = spot.normal.y.abs() > 0.6;
    let in_arch = |axle: f32| (p.x - axle).hypot(p.z - radius) < radius + 0.045;
    (on_side && radius > 0.0 && (in_arch(front) || in_arch(rear))) || up < 0.155
}

/// How much of a place is the gap round a door, a bonnet or a handle.
fn seam(spot: &Spot<'_>, body: &Body, up: f32) -> f32 {
    const WIDTH_M: f32 = 0.014;
    let p = spot.local;
    let line = |distance_m: f32| {
        let width = WIDTH_M.max(spot.footprint_m);
        (1.0 - (distance_m.abs() - width * 0.5).max(0.0) / width).clamp(0.0, 1.0) * (WIDTH_M / width)
    };
    if body.kind == BodyKind::Large {
        let rib = (p.x / 0.9).rem_euclid(1.0) * 0.9;
        return 0.5 * line(rib) * shows(0.3, spot.footprint_m);
    }
    if spot.normal.y.abs() < 0.6 {
        return 0.0;
    }
    let [front, rear, radius] = body.axles;
    let doors = [front - radius - 0.16, (front + rear) * 0.5 - 0.12, rear + radius + 0.05];
    let gaps = doors.iter().map(|x| line(p.x - x)).fold(0.0, f32::max) * f32::from(up > 0.17);
    let handle = doors[1..].iter().any(|x| (0.08..0.24).contains(&(p.x - x))) && (0.47..0.49).contains(&up);
    gaps.max(f32::from(handle) * 0.8)
}

/// Tyre, rim with spokes, hub.
pub fn wheel(spot: &Spot<'_>) -> Substance {
    let radius = 0.5 * (spot.part.high.z - spot.part.low.z);
    let from = spot.off_center();
    let out = from.x.hypot(from.z) / radius;
    if spot.normal.y.abs() < 0.7 || out > 0.68 {
        return spot.matt(Vec3::splat(0.022));
    }
    let spokes = 5.0 + (spot.part.seed % 5) as f32;
    let turn = from.z.atan2(from.x) / TAU;
    let between = ((turn * spokes).rem_euclid(1.0) - 0.5).abs() < 0.24 && (0.25..0.58).contains(&out);
    let metal = if between { 0.04 } else { 0.38 + 0.1 * ((spot.part.seed >> 3) % 3) as f32 };
    spot.matt(Vec3::splat(metal)).coated(0.3)
}

/// A white plate with dark signs and a blue end.
pub fn plate(spot: &Spot<'_>) -> Substance {
    let from = spot.off_center();
    let along = from.y / (spot.part.high.y - spot.part.low.y).max(1e-3);
    if along.abs() > 0.43 {
        return spot.matt(Vec3::new(0.02, 0.06, 0.35));
    }
    let sign = ((along * 9.0).floor() * 13.7 + spot.part.seed as f32 * 0.01).sin();
    let is_ink = from.z.abs() < 0.03 && (along * 9.0).rem_euclid(1.0) > 0.3 && sign > -0.6;
    let ink = if is_ink { shows(0.05, spot.footprint_m) * 0.85 } else { 0.0 };
    spot.matt(Vec3::splat(0.72 * (1.0 - ink)))
}
