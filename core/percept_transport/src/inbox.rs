//! Where received messages wait: a slot that the latest wins, or a bounded queue that loses its oldest.

use crate::{Clock, Link, Signal, TopicName};
use percept_msgs::rosgraph_msgs::Clock as ClockMessage;
use percept_msgs::{Message, MsgError};
use percept_types::Stamp;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is kept of a topic until it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The newest message alone: sensors.
    Latest,
    /// The newest messages, at most so many: transforms, odometry.
    Last(usize),
}

impl Keep {
    fn capacity(self) -> usize {
        match self {
            Self::Latest => 1,
            Self::Last(count) => count.max(1),
        }
    }
}

/// What came of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionCounts {
    /// Messages that arrived.
    pub received: u64,
    /// Messages that newer ones drove out before they were taken.
    pub dropped: u64,
    /// Messages taken that were no message of the type.
    pub undecodable: u64,
}

/// A message and when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Received<T> {
    /// The message.
    pub message: T,
    /// ROS time of arrival.
    pub received_at: Stamp,
    /// Steady time of arrival, for latencies.
    pub received_steady: Duration,
}

/// Where a back-end puts what it receives; clones share it.
#[derive(Clone, Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    route: Route,
    clock: Clock,
    signal: Signal,
}

#[derive(Debug)]
enum Route {
    Queue(Mutex<Queue>),
    /// /clock: the message tells the clock its time at once, in the thread that brings it.
    Clock,
}

#[derive(Debug)]
struct Queue {
    capacity: usize,
    waiting: VecDeque<Received<Arc<Vec<u8>>>>,
    counts: SubscriptionCounts,
    last: Option<(Stamp, Duration)>,
}

impl Inbox {
    pub(crate) fn new(keep: Keep, clock: Clock, signal: Signal) -> Self {
        let (capacity, counts) = (keep.capacity(), SubscriptionCounts::default());
        let queue = Queue { capacity, waiting: VecDeque::with_capacity(capacity.min(64)), counts, last: None };
        Self { shared: Arc::new(Shared { route: Route::Queue(Mutex::new(queue)), clock, signal }) }
    }

    /// An inbox of /clock.
    pub(crate) fn of_clock(clock: Clock, signal: Signal) -> Self {
        Self { shared: Arc::new(Shared { route: Route::Clock, clock, signal }) }
    }

    /// Takes one message that arrives now; neither decodes nor waits.
    pub fn deliver(&self, bytes: impl Into<Arc<Vec<u8>>>) {
        let bytes = bytes.into();
        match &self.shared.route {
            Route::Queue(queue) => {
                let (received_at, received_steady) = (self.shared.clock.now(), self.shared.clock.steady());
                lock(queue).push(Received { message: bytes, received_at, received_steady });
            }
            Route::Clock => {
                // A message that is no clock leaves time as it is; the silence watch tells that time stands still.
                if let Ok(told) = ClockMessage::decode(&bytes) {
                    self.shared.clock.set(told.clock.into());
                }
            }
        }
        self.shared.signal.notify();
    }

    fn waiting(&self) -> usize {
        self.queue().map_or(0, |queue| queue.waiting.len())
    }

    fn counts(&self) -> SubscriptionCounts {
        self.queue().map_or_else(SubscriptionCounts::default, |queue| queue.counts)
    }

    fn last_received(&self) -> Option<(Stamp, Duration)> {
        self.queue()?.last
    }

    fn queue(&self) -> Option<MutexGuard<'_, Queue>> {
        match &self.shared.route {
            Route::Queue(queue) => Some(lock(queue)),
            Route::Clock => None,
        }
    }
}

impl Queue {
    fn push(&mut self, message: Received<Arc<Vec<u8>>>) {
        self.counts.received += 1;
        self.last = Some((message.received_at, message.received_steady));
        if self.waiting.len() == self.capacity {
            self.waiting.pop_front();
            self.counts.dropped += 1;
        }
        self.waiting.push_back(message);
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A subscribed topic; ends when dropped.
#[derive(Debug)]
pub struct Subscription<M> {
    topic: TopicName,
    inbox: Inbox,
    _link: Link,
    message: PhantomData<fn() -> M>,
}

impl<M: Message> Subscription<M> {
    pub(crate) fn new(topic: TopicName, inbox: Inbox, link: Link) -> Self {
        Self { topic, inbox, _link: link, message: PhantomData }
    }

    /// The full name of the topic.
    pub fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// The oldest message that waits, decoded in this thread; `None` when none waits.
    ///
    /// # Errors
    /// Inside, when the bytes are no message of this type: it is counted and gone.
    pub fn take(&self) -> Option<Result<Received<M>, MsgError>> {
        let Received { message: bytes, received_at, received_steady } = self.inbox.queue()?.waiting.pop_front()?;
        let decoded = M::decode(&bytes);
        if decoded.is_err()
            && let Some(mut queue) = self.inbox.queue()
        {
            queue.counts.undecodable += 1;
        }
        Some(decoded.map(|message| Received { message, received_at, received_steady }))
    }

    /// Forgets what waits, as after a jump of time; counted as dropped.
    pub fn clear(&self) {
        if let Some(mut queue) = self.inbox.queue() {
            queue.counts.dropped += queue.waiting.len() as u64;
            queue.waiting.clear();
        }
    }

    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.inbox.waiting()
    }

    /// What came so far.
    pub fn counts(&self) -> SubscriptionCounts {
        self.inbox.counts()
    }

    /// When the last message arrived: ROS time and steady time.
    pub fn last_received(&self) -> Option<(Stamp, Duration)> {
        self.inbox.last_received()
    }

    /// What arrives here, for a thread that watches while another one is busy with what it took.
    pub fn arrivals(&self) -> Arrivals {
        Arrivals { inbox: self.inbox.clone() }
    }
}

/// What is told of a topic's messages without taking them; keeps no subscription alive.
#[derive(Clone, Debug)]
pub struct Arrivals {
    inbox: Inbox,
}

impl Arrivals {
    /// Messages that wait.
    pub fn waiting(&self) -> usize {
        self.inbox.waiting()
    }

    /// What came so far.
    pub fn counts(&self) -> SubscriptionCounts {
        self.inbox.counts()
    }

    /// When the last message arrived: ROS time and steady time.
    pub fn last_received(&self) -> Option<(Stamp, Duration)> {
        self.inbox.last_received()
    }
}
