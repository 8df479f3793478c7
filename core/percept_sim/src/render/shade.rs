//! How bright a place is: sun with shadow, sky with what blocks it nearby, reflections of coats and panes, air.

use super::light::Light;
use super::scene::{RenderScene, Seen, SeenWhat, Sight};
use super::texture::{self, Spot, Substance};
use crate::random::{mix, unit_from_hash};
use crate::vector::Vec3;
use std::f32::consts::TAU;

/// Half of the sun's disc; less than it is, since one ray a pixel makes grain of soft edges.
const SUN_RADIUS: f32 = 0.0022;
/// Farthest thing that throws a shadow.
const SHADOW_REACH_M: f32 = 90.0;
/// What is nearer than this keeps skylight away.
const NEAR_SKY_M: f32 = 1.8;
/// Rays that tell how open the sky is.
const SKY_RAYS: u64 = 4;
/// Reflection of clear coat and glass at right angles (refractive index 1.5).
const MIRROR_AT_RIGHT_ANGLE: f32 = 0.04;

/// Radiance along a ray that met something.
pub fn radiance(scene: &RenderScene, light: &Light, sight: &Sight, seen: &Seen) -> Vec3 {
    let at = sight.origin + sight.direction * seen.range_m;
    let facing = if seen.normal.dot(sight.direction) > 0.0 { -seen.normal } else { seen.normal };
    let cos = -facing.dot(sight.direction);
    let footprint_m = seen.range_m * sight.pixel_rad / cos.clamp(0.15, 1.0);
    let (substance, is_leaf) = substance(scene, sight, seen, at, footprint_m);
    let normal = substance.normal;
    let away = at + facing * (0.004 + 0.0004 * seen.range_m);
    let from = Sight { origin: if is_leaf { at } else { away }, ..*sight };
    let sunlight = sunlight(scene, light, &from, &substance);
    let open = if is_leaf { 0.9 } else { open_sky(scene, &from, facing) };
    let diffuse = substance.albedo * (sunlight + light.ambient(normal) * open);
    let mut color = diffuse;
    if substance.coat > 0.0 {
        let grazing = (1.0 - cos.clamp(0.0, 1.0)).powi(5);
        let share = substance.coat * (MIRROR_AT_RIGHT_ANGLE + (1.0 - MIRROR_AT_RIGHT_ANGLE) * grazing);
        let bounced = sight.direction + facing * (2.0 * cos);
        let glint = bounced.dot(light.to_sun).max(0.0).powi(500) * 40.0;
        let mirrored = light.mirrored(bounced) * (0.35 + 0.65 * open) + sunlight * glint;
        color = diffuse.lerp(mirrored, share);
    }
    light.through_air(color, seen.range_m)
}

/// What is there, with its normal in the axes of the stage; and whether it is a leaf.
fn substance(scene: &RenderScene, sight: &Sight, seen: &Seen, at: Vec3, footprint_m: f32) -> (Substance, bool) {
    match seen.what {
        SeenWhat::Ground(cover) => (texture::ground(scene, cover, at, seen.normal, footprint_m), false),
        SeenWhat::Part(index, depth) => {
            let Some(part) = scene.part(index) else { return (Substance::matt(Vec3::ZERO, seen.normal), false) };
            let motion = &part.t_stage_local;
            let local = motion.apply_back(at - part.velocity_mps * sight.time_s);
            let spot = Spot { part, local, normal: motion.turn_back(seen.normal), footprint_m, depth };
            let substance = texture::of_part(&spot);
            (Substance { normal: motion.turn(substance.normal), ..substance }, substance.translucency > 0.0)
        }
    }
}

/// Light of the sun that arrives on white paper there.
fn sunlight(scene: &RenderScene, light: &Light, from: &Sight, substance: &Substance) -> Vec3 {
    let cos = substance.normal.dot(light.to_sun);
    // Leaves shine through.
    let share = if cos >= 0.0 { cos.max(0.35 * substance.translucency) } else { -cos * substance.translucency };
    if share <= 0.0 || light.sun == Vec3::ZERO {
        return Vec3::ZERO;
    }
    let key = mix(from.key, 0x7375_6e00);
    let direction = around(light.to_sun, SUN_RADIUS * unit_from_hash(key).sqrt(), TAU * unit_from_hash(mix(key, 1)));
    if scene.is_blocked(&Sight { direction, key, ..*from }, SHADOW_REACH_M) { Vec3::ZERO } else { light.sun * share }
}

/// How open the sky is over a place: 1 where nothing stands near.
fn open_sky(scene: &RenderScene, from: &Sight, normal: Vec3) -> f32 {
    let mut open = 1.0;
    for ray in 0..SKY_RAYS {
        let key = mix(from.key, 0x0073_6b79 + ray);
        // Evenly over the cosine (Malley's method), away from the surface itself.
        let out = (0.92 * unit_from_hash(key)).sqrt();
        let direction = around(normal, out.asin(), TAU * (unit_from_hash(mix(key, 2)) + ray as f32) / SKY_RAYS as f32);
        if scene.is_blocked(&Sight { direction, key, ..*from }, NEAR_SKY_M) {
            open -= 0.75 / SKY_RAYS as f32;
        }
    }
    open
}

/// The direction at an angle from an axis, turned about it.
fn around(axis: Vec3, angle_rad: f32, turn_rad: f32) -> Vec3 {
    let side = if axis.z.abs() < 0.9 { Vec3::Z } else { Vec3::X };
    let u = axis.cross(side).normalize_or_zero();
    let v = axis.cross(u);
    let (sin, cos) = angle_rad.sin_cos();
    (axis * cos + (u * turn_rad.cos() + v * turn_rad.sin()) * sin).normalize_or_zero()
}
