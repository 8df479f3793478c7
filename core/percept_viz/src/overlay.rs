//! A camera's image with boxes of the LiDAR's frame projected into it, and points as dots of their depth.

use crate::canvas::Px;
use crate::color::scale_color;
use crate::{Anchor, Canvas, Line, Rgba, TextStyle, VizError, class_color};
use percept_types::{Box3d, Camera, Detections, PointCloud, TruthObject};

/// An image of packed RGB bytes.
#[derive(Clone, Copy, Debug)]
pub struct RgbImage<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes a pixel, row by row.
    pub rgb: &'a [u8],
}

/// What lies over the image.
#[derive(Clone, Copy, Debug)]
pub struct Overlay<'a> {
    /// Boxes found.
    pub detections: Option<&'a Detections>,
    /// Detections below this are left out.
    pub score_threshold: f32,
    /// True boxes, dashed.
    pub truth: &'a [TruthObject],
    /// Points, coloured from near to far.
    pub cloud: Option<&'a PointCloud>,
}

const TRUTH: Rgba = Rgba(240, 240, 240, 220);
const PLATE: Rgba = Rgba(13, 16, 23, 200);
/// What is nearer to the image plane than this is cut off.
const NEAR_M: f64 = 0.1;
/// Depth of the far end of the colour scale.
const FAR_M: f64 = 60.0;

/// The four edges of the front first, then the others, as pairs of [`Box3d::corners_m`].
const EDGES: [[usize; 2]; 12] =
    [[0, 3], [4, 7], [0, 4], [3, 7], [0, 1], [1, 2], [2, 3], [4, 5], [5, 6], [6, 7], [1, 5], [2, 6]];
const FRONT_EDGES: usize = 4;

/// Draws the overlay on the image.
///
/// # Errors
/// [`VizError::ImageBytes`] or [`VizError::Size`] for an image that is not its size.
pub fn render(image: RgbImage<'_>, camera: &Camera, overlay: &Overlay<'_>) -> Result<Canvas, VizError> {
    let mut canvas = Canvas::from_rgb(image.width, image.height, image.rgb)?;
    if let Some(cloud) = overlay.cloud {
        draw_points(&mut canvas, camera, cloud);
    }
    for object in overlay.truth {
        draw_box(&mut canvas, camera, &object.box3d, Line::dashed(TRUTH, 1.2, 5.0, 4.0));
    }
    for detection in overlay.detections.iter().flat_map(|detections| detections.boxes.iter().rev()) {
        if detection.score < overlay.score_threshold {
            continue;
        }
        let color = class_color(detection.class_index);
        let top = draw_box(&mut canvas, camera, &detection.box3d, Line::solid(color, 1.8));
        if let Some([u, v]) = top {
            let text = format!("{:.2}", detection.score);
            canvas.label([u, v - 9.0], Anchor::Center, &text, TextStyle::plain(color), PLATE);
        }
    }
    Ok(canvas)
}

fn draw_points(canvas: &mut Canvas, camera: &Camera, cloud: &PointCloud) {
    for point in cloud.points() {
        let point_m = [point[0], point[1], point[2]].map(f64::from);
        if let Some(p) = camera.project_lidar_point(point_m).filter(|p| p.depth_m > NEAR_M) {
            let color = scale_color(1.0 - (p.depth_m / FAR_M) as f32);
            canvas.blend(p.u.floor() as i64, p.v.floor() as i64, color, 0.9);
        }
    }
}

/// Draws the edges in front of the camera, the front of the box heavier; gives the highest point in the image.
fn draw_box(canvas: &mut Canvas, camera: &Camera, b: &Box3d, line: Line) -> Option<Px> {
    let corners_m = b.corners_m().map(|corner| camera.t_camera_lidar.apply(corner));
    let mut top: Option<Px> = None;
    for (index, [from, to]) in EDGES.into_iter().enumerate() {
        let Some((from, to)) = cut_at_plane(corners_m[from], corners_m[to]) else { continue };
        let project = |p| camera.project_camera_point(p).map(|p| [p.u as f32, p.v as f32]);
        let (Some(from), Some(to)) = (project(from), project(to)) else { continue };
        let width_px = if index < FRONT_EDGES { line.width_px * 1.7 } else { line.width_px };
        canvas.line(from, to, Line { width_px, ..line });
        for end in [from, to] {
            let inside = end[0] >= 0.0 && end[0] < canvas.width() as f32 && end[1] >= 0.0;
            if inside && top.is_none_or(|top| end[1] < top[1]) {
                top = Some(end);
            }
        }
    }
    top
}

/// The part of an edge in front of the camera.
fn cut_at_plane(a: [f64; 3], b: [f64; 3]) -> Option<([f64; 3], [f64; 3])> {
    let at_plane = || {
        let t = (NEAR_M - a[2]) / (b[2] - a[2]);
        std::array::from_fn(|i| a[i] + t * (b[i] - a[i]))
    };
    match (a[2] > NEAR_M, b[2] > NEAR_M) {
        (true, true) => Some((a, b)),
        (true, false) => Some((a, at_plane())),
        (false, true) => Some((at_plane(), b)),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percept_types::{Detection, Transform};

    fn camera() -> Camera {
        Camera {
            width: 64,
            height: 48,
            projection: [50., 0., 32., 0., 0., 50., 24., 0., 0., 0., 1., 0.],
            t_camera_lidar: Transform::from_matrix_3x4(&[0., -1., 0., 0., 0., 0., -1., 0., 1., 0., 0., 0.]),
        }
    }

    fn changed_by_a_box_at(x: f64) -> usize {
        let rgb = vec![20; 64 * 48 * 3];
        let box3d = Box3d { center_m: [x, 0.0, 0.0], size_m: [4.0, 2.0, 1.5], yaw_rad: 0.3 };
        let boxes = vec![Detection { box3d, class_index: 0, score: 1.0, velocity_mps: None }];
        let detections = Detections { class_names: vec!["Car".into()], boxes };
        let overlay = Overlay { detections: Some(&detections), score_threshold: 0.0, truth: &[], cloud: None };
        let image = RgbImage { width: 64, height: 48, rgb: &rgb };
        let canvas = render(image, &camera(), &overlay).unwrap();
        canvas.rgba().chunks_exact(4).filter(|pixel| pixel[..3] != [20, 20, 20]).count()
    }

    #[test]
    fn a_box_ahead_is_drawn_and_one_behind_is_not() {
        assert!(changed_by_a_box_at(12.0) > 50);
        assert_eq!(changed_by_a_box_at(-12.0), 0);
        assert!(changed_by_a_box_at(0.5) > 0, "a box round the camera is cut at the image plane");
    }

    #[test]
    fn an_image_that_is_not_its_size_is_refused() {
        let image = RgbImage { width: 64, height: 48, rgb: &[0; 5] };
        let overlay = Overlay { detections: None, score_threshold: 0.0, truth: &[], cloud: None };
        assert!(matches!(render(image, &camera(), &overlay), Err(VizError::ImageBytes { .. })));
    }
}
