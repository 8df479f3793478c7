//! What grows and stands along a street, and what people wear.

use super::{Spot, Substance};
use crate::render::noise::{lattice, octaves, plane, shows, space};
use crate::render::scene::leaf_at;
use crate::vector::Vec3;

/// Leaves that turn every way, darker deep inside.
pub fn leaves(spot: &Spot<'_>, color: Vec3) -> Substance {
    let seed = spot.part.seed;
    let leaf = leaf_at(spot.local, spot.footprint_m);
    let draw = |salt: u32| lattice(seed ^ salt, leaf);
    let own = Vec3::new(draw(1) - 0.5, draw(2) - 0.5, draw(3) - 0.3);
    let normal = (spot.normal + own * 1.7).normalize_or_zero();
    let bunch = space(seed ^ 4, spot.local * 1.9);
    let inside = (-0.55 * spot.depth).exp();
    let tone = (0.55 + 0.75 * draw(5)) * (0.55 + 0.7 * bunch) * (0.35 + 0.75 * inside);
    let hue = Vec3::new(1.0 + 0.35 * (draw(6) - 0.5), 1.0, 1.0 - 0.25 * draw(7));
    Substance { translucency: 0.45, ..Substance::matt(color * hue * (1.25 * tone), normal) }
}

/// Bark with upright furrows.
pub fn bark(spot: &Spot<'_>, color: Vec3) -> Substance {
    let turn = spot.local.y.atan2(spot.local.x) * 5.0;
    let furrow = octaves(spot.part.seed, turn, spot.local.z * 2.5, 3);
    spot.matt(color * (0.5 + furrow))
}

/// Boards with gaps between them.
pub fn boards(spot: &Spot<'_>, color: Vec3) -> Substance {
    let period_m = 0.11;
    let board = (spot.local.x / period_m).floor();
    let tone = 0.8 + 0.4 * lattice(spot.part.seed, [board as i32, 0, 0]);
    let grain = 0.85 + 0.3 * plane(spot.part.seed ^ 2, spot.local.x * 60.0, spot.local.z * 2.0);
    let gap = f32::from((spot.local.x / period_m).rem_euclid(1.0) < 0.08) * shows(period_m, spot.footprint_m);
    spot.matt(color * (tone * grain * (1.0 - 0.7 * gap)))
}

/// A wall of stones in mortar, or rendered.
pub fn masonry(spot: &Spot<'_>, color: Vec3, stones: bool) -> Substance {
    let along = if spot.normal.y.abs() > spot.normal.x.abs() { spot.local.x } else { spot.local.y };
    let (seed, up) = (spot.part.seed, spot.local.z);
    let stain = 0.75 + 0.45 * octaves(seed, along * 1.1, up * 0.9, 3);
    if spot.normal.z > 0.7 {
        return spot.matt(color * 0.8);
    }
    if !stones {
        return spot.matt(color * stain);
    }
    let course = (up / 0.19).floor();
    let at = along / 0.34 + 0.37 * course;
    let tone = 0.72 + 0.5 * lattice(seed, [at.floor() as i32, course as i32, 0]);
    let is_joint = (up / 0.19).rem_euclid(1.0) < 0.10 || at.rem_euclid(1.0) < 0.06;
    let joint = if is_joint { 0.45 * shows(0.12, spot.footprint_m) } else { 0.0 };
    spot.matt(color * (stain * tone * (1.0 - joint)))
}

