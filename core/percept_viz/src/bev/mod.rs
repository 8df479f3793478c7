//! The bird's-eye view: a cloud from above with what was found in it and what is true of it.
//!
//! Forward (+x) is up, left (+y) is left. Points are coloured by height or another channel, boxes by class with a
//! tick to the front. With a [`Verdict`] misses are red, false boxes crossed.

mod boxes;
mod furniture;
mod points;
mod verdict;
mod view;

pub use verdict::{DetectionVerdict, TruthVerdict, Verdict};

use crate::{Canvas, Rgba, VizError};
use percept_types::{Detections, PointCloud, TruthObject};
use view::View;

pub(crate) const GROUND: Rgba = Rgba(13, 16, 23, 255);
const TITLE_BAR_PX: usize = 44;
const LEGEND_BAR_PX: usize = 40;

/// What a picture shows.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The points.
    pub cloud: &'a PointCloud,
    /// What was found; `None` where nothing looked.
    pub detections: Option<&'a Detections>,
    /// What is true, empty where nobody knows.
    pub truth: &'a [TruthObject],
    /// Which of both belong together.
    pub verdict: Option<&'a Verdict>,
    /// Upper left: which frame this is.
    pub title: &'a str,
    /// Upper right: its time, or whatever belongs to it.
    pub subtitle: &'a str,
}

/// What colours a point.
#[derive(Clone, Debug, PartialEq)]
pub enum ColorBy {
    /// Its z.
    Height,
    /// A channel of the cloud by name; height where the cloud has none of this name.
    Channel(String),
}

/// How a picture is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct BevOptions {
    /// `[x_min, y_min, x_max, y_max]` in metres.
    pub range_m: [f64; 4],
    /// Scale.
    pub pixels_per_m: f64,
    /// Colour of points.
    pub color_by: ColorBy,
    /// Ends of the colour scale; the 2nd and 98th percentile of the frame where not given. Give it to compare frames.
    pub color_range: Option<[f32; 2]>,
    /// Detections below this are left out.
    pub score_threshold: f32,
    /// Outline of the vehicle: `[x_min, y_min, x_max, y_max]` in metres; none for nothing.
    pub ego_m: Option<[f64; 4]>,
}

impl BevOptions {
    /// A range at the scale that makes its longer side `longer_side_px`.
    pub fn fitting(range_m: [f64; 4], longer_side_px: usize) -> Self {
        let span_m = (range_m[2] - range_m[0]).max(range_m[3] - range_m[1]);
        Self { range_m, pixels_per_m: longer_side_px as f64 / span_m, ..Self::default() }
    }
}

impl Default for BevOptions {
    /// KITTI's front: 70 m ahead, 40 m to each side.
    fn default() -> Self {
        Self {
            range_m: [-4.0, -40.0, 70.4, 40.0],
            pixels_per_m: 12.0,
            color_by: ColorBy::Height,
            color_range: None,
            score_threshold: 0.0,
            ego_m: Some([-2.7, -0.9, 1.7, 0.9]),
        }
    }
}

/// Draws a frame.
///
/// # Errors
/// [`VizError::Range`] or [`VizError::Size`] for a range or scale that makes no picture.
pub fn render(scene: &Scene<'_>, options: &BevOptions) -> Result<Canvas, VizError> {
    let view = View::new(options.range_m, options.pixels_per_m)?;
    let mut field = Canvas::new(view.width_px(), view.height_px(), GROUND)?;
    let scale = points::color_scale(scene.cloud, options);
    // Far to near in the order of painting: ground furniture, points, truth, detections, labels.
    furniture::rings(&mut field, &view);
    points::draw(&mut field, &view, scene.cloud, &scale);
    furniture::ring_labels(&mut field, &view);
    furniture::ego(&mut field, &view, options.ego_m);
    boxes::draw_truth(&mut field, &view, scene.truth, scene.verdict);
    let counts = boxes::draw_detections(&mut field, &view, scene, options.score_threshold);

    let height = TITLE_BAR_PX + field.height() + LEGEND_BAR_PX;
    let mut page = Canvas::new(field.width(), height, furniture::BAR)?;
    page.place([0, TITLE_BAR_PX as i32], &field);
    furniture::title_bar(&mut page, scene, TITLE_BAR_PX as f32);
    furniture::legend_bar(&mut page, scene, &counts, &scale, LEGEND_BAR_PX as f32);
    Ok(page)
}

