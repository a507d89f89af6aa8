/*!
Bytes looked at, which the tests hold against the length of the text: that masking takes time in proportion to it is counted, never
timed. Outside of tests nothing is counted.
*/

#[cfg(not(test))]
pub(crate) fn add(_: usize) {}

#[cfg(test)]
pub(crate) use counted::{add, take};

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) fn add(bytes: usize) {
        BYTES.set(BYTES.get() + bytes as u64);
    }

    /// What was counted on this thread since.
    pub(crate) fn take() -> u64 {
        BYTES.take()
    }
}
