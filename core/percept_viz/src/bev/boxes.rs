//! Boxes: true ones grey and dashed, found ones in the colour of their class.

use super::view::View;
use super::{DetectionVerdict, Scene, TruthVerdict, Verdict};
use crate::canvas::Px;
use crate::{Anchor, Canvas, Line, Rgba, TextStyle, class_color};
use percept_types::{Box3d, TruthObject};

pub(super) const TRUTH: Rgba = Rgba(196, 202, 214, 255);
pub(super) const MISS: Rgba = Rgba(255, 64, 64, 255);
const PLATE: Rgba = Rgba(13, 16, 23, 190);

/// Footprint in pixels: front left, rear left, rear right, front right.
fn corners(view: &View, b: &Box3d) -> [Px; 4] {
    b.bev().corners_m().map(|corner| view.pixel(corner))
}

fn middle(a: Px, b: Px) -> Px {
    [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0]
}

pub(super) fn draw_truth(canvas: &mut Canvas, view: &View, truth: &[TruthObject], verdict: Option<&Verdict>) {
    for (index, object) in truth.iter().enumerate().filter(|(_, object)| is_seen(view, &object.box3d)) {
        let corners = corners(view, &object.box3d);
        let what = verdict.and_then(|verdict| verdict.truth.get(index));
        match what {
            Some(TruthVerdict::Missed) => {
                canvas.fill_polygon(&corners, MISS.with_alpha(0.22));
                canvas.polyline(&corners, true, Line::solid(MISS, 2.5));
                tick(canvas, &corners, Line::solid(MISS, 2.0));
                let style = TextStyle { bold: true, ..TextStyle::plain(MISS) };
                canvas.label(beside(&corners, -1.0), Anchor::Right, "miss", style, PLATE);
            }
            Some(TruthVerdict::Found) | None => outline(canvas, &corners, TRUTH.with_alpha(0.85)),
            Some(TruthVerdict::Ignored) => outline(canvas, &corners, TRUTH.with_alpha(0.35)),
        }
    }
}

fn outline(canvas: &mut Canvas, corners: &[Px; 4], color: Rgba) {
    canvas.polyline(corners, true, Line::dashed(color, 1.4, 5.0, 3.5));
    tick(canvas, corners, Line::solid(color, 1.2));
}

/// Draws the detections and gives how many of each class were drawn.
pub(super) fn draw_detections(canvas: &mut Canvas, view: &View, scene: &Scene<'_>, score_threshold: f32) -> Vec<usize> {
    let Some(detections) = scene.detections else { return Vec::new() };
    let mut counts = vec![0; detections.class_names.len()];
    // The best is drawn last, over the others.
    for (index, detection) in detections.boxes.iter().enumerate().rev() {
        if detection.score < score_threshold {
            continue;
        }
        if let Some(count) = counts.get_mut(detection.class_index) {
            *count += 1;
        }
        if !is_seen(view, &detection.box3d) {
            continue;
        }
        let color = class_color(detection.class_index);
        let corners = corners(view, &detection.box3d);
        let what = scene.verdict.and_then(|verdict| verdict.detections.get(index));
        let is_false = what == Some(&DetectionVerdict::False);
        canvas.fill_polygon(&corners, color.with_alpha(if is_false { 0.06 } else { 0.20 }));
        canvas.polyline(&corners, true, Line::solid(color, 2.0));
        tick(canvas, &corners, Line::solid(color, 2.0));
        if let Some([vx, vy]) = detection.velocity_mps {
            let [x, y, _] = detection.box3d.center_m;
            canvas.line(view.pixel([x, y]), view.pixel([x + vx, y + vy]), Line::dashed(color, 1.5, 2.0, 2.0));
        }
        if is_false {
            cross(canvas, &corners);
        }
        let text = format!("{:.2}", detection.score);
        let style = TextStyle::plain(if is_false { MISS } else { color });
        canvas.label(beside(&corners, 1.0), Anchor::Left, &text, style, PLATE);
    }
    counts
}

/// A cross over a box, with a dark line beneath so that it shows on any colour.
fn cross(canvas: &mut Canvas, corners: &[Px; 4]) {
    for (a, b) in [(corners[0], corners[2]), (corners[1], corners[3])] {
        canvas.line(a, b, Line::solid(super::GROUND, 3.5));
        canvas.line(a, b, Line::solid(MISS, 1.8));
    }
}

/// From the centre a little over the front edge.
fn tick(canvas: &mut Canvas, corners: &[Px; 4], line: Line) {
    let (front, rear) = (middle(corners[0], corners[3]), middle(corners[1], corners[2]));
    let center = middle(front, rear);
    let tip = [front[0] + (front[0] - center[0]) * 0.35, front[1] + (front[1] - center[1]) * 0.35];
    canvas.line(center, tip, line);
}

/// A place for a label to the right (1) or left (-1) of a box.
fn beside(corners: &[Px; 4], side: f32) -> Px {
    let edge = corners.iter().map(|c| c[0] * side).fold(f32::MIN, f32::max) * side;
    [edge + 6.0 * side, middle(corners[0], corners[2])[1]]
}

fn is_seen(view: &View, b: &Box3d) -> bool {
    b.is_valid()
        && (view.contains([b.center_m[0], b.center_m[1]]) || b.bev().corners_m().iter().any(|c| view.contains(*c)))
}
