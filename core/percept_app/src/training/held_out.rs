//! KITTI AP of a network in training on frames it never saw: simulated ones, and real ones where there are any.

use percept_distill::data::FrameSource;
use percept_distill::validation::Predictor;
use percept_eval::average_precision::RecallPoints;
use percept_eval::bev_ap::BevFrame;
use percept_eval::kitti::{
    Annotation, EvalConfig, FramePair, KittiResults, Metric, OverlapSet, annotations_of_truth, detections_in_image,
    evaluate, parse_labels, region_of_annotation,
};
use percept_kernels::parameters::ParameterMap;
use percept_models::pointpillars::PointPillarsConfig;
use percept_types::{Camera, Detections, Difficulty, PointCloud, TruthObject};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::ranges::RangeScores;
use super::{NearCars, TrainingError};
use crate::kitti_folder::{KittiFolder, objects_of_labels};

/// Boxes below this score are not told: low enough for the recalls that AP reads.
const SCORE_THRESHOLD: f32 = 0.05;

/// A frame with its truth as KITTI labels it.
#[derive(Clone, Debug)]
pub struct HeldOutFrame {
    /// The points.
    pub cloud: PointCloud,
    /// The camera that the truth refers to.
    pub camera: Camera,
    /// The truth as it shows in the camera's image.
    pub truth: Vec<Annotation>,
    /// The truth in the frame of the cloud, its points counted; DontCare regions with their image boxes.
    pub objects: Vec<TruthObject>,
}

/// A set of frames to validate on, under a name.
#[derive(Clone, Debug)]
pub struct HeldOut {
    name: String,
    frames: Vec<HeldOutFrame>,
}

/// What a network says of a set's frames, in their order.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Truth and detections as KITTI compares them.
    pub pairs: Vec<FramePair>,
    /// The boxes in the frame of the cloud.
    pub found: Vec<Detections>,
    /// What a frame took, milliseconds: pillars, network, boxes.
    pub latency_ms: Vec<f64>,
    /// Weights and buffers.
    pub memory_bytes: u64,
}

/// Results on one set.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Name of the set.
    pub name: String,
    /// Everything that KITTI's protocol tells.
    pub results: KittiResults,
    /// The cars that the sensor sees well.
    pub near_cars: NearCars,
    /// Average precision by distance.
    pub ranges: RangeScores,
    /// What a frame took, milliseconds: pillars, network, boxes.
    pub latency_ms: Vec<f64>,
}

impl HeldOut {
    /// A set of given frames.
    pub fn new(name: &str, frames: Vec<HeldOutFrame>) -> Self {
        Self { name: name.to_owned(), frames }
    }

    /// The first frames of a source whose camera is known.
    ///
    /// # Errors
    /// A source without camera, or that cannot make a frame.
    pub fn from_source(name: &str, source: &dyn FrameSource, count: u64) -> Result<Self, TrainingError> {
        let setting = |found: String, expected| TrainingError::Setting { name: "held-out source", found, expected };
        let camera = source.camera().ok_or_else(|| setting("without a camera".into(), "a source with a camera"))?;
        let frame = |index| {
            let frame =
                source.frame(index).map_err(|error| setting(error.to_string(), "a source that makes frames"))?;
            let truth = annotations_of_truth(index as usize, &frame.objects, &camera)?;
            let truth = truth.into_iter().map(|(_, annotation)| annotation).collect();
            Ok(HeldOutFrame { cloud: frame.cloud, camera: camera.clone(), truth, objects: frame.objects })
        };
        Ok(Self { name: name.to_owned(), frames: (0..count).map(frame).collect::<Result<_, TrainingError>>()? })
    }

    /// Every frame of a KITTI object folder that has cloud, calibration and labels, cut to its image.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read.
    pub fn from_kitti(name: &str, root: &Path) -> Result<Self, TrainingError> {
        let fault = |reason: String| TrainingError::Kitti { root: root.to_owned(), reason };
        let folder = KittiFolder::open(root, "label_2").map_err(|e| fault(e.to_string()))?;
        let mut frames = Vec::new();
        for number in folder.frames() {
            let frame = folder.read(*number).map_err(|e| fault(e.to_string()))?;
            let (Some(cloud), Some(calib), Some(labels)) = (frame.cloud, frame.calib, frame.label_text) else {
                continue;
            };
            let (width, height) = folder.image_size(*number).map_err(|e| fault(e.to_string()))?;
            let camera = calib.camera(width, height);
            let cloud = cloud.filtered(|p| camera.sees([p[0], p[1], p[2]].map(f64::from)));
            let truth = parse_labels(&folder.path(*number, "label_2", "txt").to_string_lossy(), &labels)?;
            let mut objects = objects_of_labels(&truth, &camera, &cloud);
            objects.extend(truth.iter().filter_map(region_of_annotation));
            frames.push(HeldOutFrame { cloud, camera, truth, objects });
        }
        Ok(Self { name: name.to_owned(), frames })
    }

