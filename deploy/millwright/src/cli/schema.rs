/*!
The types whose schema `millwright schema` prints.
*/

use std::fmt;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// `millwright.report/1`
    Report,
    /// One line of a file of eval cases
    Case,
    /// `millwright.toml`
    Config,
}

impl fmt::Display for SchemaOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Report => "report",
            Self::Case => "case",
            Self::Config => "config",
        })
    }
}
