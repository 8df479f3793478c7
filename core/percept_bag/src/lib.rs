//! rosbag2 recordings as bytes: topics, type names, schema text and messages; no message meaning.
//!
//! Reads  mcap (chunked or not, indexed or not; none, lz4, zstd) and sqlite3 (every schema),
//!        single files and split bags, with or without metadata.yaml, file-mode and message-mode
//!        zstd, unfinished, truncated and damaged files up to the last good chunk or page.
//! Writes mcap with everything that `ros2 bag play` and Foxglove need, and metadata.yaml.
//! Order  messages come by log time, across chunks and split files.
//! Losses what could not be read is counted and explained ([`Losses`]), never passed over.

mod byte_source;
mod error;
mod locate;
mod losses;
mod mcap_file;
mod messages;
mod metadata;
mod options;
mod qos;
mod reader;
pub mod schema;
mod sqlite_file;
mod storage;
mod topic;
mod unpack;
mod writer;

pub use error::BagError;
pub use losses::{Loss, LossKind, Losses};
pub use messages::Messages;
pub use options::ReadOptions;
pub use qos::{Durability, QosProfile, Reliability};
pub use reader::BagReader;
pub use topic::{RawMessage, SchemaText, TopicFilter, TopicInfo, normalise_type_name};
pub use writer::{BagWriter, Compression, MetadataVersion, TopicId, TopicSpec, WriteOptions, WrittenBag};
