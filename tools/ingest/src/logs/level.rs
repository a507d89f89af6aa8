/*!
The severity of a record, on one scale for all formats.
*/

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ordered from least to most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogLevel {
    /// The names that logging libraries, syslog and web servers use, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        const NAMES: &[(&str, LogLevel)] = &[
            ("trace", LogLevel::Trace),
            ("verbose", LogLevel::Trace),
            ("finest", LogLevel::Trace),
            ("finer", LogLevel::Trace),
            ("debug", LogLevel::Debug),
            ("fine", LogLevel::Debug),
            ("dbg", LogLevel::Debug),
            ("info", LogLevel::Info),
            ("information", LogLevel::Info),
            ("informational", LogLevel::Info),
            ("notice", LogLevel::Info),
            ("inf", LogLevel::Info),
            ("warn", LogLevel::Warn),
            ("warning", LogLevel::Warn),
            ("wrn", LogLevel::Warn),
            ("error", LogLevel::Error),
            ("err", LogLevel::Error),
            ("eror", LogLevel::Error),
            ("severe", LogLevel::Error),
            ("failure", LogLevel::Error),
            ("fatal", LogLevel::Fatal),
            ("critical", LogLevel::Fatal),
            ("crit", LogLevel::Fatal),
            ("alert", LogLevel::Fatal),
            ("emerg", LogLevel::Fatal),
            ("emergency", LogLevel::Fatal),
            ("panic", LogLevel::Fatal),
        ];
        (name.len() <= 13)
            .then(|| NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)))?
            .map(|found| found.1)
    }

    /// Numbers as pino and bunyan write them (10 to 60).
    pub(crate) fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            10 => Self::Trace,
            20 => Self::Debug,
            30 => Self::Info,
            40 => Self::Warn,
            50 => Self::Error,
            60 => Self::Fatal,
            _ => return None,
        })
    }

    /// The single letters of Android and of glog.
    pub(crate) fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'V' | b'T' => Self::Trace,
            b'D' => Self::Debug,
            b'I' => Self::Info,
            b'W' => Self::Warn,
            b'E' => Self::Error,
            b'F' | b'A' => Self::Fatal,
            _ => return None,
        })
    }
}
