//! What is true of each object in an image: its box there, how much of it is cut off, how much of the rest is seen.

use super::image::{RenderedImage, View};
use super::scene::{ActorOnStage, RenderScene};
use crate::camera::image_box;
use crate::vector::{from_f64, to_f64};
use percept_types::{Box3d, Camera, ImageBox, Transform};

/// Rays by which the visible share is measured, about.
const RAYS: f64 = 400.0;

/// An object in an image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageObject {
    /// Class by KITTI's names.
    pub class_name: String,
    /// Its number, as in labelled clouds and in the instance image.
    pub instance_id: u16,
    /// Where it is when the camera exposes, in the axes of the LiDAR at that moment.
    pub box3d: Box3d,
    /// The hull of the box in the image, clipped.
    pub image_box: ImageBox,
    /// Share of the hull outside of the image.
    pub truncation: f64,
    /// Share of the object's own outline within the image that nothing nearer hides, 0 to 1.
    pub visible_share: f64,
}

/// The objects in an image, in the order of the world.
pub fn of_image(
    scene: &RenderScene,
    view: &View,
    image: &RenderedImage,
    camera: &Camera,
    t_lidar_stage: &Transform,
    range_m: f64,
) -> Vec<ImageObject> {
    let object = |actor: &ActorOnStage| {
        let moved_m = to_f64(actor.velocity_mps * view.time_s);
        let (center, size) = actor.label_box;
        let own = Box3d { center_m: to_f64(center), size_m: to_f64(size), yaw_rad: 0.0 };
        let box3d = (*t_lidar_stage * Transform::from_yaw(moved_m, 0.0) * actor.t_stage_actor).apply_box(&own);
        if from_f64(box3d.center_m).truncate().length() > range_m as f32 {
            return None;
        }
        let (hull, truncation) = image_box(camera, &box3d)?;
        Some(ImageObject {
            class_name: actor.class_name.to_owned(),
            instance_id: actor.instance_id,
            box3d,
            image_box: hull,
            truncation,
            visible_share: visible_share(scene, view, image, actor, &hull),
        })
    };
    scene.actors.iter().filter_map(object).collect()
}

/// Rays on a grid over the box: of those that would meet the object, how many do.
fn visible_share(
    scene: &RenderScene,
    view: &View,
    image: &RenderedImage,
    actor: &ActorOnStage,
    hull: &ImageBox,
) -> f64 {
    let step = (hull.area() / RAYS).sqrt().max(1.0);
    let (columns, rows) = ((hull.right - hull.left) / step, (hull.bottom - hull.top) / step);
    let (mut all, mut seen) = (0_u32, 0_u32);
    for row in 0..=rows as usize {
        for column in 0..=columns as usize {
            let (u, v) = ((hull.left + column as f64 * step) as usize, (hull.top + row as f64 * step) as usize);
            if u >= image.width || v >= image.height {
                continue;
            }
            let index = v * image.width + u;
            let (sight, _) = view.sight(u as f32, v as f32, index as u64);
            if scene.would_meet(&actor.parts, &sight) {
                all += 1;
                seen += u32::from(image.instance_ids[index] == actor.instance_id);
            }
        }
    }
    f64::from(seen) / f64::from(all.max(1))
}