/// Plates of five kinds, grey behind.
pub fn sign(spot: &Spot<'_>, kind: u8) -> Substance {
    if spot.normal.x > -0.5 {
        return spot.matt(Vec3::splat(0.28)).coated(0.1);
    }
    let half = (spot.part.high - spot.part.low) * 0.5;
    let from = spot.off_center();
    let (across, up) = (from.y / half.y, from.z / half.z);
    let edge_m = spot.edge_distance_m();
    let (red, blue) = (Vec3::new(0.55, 0.015, 0.02), Vec3::new(0.015, 0.10, 0.45));
    let (white, yellow) = (Vec3::splat(0.78), Vec3::new(0.75, 0.42, 0.02));
    let disc = from.y.hypot(from.z) / half.y.min(half.z);
    let color = match kind {
        0 if disc < 1.0 => {
            if disc > 0.76 {
                red
            } else if across.abs() < 0.35 && up.abs() < 0.25 {
                Vec3::splat(0.02)
            } else {
                white
            }
        }
        1 if edge_m < 0.025 => white,
        1 => {
            if (across.abs() < 0.18 && up < 0.4) || (up > 0.1 && across.abs() < 0.75 - up * 0.8) {
                white
            } else {
                blue
            }
        }
        2 if edge_m < 0.03 => Vec3::splat(0.02),
        2 => {
            if (up * 4.0).fract().abs() < 0.4 && across.abs() < 0.7 {
                Vec3::splat(0.03)
            } else {
                yellow
            }
        }
        3 => {
            if disc < 0.95 && up.abs() < 0.2 && across.abs() < 0.7 {
                white
            } else {
                red
            }
        }
        _ => {
            if edge_m < 0.02 || ((up * 5.0).rem_euclid(1.0) < 0.45 && across.abs() < 0.8) {
                Vec3::splat(0.05)
            } else {
                white
            }
        }
    };
    spot.matt(color).coated(0.1)
}

/// Cloth with folds.
pub fn cloth(spot: &Spot<'_>, color: Vec3) -> Substance {
    // Shoes.
    if spot.local.z < 0.09 {
        return spot.matt(Vec3::splat(0.03 + 0.1 * ((spot.part.seed >> 5) % 4) as f32 / 3.0));
    }
    let folds = space(spot.part.seed, spot.local * Vec3::new(14.0, 14.0, 6.0));
    spot.matt(color * (0.78 + 0.4 * folds))
}

/// Skin in front and below, hair behind and on top.
pub fn head(spot: &Spot<'_>, skin: Vec3, hair: Vec3) -> Substance {
    let from = spot.off_center();
    let half = (spot.part.high - spot.part.low) * 0.5;
    let is_hair = from.z > 0.35 * half.z || (from.x < -0.1 * half.x && from.z > -0.6 * half.z);
    spot.matt(if is_hair && half.z > half.x * 0.5 { hair } else { skin })
}

/// Tyre and spokes of a bicycle.
pub fn spokes(spot: &Spot<'_>) -> Substance {
    let radius = 0.5 * (spot.part.high.z - spot.part.low.z);
    let from = spot.off_center();
    let is_tyre = from.x.hypot(from.z) > 0.9 * radius;
    spot.matt(Vec3::splat(if is_tyre { 0.02 } else { 0.35 }))
}

/// Bins, cabinets, bollards, containers.
pub fn furniture(spot: &Spot<'_>, color: Vec3) -> Substance {
    let (part, p) = (spot.part, spot.local);
    let dirt = 0.8 + 0.3 * octaves(part.seed, (p.x + p.y) * 3.0, p.z * 3.0, 3);
    let size = part.high - part.low;
    let is_round = (size.x - size.y).abs() < 0.01 && size.x < 0.75;
    // A lid, a door's gap, a band that reflects.
    let below_top_m = part.high.z - p.z;
    let lid = !is_round && (0.10..0.13).contains(&below_top_m);
    let door = !is_round && spot.off_center().x.abs() < 0.012 && spot.normal.y.abs() > 0.7;
    if is_round && size.x < 0.2 && (0.12..0.24).contains(&below_top_m) {
        return spot.matt(Vec3::splat(0.7));
    }
    let line = if (lid || door) && spot.footprint_m < 0.05 { 0.4 } else { 1.0 };
    spot.matt(color * (dirt * line)).coated(0.12)
}
