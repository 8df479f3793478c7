//! A bird's-eye picture of every n-th frame of a replay.

use super::frames::CloudFrame;
use crate::AppError;
use crate::pictures::{draw_to_file, options_for};
use percept_kernels::decode_points::decode_points;
use percept_types::{Detections, VoxelGrid};
use percept_viz::bev::{BevOptions, Scene};
use std::path::PathBuf;

/// Which frames to draw, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureSettings {
    /// Folder of the pictures.
    pub folder: PathBuf,
    /// A picture every n frames, from the first.
    pub every: u64,
}

impl PictureSettings {
    pub(super) fn is_due(&self, frame: u64) -> bool {
        frame.is_multiple_of(self.every.max(1))
    }

    /// Draws the cloud and the boxes with at least a score over the grid of the network.
    pub(super) fn draw(
        &self,
        index: u64,
        frame: &CloudFrame,
        detections: &Detections,
        score_threshold: f32,
        grid: &VoxelGrid,
    ) -> Result<PathBuf, AppError> {
        let path = self.folder.join(format!("frame_{index:05}.png"));
        let points =
            decode_points(&frame.cloud.payload.cloud, &[], Vec::new()).map_err(AppError::stage("decoding a cloud"))?;
        let scene = Scene {
            cloud: &points.cloud,
            detections: Some(detections),
            truth: &[],
            verdict: None,
            title: &format!("frame {index}"),
            subtitle: &format!("{} s, score at least {score_threshold:.2}", frame.cloud.stamp),
        };
        draw_to_file(&path, &scene, &BevOptions { score_threshold, ..options_for(grid) })?;
        Ok(path)
    }
}
