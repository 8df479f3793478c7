//! Replay: every cloud of a bag through the detector, into an output bag.
//!
//! ```text
//! reader thread: bag ─► PointCloud2, TF ─► MountedCloud ─┐ (a queue of 4)
//! caller:                                               └─► perceive ─► publish ─► output bag
//! ```
//! Every frame is read; a frame that fails is counted and reported, never left out in silence and never invented. Log
//! times are the source's. Messages do not depend on the number of threads, diagnostics and times excepted.

mod frames;
mod health;
mod pictures;
mod publish;
mod summary;

pub use pictures::PictureSettings;
pub use summary::{FailedFrame, ReplaySummary, StageLatency};

use crate::detector::{LidarDetector, load_detector};
use crate::mounting::BagMounting;
use crate::node::is_device_loss;
use crate::{AppError, DetectorConfig, Progress, topics};
pub(crate) use frames::decode_cloud;
use frames::{CloudFrame, Frame, read_frames};
use percept_bag::{BagReader, RawMessage, ReadOptions, TopicFilter};
use percept_types::{Detections, DomainWatch, FrameReport, MountedCloud, Perceive};
use publish::{Provenance, Publisher};
pub(crate) use publish::{T_MODEL_CLOUD, transform_of_note};
use std::path::Path;
use summary::Tally;

/// Clouds decoded ahead while the network runs.
const FRAMES_AHEAD: usize = 4;

/// What a replay is told.
#[derive(Clone, Debug, Default)]
pub struct ReplaySettings {
    /// The detector's configuration; `weights` must be set in it.
    pub config: DetectorConfig,
    /// Pictures to draw on the way, if any.
    pub pictures: Option<PictureSettings>,
    /// Stop after this many frames.
    pub max_frames: Option<u64>,
}

/// Runs the detector on every cloud of `bag` and writes the bag `out`.
///
/// # Errors
/// When the configuration, the weights or the bag cannot be used, or the output cannot be written; what was written
/// before is then readable. A frame that fails is no error: it is in the summary.
pub fn replay(
    bag: &Path,
    out: &Path,
    settings: &ReplaySettings,
    progress: &mut dyn Progress,
) -> Result<ReplaySummary, AppError> {
    let mut detector = load_detector(&settings.config)?;
    if let Some(reason) = &detector.fallback {
        progress.note(reason);
    }
    let LidarDetector { model, pool, weights, .. } = &mut detector;
    let source = Source { bag, weights, settings };
    pool.install(|| replay_with(model, &source, out, progress))
}

/// What is replayed, and with which settings.
pub(crate) struct Source<'a> {
    pub(crate) bag: &'a Path,
    pub(crate) weights: &'a Path,
    pub(crate) settings: &'a ReplaySettings,
}

/// Replay with any detector: the pipeline itself, tested without a network.
pub(crate) fn replay_with<P>(
    model: &mut P,
    source: &Source<'_>,
    out: &Path,
    progress: &mut dyn Progress,
) -> Result<ReplaySummary, AppError>
where
    P: Perceive<Input = MountedCloud, Output = Detections>,
{
    let Source { bag, settings, .. } = *source;
    let reader = BagReader::open(bag, ReadOptions::default())?;
    let asked = settings.config.input_topic.as_deref();
    let topic = topics::pick_cloud_topic(bag, reader.topics(), asked)?.clone();
    // A bag may list one name twice, with two types: only messages of the one picked are clouds.
    let topic_index = reader.topics().iter().position(|other| *other == topic);
    let frames_expected = topic.message_count.min(settings.max_frames.unwrap_or(u64::MAX));
    let mounted = |trained| BagMounting::of_bag(bag, &reader, &topic, &settings.config.mounting, trained);
    let mut mounting = model.card().trained_mounting.as_ref().map(mounted).transpose()?;
    let provenance = Provenance::of(source, &topic, model.card(), mounting.as_ref());
    let publisher = Publisher::create(out, &settings.config, &provenance)?;
    let mut tally = Tally::new(source, &topic, model.card());
    let (pictures, marker_score_threshold) = (settings.pictures.as_ref(), settings.config.marker_score_threshold());
    let domain = model.card().input_statistics.as_ref().map(DomainWatch::new);
    let mut run = Run { model, publisher, tally: &mut tally, domain, pictures, marker_score_threshold, progress };
    if let Some(mounting) = mounting.as_ref().filter(|mounting| mounting.is_fallback()) {
        run.progress.note(&format!("clouds are {}", mounting.description()));
    }
    run.progress.begin("replay", Some(frames_expected));
    let wanted = mounting.as_ref().map_or(vec![topic.name.clone()], |mounting| mounting.topics_with(&topic.name));
    let tf_index = reader.topics().iter().position(|other| other.name == topics::TF);
    let messages = reader.messages(TopicFilter::topics(wanted))?;
    let messages =
        messages.filter(move |m| m.as_ref().map_or(true, |m| [topic_index, tf_index].contains(&Some(m.topic))));
    // The count of the index is only an expectation: a damaged bag may hold more than it says.
    let limit = settings.max_frames.unwrap_or(u64::MAX);
    let is_cloud = move |m: &RawMessage| Some(m.topic) == topic_index;
    let mounting_read = mounting.as_mut();
    let (sender, receiver) = crossbeam_channel::bounded(FRAMES_AHEAD);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(move || read_frames(messages, is_cloud, limit, mounting_read, &sender));
        // The receiver is moved in and dropped on return: a reader still waiting to send then ends as well.
        run.frames(receiver)
    });
    let written = run.publisher.finish();
    run.progress.end();
    outcome?;
    written?;
    Ok(tally.finish(out, &reader.losses(), mounting.as_ref()))
}

