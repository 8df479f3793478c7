//! What surrounds the points: range rings, the vehicle, title and legend.

use super::boxes::{MISS, TRUTH};
use super::points::ColorScale;
use super::view::View;
use super::{GROUND, Scene};
use crate::axis::{round_step, tick_text};
use crate::color::scale_color;
use crate::{Anchor, Canvas, Line, Rgba, TextStyle, class_color};

pub(super) const BAR: Rgba = Rgba(22, 27, 36, 255);
const RING: Rgba = Rgba(120, 132, 156, 70);
const DIM: Rgba = Rgba(140, 150, 170, 255);
const BRIGHT: Rgba = Rgba(232, 236, 244, 255);

fn ring_radii_m(view: &View) -> impl Iterator<Item = f64> {
    let range_m = view.range_m();
    let reach_m = range_m[0].abs().max(range_m[2].abs());
    let corner_m = range_m[1].abs().max(range_m[3].abs()).hypot(reach_m);
    let step_m = round_step(reach_m, 7).max(1.0);
    (1..).map(move |i| f64::from(i) * step_m).take_while(move |radius_m| *radius_m < corner_m)
}

pub(super) fn rings(canvas: &mut Canvas, view: &View) {
    let center = view.pixel([0.0, 0.0]);
    for radius_m in ring_radii_m(view) {
        canvas.circle(center, view.length_px(radius_m), Line::solid(RING, 1.0));
    }
    let [x_min, y_min, x_max, y_max] = view.range_m();
    let axis = Line::solid(RING.with_alpha(0.18), 1.0);
    canvas.line(view.pixel([x_min, 0.0]), view.pixel([x_max, 0.0]), axis);
    canvas.line(view.pixel([0.0, y_min]), view.pixel([0.0, y_max]), axis);
}

/// Distances on the rings ahead to the left and behind to the right, off the road; straight ahead where that is
/// outside.
pub(super) fn ring_labels(canvas: &mut Canvas, view: &View) {
    let style = TextStyle::plain(DIM);
    for radius_m in ring_radii_m(view) {
        let side_m = radius_m * std::f64::consts::FRAC_1_SQRT_2;
        let ahead = if view.contains([side_m, side_m]) { [side_m, side_m] } else { [radius_m, 0.0] };
        for place in [ahead, [-side_m, -side_m]] {
            let [u, v] = view.pixel(place);
            let half_width = style.width_px("100 m") / 2.0;
            let fits = u > half_width && u < canvas.width() as f32 - half_width && v > 10.0;
            if view.contains(place) && fits && v < canvas.height() as f32 - 10.0 {
                let text = format!("{radius_m} m");
                canvas.label([u, v], Anchor::Center, &text, style, GROUND.with_alpha(0.75));
            }
        }
    }
}

/// The vehicle from above, with the sensor's origin as a dot.
pub(super) fn ego(canvas: &mut Canvas, view: &View, ego_m: Option<[f64; 4]>) {
    if let Some([x_min, y_min, x_max, y_max]) = ego_m {
        let nose_m = x_min + (x_max - x_min) * 0.72;
        let inset_m = (y_max - y_min) * 0.2;
        let outline = [
            [x_min, y_min],
            [nose_m, y_min],
            [x_max, y_min + inset_m],
            [x_max, y_max - inset_m],
            [nose_m, y_max],
            [x_min, y_max],
        ]
        .map(|corner| view.pixel(corner));
        canvas.fill_polygon(&outline, Rgba(60, 68, 86, 255));
        canvas.polyline(&outline, true, Line::solid(BRIGHT, 1.5));
    }
    canvas.disc(view.pixel([0.0, 0.0]), 2.5, BRIGHT);
}

