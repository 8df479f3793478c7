//! Recording: every cloud of a bag through the teacher, split by split.

use percept_bag::{BagReader, BagWriter, QosProfile, ReadOptions, TopicFilter, TopicId, TopicSpec, WriteOptions};
use percept_distill::data::xyzi;
use percept_distill::losses::DistillationSettings;
use percept_distill::teacher::{
    LiveTeacher, RecordedAnchors, RecordedPillars, TeacherNeeds, TeacherRecord, points_sha256,
};
use percept_kernels::plan::CanvasSize;
use percept_models::pointpillars::{Pillarizer, Pillars, PointPillarsConfig, tap};
use percept_models::weights::{ReadyConfig, Weights};
use percept_msgs::Message;
use percept_msgs::std_msgs::Header;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::{Detections, Stamp};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::TrainingError;
use super::super::bag_frames::read_cloud;
use super::identity::{NOTE, sha256_hex, source_sha256};
use super::{OBJECTS_TOPIC, RECORD_TOPIC, RecordIdentity, RecordSettings, UNFINISHED};
use crate::Progress;
use crate::topics::pick_cloud_topic;

/// Definition of the records' topic, for readers that show one.
const DEFINITION: &str = "# A safetensors payload: see percept_distill::teacher::TeacherRecord\nuint8[] data\n";
/// Its type.
const TYPE_NAME: &str = "percept_msgs/msg/TeacherRecord";

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordSummary {
    /// The folder.
    pub out: PathBuf,
    /// Clouds recorded now.
    pub frames: u64,
    /// Clouds that were recorded before.
    pub frames_before: u64,
    /// Split files of this shard that are whole.
    pub splits: u64,
    /// Bytes written now.
    pub bytes: u64,
    /// Bytes a cloud, of those written now.
    pub bytes_per_frame: f64,
    /// Seconds a cloud, of those written now.
    pub seconds_per_frame: f64,
    /// Largest relative error of the features by their codec.
    pub feature_error: f64,
    /// Clouds that the source promised but could not be read.
    pub lost: u64,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// SHA-256 of all whole split files of the folder, in their order.
    pub content_sha256: String,
}

impl fmt::Display for RecordSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} clouds recorded, {} were there, {} split files whole",
            self.frames, self.frames_before, self.splits
        )?;
        let hour = self.bytes_per_frame * 36_000.0 / 1e9;
        writeln!(
            f,
            "{:.0} bytes a cloud ({hour:.2} GB an hour at 10 Hz), {:.2} s a cloud",
            self.bytes_per_frame, self.seconds_per_frame
        )?;
        writeln!(f, "relative error of features at most {:.4}", self.feature_error)?;
        if self.lost > 0 {
            writeln!(f, "{} clouds of the source could not be read: it ends early or is damaged", self.lost)?;
        }
        if self.interrupted {
            writeln!(f, "stopped; the same command goes on")?;
        }
        writeln!(f, "content {}\nin {}", self.content_sha256, self.out.display())
    }
}

