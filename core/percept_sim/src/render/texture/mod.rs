//! Procedural textures: what a place on a part or on the ground is made of, from its coordinates there.

mod facade;
mod ground;
mod street;
mod vehicle;

pub use ground::ground;

use super::look::Look;
use super::scene::Drawn;
use crate::vector::Vec3;

/// A place on a part, in the axes in which it was built.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    /// The part.
    pub part: &'a Drawn,
    /// Where.
    pub local: Vec3,
    /// Outward unit normal.
    pub normal: Vec3,
    /// How much of the surface a pixel covers.
    pub footprint_m: f32,
    /// How deep in leaves, in their mean depths.
    pub depth: f32,
}

/// What a place is made of.
#[derive(Clone, Copy, Debug)]
pub struct Substance {
    /// Share of light given back, by colour.
    pub albedo: Vec3,
    /// Unit normal of the fine structure, in the axes of the part.
    pub normal: Vec3,
    /// Clear coat or glass over it: 0 none, 1 smooth.
    pub coat: f32,
    /// Share of light that comes through from behind: leaves.
    pub translucency: f32,
}

impl Substance {
    /// A rough surface.
    pub fn matt(albedo: Vec3, normal: Vec3) -> Self {
        Self { albedo: albedo.clamp(Vec3::ZERO, Vec3::splat(0.9)), normal, coat: 0.0, translucency: 0.0 }
    }

    /// The same under clear coat.
    pub fn coated(self, coat: f32) -> Self {
        Self { coat, ..self }
    }
}

impl Spot<'_> {
    /// Place relative to the middle of the part.
    pub fn off_center(&self) -> Vec3 {
        self.local - (self.part.low + self.part.high) * 0.5
    }

    /// Distance to the nearest edge of the part along its face, which lies across x or y.
    pub fn edge_distance_m(&self) -> f32 {
        let (from_low, to_high) = (self.local - self.part.low, self.part.high - self.local);
        let along = if self.normal.y.abs() > self.normal.x.abs() {
            from_low.x.min(to_high.x)
        } else {
            from_low.y.min(to_high.y)
        };
        along.min(from_low.z).min(to_high.z)
    }

    /// A rough surface of one colour.
    fn matt(&self, albedo: Vec3) -> Substance {
        Substance::matt(albedo, self.normal)
    }
}

/// What a place on a part is made of.
pub fn of_part(spot: &Spot<'_>) -> Substance {
    match spot.part.look {
        Look::Paint(body) => vehicle::bodywork(spot, &body),
        Look::Wheel => vehicle::wheel(spot),
        Look::Dark => spot.matt(Vec3::splat(0.025)),
        Look::Plate => vehicle::plate(spot),
        Look::Pane => spot.matt(Vec3::splat(0.012)).coated(1.0),
        Look::Facade(facade) => facade::wall(spot, &facade),
        Look::Window(facade) => facade::window(spot, &facade),
        Look::Leaves(color) => street::leaves(spot, color),
        Look::Bark(color) => street::bark(spot, color),
        Look::Fence(color) => street::boards(spot, color),
        Look::Masonry { color, stones } => street::masonry(spot, color, stones),
        Look::Sign(kind) => street::sign(spot, kind),
        Look::Cloth(color) => street::cloth(spot, color),
        Look::Head { skin, hair } => street::head(spot, skin, hair),
        Look::Metal(color) => spot.matt(color).coated(0.25),
        Look::Spokes => street::spokes(spot),
        Look::Matt(color) => street::furniture(spot, color),
    }
}
