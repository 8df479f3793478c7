//! Small images of scenes with a thing or two in them.

use super::image::{RenderedImage, View, render};
use super::light::{Light, LightSettings};
use super::look::Look;
use super::objects::of_image;
use super::scene::{ActorOnStage, RenderScene};
use super::{RenderSettings, scene};
use crate::actor::{ActorShape, CarShape};
use crate::ground::{Ground, GroundLook};
use crate::material::{Material, class};
use crate::random::Sampler;
use crate::road::Road;
use crate::solid::{Shape, Solid};
use crate::vector::{Affine, Vec3};
use percept_types::{Camera, ImageBox, Transform};

const SIZE: [usize; 2] = [160, 90];
const FOCAL_PX: f32 = 120.0;
const CLEAN: RenderSettings = RenderSettings { light: None, antialias: false, noise: false };
/// Height of open land in a world without roads.
const LAND_M: f32 = 0.1;

fn bare() -> RenderScene {
    let roads: [Road; 0] = [];
    let ground = Ground::anchored(&[], &roads, [0.0; 2], scene::REACH_M, &GroundLook::plain(1.0));
    RenderScene::empty(ground, [0.0; 2], 1)
}

fn light(sun_azimuth_deg: f64) -> Light {
    let settings = LightSettings { sun_elevation_deg: 45.0, sun_azimuth_deg, cloud_cover: 0.0, haze_per_100m: 0.02 };
    Light::new(&settings, 1)
}

/// From optical axes that look along +x, 1.5 m above the land.
fn t_stage_camera() -> Transform {
    let height = f64::from(LAND_M) + 1.5;
    Transform::from_matrix_3x4(&[0., 0., 1., 0., -1., 0., 0., 0., 0., -1., 0., height])
}

fn view() -> View {
    View {
        size: SIZE,
        focal_px: [FOCAL_PX; 2],
        principal_px: [79.5, 44.5],
        t_stage_camera: Affine::from_transform(&t_stage_camera()),
        time_s: 0.0,
        camera_key: 5,
        key: 6,
    }
}

fn camera() -> Camera {
    let f = f64::from(FOCAL_PX);
    let projection = [f, 0., 79.5, 0., 0., f, 44.5, 0., 0., 0., 1., 0.];
    Camera { width: SIZE[0], height: SIZE[1], projection, t_camera_lidar: t_stage_camera().inverse() }
}

fn pixel(image: &RenderedImage, place_m: [f64; 3]) -> usize {
    let p = camera().project_lidar_point(place_m).unwrap();
    p.v.round() as usize * image.width + p.u.round() as usize
}

fn brightness(image: &RenderedImage, index: usize) -> u32 {
    image.rgb[index * 3..index * 3 + 3].iter().map(|byte| u32::from(*byte)).sum()
}

fn with_car(x: f64, y: f64) -> RenderScene {
    let shape = ActorShape::Car(CarShape::sample(&mut Sampler::new(3, "car")));
    let mut scene = bare();
    let on_stage = ActorOnStage {
        class_name: "Car",
        instance_id: 9,
        t_stage_actor: Transform::from_yaw([x, y, f64::from(LAND_M)], 0.6),
        label_box: shape.label_box(),
        velocity_mps: Vec3::ZERO,
        parts: 0..0,
    };
    scene.push_actor(&shape, &shape.solids(), on_stage);
    scene.repaint(Vec3::new(0.6, 0.02, 0.02));
    scene.ready(0.05)
}

fn contains(b: &ImageBox, index: usize, margin: f64) -> bool {
    let (u, v) = ((index % SIZE[0]) as f64, (index / SIZE[0]) as f64);
    u > b.left - margin && u < b.right + margin && v > b.top - margin && v < b.bottom + margin
}

