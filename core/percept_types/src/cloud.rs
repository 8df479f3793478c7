//! Decoded points: one row-major (N, F) buffer of `f32` and the names of its columns.

use thiserror::Error;

/// Names of the columns of a [`PointCloud`]; the first three are x, y, z in metres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointLayout {
    /// Column names, `["x", "y", "z", ...]`.
    pub channels: Vec<String>,
}

impl PointLayout {
    /// x, y, z and the further channels in this order.
    pub fn xyz_and(further: &[&str]) -> Self {
        Self { channels: ["x", "y", "z"].iter().chain(further).map(|name| (*name).to_owned()).collect() }
    }

    /// x, y, z, intensity: what most detectors read.
    pub fn xyzi() -> Self {
        Self::xyz_and(&["intensity"])
    }

    /// Number of columns F.
    pub fn num_features(&self) -> usize {
        self.channels.len()
    }

    /// Column of a channel, if present.
    pub fn index_of(&self, channel: &str) -> Option<usize> {
        self.channels.iter().position(|name| name == channel)
    }
}

/// What makes a buffer no cloud.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum CloudError {
    /// The layout lacks x, y, z in front.
    #[error("a point layout begins with x, y, z, but this one is {found:?}: reorder the channels")]
    LayoutWithoutXyz {
        /// The channels found.
        found: Vec<String>,
    },
    /// The buffer is not N rows of F.
    #[error("{len} values are no whole number of points of {num_features} features: check the layout")]
    RaggedBuffer {
        /// Values in the buffer.
        len: usize,
        /// Columns a point.
        num_features: usize,
    },
}

/// N points of F features, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct PointCloud {
    layout: PointLayout,
    values: Vec<f32>,
}

impl PointCloud {
    /// A cloud from its row-major values.
    ///
    /// # Errors
    /// When the layout does not begin with x, y, z or the buffer is not a whole number of points.
    pub fn new(layout: PointLayout, values: Vec<f32>) -> Result<Self, CloudError> {
        let starts_with_xyz = layout.channels.len() >= 3 && layout.channels[..3] == ["x", "y", "z"];
        if !starts_with_xyz {
            return Err(CloudError::LayoutWithoutXyz { found: layout.channels });
        }
        let num_features = layout.num_features();
        if !values.len().is_multiple_of(num_features) {
            return Err(CloudError::RaggedBuffer { len: values.len(), num_features });
        }
        Ok(Self { layout, values })
    }

    /// A cloud without points: x, y, z, intensity.
    pub fn empty_xyzi() -> Self {
        Self { layout: PointLayout::xyzi(), values: Vec::new() }
    }

    /// Names of the columns.
    pub fn layout(&self) -> &PointLayout {
        &self.layout
    }

    /// Columns a point, F.
    pub fn num_features(&self) -> usize {
        self.layout.num_features()
    }

    /// Points, N.
    pub fn len(&self) -> usize {
        self.values.len() / self.num_features()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values, row-major (N, F).
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, row-major (N, F), to change in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The points as rows of F values.
    pub fn points(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.num_features())
    }

    /// The points that satisfy a predicate on their row, in order.
    pub fn filtered(&self, mut keep: impl FnMut(&[f32]) -> bool) -> Self {
        let values = self.points().filter(|point| keep(point)).flatten().copied().collect();
        Self { layout: self.layout.clone(), values }
    }

    /// Gives the buffer back, row-major (N, F).
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_that_does_not_begin_with_xyz_is_refused() {
        let layout = PointLayout { channels: vec!["x".into(), "z".into(), "y".into()] };
        assert!(matches!(PointCloud::new(layout, vec![]), Err(CloudError::LayoutWithoutXyz { .. })));
    }

    #[test]
    fn a_buffer_with_half_a_point_is_refused() {
        let error = PointCloud::new(PointLayout::xyzi(), vec![0.0; 6]).unwrap_err();
        assert_eq!(error, CloudError::RaggedBuffer { len: 6, num_features: 4 });
    }

    #[test]
    fn filtering_keeps_whole_points_in_order() {
        let cloud = PointCloud::new(PointLayout::xyzi(), (0..12).map(|v| v as f32).collect()).unwrap();
        let kept = cloud.filtered(|point| point[0] != 4.0);
        assert_eq!(kept.values(), &[0.0, 1.0, 2.0, 3.0, 8.0, 9.0, 10.0, 11.0]);
    }
}
