/*!
Database migrations: the steps that both engines share, and the steps of each engine. They are listed by hand, because
sqlx's macro that lists a folder builds both of its drivers again for the compiler.
*/

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlStr};

/// A step: its file's name, `NNNN_what_it_does`, and its statements.
type Step = (&'static str, &'static str);

macro_rules! steps {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../migrations/", $folder, "/", $name, ".sql")))),*]
    };
}

/// The steps that both engines share.
const COMMON: &[Step] = steps!("common":
    "0001_memory",
    "0005_learning",
    "0010_service",
    "0011_page",
    "0012_takeovers",
    "0014_threads",
    "0015_loops",
    "0020_evaluations",
    "0022_woken",
    "0023_fix_checks",
    "0024_failed_fixes",
    "0030_audience",
    "0031_judging",
    "0032_large_payloads",
    "0033_delivery_content",
    "0034_lost_at",
    "0035_scope",
    "0036_periodic_leases",
);
const SQLITE: &[Step] = steps!("sqlite": "0002_search", "0003_vectors", "0021_evaluations");
const POSTGRES: &[Step] = steps!("postgres": "0002_search", "0003_vectors", "0021_evaluations");

pub(super) fn of_sqlite() -> Migrator {
    migrator(SQLITE)
}

pub(super) fn of_postgres() -> Migrator {
    migrator(POSTGRES)
}

fn migrator(own: &[Step]) -> Migrator {
    Migrator::with_migrations(COMMON.iter().chain(own).filter_map(migration).collect())
}

/// Version and description as sqlx derives them from file names; databases store them in this form.
fn migration(&(name, statements): &Step) -> Option<Migration> {
    let (version, description) = name.split_once('_')?;
    let description = Cow::Owned(description.replace('_', " "));
    let statements: SqlStr = statements.into_sql_str();
    Some(Migration::new(version.parse().ok()?, description, MigrationType::Simple, statements, false))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_a_step() {
        for (folder, steps) in [("common", COMMON), ("sqlite", SQLITE), ("postgres", POSTGRES)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
            let files: BTreeSet<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            let listed: BTreeSet<String> = steps.iter().map(|(name, _)| format!("{name}.sql")).collect();
            assert_eq!(files, listed);
        }
        for (migrator, own) in [(of_sqlite(), SQLITE), (of_postgres(), POSTGRES)] {
            assert_eq!(migrator.iter().count(), COMMON.len() + own.len(), "each name has a version");
        }
    }
}
