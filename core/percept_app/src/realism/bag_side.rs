//! Sweeps of a bag with what is true of them.

use crate::evaluate::{TruthFrames, read_truth};
use crate::replay::decode_cloud;
use crate::topics::pick_cloud_topic;
use crate::{AppError, topics};
use percept_bag::{BagReader, RawMessage, ReadOptions, TopicFilter};
use percept_kernels::decode_points::{Channel, decode_points};
use percept_types::{Camera, PointCloud, RawCloud, Stamped, TruthObject};
use std::path::{Path, PathBuf};

/// Columns of the clouds beyond x, y, z.
const COLUMNS: [&str; 2] = ["intensity", "ring"];
/// The column `ring` of a [`BagSweep`].
pub(super) const RING_COLUMN: usize = 4;

/// A bag of sweeps.
pub(super) struct BagSide {
    pub bag: PathBuf,
    reader: BagReader,
    topic: String,
    truth: TruthFrames,
    /// Why there is no truth.
    pub without_truth: Option<String>,
}

/// One sweep of a bag.
pub(super) struct BagSweep<'a> {
    /// x, y, z, intensity, ring (0 where the driver tells none).
    pub cloud: PointCloud,
    /// Whether the driver tells an intensity.
    pub has_intensity: bool,
    /// The camera whose image the truth covers.
    pub camera: Option<&'a Camera>,
    /// True boxes.
    pub objects: Option<&'a [TruthObject]>,
}

impl BagSide {
    /// Opens a bag and reads its truth, where it has any.
    pub fn open(bag: &Path) -> Result<Self, AppError> {
        let reader = BagReader::open(bag, ReadOptions::default())?;
        let asked = reader.topics().iter().any(|topic| topic.name == topics::POINTS).then_some(topics::POINTS);
        let topic = pick_cloud_topic(bag, reader.topics(), asked)?.name.clone();
        let (truth, without_truth) = match read_truth(bag, None, &[]) {
            Ok(truth) => (truth, None),
            Err(AppError::NoDetections { .. }) => {
                (TruthFrames::new(), Some("it has no topic of true boxes".to_owned()))
            }
            Err(error) => return Err(error),
        };
        Ok(Self { bag: bag.to_owned(), reader, topic, truth, without_truth })
    }

    /// Clouds that the bag says it has.
    pub fn expected(&self) -> u64 {
        self.reader.topics().iter().find(|topic| topic.name == self.topic).map_or(0, |topic| topic.message_count)
    }

    /// Whether any sweep has a camera beside it.
    pub fn has_cameras(&self) -> bool {
        self.truth.values().any(|truth| truth.kitti.is_some())
    }

    /// Whether the first cloud that can be read numbers its rings.
    pub fn tells_rings(&self) -> Result<bool, AppError> {
        for message in self.messages()? {
            if let Ok(raw) = decode_cloud(&message?) {
                return Ok(raw.payload.layout.field("ring").is_some());
            }
        }
        Ok(false)
    }

    /// Every sweep in order; the inner error says why one cannot be read.
    pub fn sweeps(&self) -> Result<impl Iterator<Item = Result<Result<BagSweep<'_>, String>, AppError>>, AppError> {
        let messages = self.messages()?;
        Ok(messages.map(|message| {
            let message = message?;
            let raw = decode_cloud(&message).map_err(|error| error.to_string());
            Ok(raw.and_then(|raw| self.sweep(&raw)))
        }))
    }

    fn messages(&self) -> Result<impl Iterator<Item = Result<RawMessage, AppError>>, AppError> {
        let messages = self.reader.messages(TopicFilter::topics([self.topic.as_str()]))?;
        Ok(messages.map(|message| message.map_err(AppError::from)))
    }

    fn sweep(&self, raw: &Stamped<RawCloud>) -> Result<BagSweep<'_>, String> {
        let channels = COLUMNS.map(|name| Channel::optional(name, 0.0));
        let decoded = decode_points(&raw.payload, &channels, Vec::new()).map_err(|error| error.to_string())?;
        let truth = self.truth.get(&raw.stamp);
        Ok(BagSweep {
            cloud: decoded.cloud,
            has_intensity: raw.payload.layout.field("intensity").is_some(),
            camera: truth.and_then(|truth| truth.kitti.as_ref()).map(|(_, camera)| camera),
            objects: truth.and_then(|truth| truth.objects.as_deref()),
        })
    }
}