    /// The set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The points of its frames.
    pub fn clouds(&self) -> impl Iterator<Item = &PointCloud> {
        self.frames.iter().map(|frame| &frame.cloud)
    }

    /// Frames in it.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Objects of the truth, whatever their class.
    pub fn num_objects(&self) -> usize {
        self.frames.iter().map(|frame| frame.truth.len()).sum()
    }

    /// What a network's weights say of these frames.
    ///
    /// # Errors
    /// Weights of another network; predictions that are no numbers.
    pub fn judge(&self, config: &PointPillarsConfig, weights: &ParameterMap) -> Result<Judged, TrainingError> {
        let mut predictor = Predictor::new(config, weights, SCORE_THRESHOLD)?;
        let mut pairs = Vec::with_capacity(self.frames.len());
        let mut found = Vec::with_capacity(self.frames.len());
        let mut latency_ms = Vec::with_capacity(self.frames.len());
        for (index, frame) in self.frames.iter().enumerate() {
            let started = Instant::now();
            let boxes = predictor.detect(&frame.cloud)?;
            latency_ms.push(started.elapsed().as_secs_f64() * 1e3);
            let detections = Detections { class_names: config.class_names().to_vec(), boxes };
            let in_image = detections_in_image(index, &detections, &frame.camera)?.annotations;
            pairs.push(FramePair { truth: frame.truth.clone(), detections: in_image });
            found.push(detections);
        }
        let memory_bytes = predictor.memory_bytes();
        Ok(Judged { pairs, found, latency_ms, memory_bytes })
    }

    /// Figures of a network's weights on these frames.
    ///
    /// # Errors
    /// Weights of another network; predictions that are no numbers.
    pub fn score(&self, config: &PointPillarsConfig, weights: &ParameterMap) -> Result<Scores, TrainingError> {
        let Judged { pairs, found, latency_ms, .. } = self.judge(config, weights)?;
        let bev_frames: Vec<BevFrame<'_>> = self.frames.iter().zip(&found).map(bev_frame).collect();
        Ok(Scores {
            name: self.name.clone(),
            results: evaluate(&pairs, &EvalConfig::default())?,
            near_cars: NearCars::of(&bev_frames)?,
            ranges: RangeScores::of(&bev_frames)?,
            latency_ms,
        })
    }
}

fn bev_frame<'a>((frame, detections): (&'a HeldOutFrame, &'a Detections)) -> BevFrame<'a> {
    BevFrame { truth: &frame.objects, detections, camera: Some(&frame.camera) }
}

impl Scores {
    /// AP over 40 recalls in percent.
    pub fn ap(&self, class_name: &str, metric: Metric, difficulty: Difficulty, overlaps: OverlapSet) -> Option<f64> {
        self.results.ap(class_name, metric, difficulty, overlaps, RecallPoints::R40)
    }

    /// The figures that go into the weights' metadata, by name.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let mut metrics = self.near_cars.metrics(&self.name);
        metrics.extend(self.ranges.metrics(&self.name));
        for entry in &self.results.entries {
            let strictness = match entry.overlap_set {
                OverlapSet::Strict => "",
                OverlapSet::Loose => "_loose",
            };
            if let (Some(ap), Metric::Bev | Metric::Volume) = (entry.ap_r40, entry.metric) {
                let difficulty = format!("{:?}", entry.difficulty).to_lowercase();
                let metric = entry.metric.name();
                metrics
                    .insert(format!("{}/{}/{metric}_ap_r40_{difficulty}{strictness}", self.name, entry.class_name), ap);
            }
        }
        metrics
    }

    /// One line: 3D and BEV AP moderate of each class, strict and loose, and the cars that are near.
    pub fn line(&self, class_names: &[String]) -> String {
        let figure = |value: Option<f64>| value.map_or("-".to_owned(), |ap| format!("{ap:.1}"));
        let moderate = Difficulty::Moderate;
        let of = |class: &String| {
            let ap = |metric, overlaps| figure(self.ap(class, metric, moderate, overlaps));
            format!(
                "{class} 3D {} BEV {} (loose 3D {} BEV {})",
                ap(Metric::Volume, OverlapSet::Strict),
                ap(Metric::Bev, OverlapSet::Strict),
                ap(Metric::Volume, OverlapSet::Loose),
                ap(Metric::Bev, OverlapSet::Loose)
            )
        };
        let classes: Vec<String> = class_names.iter().map(of).collect();
        format!("{}: {}; {}", self.name, classes.join("; "), self.near_cars.line())
    }
}
