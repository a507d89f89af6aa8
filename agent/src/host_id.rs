/*!
Which machine this is, as far as process numbers mean the same: name, start of the kernel and space of process numbers.
Two machines of one name, or two containers of one machine, are two.
*/

use std::fs;

/// Letters, digits and dashes.
pub fn name() -> String {
    let plain = |text: String, most: usize| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).take(most).collect()
    };
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default().to_string_lossy().into_owned();
    let host = plain(read("/proc/sys/kernel/hostname"), 64);
    let boot = plain(read("/proc/sys/kernel/random/boot_id"), 8);
    format!("{host}-{boot}-{}", plain(space, 20))
}
