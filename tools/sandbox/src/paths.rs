/*!
The system folders that every sandboxed command may read. They contain programs, libraries and their public
settings. `/etc` is limited to what programs need to start, without secrets of accounts, keys or the configuration
of services.
*/

/// Folders of programs and libraries.
pub(super) const SYSTEM_FOLDERS: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/sys/devices/system/cpu",
];

/// Public settings below `/etc`. A trailing `*` matches any suffix.
pub(super) const ETC_ENTRIES: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "inputrc",
    "java*",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "magic",
    "magic.mime",
    "maven",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "perl",
    "pki/ca-trust",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "protocols",
    "python3*",
    "rpc",
    "services",
    "shells",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
    "xml",
];

/// Entries of `/etc` that the full sandbox replaces, so that they name only the account inside and no other
/// machine.
pub(super) const ETC_REPLACED: &[&str] = &["group", "hosts", "passwd"];

/// Device files that are harmless to share.
pub(super) const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

/// The part of `/proc` that the reduced sandbox shows: facts about the machine, nothing about other processes.
pub(super) const PROC_FACTS: &[&str] = &[
    "cpuinfo",
    "filesystems",
    "loadavg",
    "meminfo",
    "stat",
    "uptime",
    "version",
    "sys/kernel/osrelease",
    "sys/kernel/pid_max",
    "sys/kernel/random",
    "sys/kernel/threads-max",
    "sys/vm/overcommit_memory",
    "sys/vm/max_map_count",
    "sys/fs/file-max",
    "sys/fs/pipe-max-size",
    "sys/kernel/cap_last_cap",
];

pub(super) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The entries of `/etc` that exist on this machine, as absolute paths.
pub(super) fn etc_entries() -> Vec<std::path::PathBuf> {
    let etc = std::path::Path::new("/etc");
    let mut found = Vec::new();
    let mut listing = None;
    for entry in ETC_ENTRIES {
        if let Some(prefix) = entry.strip_suffix('*') {
            let names = listing.get_or_insert_with(|| {
                let names = std::fs::read_dir(etc).into_iter().flatten().flatten();
                names.map(|name| name.file_name()).collect::<Vec<_>>()
            });
            let begins = |name: &&std::ffi::OsString| name.as_encoded_bytes().starts_with(prefix.as_bytes());
            found.extend(names.iter().filter(begins).map(|name| etc.join(name)));
        } else if etc.join(entry).exists() {
            found.push(etc.join(entry));
        }
    }
    found
}
