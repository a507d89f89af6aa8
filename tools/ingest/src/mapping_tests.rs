use super::*;

const FILES: &[&str] = &[
    "src/main/java/org/joda/time/DateTime.java",
    "src/test/java/org/joda/time/TestDateTime.java",
    "android/src/main/java/org/acme/ui/Main.kt",
    "django/db/models/query.py",
    "django/db/models/base.py",
    "django/forms/models.py",
    "django/core/handlers/base.py",
    "django/db/models/__init__.py",
    "tests/prefetch_related/tests.py",
    "tests/forms_tests/tests/test_forms.py",
    "manage.py",
    "services/api/app/models/base.py",
    "cart/cart.go",
    "internal/cart/cart.go",
    "main.go",
    "cmd/server/main.go",
    "crates/shop/src/lib.rs",
    "crates/api/src/lib.rs",
    "crates/shop/src/cart.rs",
    "web/src/app/foo.ts",
    "web/src/order.ts",
    "web/src/order.test.ts",
    "web/src/index.ts",
    "admin/src/index.ts",
    "Shop/Orders/OrderService.cs",
    "Shop.Tests/Orders/OrderService.cs",
    "src/Billing/Invoice.cs",
    "src/parse.c",
    "lib/active_shop/base.rb",
    "six.py",
    "vendor_tools/unittest/mock.py",
    "app/Http/A.php",
];

fn frame(path: &str, module: &str, in_app: bool) -> Frame {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Frame { path: some(path), module: some(module), in_app, ..Frame::default() }
}

#[test]
fn frames_are_mapped_by_the_longest_tail() {
    let files = RepoFiles::new(FILES.iter().map(|path| (*path).to_owned()));
    use Language::*;
    for (language, path, module, in_app, expected) in [
        (Python, "django/db/models/query.py", "", true, "django/db/models/query.py"),
        (Python, "/app/src/django/db/models/query.py", "", true, "django/db/models/query.py"),
        (
            Python,
            "/venv/lib/python3.11/site-packages/django/db/models/query.py",
            "",
            false,
            "django/db/models/query.py",
        ),
        (Python, "C:\\work\\django\\db\\models\\query.py", "", true, "django/db/models/query.py"),
        (Python, "/srv/app/models/base.py", "", true, "services/api/app/models/base.py"),
        (Python, "models/base.py", "", true, "django/db/models/base.py"),
        (Python, "models/base.py", "django.db.models.base", true, "django/db/models/base.py"),
        (Python, "/srv/manage.py", "", true, "manage.py"),
        (Python, "/usr/lib/python3.11/unittest/mock.py", "", false, ""),
        (Python, "/usr/lib/python3/dist-packages/base.py", "", false, ""),
        (Python, "/venv/lib/python3.11/site-packages/other/models/base.py", "", false, ""),
        (Python, "base.py", "", true, ""),
        (Jvm, "DateTime.java", "org.joda.time.DateTime", true, "src/main/java/org/joda/time/DateTime.java"),
        (
            Jvm,
            "DateTime.java",
            "org.joda.time.DateTime$Property",
            true,
            "src/main/java/org/joda/time/DateTime.java",
        ),
        (
            Jvm,
            "TestDateTime.java",
            "org.joda.time.TestDateTime",
            true,
            "src/test/java/org/joda/time/TestDateTime.java",
        ),
        (Jvm, "DateTime.java", "org.other.DateTime", true, ""),
        (Jvm, "Main.kt", "org.acme.ui.MainKt", true, "android/src/main/java/org/acme/ui/Main.kt"),
        (Jvm, "", "org.joda.time.DateTime", true, "src/main/java/org/joda/time/DateTime.java"),
        (
            Go,
            "/go/src/github.com/acme/shop/internal/cart/cart.go",
            "github.com/acme/shop/internal/cart",
            true,
            "internal/cart/cart.go",
        ),
        (Go, "github.com/acme/shop/cmd/server/main.go", "main", true, "cmd/server/main.go"),
        (
            Go,
            "/go/pkg/mod/github.com/acme/shop@v1.2.3/internal/cart/cart.go",
            "",
            false,
            "internal/cart/cart.go",
        ),
        (Rust, "src/lib.rs", "shop::cart", true, "crates/shop/src/lib.rs"),
        (Rust, "src/lib.rs", "", true, ""),
        (Rust, "./crates/shop/src/cart.rs", "", true, "crates/shop/src/cart.rs"),
        (JavaScript, "webpack:///./src/app/foo.ts?ab12", "", true, "web/src/app/foo.ts"),
        (JavaScript, "https://shop.example/src/order.ts?v=3", "", true, "web/src/order.ts"),
        (JavaScript, "/app/dist/order.js", "", true, "web/src/order.ts"),
        (JavaScript, "/app/node_modules/x/index.ts", "", false, ""),
        (
            DotNet,
            "C:\\build\\Shop\\Orders\\OrderService.cs",
            "Shop.Orders.OrderService",
            true,
            "Shop/Orders/OrderService.cs",
        ),
        (DotNet, "", "Shop.Orders.OrderService", true, "Shop/Orders/OrderService.cs"),
        (DotNet, "", "Acme.Billing.Invoice", true, "src/Billing/Invoice.cs"),
        (Native, "parse.c", "", true, "src/parse.c"),
        (Native, "../src/parse.c", "", true, "src/parse.c"),
        (
            Ruby,
            "/usr/local/bundle/gems/active_shop-1.2/lib/active_shop/base.rb",
            "",
            false,
            "lib/active_shop/base.rb",
        ),
        (Php, "/var/www/html/app/Http/A.php", "", true, "app/Http/A.php"),
        (Python, "<string>", "", false, ""),
        (Python, "", "", true, ""),
    ] {
        let found = files.find(&frame(path, module, in_app), language).unwrap_or("");
        assert_eq!(found, expected, "{language:?} {path:?} {module:?}");
    }
}

#[test]
fn a_mapped_ticket() {
    let text = "ERROR: test_x (prefetch_related.tests.FooTests.test_x)\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/venv/lib/python3.11/site-packages/django/db/models/query.py\", line 9, in get\n    x()\n  File \"/app/tests/prefetch_related/tests.py\", line 3, in test_x\nValueError: x\n";
    let mut ticket = crate::parse(text.as_bytes());
    let before = ticket.fingerprint.clone();
    map_frames(&mut ticket, &RepoFiles::new(FILES.iter().map(|path| (*path).to_owned())));
    let frames = &ticket.traces[0].exceptions[0].frames;
    let mapped: Vec<(&str, bool)> =
        frames.iter().filter_map(|f| f.mapped.as_ref()).map(|m| (m.path.as_str(), m.is_test)).collect();
    assert_eq!(mapped, [("tests/prefetch_related/tests.py", true), ("django/db/models/query.py", false)]);
    assert!(frames.iter().all(|frame| frame.in_app));
    assert_eq!(ticket.failing_tests[0].file.as_deref(), Some("tests/prefetch_related/tests.py"));
    assert_ne!(ticket.fingerprint, before, "the frame in site-packages turned out to be ours");
    assert_eq!(ticket.fingerprint.symbols, ["query.get"]);
    name_symbols(&mut ticket, |path, line| Some(format!("{path}@{line}")));
    let symbol = ticket.traces[0].exceptions[0].frames[1].mapped.as_ref().and_then(|m| m.symbol.clone());
    assert_eq!(symbol.as_deref(), Some("django/db/models/query.py@9"));
}