#[test]
fn a_red_car_ahead_shows_red_pixels_within_its_box_and_nowhere_else() {
    let scene = with_car(9.0, 0.5);
    let image = render(&scene, &light(200.0), &view(), &CLEAN);
    let objects = of_image(&scene, &view(), &image, &camera(), &Transform::identity(), 80.0);
    assert_eq!(objects.len(), 1);
    let object = &objects[0];
    assert!(object.visible_share > 0.98 && object.truncation == 0.0, "{object:?}");
    let is_red = |index: &usize| {
        let [r, g, b] = [0, 1, 2].map(|c| u32::from(image.rgb[index * 3 + c]));
        r > 60 && r > 2 * g && r > 2 * b
    };
    let pixels = 0..SIZE[0] * SIZE[1];
    let red: Vec<usize> = pixels.clone().filter(is_red).collect();
    let own: Vec<usize> = pixels.filter(|i| image.instance_ids[*i] == 9).collect();
    assert!(red.len() > 150 && red.len() * 4 > own.len(), "{} of {}", red.len(), own.len());
    assert!(red.iter().all(|i| contains(&object.image_box, *i, 1.5)));
    assert!(own.iter().all(|i| image.class_ids[*i] == class::CAR));
    // The box touches the car on all sides, mirrors aside.
    let extreme = |pick: fn(usize) -> usize| {
        let values = own.iter().map(|i| pick(*i));
        values.fold((usize::MAX, 0), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((left, right), (top, bottom)) = (extreme(|i| i % SIZE[0]), extreme(|i| i / SIZE[0]));
    let b = object.image_box;
    let gaps = [left as f64 - b.left, b.right - right as f64, top as f64 - b.top, b.bottom - bottom as f64];
    assert!(gaps.iter().all(|gap| (-2.5..8.0).contains(gap)), "{gaps:?}");
}

#[test]
fn what_stands_behind_a_wall_is_not_visible() {
    let mut scene = with_car(9.0, 0.0);
    let wall = Shape::cuboid(Vec3::new(4.0, -3.0, 0.0), Vec3::new(4.2, 3.0, 3.0));
    let solid = Solid { shape: wall, material: Material::opaque(class::FENCE, 0.4, 0.1) };
    let look = Look::Matt(Vec3::splat(0.3));
    scene.push(&solid, Affine::from_yaw(Vec3::ZERO, 0.0), look, (0, Vec3::ZERO), 3);
    let scene = scene.ready(0.05);
    let image = render(&scene, &light(200.0), &view(), &CLEAN);
    let objects = of_image(&scene, &view(), &image, &camera(), &Transform::identity(), 80.0);
    assert!(objects.len() == 1 && objects[0].visible_share == 0.0, "{objects:?}");
}

#[test]
fn the_shadow_of_a_pole_falls_away_from_the_sun() {
    let mut scene = bare();
    let post = Shape::cylinder(Vec3::ZERO, Vec3::Z * 4.0, 0.5);
    let solid = Solid { shape: post, material: Material::opaque(class::POLE, 0.2, 0.1) };
    let look = Look::Matt(Vec3::splat(0.3));
    scene.push(&solid, Affine::from_yaw(Vec3::new(10.0, 0.0, LAND_M), 0.0), look, (0, Vec3::ZERO), 3);
    let scene = scene.ready(0.05);
    // The sun to the left, then to the right.
    for (azimuth_deg, dark_side) in [(90.0, -1.0), (270.0, 1.0)] {
        let image = render(&scene, &light(azimuth_deg), &view(), &CLEAN);
        // Over some pixels, since grass is uneven.
        let mean = |side: f64| {
            let at = |y: f64| brightness(&image, pixel(&image, [10.0, side * y, f64::from(LAND_M)]));
            [1.2, 1.6, 2.0, 2.5].iter().map(|y| at(*y)).sum::<u32>()
        };
        let (shadow, sunlit) = (mean(dark_side), mean(-dark_side));
        assert!(shadow * 5 < sunlit * 4, "sun at {azimuth_deg}: {shadow} against {sunlit}");
    }
}

#[test]
fn depth_is_the_range_times_the_cosine_to_the_optical_axis() {
    let scene = bare().ready(0.05);
    let image = render(&scene, &light(0.0), &view(), &CLEAN);
    for (u, v) in [(80, 60), (5, 60), (155, 85), (30, 75)] {
        // The land is a plane 1.5 m below: depth is its distance along the axis whatever the column.
        let expected = 1.5 * FOCAL_PX / (v as f32 - 44.5);
        let depth = image.depth_m[v * SIZE[0] + u];
        assert!((depth - expected).abs() < 0.01 * expected, "{u} {v}: {depth} instead of {expected}");
    }
    assert!(image.depth_m[..SIZE[0]].iter().all(|depth| *depth == 0.0), "the sky is at no depth");
}

#[test]
fn smooth_edges_change_nothing_that_is_true() {
    let scene = with_car(9.0, 0.5);
    let sharp = render(&scene, &light(90.0), &view(), &CLEAN);
    let smooth = render(&scene, &light(90.0), &view(), &RenderSettings { antialias: true, ..CLEAN });
    assert_ne!(sharp.rgb, smooth.rgb);
    assert_eq!((sharp.depth_m, sharp.instance_ids), (smooth.depth_m, smooth.instance_ids));
}
