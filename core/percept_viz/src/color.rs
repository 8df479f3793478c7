//! Colours: of classes, of heights, of labels.

/// Red, green, blue, opacity, not premultiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgba(pub u8, pub u8, pub u8, pub u8);

impl Rgba {
    /// The same colour, as opaque as said (0 to 1).
    pub fn with_alpha(self, alpha: f32) -> Self {
        Self(self.0, self.1, self.2, (alpha.clamp(0.0, 1.0) * 255.0).round() as u8)
    }

    /// As CSS writes it.
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// Colours of classes on dark ground, told apart by eyes that mix up red and green too (after Okabe and Ito 2008).
/// Red is kept for misses.
const CLASS_COLORS: [Rgba; 8] = [
    Rgba(86, 190, 255, 255),
    Rgba(255, 176, 32, 255),
    Rgba(40, 210, 150, 255),
    Rgba(244, 232, 84, 255),
    Rgba(222, 138, 200, 255),
    Rgba(140, 150, 255, 255),
    Rgba(208, 150, 104, 255),
    Rgba(214, 214, 214, 255),
];

/// The colour of a class by its index.
pub fn class_color(class_index: usize) -> Rgba {
    CLASS_COLORS[class_index % CLASS_COLORS.len()]
}

/// Colour of a point by its class number, the same everywhere: SemanticKITTI's usual colours where it has the class,
/// otherwise one that is far from those of neighbouring numbers.
pub fn rgb_of_label(class_id: u16) -> [u8; 3] {
    match class_id {
        0 | 1 => [90, 90, 90],
        10 | 252 => [100, 150, 245],
        11 | 31 | 32 | 253 | 255 => [255, 60, 180],
        13 | 16 | 18 | 20 | 256..=259 => [80, 90, 250],
        15 => [60, 110, 200],
        30 | 254 => [255, 60, 60],
        40 => [255, 0, 255],
        44 | 48 => [140, 20, 90],
        50 => [255, 200, 0],
        51 => [255, 120, 50],
        70 => [0, 175, 0],
        71 => [135, 90, 40],
        72 => [150, 240, 80],
        80 | 81 => [255, 240, 150],
        other => {
            // Steps of the golden ratio around the colour circle.
            let hue = (f32::from(other) * 0.618_034).fract() * 6.0;
            let part = |shift: f32| {
                let distance = ((hue + shift) % 6.0 - 3.0).abs() - 1.0;
                (distance.clamp(0.0, 1.0) * 190.0 + 60.0) as u8
            };
            [part(0.0), part(4.0), part(2.0)]
        }
    }
}

/// Dark blue over teal to pale yellow: brightness rises all the way, so height reads without the hue.
const HEIGHT_STOPS: [[f32; 3]; 6] = [
    [44.0, 52.0, 92.0],
    [40.0, 92.0, 140.0],
    [32.0, 140.0, 152.0],
    [70.0, 182.0, 132.0],
    [170.0, 216.0, 110.0],
    [252.0, 240.0, 170.0],
];

/// The colour of a fraction of a scale, 0 to 1.
pub(crate) fn scale_color(fraction: f32) -> Rgba {
    let place = fraction.clamp(0.0, 1.0) * (HEIGHT_STOPS.len() - 1) as f32;
    let low = (place as usize).min(HEIGHT_STOPS.len() - 2);
    let t = place - low as f32;
    let [r, g, b] =
        std::array::from_fn(|i| (HEIGHT_STOPS[low][i] * (1.0 - t) + HEIGHT_STOPS[low + 1][i] * t).round() as u8);
    Rgba(r, g, b, 255)
}
