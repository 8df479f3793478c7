//! What a node tells a running pipeline, and what it reads from it, without waiting for a frame.

use crate::{EventKind, Metrics};
use percept_transport::Clock;
use percept_types::{BoxError, Perceive};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Shared between a pipeline's thread and the node's.
#[derive(Debug)]
pub struct Controls<P: Perceive> {
    metrics: Mutex<Metrics>,
    settings: Mutex<Option<P::Settings>>,
    model: Mutex<Option<P>>,
    publishing: AtomicBool,
}

impl<P: Perceive> Default for Controls<P> {
    fn default() -> Self {
        let (metrics, settings, model) = (Mutex::default(), Mutex::new(None), Mutex::new(None));
        Self { metrics, settings, model, publishing: AtomicBool::new(true) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P: Perceive> Controls<P> {
    /// What was counted so far; hold it briefly.
    pub fn metrics(&self) -> MutexGuard<'_, Metrics> {
        lock(&self.metrics)
    }

    /// New settings, to be applied before the next frame.
    pub fn set_settings(&self, settings: P::Settings) {
        *lock(&self.settings) = Some(settings);
    }

    /// A model that is built and warm, to be put to work before the next frame; the newest one offered wins.
    pub fn offer_model(&self, model: P) {
        *lock(&self.model) = Some(model);
    }

    /// Whether outputs are published; off at once, even for the frame that the model is busy with.
    pub fn set_publishing(&self, publishing: bool) {
        self.publishing.store(publishing, Ordering::Release);
    }

    /// Whether outputs are published.
    pub fn is_publishing(&self) -> bool {
        self.publishing.load(Ordering::Acquire)
    }

    pub(crate) fn take_settings(&self) -> Option<P::Settings> {
        lock(&self.settings).take()
    }

    pub(crate) fn take_model(&self) -> Option<P> {
        lock(&self.model).take()
    }
}

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned())
}

/// Builds and warms a new model on another thread and offers it; a failure is noted and leaves the old one at work.
///
/// # Errors
/// When no thread can be started.
pub fn swap_in_background<P>(
    controls: &Arc<Controls<P>>,
    clock: &Clock,
    build: impl FnOnce() -> Result<P, BoxError> + Send + 'static,
) -> std::io::Result<JoinHandle<()>>
where
    P: Perceive + 'static,
    P::Settings: Send,
{
    let (controls, clock) = (Arc::clone(controls), clock.clone());
    std::thread::Builder::new().name("weights".to_owned()).spawn(move || {
        let built = catch_unwind(AssertUnwindSafe(build));
        let reason = match built {
            Ok(Ok(model)) => return controls.offer_model(model),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic_text(&*panic),
        };
        controls.metrics().note(EventKind::SwapFailed, clock.steady(), reason);
    })
}
