/*!
Which frames belong to a library, judged by path or module alone. This is a first guess for frames that cannot be
found in the repository; a frame that is mapped to a repository file is in-app regardless of its path.
*/

use millwright_model::Frame;

/// Folders that contain third-party code, in any language.
const LIBRARY_FOLDERS: &[&str] = &[
    "/site-packages/",
    "/dist-packages/",
    "/node_modules/",
    "/.cargo/registry/",
    "/.cargo/git/",
    "/.rustup/",
    "/rustc/",
    "/go/pkg/mod/",
    "/usr/local/go/src/",
    "/usr/lib/go",
    "/goroot/",
    "/gems/",
    "/bower_components/",
    "/vendor/",
    "/usr/lib/",
    "/usr/include/",
    "/usr/share/",
    "/lib/x86_64-linux-gnu/",
    "/lib64/",
    "/.m2/repository/",
    "/.gradle/caches/",
    "/.nuget/packages/",
    "/sysdeps/",
];

/// Packages of runtimes, and of frameworks that call the application.
const JVM_LIBRARIES: &[&str] = &[
    "java.",
    "javax.",
    "jakarta.",
    "sun.",
    "jdk.",
    "com.sun.",
    "oracle.",
    "junit.",
    "org.junit.",
    "org.testng.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.",
    "org.codehaus.groovy.",
    "org.gradle.",
    "worker.org.gradle.",
    "org.apache.maven.",
    "org.apache.tools.",
    "org.apache.catalina.",
    "org.apache.coyote.",
    "org.apache.tomcat.",
    "org.springframework.",
    "org.hibernate.",
    "io.netty.",
    "reactor.",
    "akka.",
    "org.mockito.",
    "org.hamcrest.",
    "org.assertj.",
    "net.bytebuddy.",
    "org.eclipse.jetty.",
    "clojure.",
    "com.google.common.",
    "com.fasterxml.jackson.",
    "okhttp3.",
    "retrofit2.",
    "io.reactivex.",
    "rx.",
    "android.",
    "androidx.",
    "dalvik.",
    "com.android.",
    "com.intellij.rt.",
    "org.jboss.",
    "com.zaxxer.hikari.",
    "org.aspectj.",
    "io.micronaut.",
    "io.quarkus.",
    "io.vertx.",
    "play.",
];

const DOTNET_LIBRARIES: &[&str] =
    &["System.", "Microsoft.", "Xunit.", "NUnit.", "Newtonsoft.", "Moq.", "Castle.", "mscorlib", "Internal."];

/// Top-level names of Go's standard library; any other name without a dot is an application's own module.
const GO_STANDARD: &[&str] = &[
    "archive",
    "bufio",
    "builtin",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "panic",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "weak",
];

const RUST_LIBRARIES: &[&str] = &[
    "std",
    "core",
    "alloc",
    "proc_macro",
    "test",
    "backtrace",
    "tokio",
    "rayon",
    "rayon_core",
    "futures",
    "futures_util",
    "futures_core",
    "hyper",
    "tower",
    "axum",
    "anyhow",
    "serde",
    "serde_json",
    "tracing",
];

pub(crate) fn path_is_library(path: &str) -> bool {
    let lower = path.replace('\\', "/").to_ascii_lowercase();
    let rooted = format!("/{}", lower.trim_start_matches('/'));
    if LIBRARY_FOLDERS.iter().any(|folder| rooted.contains(folder)) {
        return true;
    }
    lower.starts_with('<')
        || lower.starts_with("node:")
        || lower.starts_with("internal/")
        || lower.starts_with("native ")
        || lower.starts_with("[internal")
        || lower.starts_with("[native")
        || is_python_standard(&rooted)
}

/// `…/python3.11/unittest/mock.py`, `…/lib/python3.12/…`, `C:/Python311/Lib/…`.
fn is_python_standard(rooted: &str) -> bool {
    rooted.match_indices("/python").any(|(at, name)| {
        let rest = rooted.get(at + name.len()..).unwrap_or("");
        let version = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let after = rest.get(version..).unwrap_or("");
        version > 0
            && rest.starts_with(['2', '3'])
            && (after.starts_with("/lib/")
                || rest.get(..version).is_some_and(|v| v.contains('.')) && after.starts_with('/'))
    })
}

pub(crate) fn jvm_class_is_library(class: &str) -> bool {
    JVM_LIBRARIES.iter().any(|prefix| class.starts_with(prefix))
}

