//! Offered QoS profiles, in the YAML text that recorders keep with each topic.

use std::fmt::Write;

/// Whether lost samples are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reliability {
    /// Sent again until received.
    Reliable,
    /// Sent once.
    BestEffort,
}

/// Whether late subscribers receive earlier samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// They do.
    TransientLocal,
    /// They do not.
    Volatile,
}

/// A profile that a publisher of the topic offered, and that a player offers again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QosProfile {
    /// Samples kept, newest first.
    pub depth: u32,
    /// Reliable or best effort.
    pub reliability: Reliability,
    /// Transient local or volatile.
    pub durability: Durability,
}

impl QosProfile {
    /// Best effort, volatile, the last five samples: clouds and images.
    pub const SENSOR_DATA: Self =
        Self { depth: 5, reliability: Reliability::BestEffort, durability: Durability::Volatile };
    /// Reliable, volatile, the last ten samples: detections, transforms, diagnostics.
    pub const RELIABLE: Self = Self { depth: 10, reliability: Reliability::Reliable, durability: Durability::Volatile };
    /// Reliable, transient local, the last sample: static transforms, label names.
    pub const LATCHED: Self =
        Self { depth: 1, reliability: Reliability::Reliable, durability: Durability::TransientLocal };

    /// The profile as a YAML list of one, with the numbers of `rmw/types.h`: the form that every
    /// release since Foxy reads.
    pub fn to_yaml(&self) -> String {
        const INFINITE: &str = "\n    sec: 9223372036\n    nsec: 854775807";
        let reliability = match self.reliability {
            Reliability::Reliable => 1,
            Reliability::BestEffort => 2,
        };
        let durability = match self.durability {
            Durability::TransientLocal => 1,
            Durability::Volatile => 2,
        };
        let mut yaml = format!("- history: 1\n  depth: {}\n", self.depth);
        // Writing to a string cannot fail.
        let _ = write!(
            yaml,
            "  reliability: {reliability}\n  durability: {durability}\n  deadline:{INFINITE}\n  \
             lifespan:{INFINITE}\n  liveliness: 1\n  liveliness_lease_duration:{INFINITE}\n  \
             avoid_ros_namespace_conventions: false"
        );
        yaml
    }
}
