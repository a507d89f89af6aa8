/*!
Traces C, C++ and Rust where the recipe builds with coverage: by gcov's counters beside the objects, or by LLVM's profiles.
The tools that read them run in the sandbox behind the command.
*/

use std::collections::BTreeMap;
use std::io;

use super::TraceAdapter;
use super::folder::{TraceFolder, quoted};

/// Programs and libraries with LLVM's coverage map that are looked at, at most.
const MAX_OBJECTS: usize = 60;

pub(super) struct NativeTracer;

impl TraceAdapter for NativeTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        Ok(folder.unless_own("LLVM_PROFILE_FILE", format!("{}/%p-%m.profraw", folder.out.display())))
    }

    fn takes_any_path(&self) -> bool {
        true
    }

    fn after(&self, folder: &TraceFolder<'_>) -> String {
        let (out, marker) = (quoted(&folder.out.to_string_lossy()), quoted(&folder.marker.to_string_lossy()));
        // Counters that the run did not touch are of earlier ones. rustc's own tools read its profiles; a system's may be older.
        format!(
            "millwright_gcda=$(find . -name '*.gcda' -type f -newer {marker} 2>/dev/null | head -n 4000)\n\
             if [ -n \"$millwright_gcda\" ]; then printf '%s\\n' \"$millwright_gcda\" | \
             xargs -d '\\n' gcov --json-format --stdout >{out}/gcov.jsonl 2>/dev/null; fi\n\
             if ls {out}/*.profraw >/dev/null 2>&1; then\n\
             millwright_llvm=$(rustc --print sysroot 2>/dev/null)/lib/rustlib\n\
             for tools in \"$millwright_llvm\"/*/bin $(dirname \"$(command -v llvm-cov)\") /usr/lib/llvm-*/bin; do\n\
             \x20 [ -x \"$tools/llvm-profdata\" ] && [ -x \"$tools/llvm-cov\" ] || continue\n\
             \x20 \"$tools/llvm-profdata\" merge -sparse -o {out}/merged.profdata {out}/*.profraw 2>/dev/null || continue\n\
             \x20 millwright_objects=$(find . -type f \\( -perm -u+x -o -name '*.so' \\) -size +4k 2>/dev/null | \
             xargs -d '\\n' grep -l --binary-files=text __llvm_covmap 2>/dev/null | head -n {MAX_OBJECTS} | \
             sed 's/^/-object /')\n\
             \x20 [ -n \"$millwright_objects\" ] && \"$tools/llvm-cov\" export -format=lcov \
             -instr-profile={out}/merged.profdata $millwright_objects >{out}/llvm.lcov 2>/dev/null && break\n\
             done\nrm -f {out}/*.profraw {out}/merged.profdata\nfi\n"
        )
    }
}
