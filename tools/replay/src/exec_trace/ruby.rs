/*!
Traces Ruby by its own `Coverage`, from a hook that every interpreter of the run requires first.
*/

use std::collections::BTreeMap;
use std::{fs, io};

use millwright_ingest::RepoFiles;

use super::folder::TraceFolder;
use super::{ExecutionTrace, TraceAdapter, records};

const HOOK: &str = include_str!("ruby_hook.rb");

pub(super) struct RubyTracer;

impl TraceAdapter for RubyTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        let hook = folder.installed.join("millwright_trace.rb");
        fs::write(&hook, HOOK)?;
        Ok([
            folder.with_own("RUBYOPT", &format!("-r{}", hook.display()), ' '),
            ("MILLWRIGHT_RUBY_ROOT".into(), folder.checkout.to_string_lossy().into_owned()),
            ("MILLWRIGHT_RUBY_OUT".into(), folder.out.to_string_lossy().into_owned()),
        ]
        .into())
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        records::collect(&folder.out, repository)
    }
}
