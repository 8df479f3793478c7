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

/// What a key holds where nobody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Preset {
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Text.
    Text(&'static str),
    /// A list of nothing.
    Empty,
}

/// One key; `<class>` in its name stands for any class name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Full name.
    pub name: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// What it does, in a line.
    pub meaning: &'static str,
    /// What it holds where nobody says otherwise.
    pub preset: Preset,
    /// Least and greatest value of a number.
    pub range: Option<(f64, f64)>,
    /// Whether it may change while a node runs.
    pub changeable: bool,
}

const fn key(name: &'static str, kind: Kind, preset: Preset, meaning: &'static str) -> Key {
    Key { name, kind, meaning, preset, range: None, changeable: false }
}

const fn flag(name: &'static str, preset: bool, meaning: &'static str) -> Key {
    key(name, Kind::Bool, Preset::Bool(preset), meaning)
}

const fn text(name: &'static str, preset: &'static str, meaning: &'static str) -> Key {
    key(name, Kind::Text, Preset::Text(preset), meaning)
}

const fn list(name: &'static str, kind: Kind, meaning: &'static str) -> Key {
    key(name, kind, Preset::Empty, meaning)
}

const fn number(name: &'static str, preset: f64, range: (f64, f64), meaning: &'static str) -> Key {
    Key { range: Some(range), ..key(name, Kind::Number, Preset::Number(preset), meaning) }
}

const fn whole(name: &'static str, preset: i64, range: (f64, f64), meaning: &'static str) -> Key {
    Key { range: Some(range), ..key(name, Kind::Whole, Preset::Whole(preset), meaning) }
}

impl Key {
    const fn changeable(self) -> Self {
        Self { changeable: true, ..self }
    }

    /// Whether its name stands for one key a class.
    pub fn is_pattern(&self) -> bool {
        self.name.contains("<class>")
    }
}

const SCORE: (f64, f64) = (0.0, 1.0);
const LARGEST: f64 = f64::MAX;

/// Every key of the LiDAR detector: what declares, describes and validates its parameters.
pub const DETECTOR_KEYS: &[Key] = &[
    text("weights", "", "safetensors file; relative paths start at the parameter file"),
    text("device", "auto", "auto, cpu or cuda:N"),
    whole("threads", 0, (0.0, 1024.0), "threads of the network, 0: as many as cores"),
    flag("autostart", true, "a node configures and activates itself; false: a lifecycle client does"),
    flag("watch_weights", false, "a node takes a new weights file of this path while it runs, between two frames"),
    flag("use_sim_time", false, "a node takes its time from /clock"),
    text("input_topic", "", "PointCloud2 topic, empty: a node's ~/input/pointcloud, a bag's only one"),
    list("further_topics", Kind::Texts, "PointCloud2 topics of further LiDARs, joined with the first by stamp and TF"),
    number("sync_tolerance_ms", 50.0, (0.0, 1000.0), "clouds of further LiDARs belong together up to this difference"),
    number("timeout_ms", 100.0, (0.0, 10_000.0), "how long a cloud waits for transforms and further LiDARs"),
    number("max_age_ms", 0.0, (0.0, 1e7), "clouds with older stamps are skipped, 0: none"),
    number("expected_rate_hz", 10.0, (0.0, 1000.0), "clouds a second; silence of 2.5 periods is an error, 0: never"),
    text("fixed_frame", "odom", "frame that stands still: for motion compensation and past sweeps"),
    flag("motion_compensation", false, "points are moved to where they were at the stamp"),
    whole("past_sweeps", 0, (0.0, 20.0), "earlier sweeps that are added"),
    text("crop_frame", "", "frame of crop_box and region_of_interest, empty: the cloud's"),
    list("crop_box", Kind::Numbers, "x y z minimum, x y z maximum in metres: points inside are removed"),
    list("region_of_interest", Kind::Numbers, "x y z minimum, x y z maximum in metres: points outside are removed"),
    number("intensity_scale", 0.0, (0.0, LARGEST), "intensities are divided by this, 0: as the weights say"),
    number("intensity_clip", 0.0, (0.0, LARGEST), "greatest intensity after scaling, 0: as the weights say"),
    text("intensity_field", "", "field of the cloud with the intensity, empty: intensity"),
    number("missing_intensity", -1.0, (-1.0, LARGEST), "fed where a cloud has no such field, below 0: it is refused"),
    text("model_frame", "auto", "whence the sensor's mounting is known: auto, tf or parameters"),
    text("base_frame", "", "frame on the ground, x forward; empty: base_footprint, else base_link"),
    number("sensor_height", 0.0, (0.0, 100.0), "metres above the ground, 0: as TF tells, else as in training"),
    list("sensor_rotation", Kind::Numbers, "roll, pitch, yaw in radians; []: as TF tells, else as in training"),
    number("score_threshold", 0.1, SCORE, "boxes below this score are dropped").changeable(),
    number("score_thresholds.<class>", 0.1, SCORE, "the same for one class, instead").changeable(),
    number("nms_iou_threshold", 0.01, SCORE, "boxes that overlap a better one by more are dropped").changeable(),
    whole("max_detections", 500, (1.0, 1e5), "most boxes a frame").changeable(),
    text("output_type", "detection3d_array", "message of ~/output/objects: detection3d_array or detected_objects"),
    flag("publish_markers", true, "whether MarkerArray is published").changeable(),
    number("marker_score_threshold", 0.3, SCORE, "boxes below this score are published but not drawn").changeable(),
    list("class_names", Kind::Texts, "classes that the weights must have, in the order of their head"),
    list("point_cloud_range", Kind::Numbers, "x y z minimum, x y z maximum in metres; checked against the weights"),
    list("voxel_size", Kind::Numbers, "sides of a voxel in metres; checked against the weights"),
    whole("max_points_per_voxel", 32, (1.0, 1024.0), "points kept a voxel; checked against the weights"),
    whole("max_voxels", 40_000, (1.0, 1_048_576.0), "most voxels a frame; checked against the weights"),
    list("anchors.<class>.size", Kind::Numbers, "length, width, height in metres; checked against the weights"),
    number("anchors.<class>.bottom_z", 0.0, (-LARGEST, LARGEST), "height of the anchor's bottom; checked as well"),
];

/// The key that a full name stands for.
pub fn find_key(name: &str) -> Option<&'static Key> {
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
pub fn nearest_key(name: &str) -> Option<String> {
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
