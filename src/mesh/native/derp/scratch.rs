//! One buffer a worker thread, into which every client's bytes are read. So ten thousand idle clients hold none.

use std::cell::RefCell;

use super::frame::{HEADER, MAX_BODY};

/// With so much read, a client's frames are routed before more is read.
pub(super) const ENOUGH: usize = 64 * 1024;
/// Room for the beginning of the longest frame, and for as much again.
const SIZE: usize = ENOUGH + HEADER + MAX_BODY;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SIZE]);
}

/// Calls `work` with this thread's buffer; `work` does not call this again.
pub(super) fn with<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|buffer| work(buffer))
}
