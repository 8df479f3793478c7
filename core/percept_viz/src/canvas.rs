//! A picture in memory and the few strokes that the others need.

use crate::{Anchor, Rgba, TextStyle, VizError};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Stroke, StrokeDash, Transform,
};

/// Most pixels on a side: a picture of this size squared still fits a gigabyte.
const MAX_SIDE_PX: usize = 16_384;

/// A place in a picture: pixels from the left and from the top.
pub type Px = [f32; 2];

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Colour.
    pub color: Rgba,
    /// Width in pixels.
    pub width_px: f32,
    /// Lengths of dash and gap in pixels; none for a full line.
    pub dash_px: Option<[f32; 2]>,
}

impl Line {
    /// A full line.
    pub const fn solid(color: Rgba, width_px: f32) -> Self {
        Self { color, width_px, dash_px: None }
    }

    /// A dashed line.
    pub const fn dashed(color: Rgba, width_px: f32, dash_px: f32, gap_px: f32) -> Self {
        Self { color, width_px, dash_px: Some([dash_px, gap_px]) }
    }
}

/// A picture under construction.
#[derive(Clone, Debug)]
pub struct Canvas {
    pixmap: Pixmap,
}

impl Canvas {
    /// A picture of one colour.
    ///
    /// # Errors
    /// [`VizError::Size`] for a side of 0 or beyond 16384 pixels.
    pub fn new(width: usize, height: usize, background: Rgba) -> Result<Self, VizError> {
        let size = VizError::Size { width, height, limit: MAX_SIDE_PX };
        if width.max(height) > MAX_SIDE_PX {
            return Err(size);
        }
        let mut pixmap = Pixmap::new(width as u32, height as u32).ok_or(size)?;
        pixmap.fill(skia_color(background));
        Ok(Self { pixmap })
    }

    /// A picture of packed RGB bytes.
    ///
    /// # Errors
    /// Where there are not three bytes a pixel, or the size is refused.
    pub fn from_rgb(width: usize, height: usize, rgb: &[u8]) -> Result<Self, VizError> {
        let mut canvas = Self::new(width, height, Rgba(0, 0, 0, 255))?;
        let expected = width * height * 3;
        if rgb.len() != expected {
            return Err(VizError::ImageBytes { found: rgb.len(), expected, width, height });
        }
        for (pixel, rgb) in canvas.pixmap.data_mut().chunks_exact_mut(4).zip(rgb.chunks_exact(3)) {
            pixel[..3].copy_from_slice(rgb);
        }
        Ok(canvas)
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.pixmap.width() as usize
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.pixmap.height() as usize
    }

