//! Lines for people, in the form of ROS 2's console output.

use percept_types::Stamp;
use std::io::Write;
use std::sync::Arc;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What happens.
    Info,
    /// What to look at.
    Warn,
    /// What does not work.
    Error,
}

/// Where a node's lines go; tests collect them.
pub type Log = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// `[INFO] [seconds.nanoseconds] [node]: text` on standard error, which `ros2 launch` shows and records.
pub fn stderr_log(node: String) -> Log {
    Arc::new(move |level, text| {
        let name = match level {
            LogLevel::Info => "INFO",
            LogLevel::Warn => "WARN",
            LogLevel::Error => "ERROR",
        };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let stamp = Stamp::from_ns(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX));
        // A closed standard error leaves nobody to tell.
        let _ = writeln!(std::io::stderr(), "[{name}] [{stamp}] [{node}]: {text}");
    })
}
