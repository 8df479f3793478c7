//! The thread that owns the r2r node: it waits for rcl, hands over what arrived, and does nothing else.
//!
//! r2r puts at most ten messages of a topic aside and loses the newest beyond; one spin takes one message of each, and
//! all are handed over before the next spin, so that none is lost here.

use super::SPIN;
use crate::{Inbox, TransportError};
use futures_core::Stream;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

/// What the node asks of the spin thread waits in a queue of this length.
const COMMANDS_WAITING: usize = 64;

type Command = Box<dyn FnOnce(&mut Spun) + Send>;

/// A subscription or a service that is drained after each spin.
pub(super) trait Tap: Send {
    /// Hands over what arrived.
    fn drain(&mut self);
}

/// A topic's bytes on their way to its inbox.
pub(super) struct RawSubscription<S> {
    pub messages: S,
    pub inbox: Inbox,
}

impl<S: Stream<Item = Vec<u8>> + Unpin + Send> Tap for RawSubscription<S> {
    fn drain(&mut self) {
        while let Some(bytes) = ready(&mut self.messages) {
            self.inbox.deliver(bytes);
        }
    }
}

/// The next item of a stream, if it is there already.
pub(super) fn ready<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    match Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => item,
        Poll::Pending => None,
    }
}

/// What lives in the spin thread.
pub(super) struct Spun {
    pub node: ::r2r::Node,
    taps: BTreeMap<u64, Box<dyn Tap>>,
    stopped: bool,
}

impl Spun {
    /// Drains this after each spin from now on.
    pub fn add(&mut self, id: u64, tap: Box<dyn Tap>) {
        self.taps.insert(id, tap);
    }

    /// Drains it no more; r2r takes the subscription down when its next message finds nobody.
    pub fn remove(&mut self, id: u64) {
        self.taps.remove(&id);
    }

    fn run(&mut self, commands: &Receiver<Command>) {
        while !self.stopped {
            match commands.try_recv() {
                Ok(command) => {
                    command(self);
                    continue;
                }
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
            }
            if self.taps.is_empty() {
                // rcl does not wait where there is nothing to wait for.
                match commands.recv_timeout(SPIN) {
                    Ok(command) => command(self),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                continue;
            }
            self.node.spin_once(SPIN);
            self.taps.values_mut().for_each(|tap| tap.drain());
        }
    }
}

/// The other threads' side of the spin thread; ends it when dropped.
pub(super) struct Spinner {
    commands: SyncSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
    next_id: AtomicU64,
}

impl Spinner {
    /// Starts to spin; `on_fault` hears why the thread ended before it was told to.
    pub fn start(node: ::r2r::Node, on_fault: impl FnOnce(String) + Send + 'static) -> Result<Self, TransportError> {
        let (commands, waiting) = sync_channel(COMMANDS_WAITING);
        let body = move || {
            let mut spun = Spun { node, taps: BTreeMap::new(), stopped: false };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| spun.run(&waiting))) {
                on_fault(format!("the thread that spins the node broke: {}", panic_text(&*panic)));
            }
        };
        let spawned = std::thread::Builder::new().name("ros-spin".to_owned()).spawn(body);
        let thread = spawned.map_err(|error| TransportError::Refused {
            what: "starting the thread that spins the node".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { commands, thread: Mutex::new(Some(thread)), next_id: AtomicU64::new(0) })
    }

    /// A number for the next tap.
    pub fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs this in the spin thread and waits for its answer; `None` where the thread has ended.
    pub fn ask<T: Send + 'static>(&self, what: impl FnOnce(&mut Spun) -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = sync_channel(1);
        // A caller that has gone away needs no answer.
        self.commands.send(Box::new(move |spun| drop(answer.send(what(spun))))).ok()?;
        answered.recv().ok()
    }

    /// Runs this in the spin thread some time; nothing where the thread has ended.
    pub fn tell(&self, what: impl FnOnce(&mut Spun) + Send + 'static) {
        drop(self.commands.send(Box::new(what)));
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.tell(|spun| spun.stopped = true);
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // Its panic has been told; joined so that the node has left the graph when the process ends.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Spinner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spinner")
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "no reason was given".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(u32);

    impl Stream for Counted {
        type Item = u32;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
            self.0 = self.0.saturating_sub(1);
            if self.0 > 0 { Poll::Ready(Some(self.0)) } else { Poll::Pending }
        }
    }

    #[test]
    fn a_stream_is_drained_until_it_would_wait() {
        let mut stream = Counted(3);
        assert_eq!([ready(&mut stream), ready(&mut stream), ready(&mut stream)], [Some(2), Some(1), None]);
    }
}
