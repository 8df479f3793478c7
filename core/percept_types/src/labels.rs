//! A class and an instance for each point.

/// Labels of a cloud, in the order of its points.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PointLabels {
    /// Class of each point (SemanticKITTI's raw numbers in simulated and converted drives), N.
    pub class_ids: Vec<u16>,
    /// Instance of each point, 0 for things that are not counted, N.
    pub instance_ids: Vec<u16>,
}

impl PointLabels {
    /// Number of labelled points.
    pub fn len(&self) -> usize {
        self.class_ids.len()
    }

    /// Whether no point is labelled.
    pub fn is_empty(&self) -> bool {
        self.class_ids.is_empty()
    }
}