pub(crate) fn dotnet_class_is_library(class: &str) -> bool {
    DOTNET_LIBRARIES.iter().any(|prefix| class.starts_with(prefix))
}

/// `module` is an import path such as `github.com/x/y/pkg`, `net/http` or `main`.
pub(crate) fn go_module_is_library(module: &str) -> bool {
    let top = module.split('/').next().unwrap_or(module);
    GO_STANDARD.contains(&top) || module.starts_with("golang.org/x/") || module.contains("/vendor/")
}

/// `function` in the form that a backtrace prints: `core::panicking::panic_fmt`,
/// `<alloc::boxed::Box<F> as …>::call_once`.
pub(crate) fn rust_function_is_library(function: &str) -> bool {
    let bare = function.trim_start_matches(['<', '&', '*', '(']);
    let bare = bare.strip_prefix("dyn ").unwrap_or(bare);
    let top = bare.split("::").next().unwrap_or(bare);
    let runtime =
        ["rust_begin_unwind", "__rust", "_start", "__libc_start", "main", "start_thread", "clone", "__clone"];
    RUST_LIBRARIES.contains(&top)
        || runtime.iter().any(|name| bare == *name || (name.starts_with('_') && bare.starts_with(name)))
}

/// Functions of the C and C++ runtimes and of the sanitizers themselves.
pub(crate) fn native_function_is_library(function: &str) -> bool {
    const EXACT: &[&str] = &[
        "raise",
        "abort",
        "gsignal",
        "malloc",
        "free",
        "calloc",
        "realloc",
        "memcpy",
        "memmove",
        "memset",
        "strlen",
        "strcpy",
        "strcmp",
        "_start",
        "start_thread",
        "clone",
        "clone3",
        "operator new",
        "operator delete",
    ];
    const STARTS: &[&str] = &[
        "__libc_",
        "__GI_",
        "__interceptor",
        "__asan",
        "__ubsan",
        "__tsan",
        "__sanitizer",
        "__cxa",
        "__gnu_cxx",
        "std::",
        "__pthread",
        "_IO_",
        "__malloc",
        "__assert",
        "testing::",
    ];
    let bare = function.split('(').next().unwrap_or(function).trim();
    EXACT.contains(&bare) || STARTS.iter().any(|prefix| bare.starts_with(prefix))
}

/// Sets `in_app` from the path alone, for languages whose frames always name a file.
pub(crate) fn judge_by_path(frame: &mut Frame) {
    frame.in_app = frame.path.as_deref().is_some_and(|path| !path_is_library(path));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_told_by_path() {
        for path in [
            "/venv/lib/python3.11/site-packages/django/db/models/query.py",
            "python3.11/unittest/mock.py",
            "/usr/lib/python3.12/json/decoder.py",
            "C:\\Python311\\Lib\\json\\decoder.py",
            "<frozen importlib._bootstrap>",
            "node:internal/process/task_queues",
            "/app/node_modules/express/lib/router.js",
            "/home/ci/.cargo/registry/src/index-6f17d22b/serde-1.0.1/src/de.rs",
            "/rustc/90b35a623/library/std/src/panicking.rs",
            "/go/pkg/mod/github.com/gin-gonic/gin@v1.9.1/context.go",
            "/usr/local/bundle/gems/activerecord-7.0.4/lib/active_record/base.rb",
            "/var/www/vendor/laravel/framework/src/x.php",
        ] {
            assert!(path_is_library(path), "{path}");
        }
        for path in [
            "django/db/models/query.py",
            "/app/src/main.rs",
            "/srv/python/app.py",
            "C:\\src\\App\\A.cs",
            "src/lib/x.js",
        ] {
            assert!(!path_is_library(path), "{path}");
        }
    }

    #[test]
    fn libraries_are_told_by_module() {
        assert!(jvm_class_is_library("java.util.ArrayList"));
        assert!(!jvm_class_is_library("org.joda.time.DateTime"));
        assert!(go_module_is_library("net/http"));
        assert!(!go_module_is_library("main"));
        assert!(!go_module_is_library("myshop/cart"));
        assert!(rust_function_is_library(
            "<alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once"
        ));
        assert!(!rust_function_is_library("shop::cart::total"));
        assert!(native_function_is_library("__libc_start_main"));
        assert!(!native_function_is_library("parse_header"));
    }
}
