//! Frames of labelled drives: clouds with `/truth/objects` beside them, as `percept simulate` and `convert` write.
//!
//! Order   each round through the frames has a permutation of its own, drawn from the run's seed.
//! Limits  the points are kept in memory, at most [`MAX_BYTES`] of them: beyond, the drives must be split over runs.

use percept_bag::{BagReader, RawMessage, ReadOptions, TopicFilter};
use percept_distill::data::FrameSource;
use percept_distill::random::{Purpose, frame_rng};
use percept_distill::teacher::{TeacherNeeds, TeacherRecord};
use percept_kernels::decode_points::{Channel, decode_points};
use percept_msgs::Message;
use percept_msgs::vision_msgs::Detection3DArray;
use percept_types::{BoxError, LabelledFrame, PointCloud, Stamp, TruthObject};
use rand::RngExt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TrainingError;
use super::records::RecordedBag;
use crate::replay::decode_cloud;
use crate::topics::{TRUTH_OBJECTS, pick_cloud_topic};

/// Points kept in memory at most.
pub const MAX_BYTES: usize = 8 << 30;

/// The labelled frames of some bags.
#[derive(Clone, Debug)]
pub struct BagFrames {
    frames: Vec<LabelledFrame>,
    /// Stamp of each frame.
    stamps: Vec<Stamp>,
    /// Records of the frames' teacher, where given.
    records: Vec<RecordedBag>,
    bags: Vec<PathBuf>,
    seed: u64,
    without_truth: usize,
}

impl BagFrames {
    /// Reads every cloud that has truth of its stamp.
    ///
    /// # Errors
    /// A bag without clouds or truth, a message that cannot be read, more points than fit in memory.
    pub fn open(bags: &[PathBuf], seed: u64) -> Result<Self, TrainingError> {
        let mut read = Self {
            frames: Vec::new(),
            stamps: Vec::new(),
            records: Vec::new(),
            bags: bags.to_vec(),
            seed,
            without_truth: 0,
        };
        let mut bytes = 0;
        for bag in bags {
            read.add(bag, &mut bytes)?;
        }
        Ok(read)
    }

    /// The same with what a teacher said of each frame.
    ///
    /// # Errors
    /// Folders that are no records, or of another teacher or need; a frame without record.
    pub fn with_records(
        mut self,
        folders: &[PathBuf],
        teacher_sha256: &str,
        needs: &TeacherNeeds,
    ) -> Result<Self, TrainingError> {
        for folder in folders {
            let records = RecordedBag::open(folder, MAX_BYTES)?;
            records.check(teacher_sha256, needs)?;
            self.records.push(records);
        }
        let without = self.stamps.iter().filter(|stamp| !self.records.iter().any(|bag| bag.has(**stamp))).count();
        if without > 0 {
            let reason = format!(
                "{without} of {} labelled frames have no record: record the bag to its end (percept record goes on where it \
                 stopped), or give the folders of all shards",
                self.stamps.len()
            );
            return Err(TrainingError::Bag { bag: folders.first().cloned().unwrap_or_default(), reason });
        }
        Ok(self)
    }

    /// Clouds left out because no truth has their stamp.
    pub fn without_truth(&self) -> usize {
        self.without_truth
    }

    /// What the frames are, in words, for checkpoints and cards.
    pub fn describe(&self) -> String {
        let names: Vec<String> = self.bags.iter().map(|bag| bag.display().to_string()).collect();
        format!("{} labelled frames of {}", self.frames.len(), names.join(", "))
    }

    fn add(&mut self, bag: &Path, bytes: &mut usize) -> Result<(), TrainingError> {
        let fault = |reason: String| TrainingError::Bag { bag: bag.to_owned(), reason };
        let reader = BagReader::open(bag, ReadOptions::default()).map_err(|e| fault(e.to_string()))?;
        let topic = pick_cloud_topic(bag, reader.topics(), None).map_err(|e| fault(e.to_string()))?.name.clone();
        let mut truth = read_truth(&reader).map_err(fault)?;
        for message in reader.messages(TopicFilter::topics([topic.as_str()])).map_err(|e| fault(e.to_string()))? {
            let message = message.map_err(|e| fault(e.to_string()))?;
            let (stamp, cloud) = read_cloud(&message)
                .map_err(|reason| fault(format!("cloud at {} ns cannot be read: {reason}", message.log_time_ns)))?;
            let Some(objects) = truth.remove(&stamp) else {
                self.without_truth += 1;
                continue;
            };
            *bytes += size_of_val(cloud.values());
            if *bytes > MAX_BYTES {
                return Err(fault(format!("with it the points exceed {} GiB: train on fewer drives", MAX_BYTES >> 30)));
            }
            self.frames.push(LabelledFrame { cloud, point_labels: None, objects });
            self.stamps.push(stamp);
        }
        Ok(())
    }
}

