//! Colours of labelled points, by SemanticKITTI's raw class numbers.

/// A colour for a class: those that matter for driving apart from each other, the rest in quiet tones.
///
/// Numbers: SemanticKITTI's label file (10 car .. 99 other object, 252 .. 259 their moving twins).
pub(super) fn label_color(class_id: u16) -> [u8; 3] {
    match class_id {
        10 | 252 => [86, 180, 233],
        13 | 16 | 18 | 20 | 256..=259 => [0, 114, 178],
        11 | 15 => [204, 121, 167],
        30 | 254 => [230, 159, 0],
        31 | 32 | 253 | 255 => [0, 188, 133],
        40 | 44 | 60 => [110, 110, 118],
        48 | 49 => [150, 140, 150],
        50 | 51 | 52 => [176, 148, 120],
        70 | 71 => [72, 128, 64],
        72 => [130, 160, 90],
        80 | 81 => [214, 214, 120],
        _ => [90, 90, 90],
    }
}