/// Records a bag, or goes on with it: splits that are whole stay as they are.
///
/// # Errors
/// A teacher or bag that cannot be read, records of another identity in `out`, a teacher that gives no numbers, a disk that
/// is full or a budget that is used up. Splits that were whole before stay.
pub fn record(
    bag: &Path,
    out: &Path,
    settings: &RecordSettings,
    progress: &mut dyn Progress,
) -> Result<RecordSummary, TrainingError> {
    let fault = |reason: String| TrainingError::Bag { bag: bag.to_owned(), reason };
    let reader = BagReader::open(bag, ReadOptions::default()).map_err(|e| fault(e.to_string()))?;
    let topic = pick_cloud_topic(bag, reader.topics(), settings.topic.as_deref()).map_err(|e| fault(e.to_string()))?;
    let (topic, clouds) = (topic.name.clone(), topic.message_count);
    let weights = Weights::read(&settings.teacher)?;
    let mut recorder = Recorder::new(&reader, &topic, clouds, &weights, out, settings)?;
    fs::create_dir_all(out).map_err(TrainingError::io("create", out))?;
    let started = Instant::now();
    progress.begin("recording", Some(clouds));
    let (mut index, mut interrupted) = (0, false);
    for message in reader.messages(TopicFilter::topics([topic.as_str()])).map_err(|e| fault(e.to_string()))? {
        let message = message.map_err(|e| fault(e.to_string()))?;
        if progress.stop_asked() {
            interrupted = true;
            break;
        }
        if recorder.is_wanted(index)? {
            let (stamp, cloud) = read_cloud(&message)
                .map_err(|reason| fault(format!("cloud at {} ns cannot be read: {reason}", message.log_time_ns)))?;
            recorder.add(index, (message.log_time_ns, stamp), &xyzi(&cloud))?;
        }
        index += 1;
        progress.advance(1);
    }
    if !interrupted {
        recorder.finish_split()?;
    }
    progress.end();
    let seconds = started.elapsed().as_secs_f64();
    recorder.drop_unfinished();
    let count = |frames: u64| frames.max(1) as f64;
    Ok(RecordSummary {
        out: out.to_owned(),
        frames: recorder.frames,
        frames_before: recorder.frames_before,
        splits: recorder.splits,
        bytes: recorder.bytes,
        bytes_per_frame: recorder.bytes as f64 / count(recorder.frames),
        seconds_per_frame: seconds / count(recorder.frames),
        feature_error: recorder.feature_error,
        lost: if interrupted { 0 } else { clouds.saturating_sub(index).max(reader.losses().iter().count() as u64) },
        interrupted,
        content_sha256: content_sha256(out)?,
    })
}