    /// The pixels, packed RGBA; opaque on an opaque ground.
    pub fn rgba(&self) -> &[u8] {
        self.pixmap.data()
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// [`VizError::Encode`].
    pub fn to_png(&self) -> Result<Vec<u8>, VizError> {
        self.pixmap.encode_png().map_err(|error| VizError::Encode { reason: error.to_string() })
    }

    /// A straight line.
    pub fn line(&mut self, from: Px, to: Px, line: Line) {
        self.polyline(&[from, to], false, line);
    }

    /// A line through points, back to the first where closed. Points that are not finite end it.
    pub fn polyline(&mut self, points: &[Px], closed: bool, line: Line) {
        if let Some(path) = path_of(points, closed) {
            self.stroke(&path, line);
        }
    }

    /// A polygon filled.
    pub fn fill_polygon(&mut self, points: &[Px], color: Rgba) {
        if let Some(path) = path_of(points, true) {
            self.pixmap.fill_path(&path, &paint_of(color), FillRule::Winding, Transform::identity(), None);
        }
    }

    /// A rectangle filled: left, top, width, height.
    pub fn fill_rect(&mut self, [left, top]: Px, [width, height]: Px, color: Rgba) {
        let (right, bottom) = (left + width, top + height);
        self.fill_polygon(&[[left, top], [right, top], [right, bottom], [left, bottom]], color);
    }

    /// A circle's line.
    pub fn circle(&mut self, [x, y]: Px, radius_px: f32, line: Line) {
        if let Some(path) = PathBuilder::from_circle(x, y, radius_px) {
            self.stroke(&path, line);
        }
    }

    /// A disc.
    pub fn disc(&mut self, [x, y]: Px, radius_px: f32, color: Rgba) {
        if let Some(path) = PathBuilder::from_circle(x, y, radius_px) {
            self.pixmap.fill_path(&path, &paint_of(color), FillRule::Winding, Transform::identity(), None);
        }
    }

    /// A pixel blended with a colour; outside the picture nothing.
    pub fn blend(&mut self, x: i64, y: i64, color: Rgba, coverage: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width() || y >= self.height() {
            return;
        }
        let start = 4 * (y * self.width() + x);
        let alpha = f32::from(color.3) / 255.0 * coverage.clamp(0.0, 1.0);
        let Some(pixel) = self.pixmap.data_mut().get_mut(start..start + 4) else { return };
        for (channel, over) in pixel.iter_mut().zip([color.0, color.1, color.2, 255]) {
            let blended = f32::from(*channel) * (1.0 - alpha) + f32::from(over) * alpha;
            *channel = blended.round() as u8;
        }
    }

    /// A text beside, on or before a point.
    pub fn text(&mut self, [x, y]: Px, anchor: Anchor, text: &str, style: TextStyle) {
        let left = x - anchor_fraction(anchor) * style.width_px(text);
        let top = (y - style.height_px() / 2.0).round() as i64;
        self.glyphs(text, style, |column, row| (left.round() as i64 + column, top + row));
    }

    /// A text that runs upwards, its middle at a point.
    pub fn text_upwards(&mut self, [x, y]: Px, text: &str, style: TextStyle) {
        let left = (x - style.height_px() / 2.0).round() as i64;
        let bottom = (y + style.width_px(text) / 2.0).round() as i64;
        self.glyphs(text, style, |column, row| (left + row, bottom - column));
    }

    /// A text on a plate that keeps it readable over points.
    pub fn label(&mut self, at: Px, anchor: Anchor, text: &str, style: TextStyle, plate: Rgba) {
        let width = style.width_px(text);
        let left = at[0] - anchor_fraction(anchor) * width;
        let top = at[1] - style.height_px() / 2.0;
        self.fill_rect([left - 3.0, top + 1.0], [width + 6.0, style.height_px() - 1.0], plate);
        self.text(at, anchor, text, style);
    }

    /// Another picture laid over this one with its top left corner at a pixel.
    pub fn place(&mut self, [x, y]: [i32; 2], other: &Self) {
        let paint = PixmapPaint::default();
        self.pixmap.draw_pixmap(x, y, other.pixmap.as_ref(), &paint, Transform::identity(), None);
    }

    fn glyphs(&mut self, text: &str, style: TextStyle, place: impl Fn(i64, i64) -> (i64, i64)) {
        let mut column = 0;
        for glyph in text.chars().filter_map(|c| style.glyph(c)) {
            for (row, pixels) in glyph.rows().enumerate() {
                for (offset, coverage) in pixels.iter().enumerate().filter(|(_, coverage)| **coverage > 0) {
                    let (x, y) = place(column + offset as i64, row as i64);
                    self.blend(x, y, style.color, f32::from(*coverage) / 255.0);
                }
            }
            column += glyph.width() as i64;
        }
    }

    fn stroke(&mut self, path: &Path, line: Line) {
        let stroke = Stroke {
            width: line.width_px,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Miter,
            dash: line.dash_px.and_then(|dash| StrokeDash::new(dash.to_vec(), 0.0)),
            ..Stroke::default()
        };
        self.pixmap.stroke_path(path, &paint_of(line.color), &stroke, Transform::identity(), None);
    }
}

fn anchor_fraction(anchor: Anchor) -> f32 {
    match anchor {
        Anchor::Left => 0.0,
        Anchor::Center => 0.5,
        Anchor::Right => 1.0,
    }
}

fn path_of(points: &[Px], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let finite = points.iter().take_while(|p| p[0].is_finite() && p[1].is_finite());
    for (index, [x, y]) in finite.enumerate() {
        if index == 0 {
            builder.move_to(*x, *y);
        } else {
            builder.line_to(*x, *y);
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

fn skia_color(Rgba(r, g, b, a): Rgba) -> Color {
    Color::from_rgba8(r, g, b, a)
}

fn paint_of(color: Rgba) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(skia_color(color));
    paint
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Rgba = Rgba(0, 0, 0, 255);
    const WHITE: Rgba = Rgba(255, 255, 255, 255);

    #[test]
    fn pictures_of_no_or_absurd_size_are_refused() {
        assert!(matches!(Canvas::new(0, 5, BLACK), Err(VizError::Size { .. })));
        assert!(matches!(Canvas::new(1 << 40, 5, BLACK), Err(VizError::Size { .. })));
        assert!(matches!(Canvas::from_rgb(2, 2, &[0; 11]), Err(VizError::ImageBytes { expected: 12, .. })));
    }

    #[test]
    fn strokes_outside_and_numbers_that_are_none_do_no_harm() {
        let mut canvas = Canvas::new(8, 8, BLACK).unwrap();
        canvas.line([-1e9, f32::NAN], [1e9, 3.0], Line::solid(WHITE, 2.0));
        canvas.blend(-5, 99, WHITE, 1.0);
        canvas.text([1e8, -1e8], Anchor::Right, "far \u{3bb}", TextStyle::plain(WHITE));
        canvas.circle([4.0, 4.0], f32::INFINITY, Line::solid(WHITE, 1.0));
        assert!(canvas.rgba().chunks_exact(4).all(|pixel| pixel == [0, 0, 0, 255]));
    }

    #[test]
    fn text_lies_where_its_anchor_says() {
        let lit = |anchor| {
            let mut canvas = Canvas::new(60, 20, BLACK).unwrap();
            canvas.text([30.0, 10.0], anchor, "HH", TextStyle::plain(WHITE));
            let columns = canvas.rgba().chunks_exact(4).enumerate().filter(|(_, p)| p[0] > 128).map(|(i, _)| i % 60);
            (columns.clone().min().unwrap(), columns.max().unwrap())
        };
        assert!(lit(Anchor::Left).0 >= 30 && lit(Anchor::Right).1 <= 30);
        let (left, right) = lit(Anchor::Center);
        assert!(left < 30 && right > 30);
    }
}