/// Draws a frame as a PNG file.
///
/// # Errors
/// As [`render`], and where the encoder gives up.
pub fn render_png(scene: &Scene<'_>, options: &BevOptions) -> Result<Vec<u8>, VizError> {
    render(scene, options)?.to_png()
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::{Box3d, Detection, PointLayout};

    fn scene_of<'a>(cloud: &'a PointCloud, detections: &'a Detections) -> Scene<'a> {
        Scene { cloud, detections: Some(detections), truth: &[], verdict: None, title: "frame 0", subtitle: "" }
    }

    #[test]
    fn the_edge_set_of_clouds_is_drawn() {
        let detections = Detections::default();
        let far = [f32::NAN, 0.0, 0.0, 1.0, f32::INFINITY, 1e30, -1e30, 0.0, 1e9, 1e9, 1e9, f32::NAN];
        for values in [vec![], vec![1.0, 0.0, 0.0, 0.5], far.to_vec()] {
            let cloud = PointCloud::new(PointLayout::xyzi(), values).unwrap();
            assert!(render_png(&scene_of(&cloud, &detections), &BevOptions::default()).is_ok());
        }
    }

    #[test]
    fn a_point_ahead_lies_above_one_behind_and_left_is_left() {
        let at = |x: f32, y: f32| {
            let cloud = PointCloud::new(PointLayout::xyzi(), vec![x, y, 0.0, 0.0]).unwrap();
            let options = BevOptions { range_m: [-20.0, -20.0, 20.0, 20.0], ego_m: None, ..BevOptions::default() };
            let draw = |cloud: &PointCloud| render(&scene_of(cloud, &Detections::default()), &options).unwrap();
            let (with, without) = (draw(&cloud), draw(&PointCloud::empty_xyzi()));
            let field = TITLE_BAR_PX * with.width() * 4..(with.height() - LEGEND_BAR_PX) * with.width() * 4;
            let changed = with.rgba()[field.clone()].iter().zip(&without.rgba()[field]).position(|(a, b)| a != b);
            let pixel = changed.unwrap() / 4;
            (pixel % with.width(), pixel / with.width())
        };
        assert!(at(13.0, 3.3).1 < at(-13.0, 3.3).1);
        assert!(at(3.3, 13.0).0 < at(3.3, -13.0).0);
    }

    #[test]
    fn the_same_frame_gives_the_same_bytes() {
        let cloud = PointCloud::new(PointLayout::xyzi(), (0..4000).map(|v| (v % 97) as f32 * 0.4).collect()).unwrap();
        let box3d = Box3d { center_m: [10.0, 2.0, 0.0], size_m: [4.0, 2.0, 1.5], yaw_rad: 0.4 };
        let boxes = vec![Detection { box3d, class_index: 0, score: 0.9, velocity_mps: None }];
        let detections = Detections { class_names: vec!["Car".into()], boxes };
        let draw = || render_png(&scene_of(&cloud, &detections), &BevOptions::default()).unwrap();
        assert_eq!(draw(), draw());
    }

    #[test]
    fn a_range_of_nothing_is_refused() {
        let cloud = PointCloud::empty_xyzi();
        let detections = Detections::default();
        for range_m in [[0.0; 4], [0.0, 0.0, f64::NAN, 1.0], [5.0, 0.0, 1.0, 1.0]] {
            let options = BevOptions { range_m, ..BevOptions::default() };
            assert!(matches!(render(&scene_of(&cloud, &detections), &options), Err(VizError::Range { .. })));
        }
    }
}