fn read_truth(reader: &BagReader) -> Result<BTreeMap<Stamp, Vec<TruthObject>>, String> {
    let messages = reader.messages(TopicFilter::topics([TRUTH_OBJECTS])).map_err(|_| {
        format!("has no {TRUTH_OBJECTS}: training needs true boxes, as percept simulate and percept convert write them")
    })?;
    let mut truth = BTreeMap::new();
    for message in messages {
        let message = message.map_err(|e| e.to_string())?;
        let read = Detection3DArray::decode(&message.data).and_then(|array| {
            let objects = array.to_truth()?;
            Ok((array.header.stamp.into(), objects))
        });
        let (stamp, objects) = read.map_err(|e| format!("truth at {} ns cannot be read: {e}", message.log_time_ns))?;
        truth.insert(stamp, objects);
    }
    Ok(truth)
}

pub(super) fn read_cloud(message: &RawMessage) -> Result<(Stamp, PointCloud), String> {
    let raw = decode_cloud(message).map_err(|e| e.to_string())?;
    let channels = [Channel::optional("intensity", 0.0)];
    let decoded = decode_points(&raw.payload, &channels, Vec::new()).map_err(|e| e.to_string())?;
    Ok((raw.stamp, decoded.cloud))
}

impl FrameSource for BagFrames {
    fn len(&self) -> Option<u64> {
        Some(self.frames.len() as u64)
    }

    fn frame(&self, index: u64) -> Result<LabelledFrame, BoxError> {
        Ok(self.frames[self.place(index)?].clone())
    }

    fn record(&self, index: u64) -> Result<Option<Arc<TeacherRecord>>, BoxError> {
        let stamp = self.stamps[self.place(index)?];
        match self.records.iter().find(|bag| bag.has(stamp)) {
            Some(bag) => Ok(bag.record(stamp)?.map(Arc::new)),
            None => Ok(None),
        }
    }
}

impl BagFrames {
    /// Which frame an index stands for.
    fn place(&self, index: u64) -> Result<usize, BoxError> {
        let count = self.frames.len();
        let round = index.checked_div(count as u64).ok_or("the bags hold no labelled frame")?;
        let mut order: Vec<usize> = (0..count).collect();
        let mut rng = frame_rng(self.seed, round, Purpose::Order);
        for i in (1..count).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        Ok(order[(index % count as u64) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unwatched;
    use crate::simulate::{SimulateSettings, SimulatedView, simulate};

    #[test]
    fn a_simulated_drive_is_read_back_with_its_truth_and_goes_round_in_a_new_order() {
        let folder = tempfile::tempdir().unwrap();
        let bag = folder.path().join("drive");
        let settings = SimulateSettings {
            frames: 4,
            view: SimulatedView::KittiCamera,
            labelled_points: false,
            ..Default::default()
        };
        let summary = simulate(&bag, &settings, &mut Unwatched).unwrap();
        let frames = BagFrames::open(std::slice::from_ref(&bag), 3).unwrap();
        assert_eq!((frames.len(), frames.without_truth()), (Some(4), 0));
        let round = |first: u64| (first..first + 4).map(|i| frames.frame(i).unwrap()).collect::<Vec<_>>();
        assert_eq!(round(0).iter().map(|f| f.cloud.len() as u64).sum::<u64>(), summary.points);
        let objects: u64 = round(4).iter().map(|f| f.objects.len() as u64).sum();
        assert_eq!(objects, summary.objects.values().sum::<u64>());
        assert!((1..5).any(|k| round(4 * k) != round(0)), "five rounds in the same order");
    }

    #[test]
    fn a_bag_that_is_not_there_is_named() {
        let error = BagFrames::open(&[PathBuf::from("no/such/bag")], 1).unwrap_err().to_string();
        assert!(error.contains("no/such/bag"), "{error}");
    }
}
