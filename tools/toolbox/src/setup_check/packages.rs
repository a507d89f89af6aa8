/*!
Package managers by their lock files: where each installs the packages of the file, and the command that does it. A
sandboxed run has no network and sees no home folder, so packages outside of the checkout must be made readable.
*/

/// A lock file and what belongs to it.
#[derive(Debug)]
pub(super) struct PackageManager {
    pub(super) lock_file: &'static str,
    /// Folders beside the lock file that its packages are installed into.
    pub(super) folders: &'static [&'static str],
    /// Folder below the home folder that holds the packages otherwise, with the variable that names another one.
    pub(super) cache: Option<(&'static str, &'static str)>,
    /// Command that installs the packages; needs a network.
    pub(super) install: &'static str,
    /// Whether the lock file names a package at all.
    names_packages: fn(&str) -> bool,
}

impl PackageManager {
    /// The package manager that writes a file of this name.
    pub(super) fn of(file_name: &str) -> Option<&'static Self> {
        PACKAGE_MANAGERS.iter().find(|manager| manager.lock_file == file_name)
    }

    pub(super) fn names_packages(&self, lock_file: &str) -> bool {
        (self.names_packages)(lock_file)
    }
}

fn any_line(text: &str) -> bool {
    text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

fn npm_packages(text: &str) -> bool {
    // The first form is that of npm 7 and later, the second that of older lock files.
    text.contains("\"node_modules/") || text.contains("\"resolved\":")
}

const NODE_MODULES: &[&str] = &["node_modules"];
const VIRTUAL_ENVIRONMENTS: &[&str] = &[".venv", "venv", "env"];

const PACKAGE_MANAGERS: &[PackageManager] = &[
    PackageManager {
        lock_file: "package-lock.json",
        folders: NODE_MODULES,
        cache: None,
        install: "npm ci",
        names_packages: npm_packages,
    },
    PackageManager {
        lock_file: "npm-shrinkwrap.json",
        folders: NODE_MODULES,
        cache: None,
        install: "npm ci",
        names_packages: npm_packages,
    },
    PackageManager {
        lock_file: "yarn.lock",
        folders: &["node_modules", ".pnp.cjs"],
        cache: None,
        install: "yarn install --immutable",
        names_packages: any_line,
    },
    PackageManager {
        lock_file: "pnpm-lock.yaml",
        folders: NODE_MODULES,
        cache: None,
        install: "pnpm install --frozen-lockfile",
        names_packages: |text| text.contains("resolution:"),
    },
    PackageManager {
        lock_file: "bun.lock",
        folders: NODE_MODULES,
        cache: None,
        install: "bun install --frozen-lockfile",
        names_packages: any_line,
    },
    PackageManager {
        lock_file: "composer.lock",
        folders: &["vendor"],
        cache: None,
        install: "composer install",
        names_packages: |text| text.contains("\"version\":"),
    },
    PackageManager {
        lock_file: "Gemfile.lock",
        folders: &["vendor/bundle", "vendor/cache"],
        cache: Some((".bundle", "BUNDLE_PATH")),
        install: "bundle install --path vendor/bundle",
        names_packages: |text| text.contains("specs:\n    "),
    },
    PackageManager {
        lock_file: "poetry.lock",
        folders: VIRTUAL_ENVIRONMENTS,
        cache: None,
        install: "poetry install",
        names_packages: |text| text.contains("[[package]]"),
    },
    PackageManager {
        lock_file: "uv.lock",
        folders: VIRTUAL_ENVIRONMENTS,
        cache: None,
        install: "uv sync",
        // The project itself is one of the entries.
        names_packages: |text| text.matches("[[package]]").count() > 1,
    },
    PackageManager {
        lock_file: "Pipfile.lock",
        folders: VIRTUAL_ENVIRONMENTS,
        cache: None,
        install: "pipenv sync --dev",
        names_packages: |text| text.contains("\"version\":"),
    },
    PackageManager {
        lock_file: "requirements.txt",
        folders: VIRTUAL_ENVIRONMENTS,
        cache: None,
        install: "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
        names_packages: any_line,
    },
    PackageManager {
        lock_file: "go.sum",
        folders: &["vendor"],
        cache: Some(("go/pkg/mod", "GOMODCACHE")),
        install: "go mod download",
        names_packages: any_line,
    },
    PackageManager {
        lock_file: "Cargo.lock",
        folders: &["vendor"],
        cache: Some((".cargo", "CARGO_HOME")),
        install: "cargo fetch",
        names_packages: |text| text.contains("\nsource = "),
    },
];
