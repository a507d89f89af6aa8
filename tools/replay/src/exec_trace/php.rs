/*!
Traces PHP by pcov where that extension is installed, and by the files that a script included elsewhere, from a file that
every script of the run loads first.
*/

use std::collections::BTreeMap;
use std::{fs, io};

use millwright_ingest::RepoFiles;

use super::folder::TraceFolder;
use super::{ExecutionTrace, TraceAdapter, records};

const HOOK: &str = include_str!("php_hook.php");

pub(super) struct PhpTracer;

impl TraceAdapter for PhpTracer {
    fn install(&self, folder: &TraceFolder<'_>) -> io::Result<BTreeMap<String, String>> {
        let hook = folder.installed.join("millwright_trace.php");
        fs::write(&hook, HOOK)?;
        let settings = format!(
            "auto_prepend_file=\"{}\"\npcov.enabled=1\npcov.directory=\"{}\"\n",
            hook.display(),
            folder.checkout.display()
        );
        let scanned = folder.installed.join("php.d");
        fs::create_dir(&scanned)?;
        fs::write(scanned.join("99-millwright.ini"), settings)?;
        // An empty entry stands for the folder that PHP was built with, where its extensions are switched on.
        let own = folder.env.get("PHP_INI_SCAN_DIR").map_or("", String::as_str);
        Ok([
            ("PHP_INI_SCAN_DIR".into(), format!("{own}:{}", scanned.display())),
            ("MILLWRIGHT_PHP_ROOT".into(), folder.checkout.to_string_lossy().into_owned()),
            ("MILLWRIGHT_PHP_OUT".into(), folder.out.to_string_lossy().into_owned()),
        ]
        .into())
    }

    fn collect(&self, folder: &TraceFolder<'_>, repository: &RepoFiles) -> Option<ExecutionTrace> {
        records::collect(&folder.out, repository)
    }
}
