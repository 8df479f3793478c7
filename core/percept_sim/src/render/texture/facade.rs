//! Houses: bricks or plaster, rows of windows, ledges, the edge of the roof.

use super::{Spot, Substance};
use crate::render::look::Facade;
use crate::render::noise::{lattice, octaves, shows};
use crate::vector::Vec3;

/// A place on a wall: along it, above the ground, and which side of the house.
struct WallPlace {
    along_m: f32,
    up_m: f32,
    /// From the nearer end of the wall.
    to_end_m: f32,
    side: i32,
}

/// The outside of a house but for its lowest row of windows, which are parts of their own.
pub fn wall(spot: &Spot<'_>, facade: &Facade) -> Substance {
    let (p, n, part) = (spot.local, spot.normal, spot.part);
    if n.z.abs() > 0.7 {
        return spot.matt(facade.roof.unwrap_or(Vec3::splat(0.12)));
    }
    let is_front = n.y.abs() > n.x.abs();
    let along_m = if is_front { p.x } else { p.y };
    let ends = if is_front { [part.low.x, part.high.x] } else { [part.low.y, part.high.y] };
    let place = WallPlace {
        along_m,
        up_m: p.z,
        to_end_m: (along_m - ends[0]).min(ends[1] - along_m),
        side: i32::from(is_front) * 2 + i32::from(n.x + n.y > 0.0),
    };
    // Porches and steps stand before the house.
    let is_house = part.low.z < -2.0;
    let eaves_m = if is_house { part.high.z - edge_height(part.high.z) } else { part.high.z };
    if place.up_m > eaves_m {
        return roof_edge(spot, facade, place.up_m - eaves_m);
    }
    let faces_street = is_house && n.y > 0.5;
    if is_house && let Some(window) = upper_window(spot, facade, &place, eaves_m, faces_street) {
        return window;
    }
    masonry(spot, facade, &place, is_house)
}

fn edge_height(height_m: f32) -> f32 {
    (0.13 * height_m).clamp(0.4, 1.3)
}

/// Tiles over a gutter, or a ledge on top of the wall.
fn roof_edge(spot: &Spot<'_>, facade: &Facade, above_m: f32) -> Substance {
    if above_m < 0.12 {
        return spot.matt(facade.trim * 0.9);
    }
    let Some(roof) = facade.roof else { return spot.matt(facade.wall * 0.82) };
    let row = (above_m / 0.22).fract();
    let shade = 1.0 - 0.45 * shows(0.22, spot.footprint_m) * f32::from(row < 0.22);
    let patch = 0.85 + 0.3 * octaves(facade.seed, spot.local.x * 1.5, above_m * 3.0, 2);
    spot.matt(roof * (shade * patch))
}

/// A window of the floors that are only painted on the wall.
fn upper_window(
    spot: &Spot<'_>,
    facade: &Facade,
    place: &WallPlace,
    eaves_m: f32,
    faces_street: bool,
) -> Option<Substance> {
    let storey = (place.up_m / facade.storey_m).floor();
    let bottom_m = storey * facade.storey_m + 0.85;
    let top_m = bottom_m + facade.window_m[1];
    let first = if faces_street { 1.0 } else { 0.0 };
    if storey < first || top_m + 0.3 > eaves_m {
        return None;
    }
    let bay = (place.along_m / facade.bay_m).floor();
    let drawn = lattice(facade.seed, [bay as i32, storey as i32, place.side]);
    let beside_m = place.along_m - (bay + 0.5) * facade.bay_m;
    let half_m = facade.window_m[0] * 0.5;
    // Blind bays; and none at corners.
    if drawn < if faces_street { 0.06 } else { 0.45 } || place.to_end_m - (half_m - beside_m.abs()) < 0.35 {
        return None;
    }
    let up_m = place.up_m - bottom_m;
    let outside_m = (beside_m.abs() - half_m).max((up_m - facade.window_m[1] * 0.5).abs() - facade.window_m[1] * 0.5);
    if outside_m < 0.0 {
        return Some(pane(spot, facade, [beside_m, up_m], -outside_m, drawn));
    }
    if (-0.09..0.0).contains(&up_m) && beside_m.abs() < half_m + 0.08 {
        return Some(spot.matt(facade.trim * 0.85));
    }
    let is_shutter = facade.shutters && (0.0..facade.window_m[1]).contains(&up_m) && beside_m.abs() < half_m * 1.85;
    if is_shutter {
        let slat = 1.0 - 0.3 * shows(0.08, spot.footprint_m) * f32::from((up_m / 0.08).fract() < 0.3);
        return Some(spot.matt(facade.door * slat));
    }
    (outside_m < 0.07).then(|| spot.matt(facade.trim))
}

