//! Threads that make samples ahead of training, delivered in the order of their indices.
//!
//! Thread `t` of `n` makes the indices t, t + n, ... into a queue of its own; the consumer takes from the queues in
//! turn. So the order, and with it the result, does not depend on the number of threads or on their speed, and
//! nothing waits in memory but what the bounded queues hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{FrameSamples, SampleMaker};
use crate::DistillError;

/// Samples ready a thread.
const READY_PER_THREAD: usize = 3;

/// Makes the samples of a range of indices in the background.
pub struct Loader {
    queues: Vec<Receiver<Result<FrameSamples, DistillError>>>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    first: u64,
    next: u64,
    end: u64,
}

impl Loader {
    /// Starts the threads; at least one.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(maker: Arc<SampleMaker>, indices: std::ops::Range<u64>, threads: usize) -> Result<Self, DistillError> {
        let threads = threads.max(1);
        let stop = Arc::new(AtomicBool::new(false));
        let mut loader = Self {
            queues: Vec::new(),
            threads: Vec::new(),
            stop: stop.clone(),
            first: indices.start,
            next: indices.start,
            end: indices.end,
        };
        for thread in 0..threads {
            let (sender, receiver) = bounded(READY_PER_THREAD);
            let (maker, stop) = (maker.clone(), stop.clone());
            let own = (indices.start + thread as u64..indices.end).step_by(threads);
            let spawned = std::thread::Builder::new()
                .name(format!("loader-{thread}"))
                .spawn(move || make_all(&maker, own, &sender, &stop))
                .map_err(|source| DistillError::Io { path: "loader thread".into(), source })?;
            loader.queues.push(receiver);
            loader.threads.push(spawned);
        }
        Ok(loader)
    }
}

impl Iterator for Loader {
    type Item = Result<FrameSamples, DistillError>;

    /// The next samples in order; `None` after the last.
    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let queue = ((index - self.first) % self.queues.len() as u64) as usize;
        Some(self.queues[queue].recv().unwrap_or(Err(DistillError::LoaderStopped { index })))
    }
}

fn make_all(
    maker: &SampleMaker,
    indices: impl Iterator<Item = u64>,
    sender: &Sender<Result<FrameSamples, DistillError>>,
    stop: &AtomicBool,
) {
    for index in indices {
        // A closed queue means that nobody waits any more.
        if stop.load(Ordering::Relaxed) || sender.send(maker.make(index)).is_err() {
            return;
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A panic there was told where its frame was asked for.
            let _ = thread.join();
        }
    }
}
