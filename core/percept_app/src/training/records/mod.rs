//! What a teacher says about recorded drives, as bags beside them.
//!
//! ```text
//! BAG ─clouds─► pillars ─LiveTeacher─► TeacherRecord ─► OUT/<name>_<split>.mcap ─RecordedBag─► BagFrames ─► training
//! ```
//! Topics    `/teacher/record` (safetensors, see `percept_distill::teacher`), and `/teacher/objects`, the teacher's boxes,
//!           where its head is run. Log and publish times are the cloud's: received and stamped.
//! Files     one split every so many clouds. A split is written in a folder `<name>_<split>.unfinished`, one chunk a frame,
//!           and moved to its place when it is whole; resuming redoes unfinished splits alone.
//! Identity  each file holds a note of teacher, source, method and codec; files of another identity are refused.

mod identity;
mod read;
mod settings;
mod write;

pub use identity::RecordIdentity;
pub use read::RecordedBag;
pub use settings::{RecordSettings, Shard};
pub use write::{RecordSummary, content_sha256, record};

/// Topic of the records.
const RECORD_TOPIC: &str = "/teacher/record";
/// Topic of the teacher's boxes.
const OBJECTS_TOPIC: &str = "/teacher/objects";
/// What an unfinished split's folder ends with.
const UNFINISHED: &str = ".unfinished";
