//! From metres on the ground to pixels.

use crate::VizError;
use crate::canvas::Px;

/// A window on the ground: forward is up, left is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    range_m: [f64; 4],
    pixels_per_m: f64,
}

impl View {
    pub fn new(range_m: [f64; 4], pixels_per_m: f64) -> Result<Self, VizError> {
        let [x_min, y_min, x_max, y_max] = range_m;
        let spans = range_m.iter().all(|v| v.is_finite()) && x_min < x_max && y_min < y_max;
        if !(spans && pixels_per_m > 0.0) {
            return Err(VizError::Range { found: range_m });
        }
        Ok(Self { range_m, pixels_per_m })
    }

    pub fn width_px(&self) -> usize {
        ((self.range_m[3] - self.range_m[1]) * self.pixels_per_m).round() as usize
    }

    pub fn height_px(&self) -> usize {
        ((self.range_m[2] - self.range_m[0]) * self.pixels_per_m).round() as usize
    }

    pub fn range_m(&self) -> [f64; 4] {
        self.range_m
    }

    pub fn pixels_per_m(&self) -> f64 {
        self.pixels_per_m
    }

    pub fn pixel(&self, [x, y]: [f64; 2]) -> Px {
        [((self.range_m[3] - y) * self.pixels_per_m) as f32, ((self.range_m[2] - x) * self.pixels_per_m) as f32]
    }

    pub fn length_px(&self, length_m: f64) -> f32 {
        (length_m * self.pixels_per_m) as f32
    }

    pub fn contains(&self, [x, y]: [f64; 2]) -> bool {
        let [x_min, y_min, x_max, y_max] = self.range_m;
        x > x_min && x < x_max && y > y_min && y < y_max
    }
}
