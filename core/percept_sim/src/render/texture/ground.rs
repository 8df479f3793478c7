//! The ground: tarmac with grain, patches and cracks, paint, slabs, kerb stones, grass.

use super::Substance;
use crate::ground::{Cover, RoadSpot};
use crate::render::noise::{lattice, octaves, plane, shows, step};
use crate::render::scene::RenderScene;
use crate::vector::Vec3;

/// A place on the ground.
struct Place {
    /// In the world's axes.
    x: f32,
    y: f32,
    /// Along and across the road beside which it lies; the world's axes where there is none.
    s_m: f32,
    lateral_m: f32,
    /// From the outer edge of the carriageway and its strips, positive outside.
    beyond_m: f32,
    /// Which side of which road, for draws.
    side: u32,
    footprint_m: f32,
    seed: u32,
}

/// What the ground is made of at a place of the stage.
pub fn ground(scene: &RenderScene, cover: Cover, at: Vec3, normal: Vec3, footprint_m: f32) -> Substance {
    let [x, y] = scene.in_world(at.x, at.y);
    let seed = (scene.seed >> 7) as u32;
    let place = match scene.ground().road_at(at.x, at.y) {
        Some(RoadSpot { index, s_m, lateral_m, beyond_m }) => {
            let side = index as u32 * 2 + u32::from(lateral_m < 0.0);
            Place { x, y, s_m, lateral_m, beyond_m, side, footprint_m, seed }
        }
        None => Place { x, y, s_m: x, lateral_m: y, beyond_m: 1e3, side: 99, footprint_m, seed },
    };
    // How dark the scene's tarmac is: the LiDAR finds the same.
    let tint = (scene.ground().material(Cover::Road).reflectance / 0.21).clamp(0.5, 2.0);
    let albedo = match cover {
        Cover::Road => tarmac(&place, tint),
        Cover::Marking => paint(&place, tint),
        Cover::Parking => parking(&place, tint),
        Cover::Sidewalk => sidewalk(&place),
        Cover::Terrain => grass(&place),
        Cover::Yard => yard(&place),
        Cover::Rail => rail(&place),
    };
    Substance::matt(albedo, normal)
}

impl Place {
    /// Grain of a size: noise about 0 that fades where a pixel covers more.
    fn grain(&self, salt: u32, size_m: f32) -> f32 {
        let near = shows(size_m * 2.0, self.footprint_m);
        if near <= 0.0 { 0.0 } else { (plane(self.seed ^ salt, self.x / size_m, self.y / size_m) - 0.5) * near }
    }

    /// A number that belongs to one side of one road.
    fn of_side(&self, salt: u32) -> f32 {
        lattice(self.seed ^ salt, [self.side as i32, 7, 0])
    }
}

fn tarmac(place: &Place, tint: f32) -> Vec3 {
    let warm = Vec3::new(1.0, 0.985, 0.955);
    let mut tone = 0.078 * tint.powf(0.8);
    tone *= 0.86 + 0.28 * octaves(place.seed ^ 1, place.x * 0.35, place.y * 0.35, 3);
    tone *= 1.0 + 0.50 * place.grain(2, 0.02) + 0.30 * place.grain(3, 0.06);
    // Tyres polish two tracks; oil drips between them.
    let track = ((place.lateral_m.abs() - 1.0).abs().min((place.lateral_m.abs() - 2.5).abs()) - 0.3).max(0.0);
    tone *= 1.0 + 0.10 * (-track * 5.0).exp() * (0.5 + plane(place.seed ^ 5, place.s_m * 0.1, place.lateral_m));
    // Repairs: darker or lighter rectangles.
    let cell = [(place.s_m / 5.5).floor() as i32, (place.lateral_m / 1.6).floor() as i32, place.side as i32];
    let draw = lattice(place.seed ^ 6, cell);
    if draw < 0.11 {
        tone *= 0.62 + 6.0 * draw;
    }
    tone *= 1.0 - 0.55 * crack(place);
    if is_manhole(place) {
        return Vec3::splat(0.04 + 0.03 * place.grain(9, 0.04));
    }
    // Dirt gathers at the edge.
    let edge = step(-0.5, 0.0, place.beyond_m) * 0.25;
    (warm * tone).lerp(Vec3::new(0.10, 0.09, 0.07), edge)
}

/// Cracks run where slow noise passes its middle.
fn crack(place: &Place) -> f32 {
    let bend = plane(place.seed ^ 11, place.x * 1.3, place.y * 1.3) * 0.35;
    let level = plane(place.seed ^ 12, place.x * 0.22 + bend, place.y * 0.22) - 0.5;
    let width = 0.004 + place.footprint_m * 0.12;
    let strength = (0.004 / width).min(1.0) * f32::from(plane(place.seed ^ 13, place.x * 0.05, place.y * 0.05) > 0.45);
    (1.0 - level.abs() / width).max(0.0) * strength * 1.5
}

