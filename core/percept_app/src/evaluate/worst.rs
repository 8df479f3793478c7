//! The frames with most misses and false boxes, drawn with what was found, missed and false.

use super::boxes::class_config;
use super::frames::{EvaluatedFrame, Frames};
use crate::AppError;
use crate::pictures::{CloudSource, draw_to_file, options_around};
use percept_eval::bev_ap::{BevFrame, frame_problems};
use percept_eval::kitti::{Annotation, region_of_annotation, truth_of_annotation};
use percept_eval::matching::FrameProblem;
use percept_eval::worst::{DetectionFate, FrameMatches, TruthFate, frame_matches};
use percept_types::{Camera, PointCloud, Stamp, TruthObject};
use percept_viz::bev::{DetectionVerdict, Scene, TruthVerdict, Verdict};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// How many to draw, and where.
#[derive(Clone, Debug)]
pub struct WorstSettings {
    /// Frames.
    pub frames: usize,
    /// Folder for the pictures.
    pub folder: PathBuf,
}

/// One of the worst frames.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorstFrame {
    /// Stamp of its cloud in nanoseconds.
    pub stamp_ns: i64,
    /// Truth found.
    pub found: usize,
    /// Truth not found.
    pub missed: usize,
    /// False boxes.
    pub false_boxes: usize,
    /// Boxes below this score were left out: the threshold with the best F1 over all frames.
    pub score_threshold: f64,
    /// Its picture.
    pub picture: PathBuf,
}

impl fmt::Display for WorstFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} s: {} found, {} missed, {} false at score {:.2}: {}",
            Stamp::from_ns(self.stamp_ns),
            self.found,
            self.missed,
            self.false_boxes,
            self.score_threshold,
            self.picture.display()
        )
    }
}

/// Judges every frame from above, at the threshold with the best F1, and draws the worst.
pub(super) fn draw_worst(
    truth_source: &Path,
    frames: &Frames<'_>,
    settings: &WorstSettings,
) -> Result<Vec<WorstFrame>, AppError> {
    let objects: Vec<(Vec<TruthObject>, Option<&Camera>)> = frames.frames.iter().map(objects_of).collect();
    let bev_frames: Vec<BevFrame<'_>> = frames
        .frames
        .iter()
        .zip(&objects)
        .map(|(frame, (truth, camera))| BevFrame { truth, detections: &frame.detections, camera: *camera })
        .collect();
    let mut names: Vec<&str> =
        frames.frames.iter().flat_map(|f| &f.detections.class_names).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let problems = names
        .iter()
        .map(|name| frame_problems(&bev_frames, &class_config(name, 1)).map_err(AppError::stage("evaluation")))
        .collect::<Result<Vec<_>, AppError>>()?;
    let score_threshold = best_threshold(&problems);
    let mut matches = frame_matches(&problems, score_threshold);
    matches.sort_by_key(|m| (std::cmp::Reverse(m.num_missed + m.num_false), m.frame));
    matches.truncate(settings.frames);
    let clouds = CloudSource::open(truth_source)?;
    let mut worst = Vec::with_capacity(matches.len());
    for (rank, matched) in matches.iter().enumerate() {
        let (Some(frame), Some((truth, _))) = (frames.frames.get(matched.frame), objects.get(matched.frame)) else {
            continue;
        };
        let picture = settings.folder.join(format!("worst_{:02}_{}.png", rank + 1, frame.stamp.nanoseconds));
        let cloud = clouds.cloud_at(frame.stamp)?.unwrap_or_else(PointCloud::empty_xyzi);
        draw(&picture, &cloud, frame, truth, matched, score_threshold)?;
        worst.push(WorstFrame {
            stamp_ns: frame.stamp.nanoseconds,
            found: matched.num_found,
            missed: matched.num_missed,
            false_boxes: matched.num_false,
            score_threshold,
            picture,
        });
    }
    Ok(worst)
}

fn draw(
    picture: &Path,
    cloud: &PointCloud,
    frame: &EvaluatedFrame<'_>,
    truth: &[TruthObject],
    matched: &FrameMatches,
    score_threshold: f64,
) -> Result<(), AppError> {
    let verdict = verdict_of(matched);
    let counts = format!("{} found, {} missed, {} false", matched.num_found, matched.num_missed, matched.num_false);
    let scene = Scene {
        cloud,
        detections: Some(&frame.detections),
        truth,
        verdict: Some(&verdict),
        title: &counts,
        subtitle: &format!("{} s", frame.stamp),
    };
    let mut options = options_around(cloud);
    options.score_threshold = score_threshold as f32;
    draw_to_file(picture, &scene, &options)
}

/// True boxes in the LiDAR's frame with DontCare regions, and the camera that the labels cover.
fn objects_of<'a>(frame: &'a EvaluatedFrame<'_>) -> (Vec<TruthObject>, Option<&'a Camera>) {
    let Some((labels, camera)) = &frame.truth.kitti else {
        return (frame.truth.objects.clone().unwrap_or_default(), None);
    };
    let of_label = |(index, label): (usize, &Annotation)| {
        region_of_annotation(label).or_else(|| {
            let object = truth_of_annotation(label, &camera.t_camera_lidar, index as u32 + 1)?;
            // Label files do not tell points: what KITTI's hard set leaves out (too small in the image, hidden, cut
            // off) is no miss, everything else counts as seen.
            Some(TruthObject { num_points: usize::from(object.difficulty().is_some()), ..object })
        })
    };
    (labels.iter().enumerate().filter_map(of_label).collect(), Some(camera))
}

/// Of 19 thresholds the one with the best F1 over all frames; of equal ones the lowest.
fn best_threshold(problems: &[Vec<FrameProblem>]) -> f64 {
    let f1 = |threshold: f64| {
        let matches = frame_matches(problems, threshold);
        let sum = |of: fn(&FrameMatches) -> usize| matches.iter().map(of).sum::<usize>() as f64;
        let (found, missed, wrong) = (sum(|m| m.num_found), sum(|m| m.num_missed), sum(|m| m.num_false));
        2.0 * found / (2.0 * found + missed + wrong).max(1.0)
    };
    let thresholds = (1..20).map(|i| f64::from(i) * 0.05);
    let best = thresholds.map(|t| (f1(t), t)).reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or(0.0, |(_, threshold)| threshold)
}

fn verdict_of(matched: &FrameMatches) -> Verdict {
    let detections = matched.detections.iter().map(|fate| match fate {
        DetectionFate::True(_) => DetectionVerdict::Matched,
        DetectionFate::False => DetectionVerdict::False,
        DetectionFate::Ignored | DetectionFate::BelowThreshold | DetectionFate::Unrelated => DetectionVerdict::Ignored,
    });
    let truth = matched.truth.iter().map(|fate| match fate {
        TruthFate::Found(_) => TruthVerdict::Found,
        TruthFate::Missed => TruthVerdict::Missed,
        TruthFate::Ignored | TruthFate::Unrelated => TruthVerdict::Ignored,
    });
    Verdict { detections: detections.collect(), truth: truth.collect() }
}
