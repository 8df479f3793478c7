//! How messages move: one closed enum of back-ends, one file each.
//!
//! ```text
//!                    Transport (one a node)
//!  subscribe::<M> ──► Inbox ◄── bytes ── back-end (its own thread) ◄── topic
//!        │              └─ latest-wins or a bounded queue; counts what it drops; received_at; Signal
//!        └─ Subscription<M>::take: decodes in the taker's thread
//!  advertise::<M> ──► Publisher<M>::publish: encodes ─► RawPublisher ──► topic
//!  serve::<S>     ──► RequestInbox ◄── bytes ── back-end;  Server<S>::take ─► Call<S>::reply ─► bytes
//!  clock, signal, resolve, publishers
//! ```
//!
//! # The contract below: bytes
//! A message is its CDR with the 4-byte encapsulation header (`00 01 00 00`, little-endian when we write it); up to 3
//! bytes of padding behind the body are allowed. Types are named as ROS names them: `sensor_msgs/msg/PointCloud2`,
//! `lifecycle_msgs/srv/ChangeState`. A request or a response is the CDR of its record with the same header, and without
//! whatever a middleware puts before it to tell callers apart: that is the back-end's.
//!
//! # The seam: what a back-end writes
//! [`back_end::BackEnd`], five methods. `subscribe` gets an [`Inbox`] and hands every received message to
//! [`Inbox::deliver`], from a spin thread of its own that does nothing else; `deliver` neither decodes nor waits, so a
//! slow network never fills the middleware's queues. Names arrive fully resolved (`/ns/node/input/pointcloud`); a
//! back-end whose middleware remaps by itself (rcl) reads the same rules, to tell what came of them, and asks for the name
//! before them. Dropping a [`Link`] or a publisher ends it. To add a back-end: its file, a variant of
//! [`Transport`], a line in `Transport::back_end`.
//!
//! # Without ROS
//! With the feature `dds`, `dds::join` makes the node a DDS participant of its own. With neither `r2r` nor `dds` the crate
//! needs no network and no ROS.
//!
//! # Time
//! [`Clock`] has two faces: `now`, the ROS time that stamps are compared with (the system's, /clock's under
//! use_sim_time, a test's), and `steady`, which measures how long something took and never jumps.

pub mod back_end;
mod bag;
mod clock;
#[cfg(feature = "dds")]
pub mod dds;
mod error;
mod inbox;
mod memory;
mod names;
mod publisher;
#[cfg(feature = "r2r")]
mod r2r;
mod service;
mod signal;
mod transport;

#[cfg(feature = "r2r")]
pub use self::r2r::{R2rNode, RosLog, RosNode, Severity};
pub use back_end::{Link, MessageType, NodeContext, RawPublisher};
pub use bag::{BagNode, BagPlayer, Played};
pub use clock::Clock;
pub use error::TransportError;
pub use inbox::{Arrivals, Inbox, Keep, Received, Subscription, SubscriptionCounts};
pub use memory::{MemoryHub, MemoryNode, PendingReply};
pub use names::{Names, Remap, TopicName};
pub use percept_bag::{Durability, QosProfile, Reliability};
pub use publisher::Publisher;
pub use service::{Call, RawRequest, Reply, RequestInbox, Server};
pub use signal::Signal;
pub use transport::Transport;
