//! One image: a ray a pixel, further rays where neighbours differ, and the layers that are true of it.

use super::RenderSettings;
use super::develop::develop;
use super::light::{Light, luminance};
use super::scene::{RenderScene, SeenWhat, Sight};
use super::shade::radiance;
use crate::material::class;
use crate::random::mix;
use crate::vector::{Affine, Vec3};
use rayon::prelude::*;

/// An image and what is true of each of its pixels, row by row from the top left.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedImage {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue of each pixel.
    pub rgb: Vec<u8>,
    /// Distance along the optical axis of what the pixel's centre shows, in metres; 0 for the sky.
    pub depth_m: Vec<f32>,
    /// SemanticKITTI's raw class number; 0 for the sky.
    pub class_ids: Vec<u16>,
    /// Instance as in labelled clouds; 0 for what is none.
    pub instance_ids: Vec<u16>,
}

/// A camera at the moment of its exposure.
#[derive(Clone, Debug)]
pub struct View {
    /// Columns and rows.
    pub size: [usize; 2],
    /// Focal lengths.
    pub focal_px: [f32; 2],
    /// Principal point.
    pub principal_px: [f32; 2],
    /// From optical axes to those of the stage.
    pub t_stage_camera: Affine,
    /// Seconds from the middle of the sweep.
    pub time_s: f32,
    /// The camera's own key.
    pub camera_key: u64,
    /// The image's own key.
    pub key: u64,
}

impl View {
    /// The ray through a place of the image; the centre of the first pixel is (0, 0).
    pub fn sight(&self, u: f32, v: f32, draw: u64) -> (Sight, f32) {
        let [fx, fy] = self.focal_px;
        let [cx, cy] = self.principal_px;
        let along = Vec3::new((u - cx) / fx, (v - cy) / fy, 1.0);
        let length = along.length();
        let sight = Sight {
            origin: self.t_stage_camera.shift,
            direction: self.t_stage_camera.turn(along / length).normalize_or_zero(),
            time_s: self.time_s,
            pixel_rad: 1.0 / fx,
            key: mix(self.key, draw),
        };
        (sight, 1.0 / length)
    }
}

/// What one ray found.
#[derive(Clone, Copy)]
struct Sample {
    radiance: Vec3,
    depth_m: f32,
    class_id: u16,
    instance_id: u16,
    /// The part, [`GROUND`] or [`SKY`].
    surface: u32,
}

const GROUND: u32 = u32::MAX - 1;
const SKY: u32 = u32::MAX;

/// Where in a pixel further rays go.
const FURTHER: [[f32; 2]; 3] = [[-0.28, -0.33], [0.34, -0.08], [-0.06, 0.35]];
/// Neighbours that differ by more than this factor in brightness make an edge.
const EDGE_CONTRAST: f32 = 1.22;

/// The image of a view; the same with any number of threads.
pub fn render(scene: &RenderScene, light: &Light, view: &View, settings: &RenderSettings) -> RenderedImage {
    let [width, height] = view.size;
    let row =
        |v: usize| (0..width).map(move |u| sample(scene, light, view, [u as f32, v as f32], (v * width + u) as u64));
    let samples: Vec<Sample> = (0..height).into_par_iter().flat_map_iter(row).collect();
    let smooth = |index: usize| {
        let first = samples[index].radiance;
        let (u, v) = (index % width, index / width);
        if !settings.antialias || !is_edge(&samples, [width, height], u, v) {
            return first;
        }
        // The sun's glints would outshine their pixels.
        let sum = FURTHER.iter().zip(1_u64..).fold(first.min(Vec3::splat(8.0)), |sum, ([du, dv], number)| {
            let draw = (v * width + u) as u64 | number << 40;
            sum + sample(scene, light, view, [u as f32 + du, v as f32 + dv], draw).radiance.min(Vec3::splat(8.0))
        });
        sum / (FURTHER.len() + 1) as f32
    };
    let radiance: Vec<Vec3> = (0..samples.len()).into_par_iter().map(smooth).collect();
    RenderedImage {
        width,
        height,
        rgb: develop(&radiance, view.size, view.camera_key, view.key, settings.noise),
        depth_m: samples.iter().map(|s| s.depth_m).collect(),
        class_ids: samples.iter().map(|s| s.class_id).collect(),
        instance_ids: samples.iter().map(|s| s.instance_id).collect(),
    }
}

fn sample(scene: &RenderScene, light: &Light, view: &View, [u, v]: [f32; 2], draw: u64) -> Sample {
    let (sight, cos_axis) = view.sight(u, v, draw);
    let Some(seen) = scene.look(&sight) else {
        let radiance = light.sky(sight.direction);
        return Sample { radiance, depth_m: 0.0, class_id: class::UNLABELED, instance_id: 0, surface: SKY };
    };
    let (class_id, instance_id, surface) = match seen.what {
        SeenWhat::Ground(cover) => (scene.ground().material(cover).class_id, 0, GROUND),
        SeenWhat::Part(index, _) => {
            scene.part(index).map_or((0, 0, index), |part| (part.class_id, part.instance_id, index))
        }
    };
    Sample {
        radiance: radiance(scene, light, &sight, &seen),
        depth_m: seen.range_m * cos_axis,
        class_id,
        instance_id,
        surface,
    }
}

/// Whether a pixel's neighbours show something else or are much brighter or darker.
fn is_edge(samples: &[Sample], [width, height]: [usize; 2], u: usize, v: usize) -> bool {
    let own = &samples[v * width + u];
    let bright = 0.02 + luminance(own.radiance);
    let differs = |u: usize, v: usize| {
        let other = &samples[v * width + u];
        let ratio = (0.02 + luminance(other.radiance)) / bright;
        other.surface != own.surface || !(1.0 / EDGE_CONTRAST..EDGE_CONTRAST).contains(&ratio)
    };
    (u > 0 && differs(u - 1, v))
        || (v > 0 && differs(u, v - 1))
        || (u + 1 < width && differs(u + 1, v))
        || (v + 1 < height && differs(u, v + 1))
}