/// One replay under way.
struct Run<'a, P> {
    model: &'a mut P,
    publisher: Publisher,
    tally: &'a mut Tally,
    /// Where the weights tell what training's inputs looked like.
    domain: Option<DomainWatch>,
    pictures: Option<&'a PictureSettings>,
    marker_score_threshold: f32,
    progress: &'a mut dyn Progress,
}

impl<P: Perceive<Input = MountedCloud, Output = Detections>> Run<'_, P> {
    fn frames(&mut self, receiver: crossbeam_channel::Receiver<Result<Frame, AppError>>) -> Result<(), AppError> {
        for frame in receiver {
            match frame? {
                Frame::Cloud(frame) => self.cloud(&frame)?,
                Frame::Unreadable { log_time_ns, reason } => self.failed(log_time_ns, None, reason)?,
            }
            self.progress.advance(1);
            if self.progress.stop_asked() {
                self.tally.interrupted = true;
                break;
            }
        }
        Ok(())
    }

    /// One frame: perceive, publish, count, and now and then draw.
    fn cloud(&mut self, frame: &CloudFrame) -> Result<(), AppError> {
        let mut report = FrameReport::default();
        match self.model.perceive(&frame.cloud.payload, &mut report) {
            Err(error) => {
                let reason = error.to_string();
                self.failed(frame.log_time_ns(), Some(frame), reason.clone())?;
                // No further frame could succeed in this process.
                if is_device_loss(&error) { Err(AppError::DeviceLost { reason }) } else { Ok(()) }
            }
            Ok(detections) => {
                self.tally.succeeded(frame, &report, &detections);
                self.watch_domain(&report);
                self.publisher.detections(frame, &detections, &report, self.tally)?;
                if let Some(pictures) = self.pictures.filter(|p| p.is_due(self.tally.frame_index())) {
                    let (index, grid) = (self.tally.frame_index(), &self.model.card().grid);
                    let drawn = pictures.draw(index, frame, &detections, self.marker_score_threshold, grid)?;
                    self.tally.pictures.push(drawn);
                }
                Ok(())
            }
        }
    }

    /// Notes what is unlike training when it shows.
    fn watch_domain(&mut self, report: &FrameReport) {
        let (Some(domain), Some(input)) = (&mut self.domain, &report.input) else { return };
        if domain.observe(input) {
            domain.reasons().iter().for_each(|reason| self.tally.unlike_training(reason));
        }
    }

    fn failed(&mut self, log_time_ns: i64, frame: Option<&CloudFrame>, reason: String) -> Result<(), AppError> {
        self.progress.note(&format!("frame {} at {log_time_ns} ns failed: {reason}", self.tally.frames_read));
        self.tally.failed(log_time_ns, reason.clone());
        self.publisher.failure(log_time_ns, frame, &reason, self.tally)
    }
}
