/*!
Counts the bytes that are looked at. Tests compare the count with the length of the text: the proportion of work to
text is counted, never timed. Outside of tests nothing is counted.
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

    /// Returns the count of this thread since the last call.
    pub(crate) fn take() -> u64 {
        BYTES.take()
    }
}
