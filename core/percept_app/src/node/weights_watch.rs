//! Notices that the weights file was replaced, so that a node takes new weights without a restart.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Time of change and size.
type Look = (SystemTime, u64);

/// The file as it was loaded, and as it was seen since.
#[derive(Debug)]
pub(super) struct WeightsWatch {
    path: PathBuf,
    loaded: Option<Look>,
    seen: Option<Look>,
    looked_at: Duration,
}

impl WeightsWatch {
    pub(super) fn new(path: PathBuf, steady: Duration) -> Self {
        let mut watch = Self { path, loaded: None, seen: None, looked_at: steady };
        watch.loaded = watch.look();
        watch
    }

    fn look(&self) -> Option<Look> {
        let metadata = std::fs::metadata(&self.path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// Whether the file is another one than was loaded and has not changed for a second: nobody writes it any more.
    pub(super) fn is_replaced(&mut self, steady: Duration) -> bool {
        if steady.saturating_sub(self.looked_at) < LOOK_EVERY {
            return false;
        }
        self.looked_at = steady;
        let now = self.look();
        let before = std::mem::replace(&mut self.seen, now);
        if now.is_none() || now == self.loaded || now != before {
            return false;
        }
        self.loaded = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_once_it_has_come_to_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, b"old").unwrap();
        let mut watch = WeightsWatch::new(path.clone(), Duration::ZERO);
        let mut is_replaced = |second: u64| watch.is_replaced(Duration::from_secs(second));
        assert!(!is_replaced(1) && !is_replaced(2));
        std::fs::write(&path, b"half").unwrap();
        assert!(!is_replaced(3));
        std::fs::write(&path, b"whole").unwrap();
        assert!(!is_replaced(3), "not a second later");
        assert!(!is_replaced(4), "still being written");
        assert!(is_replaced(5));
        assert!(!is_replaced(6), "told once");
        std::fs::remove_file(&path).unwrap();
        assert!(!is_replaced(7) && !is_replaced(8), "no file is no new file");
    }
}
