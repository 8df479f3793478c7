//! One growing buffer a thread for the operands of a tile: allocated once, then reused.

use std::cell::RefCell;

use crate::matrix::{MatMut, MatRef};

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

/// Lets every thread of the pool allocate `len` values now, so that no frame has to; and whatever the matrix product
/// keeps for a thread.
pub(crate) fn reserve_on_every_thread(len: usize) {
    const SIDE: usize = 32;
    rayon::broadcast(|_| {
        with_scratch(len.max(2 * SIDE * SIDE), |scratch| {
            let (factor, result) = scratch[..2 * SIDE * SIDE].split_at_mut(SIDE * SIDE);
            let factor = MatRef::row_major(factor, SIDE, SIDE);
            // Transposed, it is packed into the product's own buffer.
            MatMut::row_major(result, SIDE, SIDE).multiply(false, factor, factor.transposed());
        });
    });
}
