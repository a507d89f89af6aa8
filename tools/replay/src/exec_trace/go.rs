/*!
Traces Go by its cover profiles: tests write one, and programs that `go run` and `go build` make write their counters when
they end.
*/

use std::collections::BTreeMap;
use std::{fs, io};

use millwright_ingest::RepoFiles;
use millwright_ingest::coverage::read_coverage;

use super::folder::{TraceFolder, quoted, read_files};
use super::{ExecutionTrace, TraceAdapter, TracePrecision, of_report};

pub(super) struct Go;

impl TraceAdapter for Go {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        let counters = folder.out.join("counters");
        fs::create_dir(&counters)?;
        // A profile of every package of the module, whichever package is tested.
        let flags =
            format!("-cover -coverpkg=./... -coverprofile={}", folder.out.join("tests.cov").display());
        Ok([
            folder.with_own("GOFLAGS", &flags, ' '),
            ("GOCOVERDIR".into(), counters.to_string_lossy().into_owned()),
        ]
        .into())
    }

    /// Turns the counters of programs into a profile.
    fn after(&self, folder: &TraceFolder<'_>) -> String {
        let out = quoted(&folder.out.to_string_lossy());
        format!(
            "if ls {out}/counters/covmeta.* >/dev/null 2>&1; then \
             GOFLAGS= go tool covdata textfmt -i={out}/counters -o={out}/programs.cov >/dev/null 2>&1; fi\n"
        )
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        let mut whole = ExecutionTrace::empty(TracePrecision::Lines);
        for content in read_files(&folder.out) {
            if let Ok(report) = read_coverage(&content, &mut |_| None) {
                whole.extend(of_report(report.placed(repository, |_| None)));
            }
        }
        whole.if_any()
    }
}
