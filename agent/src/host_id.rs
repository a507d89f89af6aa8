/*!
Identifies the machine on which a process number is meaningful: by host name, start of the kernel and process-number
namespace. Two machines with the same name, or two containers on one machine, have different ids.
*/

use std::fs;

/// The id of this machine: letters, digits and dashes.
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
