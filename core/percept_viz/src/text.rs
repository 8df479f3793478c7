//! Text of one size a style, from the bitmaps of Noto Sans Mono.

use crate::color::Rgba;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};

/// Which point of a text its position names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The left end, half-way up.
    Left,
    /// The middle.
    Center,
    /// The right end, half-way up.
    Right,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStyle {
    /// Colour.
    pub color: Rgba,
    /// Heavier, for titles.
    pub bold: bool,
    /// 20 pixels high instead of 16.
    pub large: bool,
}

impl TextStyle {
    /// Text of the common size.
    pub const fn plain(color: Rgba) -> Self {
        Self { color, bold: false, large: false }
    }

    /// A heading.
    pub const fn heading(color: Rgba) -> Self {
        Self { color, bold: true, large: true }
    }

    fn weight(self) -> FontWeight {
        if self.bold { FontWeight::Bold } else { FontWeight::Regular }
    }

    fn raster(self) -> RasterHeight {
        if self.large { RasterHeight::Size20 } else { RasterHeight::Size16 }
    }

    /// Height of a line in pixels.
    pub fn height_px(self) -> f32 {
        self.raster().val() as f32
    }

    /// Width of a text in pixels.
    pub fn width_px(self, text: &str) -> f32 {
        (text.chars().count() * get_raster_width(self.weight(), self.raster())) as f32
    }

    /// The bitmap of a character; a question mark for what the font lacks.
    pub(crate) fn glyph(self, c: char) -> Option<RasterizedChar> {
        let raster = |c| get_raster(c, self.weight(), self.raster());
        raster(c).or_else(|| raster('?'))
    }
}
