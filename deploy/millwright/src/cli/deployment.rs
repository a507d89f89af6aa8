/*!
The options of `millwright deployment`.
*/

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DataDir, ListFormat};

#[derive(Debug, Args)]
pub(crate) struct DeploymentArguments {
    #[command(subcommand)]
    pub(crate) command: DeploymentCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeploymentCommand {
    /// Record that revisions of services were deployed; recording one twice changes nothing
    Add(DeploymentAddArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DeploymentAddArguments {
    /// Service and revision, as in checkout=v2.3.0; the revision is a branch, tag or commit of --repo
    #[arg(value_name = "SERVICE=REV", required = true)]
    pub(crate) deployed: Vec<String>,
    /// The repository of the revisions
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: PathBuf,
    /// The environment it was deployed to
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub(crate) environment: String,
    /// Time of the deployment, as in 2026-11-24T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ListFormat,
    #[command(flatten)]
    pub(crate) data: DataDir,
}
