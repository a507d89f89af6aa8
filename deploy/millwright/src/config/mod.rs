/*!
`millwright.toml`: one struct per section. Every option works; none is accepted and then ignored.

The operator's own file is named by `--config` or `MILLWRIGHT_CONFIG`, or is in the configuration folder of the user or
the system (`~/.config/millwright/millwright.toml`, `/etc/millwright/millwright.toml`); variables
`MILLWRIGHT__SECTION__KEY` override it. The structs are the only definition of the options: the JSON Schema derived from
them drives the check for unknown keys and wrong types (`check`), the reading of variables (`env`) and `millwright schema
config`.

A file in the investigated repository or in a folder above it (a superproject, a shared folder) may come from an untrusted
author. It may say how to test, but it may not weaken the sandbox or the masking of secrets, and may not configure models,
stores or other systems: for that the user has to name the file.
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
