//! One growing buffer a thread for the operands of a tile: allocated once, then reused.

use std::cell::RefCell;

thread_local! {
    static BUFFER: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends `len` values of this thread's buffer. Their content is whatever was there before.
///
/// The computation must not ask for scratch again: tiles are leaves of the work.
pub(crate) fn with_scratch<T>(len: usize, compute: impl FnOnce(&mut [f32]) -> T) -> T {
    BUFFER.with_borrow_mut(|buffer| {
        if buffer.len() < len {
            buffer.resize(len, 0.0);
        }
        compute(&mut buffer[..len])
    })
}

/// Lets every thread of the pool allocate `len` values now, so that no frame has to.
pub(crate) fn reserve_on_every_thread(len: usize) {
    rayon::broadcast(|_| with_scratch(len, |_| ()));
}