/// Glass in its frame; `inside_m` from the frame's outer edge, `at` from the middle and the bottom.
fn pane(spot: &Spot<'_>, facade: &Facade, at: [f32; 2], inside_m: f32, drawn: f32) -> Substance {
    if inside_m < 0.055 || at[0].abs() < 0.025 || (at[1] - facade.window_m[1] * 0.68).abs() < 0.02 {
        return spot.matt(facade.trim);
    }
    let curtain = (drawn * 7.0).fract();
    let inside = if curtain < 0.3 {
        // Curtains to both sides.
        let folds = 0.75 + 0.25 * (at[0] * 55.0).sin();
        let gap = (0.15 + curtain) * facade.window_m[0];
        if at[0].abs() > gap { Vec3::splat(0.30 * folds) } else { Vec3::splat(0.02) }
    } else if curtain < 0.42 && at[1] > facade.window_m[1] * (curtain * 2.0) {
        Vec3::new(0.32, 0.30, 0.26)
    } else {
        Vec3::new(0.018, 0.02, 0.024)
    };
    spot.matt(inside).coated(1.0)
}

/// A window or a door of the lowest row.
pub fn window(spot: &Spot<'_>, facade: &Facade) -> Substance {
    let part = spot.part;
    let size = part.high - part.low;
    if spot.normal.y < 0.7 {
        return spot.matt(facade.trim);
    }
    let from = spot.off_center();
    let drawn = lattice(facade.seed ^ 3, [(part.low.x * 50.0) as i32, 0, 0]);
    let inside_m = spot.edge_distance_m();
    // What reaches down to the ground is a door, or the window of a shop.
    if part.low.z < 0.2 && drawn < 0.7 {
        let panel = (spot.local.z - part.low.z) / size.z;
        if inside_m < 0.08 {
            return spot.matt(facade.trim);
        }
        let glazed = (0.55..0.9).contains(&panel) && from.x.abs() < size.x * 0.25;
        return if glazed { spot.matt(Vec3::splat(0.02)).coated(1.0) } else { spot.matt(facade.door) };
    }
    let own = Facade { window_m: [size.x, size.z], ..*facade };
    pane(spot, &own, [from.x, spot.local.z - part.low.z], inside_m, drawn)
}

/// Bricks or plaster with stains, over a plinth.
fn masonry(spot: &Spot<'_>, facade: &Facade, place: &WallPlace, is_house: bool) -> Substance {
    let (u, v) = (place.along_m, place.up_m);
    let salt = facade.seed.wrapping_add(place.side as u32);
    let stain = 0.86 + 0.28 * octaves(salt, u * 0.7, v * 0.45, 3);
    let drip = 1.0 - 0.18 * octaves(salt ^ 8, u * 2.2, v * 0.15, 2) * (1.0 - v * 0.12).clamp(0.0, 1.0);
    let mut color = facade.wall * (stain * drip);
    if is_house && v < 0.45 {
        color = Vec3::splat(0.5 * facade.wall.dot(Vec3::splat(0.333))) * stain;
    } else if facade.bricks {
        color = bricks(spot, facade, [u, v], color);
    } else {
        // The grain of plaster.
        let grain = octaves(salt ^ 21, u * 24.0, v * 24.0, 2) - 0.5;
        color *= 1.0 + 0.14 * grain * shows(0.06, spot.footprint_m);
    }
    let storey_line = (v / facade.storey_m).fract() * facade.storey_m;
    if is_house && !facade.bricks && v > 1.0 && storey_line < 0.14 && facade.seed.is_multiple_of(3) {
        color = facade.trim * 0.8;
    }
    spot.matt(color)
}

/// Courses of 7.5 cm in stretcher bond, with mortar.
fn bricks(spot: &Spot<'_>, facade: &Facade, [u, v]: [f32; 2], color: Vec3) -> Vec3 {
    const COURSE_M: f32 = 0.075;
    const LENGTH_M: f32 = 0.24;
    let course = (v / COURSE_M).floor();
    let along = u / LENGTH_M + 0.5 * (course.rem_euclid(2.0));
    let tone = 0.78 + 0.44 * lattice(facade.seed ^ 31, [along.floor() as i32, course as i32, 0]);
    let near = shows(COURSE_M, spot.footprint_m);
    let far_tone = 1.0 + (tone - 1.0) * shows(LENGTH_M, spot.footprint_m);
    let is_mortar = (v / COURSE_M).fract() < 0.14 || along.fract() < 0.05;
    let brick = color * far_tone;
    if is_mortar { brick.lerp(Vec3::new(0.42, 0.39, 0.35), 0.8 * near) } else { brick }
}
