/*!
Traces Go by its cover profiles: tests write one, and programs that `go run` and `go build` make write their counters when
they end.
*/

use std::collections::BTreeMap;
use std::{fs, io};

use super::TraceAdapter;
use super::folder::{TraceFolder, quoted};

pub(super) struct GoTracer;

impl TraceAdapter for GoTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        let counters = folder.out.join("counters");
        fs::create_dir(&counters)?;
        // A profile of every package of the module, whichever package is tested.
        let flags =
            format!("-cover -coverpkg=./... -coverprofile={}", folder.out.join("tests.cov").display());
        let mut changes = folder.unless_own("GOCOVERDIR", counters.to_string_lossy().into_owned());
        changes.extend([folder.with_own("GOFLAGS", &flags, ' ')]);
        Ok(changes)
    }

    /// Turns the counters of programs into a profile.
    fn after(&self, folder: &TraceFolder<'_>) -> String {
        let out = quoted(&folder.out.to_string_lossy());
        format!(
            "if ls {out}/counters/covmeta.* >/dev/null 2>&1; then \
             GOFLAGS= go tool covdata textfmt -i={out}/counters -o={out}/programs.cov >/dev/null 2>&1; fi\n"
        )
    }
}
