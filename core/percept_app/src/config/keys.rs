//! The keys of the detector's configuration, and the nearest one to a misspelt key.

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// true or false.
    Bool,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// Text.
    Text,
    /// A list of numbers.
    Numbers,
    /// A list of texts.
    Texts,
}

impl Kind {
    /// The type in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Text => "text",
            Self::Numbers => "a list of numbers",
            Self::Texts => "a list of texts",
        }
    }
}

/// One key; `<class>` in its name stands for any class name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Full name.
    pub name: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// What it does, in a line.
    pub meaning: &'static str,
}

const fn key(name: &'static str, kind: Kind, meaning: &'static str) -> Key {
    Key { name, kind, meaning }
}

/// Every key of the LiDAR detector.
pub const DETECTOR_KEYS: &[Key] = &[
    key("weights", Kind::Text, "safetensors file; relative paths start at this file"),
    key("device", Kind::Text, "auto, cpu or cuda:N"),
    key("threads", Kind::Whole, "threads of the network, 0: as many as cores"),
    key("input_topic", Kind::Text, "PointCloud2 topic, empty: the only one there is"),
    key("intensity_scale", Kind::Number, "intensities are divided by this, 0: as the weights say"),
    key("intensity_field", Kind::Text, "field of the cloud with the intensity, empty: intensity"),
    key("missing_intensity", Kind::Number, "fed where a cloud has no such field, below 0: such a cloud is refused"),
    key("model_frame", Kind::Text, "whence the sensor's mounting is known: auto, tf or parameters"),
    key("base_frame", Kind::Text, "frame on the ground, x forward; empty: base_footprint, else base_link"),
    key("sensor_height", Kind::Number, "metres above the ground, 0: as TF tells, else as in training"),
    key("sensor_rotation", Kind::Numbers, "roll, pitch, yaw in radians; []: as TF tells, else as in training"),
    key("score_threshold", Kind::Number, "boxes below this score are dropped"),
    key("nms_iou_threshold", Kind::Number, "boxes that overlap a better one by more are dropped"),
    key("max_detections", Kind::Whole, "most boxes a frame"),
    key("publish_markers", Kind::Bool, "whether MarkerArray is published"),
    key("marker_score_threshold", Kind::Number, "boxes below this score are published but not drawn"),
    key("class_names", Kind::Texts, "classes that the weights must have, in the order of their head"),
    key("point_cloud_range", Kind::Numbers, "x y z minimum, x y z maximum in metres; checked against the weights"),
    key("voxel_size", Kind::Numbers, "sides of a voxel in metres; checked against the weights"),
    key("max_points_per_voxel", Kind::Whole, "points kept a voxel; checked against the weights"),
    key("max_voxels", Kind::Whole, "most voxels a frame; checked against the weights"),
    key("anchors.<class>.size", Kind::Numbers, "length, width, height in metres; checked against the weights"),
    key("anchors.<class>.bottom_z", Kind::Number, "height of the anchor's bottom; checked against the weights"),
];

/// The key that a full name stands for.
pub(super) fn find_key(name: &str) -> Option<&'static Key> {
    DETECTOR_KEYS.iter().find(|key| matches(key.name, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once("<class>") {
        None => pattern == name,
        Some((before, after)) => {
            name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|class| !class.is_empty())
        }
    }
}

/// The valid key with the smallest edit distance, where less than half of it would change.
pub(super) fn nearest_key(name: &str) -> Option<String> {
    DETECTOR_KEYS
        .iter()
        .map(|key| fill_class(key.name, name))
        .map(|candidate| (edit_distance(&candidate, name), candidate))
        .min()
        .filter(|(distance, candidate)| *distance * 2 < candidate.chars().count().max(2))
        .map(|(_, candidate)| candidate)
}

/// A pattern with the class that stands at its place in the misspelt name, so that the suggestion can be used as it is.
fn fill_class(pattern: &str, name: &str) -> String {
    match (pattern.contains("<class>"), name.split('.').nth(1)) {
        (true, Some(class)) => pattern.replace("<class>", class),
        (true, None) | (false, _) => pattern.to_owned(),
    }
}

/// Levenshtein distance: insertions, deletions and substitutions of characters.
pub(crate) fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        assert_eq!(nearest_key("score_treshold").as_deref(), Some("score_threshold"));
        assert_eq!(nearest_key("anchors.Car.sise").as_deref(), Some("anchors.Car.size"));
        assert_eq!(nearest_key("completely_unrelated_thing_of_mine"), None);
    }

    #[test]
    fn the_distance_of_kitten_and_sitting_is_three() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", "abc"), 0);
    }

    #[test]
    fn a_class_of_any_name_has_anchors() {
        assert_eq!(find_key("anchors.Person.sitting.size").map(|k| k.kind), Some(Kind::Numbers));
        assert!(find_key("anchors..size").is_none());
    }
}