/// SHA-256 of the whole split files of a folder, in the order of their names' numbers.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn content_sha256(folder: &Path) -> Result<String, TrainingError> {
    let mut hash = Sha256::new();
    for file in split_files(folder)? {
        let bytes = fs::read(&file).map_err(TrainingError::io("read", &file))?;
        hash.update(sha256_hex(&bytes));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The whole split files by number.
pub(super) fn split_files(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(TrainingError::io("list", folder))? {
        let path = entry.map_err(TrainingError::io("list", folder))?.path();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let number = stem.rsplit_once('_').and_then(|(_, number)| number.parse::<u64>().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|ending| ending == "mcap")) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

struct OpenSplit {
    number: u64,
    folder: PathBuf,
    writer: BagWriter,
    record: TopicId,
    objects: Option<TopicId>,
}

struct Recorder<'a> {
    out: &'a Path,
    stem: String,
    settings: &'a RecordSettings,
    identity: RecordIdentity,
    needs: TeacherNeeds,
    config: PointPillarsConfig,
    teacher: LiveTeacher,
    pillarizer: Pillarizer,
    open: Option<OpenSplit>,
    frames: u64,
    frames_before: u64,
    splits: u64,
    bytes: u64,
    feature_error: f64,
}

impl<'a> Recorder<'a> {
    fn new(
        reader: &BagReader,
        topic: &str,
        clouds: u64,
        weights: &Weights,
        out: &'a Path,
        settings: &'a RecordSettings,
    ) -> Result<Self, TrainingError> {
        let ReadyConfig::PointPillars(config) = weights.config();
        let needs = recordable_needs(weights, config, settings)?;
        if settings.frames_per_split == 0 {
            return Err(TrainingError::Setting { name: "frames per split", found: "0".into(), expected: "at least 1" });
        }
        let window = config.whole_window();
        let canvas = CanvasSize { ny: window.ny, nx: window.nx };
        let identity = RecordIdentity {
            teacher_sha256: weights.sha256().to_owned(),
            teacher_model: weights.metadata().model_id.clone(),
            config_sha256: sha256_hex(serde_json::to_string(config.raw())?.as_bytes()),
            source_sha256: source_sha256(reader, topic),
            topic: topic.to_owned(),
            clouds,
            anchors: needs.anchors,
            taps: needs.taps.iter().cloned().collect(),
            codec: settings.codec,
            frames_per_split: settings.frames_per_split,
        };
        let stem = out.file_name().map_or_else(|| "records".to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self {
            out,
            stem,
            settings,
            identity,
            teacher: LiveTeacher::new(config, weights.parameters(), weights.sha256(), canvas, needs.clone())?,
            needs,
            pillarizer: Pillarizer::new(config, window)?,
            config: config.clone(),
            open: None,
            frames: 0,
            frames_before: 0,
            splits: 0,
            bytes: 0,
            feature_error: 0.0,
        })
    }

    fn split_path(&self, number: u64) -> PathBuf {
        self.out.join(format!("{}_{number}.mcap", self.stem))
    }

    /// Whether this cloud is to be recorded: its split belongs to the shard and is not whole yet.
    fn is_wanted(&mut self, index: u64) -> Result<bool, TrainingError> {
        let number = index / self.settings.frames_per_split;
        if self.open.as_ref().is_some_and(|split| split.number == number) {
            return Ok(true);
        }
        if !self.settings.shard.has(number) {
            return Ok(false);
        }
        let path = self.split_path(number);
        if !path.exists() {
            return Ok(true);
        }
        if index.is_multiple_of(self.settings.frames_per_split) {
            self.check_whole(&path)?;
            self.splits += 1;
        }
        self.frames_before += 1;
        Ok(false)
    }

    fn check_whole(&self, path: &Path) -> Result<(), TrainingError> {
        let refuse = |reason: String| TrainingError::Bag { bag: path.to_owned(), reason };
        let reader = BagReader::open(path, ReadOptions::default()).map_err(|e| refuse(e.to_string()))?;
        let found = RecordIdentity::of(&reader).map_err(refuse)?;
        match found.differs(&self.identity) {
            None => Ok(()),
            Some(differing) => {
                Err(refuse(format!("is of another recording ({differing}): give another folder with --out")))
            }
        }
    }

    fn add(&mut self, index: u64, (log_time_ns, stamp): (i64, Stamp), points: &[f32]) -> Result<(), TrainingError> {
        let number = index / self.settings.frames_per_split;
        if self.open.as_ref().is_none_or(|split| split.number != number) {
            self.finish_split()?;
            self.open = Some(self.begin_split(number)?);
        }
        let mut pillars = Pillars::empty(self.config.pfn_layout().num_features());
        self.pillarizer.pillarize(points, &mut pillars)?;
        let said = self.say(&pillars, points)?;
        let payload = said.to_bytes(self.settings.codec)?;
        self.feature_error = self.feature_error.max(TeacherRecord::from_bytes(&payload)?.feature_error);
        let boxes = match self.needs.anchors {
            Some(_) => Some(self.teacher.detections()?),
            None => None,
        };
        self.bytes += payload.len() as u64;
        self.check_budget()?;
        let class_names = self.config.class_names().to_vec();
        let Some(split) = &mut self.open else { return Ok(()) };
        let bag =
            |error: percept_bag::BagError| TrainingError::Bag { bag: split.folder.clone(), reason: error.to_string() };
        split.writer.write(split.record, log_time_ns, stamp.nanoseconds, &payload).map_err(bag)?;
        if let (Some(boxes), Some(topic)) = (boxes, split.objects) {
            let header = Header::new(stamp, crate::topics::FRAME_LIDAR);
            let array = Detection3DArray::from_detections(&Detections { class_names, boxes }, &header);
            let array =
                array.map_err(|error| TrainingError::Bag { bag: split.folder.clone(), reason: error.to_string() })?;
            split.writer.write(topic, log_time_ns, stamp.nanoseconds, &array.encode()).map_err(bag)?;
        }
        // A frame is in the file before the next is begun: a killed recorder loses the one at work.
        split.writer.flush_chunk().map_err(bag)?;
        self.frames += 1;
        Ok(())
    }

    fn say(&mut self, pillars: &Pillars, points: &[f32]) -> Result<TeacherRecord, TrainingError> {
        let targets = self.teacher.targets(pillars)?;
        let recorded = match self.needs.taps.is_empty() {
            true => None,
            false => {
                let features = targets.tap(tap::PILLAR_FEATURES)?;
                let channels = features.dim(1).map_err(percept_distill::DistillError::from)?;
                let features = features.flatten_all().and_then(|f| f.to_vec1());
                Some(RecordedPillars {
                    coords: pillars.coords.iter().map(|[_, y, x]| [*y, *x]).collect(),
                    num_points: pillars.offsets.windows(2).map(|pair| pair[1] - pair[0]).collect(),
                    features: features.map_err(percept_distill::DistillError::from)?,
                    channels,
                })
            }
        };
        let anchors = targets.anchors.as_ref().and_then(|anchors| anchors.first().cloned());
        Ok(TeacherRecord {
            teacher_sha256: self.identity.teacher_sha256.clone(),
            points_sha256: points_sha256(points),
            anchors: anchors.map(|targets| RecordedAnchors { targets }),
            pillars: recorded,
            feature_error: 0.0,
        })
    }

    fn check_budget(&self) -> Result<(), TrainingError> {
        let Some(limit) = self.settings.max_bytes else { return Ok(()) };
        if self.bytes <= limit {
            return Ok(());
        }
        let (a_frame, whole) = (self.bytes / (self.frames + 1), self.bytes / (self.frames + 1) * self.identity.clouds);
        let reason = format!(
            "the budget of {limit} bytes is used up after {} clouds of {a_frame} bytes each; all {} take about {whole}: give \
             more, record fewer anchors, or --codec int8. Whole split files are kept",
            self.frames, self.identity.clouds
        );
        Err(TrainingError::Bag { bag: self.out.to_owned(), reason })
    }

    fn begin_split(&self, number: u64) -> Result<OpenSplit, TrainingError> {
        let folder = self.out.join(format!("{}_{number}{UNFINISHED}", self.stem));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(TrainingError::io("remove", &folder))?;
        }
        let bag = |error: percept_bag::BagError| TrainingError::Bag { bag: folder.clone(), reason: error.to_string() };
        let mut writer = BagWriter::create(&folder, WriteOptions::default()).map_err(bag)?;
        writer.add_metadata(NOTE, &self.identity.note()?).map_err(bag)?;
        let spec = TopicSpec::new(RECORD_TOPIC, TYPE_NAME, QosProfile::RELIABLE);
        let record = writer.add_topic(spec.with_schema(DEFINITION).with_encoding("safetensors")).map_err(bag)?;
        let objects = match self.needs.anchors {
            None => None,
            Some(_) => {
                let spec = TopicSpec::new(OBJECTS_TOPIC, Detection3DArray::TYPE_NAME, QosProfile::RELIABLE);
                Some(writer.add_topic(spec.with_schema(Detection3DArray::definition())).map_err(bag)?)
            }
        };
        Ok(OpenSplit { number, folder, writer, record, objects })
    }

    /// Completes the split at work and moves it to its place.
    fn finish_split(&mut self) -> Result<(), TrainingError> {
        let Some(split) = self.open.take() else { return Ok(()) };
        let refuse = |error: percept_bag::BagError| TrainingError::Bag {
            bag: split.folder.clone(),
            reason: format!("{error}; split files that are whole are kept, the same command goes on"),
        };
        let written = split.writer.finish().map_err(refuse)?;
        let path = self.split_path(split.number);
        for file in &written.storage_files {
            fs::rename(file, &path).map_err(TrainingError::io("move to its place", &path))?;
        }
        fs::remove_dir_all(&split.folder).map_err(TrainingError::io("remove", &split.folder))?;
        self.splits += 1;
        Ok(())
    }

    /// Leaves the split at work as it is: readable, and redone by the next recording.
    fn drop_unfinished(&mut self) {
        self.open = None;
    }
}

/// What is recorded for the methods.
fn recordable_needs(
    weights: &Weights,
    config: &PointPillarsConfig,
    settings: &RecordSettings,
) -> Result<TeacherNeeds, TrainingError> {
    let needs = DistillationSettings {
        teacher_sha256: weights.sha256().to_owned(),
        teacher: config.raw().clone(),
        recorded: true,
        terms: settings.terms.clone(),
    };
    let needs = needs.needs();
    if let Some(tap) = needs.taps.iter().find(|name| *name != tap::PILLAR_FEATURES) {
        return Err(TrainingError::Setting {
            name: "method",
            found: format!("one that reads the features {tap:?}"),
            expected: "a method whose features can be recorded: response or point-distiller; keep the teacher live for others",
        });
    }
    if needs.is_empty() {
        let expected = "at least one method of weight above 0";
        return Err(TrainingError::Setting { name: "method", found: "none".into(), expected });
    }
    Ok(needs)
}