fn is_manhole(place: &Place) -> bool {
    let cell = (place.s_m / 23.0).floor();
    let draw = lattice(place.seed ^ 14, [cell as i32, place.side as i32, 3]);
    let (ds, dl) = (place.s_m - (cell + 0.5) * 23.0, place.lateral_m.abs() - 0.8 - draw);
    draw < 0.5 && ds.hypot(dl) < 0.32
}

fn paint(place: &Place, tint: f32) -> Vec3 {
    let wear = octaves(place.seed ^ 20, place.x * 5.0, place.y * 5.0, 3);
    let worn = step(0.52, 0.72, wear) * 0.75;
    (Vec3::new(0.60, 0.59, 0.56) * (1.0 + 0.2 * place.grain(21, 0.03))).lerp(tarmac(place, tint), worn)
}

/// Steel, bright where wheels polish it.
fn rail(place: &Place) -> Vec3 {
    Vec3::new(0.33, 0.32, 0.31) * (1.0 + 0.4 * place.grain(25, 0.05))
}

fn parking(place: &Place, tint: f32) -> Vec3 {
    if place.of_side(30) < 0.5 {
        return tarmac(place, tint) * Vec3::new(1.22, 1.2, 1.15);
    }
    stones(place, [0.22, 0.14], Vec3::new(0.15, 0.14, 0.13), 31)
}

/// Rows of stones with joints, every other row moved.
fn stones(place: &Place, [length_m, width_m]: [f32; 2], color: Vec3, salt: u32) -> Vec3 {
    let row = (place.lateral_m / width_m).floor();
    let at = place.s_m / length_m + 0.5 * row.rem_euclid(2.0);
    let near = shows(width_m, place.footprint_m);
    let tone = 1.0 + (lattice(place.seed ^ salt, [at.floor() as i32, row as i32, 0]) - 0.5) * 0.4 * near;
    let joint = (place.lateral_m / width_m).rem_euclid(1.0) < 0.08 || at.rem_euclid(1.0) < 0.05;
    let stain = 0.82 + 0.36 * octaves(place.seed ^ salt, place.x * 0.6, place.y * 0.6, 3);
    color * (tone * stain * (1.0 - if joint { 0.5 * near } else { 0.0 }) * (1.0 + 0.25 * place.grain(salt ^ 1, 0.03)))
}

fn sidewalk(place: &Place) -> Vec3 {
    // The kerb's own stones.
    if place.beyond_m < 0.16 {
        let joint = (place.s_m / 0.9).rem_euclid(1.0) < 0.015 && place.footprint_m < 0.03;
        let tone = 0.33 * (0.85 + 0.3 * plane(place.seed ^ 40, place.s_m * 1.1, 3.0));
        return Vec3::new(1.0, 0.98, 0.94) * (tone * if joint { 0.5 } else { 1.0 });
    }
    match (place.of_side(41) * 4.0) as u8 {
        0 => stones(place, [0.5, 0.5], Vec3::new(0.26, 0.25, 0.235), 42),
        1 => stones(place, [0.2, 0.1], Vec3::new(0.23, 0.15, 0.12), 43),
        2 => stones(place, [0.3, 0.3], Vec3::new(0.21, 0.205, 0.20), 44),
        _ => Vec3::splat(
            0.15 * (0.85 + 0.3 * octaves(place.seed ^ 45, place.x * 0.8, place.y * 0.8, 3))
                * (1.0 + 0.35 * place.grain(46, 0.03)),
        ),
    }
}

fn grass(place: &Place) -> Vec3 {
    let dry = plane(place.seed ^ 50, place.x * 0.13, place.y * 0.13);
    let bare = step(0.60, 0.80, octaves(place.seed ^ 51, place.x * 0.5, place.y * 0.5, 3));
    let green = Vec3::new(0.060, 0.105, 0.028).lerp(Vec3::new(0.14, 0.13, 0.05), dry * 0.8);
    let tufts = 1.0 + 1.0 * place.grain(52, 0.025) + 0.7 * place.grain(53, 0.09) + 0.5 * place.grain(54, 0.5);
    (green * tufts.max(0.3)).lerp(Vec3::new(0.15, 0.115, 0.08) * (0.8 + 0.4 * tufts), bare * 0.8)
}

fn yard(place: &Place) -> Vec3 {
    match (place.of_side(60) * 3.0) as u8 {
        0 => stones(place, [0.4, 0.4], Vec3::new(0.24, 0.22, 0.20), 61),
        1 => {
            let pebbles = 1.0 + 0.9 * place.grain(62, 0.03) + 0.5 * place.grain(63, 0.2);
            Vec3::new(0.25, 0.23, 0.20) * pebbles
        }
        _ => tarmac(place, 1.3),
    }
}