pub(super) fn title_bar(page: &mut Canvas, scene: &Scene<'_>, height_px: f32) {
    let (left, right, middle) = (14.0, page.width() as f32 - 14.0, height_px / 2.0);
    let (title, subtitle) = (TextStyle::heading(BRIGHT), TextStyle::plain(DIM));
    page.text([left, middle], Anchor::Left, scene.title, title);
    if title.width_px(scene.title) + subtitle.width_px(scene.subtitle) + 42.0 < page.width() as f32 {
        page.text([right, middle], Anchor::Right, scene.subtitle, subtitle);
    }
}

/// Classes with their counts, what grey, red and crossed mean, and the colour scale, as far as there is room.
pub(super) fn legend_bar(page: &mut Canvas, scene: &Scene<'_>, counts: &[usize], scale: &ColorScale, height_px: f32) {
    let middle = page.height() as f32 - height_px / 2.0;
    let scale_left = page.width() as f32 - scale_bar(page, scale, middle);
    let mut entries: Vec<(Swatch, String)> = Vec::new();
    if let Some(detections) = scene.detections {
        let named = detections.class_names.iter().zip(counts).enumerate();
        entries.extend(named.map(|(i, (name, count))| (Swatch::Class(class_color(i)), format!("{name} {count}"))));
    }
    if !scene.truth.is_empty() {
        entries.push((Swatch::Truth, format!("truth {}", scene.truth.len())));
    }
    if let Some(verdict) = scene.verdict {
        entries.push((Swatch::Miss, format!("missed {}", verdict.num_missed())));
        entries.push((Swatch::False, format!("false {}", verdict.num_false())));
    }
    let style = TextStyle::plain(BRIGHT);
    let mut left = 14.0;
    for (swatch, text) in entries {
        let width = 22.0 + style.width_px(&text) + 18.0;
        if left + width > scale_left {
            break;
        }
        swatch.draw(page, [left, middle]);
        page.text([left + 22.0, middle], Anchor::Left, &text, style);
        left += width;
    }
}

#[derive(Clone, Copy)]
enum Swatch {
    Class(Rgba),
    Truth,
    Miss,
    False,
}

impl Swatch {
    fn draw(self, page: &mut Canvas, [left, middle]: [f32; 2]) {
        let (top, right, bottom) = (middle - 6.0, left + 14.0, middle + 6.0);
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
        match self {
            Self::Class(color) => {
                page.fill_polygon(&corners, color.with_alpha(0.25));
                page.polyline(&corners, true, Line::solid(color, 2.0));
            }
            Self::Truth => page.polyline(&corners, true, Line::dashed(TRUTH, 1.4, 4.0, 3.0)),
            Self::Miss => {
                page.fill_polygon(&corners, MISS.with_alpha(0.22));
                page.polyline(&corners, true, Line::solid(MISS, 2.0));
            }
            Self::False => {
                page.line(corners[0], corners[2], Line::solid(MISS, 2.0));
                page.line(corners[1], corners[3], Line::solid(MISS, 2.0));
            }
        }
    }
}

/// Draws the colour scale at the right end and gives the width it takes.
fn scale_bar(page: &mut Canvas, scale: &ColorScale, middle: f32) -> f32 {
    const BAR_PX: f32 = 96.0;
    let style = TextStyle::plain(DIM);
    let step = f64::from(scale.to - scale.from) / 10.0;
    let [from, to] = [scale.from, scale.to].map(|end| tick_text(f64::from(end), step));
    let mut right = page.width() as f32 - 14.0;
    page.text([right, middle], Anchor::Right, &to, style);
    right -= style.width_px(&to) + 6.0;
    for column in 0..BAR_PX as usize {
        let color = scale_color(column as f32 / BAR_PX);
        page.fill_rect([right - BAR_PX + column as f32, middle - 5.0], [1.0, 10.0], color);
    }
    right -= BAR_PX + 6.0;
    let text = format!("{} {from}", scale.name);
    page.text([right, middle], Anchor::Right, &text, style);
    page.width() as f32 - right + style.width_px(&text) + 12.0
}
