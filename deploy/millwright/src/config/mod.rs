/*!
`millwright.toml`: a struct per concern, every option working and none accepted and ignored.

The operator's own file is given by `--config` or `MILLWRIGHT_CONFIG`, or lies in the user's or the system's
configuration folder (`~/.config/millwright/millwright.toml`, `/etc/millwright/millwright.toml`); variables
`MILLWRIGHT__SECTION__KEY` override it. The structs are the only description of what exists: the JSON Schema
derived from them drives the check for unknown keys and wrong types (`check`), the reading of variables (`env`)
and `millwright schema config`.

A file that was found in the investigated repository or in a folder above it (a superproject, somebody's shared folder) may be
a stranger's. It may say how to test, but nothing that weakens the sandbox or the masking of secrets, and nothing of models,
stores and systems: for that the user names the file.
*/

mod check;
mod env;
mod load;
mod options;
mod renamed;
mod service;
mod vectors;

pub(crate) use load::{Config, ConfigOrigin};
pub(crate) use options::{
    ActionModeOption, ConfigFile, ModelSection, NetworkOption, RedactionSection, RepositorySection,
};
pub(crate) use service::{ConfirmingRole, ConnectorsSection, PrivateChannels, SlackSection};
pub(crate) use vectors::{BUILT_IN, MINILM};

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
