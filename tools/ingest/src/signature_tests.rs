use super::*;

fn unittest(test: &str, line: u32, code: &str, error: &str) -> String {
    format!(
        "Found 1 test(s).\nCreating test database...\nE\n======================================================================\nFAIL: {test} (app.tests.CartTests.{test})\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/tmp/checkout-8f3a/tests/app/tests.py\", line {line}, in {test}\n    {code}\n{error}\n\n----------------------------------------------------------------------\nRan 1 test in 0.{line}s\n\nFAILED (failures=1)\n"
    )
}

fn crash(test: &str, site: &str, error: &str) -> String {
    format!(
        "======================================================================\nERROR: {test} (app.tests.CartTests.{test})\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/x/tests/app/tests.py\", line 9, in {test}\n    cart.total()\n  File \"/x/shop/cart.py\", line 33, in {site}\n    boom()\n{error}\n\n----------------------------------------------------------------------\nRan 1 test in 0.004s\n"
    )
}

const LOADER: &str = "E\n======================================================================\nERROR: app.tests (unittest.loader._FailedTest.app.tests)\n----------------------------------------------------------------------\nImportError: Failed to import test module: app.tests\nTraceback (most recent call last):\n  File \"/usr/lib/python3.11/unittest/loader.py\", line 154, in loadTestsFromName\n    module = __import__(module_name)\n  File \"/x/tests/app/tests.py\", line 3, in <module>\n    from shop import new_thing\nImportError: cannot import name 'new_thing' from 'shop' (/x/shop/__init__.py)\n\n\n----------------------------------------------------------------------\nRan 1 test in 0.000s\n";

fn verdict(reference: &str, other: &str) -> SignatureMatch {
    signature(reference).matches(&signature(other))
}

fn same(reference: &str, other: &str) {
    let found = verdict(reference, other);
    assert!(
        found.is_same(),
        "should be the same: {}\n{reference}\n---\n{other}\n{:#?}\n{:#?}",
        found.why(),
        signature(reference),
        signature(other)
    );
}

fn different(reference: &str, other: &str) {
    let found = verdict(reference, other);
    assert!(
        !found.is_same(),
        "should differ: {}\n{reference}\n---\n{other}\n{:#?}\n{:#?}",
        found.why(),
        signature(reference),
        signature(other)
    );
}

#[test]
fn lines_folders_times_and_values_do_not_matter() {
    let reference = unittest("test_total", 40, "self.assertEqual(cart.total(), 5)", "AssertionError: 8 != 5");
    same(&reference, &reference);
    same(
        &reference,
        &unittest("test_total", 71, "self.assertEqual(cart.total(), 5)", "AssertionError: 13 != 5"),
    );
    same(
        &reference,
        &unittest("test_total", 71, "self.assertEqual(cart.total(), 5)", "AssertionError: None != 5"),
    );
    let sql = |sql: &str| {
        unittest(
            "test_sql",
            4,
            "self.assertEqual(str(q.query), expected)",
            &format!("AssertionError: '{sql}' != 'SELECT 1'\n- {sql}\n+ SELECT 1"),
        )
    };
    same(&sql("SELECT \"a\".\"id\" FROM \"a\" INNER JOIN \"b\""), &sql("SELECT \"a\".\"id\" FROM \"a\""));
}

#[test]
fn another_assertion_of_the_same_test_is_another_failure() {
    let reference = unittest("test_total", 40, "self.assertEqual(cart.total(), 5)", "AssertionError: 8 != 5");
    different(
        &reference,
        &unittest("test_total", 30, "self.assertTrue(cart.is_open)", "AssertionError: False is not true"),
    );
    different(
        &reference,
        &unittest("test_other", 40, "self.assertEqual(cart.total(), 5)", "AssertionError: 8 != 5"),
    );
}

#[test]
fn a_run_that_did_not_get_there_differs() {
    let reference = unittest("test_total", 40, "self.assertEqual(cart.total(), 5)", "AssertionError: 8 != 5");
    let error = crash("test_total", "total", "AttributeError: 'NoneType' object has no attribute '_meta'");
    for obstacle in [
        LOADER,
        "sh: 1: python3: not found\n",
        "bash: line 1: runtests.py: command not found\n",
        "python3: can't open file '/x/tests/runtests.py': [Errno 2] No such file or directory\n",
        "  File \"/x/shop/cart.py\", line 3\n    match x:\n          ^\nSyntaxError: invalid syntax\n",
        "Traceback (most recent call last):\n  File \"/x/tests/runtests.py\", line 3, in <module>\n    import django\n  File \"/x/django/__init__.py\", line 1, in <module>\n    from django.utils import six\nModuleNotFoundError: No module named 'asgiref'\n",
        "ERROR collecting tests/test_cart.py\nE   ImportError: cannot import name 'x'\n",
        "E       fixture 'client' not found\n",
        "Ran 0 tests in 0.000s\n\nOK\n",
        "Traceback (most recent call last):\n  File \"/usr/lib/python3.8/unittest/loader.py\", line 1, in load\n    parent, obj = obj, getattr(obj, part)\nAttributeError: type object 'CartTests' has no attribute 'test_total'\n",
        "OSError: [Errno 28] No space left on device\n",
        "",
    ] {
        different(&reference, obstacle);
        different(&error, obstacle);
    }
}

#[test]
fn what_the_test_needs_is_not_there_yet() {
    let error = crash("test_total", "total", "AttributeError: 'NoneType' object has no attribute '_meta'");
    different(
        &error,
        &unittest(
            "test_total",
            9,
            "Cart.objects.alias()",
            "AttributeError: 'Manager' object has no attribute 'alias'",
        ),
    );
    different(
        &error,
        &crash("test_total", "total", "TypeError: total() got an unexpected keyword argument 'tax'"),
    );
    let assertion = unittest("test_total", 40, "self.assertEqual(cart.total(), 5)", "AssertionError: 8 != 5");
    different(
        &assertion,
        &unittest(
            "test_total",
            39,
            "from shop import new_thing",
            "ImportError: cannot import name 'new_thing' from 'shop'",
        ),
    );
}

#[test]
fn errors_match_by_names_or_by_place() {
    let reference =
        crash("test_total", "total", "AttributeError: 'NoneType' object has no attribute '_meta'");
    same(
        &reference,
        &crash("test_total", "total", "AttributeError: 'NoneType' object has no attribute '_meta'"),
    );
    same(
        &reference,
        &crash("test_total", "renamed", "AttributeError: 'NoneType' object has no attribute '_meta'"),
    );
    let operational =
        |text: &str| crash("test_total", "execute", &format!("django.db.utils.OperationalError: {text}"));
    same(&operational("near \"7\": syntax error"), &operational("near \"12\": syntax error"));
    different(&operational("near \"7\": syntax error"), &operational("no such table: shop_cart"));
    let choices = |list: &str| {
        crash(
            "test_total",
            "names_to_path",
            &format!(
                "django.core.exceptions.FieldError: Cannot resolve keyword 'book_count' into field. Choices are: {list}"
            ),
        )
    };
    same(&choices("id, name, price"), &choices("id, name"));
}

#[test]
fn the_incident_may_itself_be_an_import_error() {
    same(LOADER, LOADER);
    different(LOADER, &LOADER.replace("new_thing", "other_thing"));
    different(LOADER, &unittest("test_total", 40, "self.assertEqual(1, 2)", "AssertionError: 1 != 2"));
}

#[test]
fn java_go_rust_and_javascript() {
    let java = |line: u32, message: &str| {
        format!(
            "Running org.acme.CartTest\nTests run: 1, Failures: 1\ntestTotal(org.acme.CartTest)  Time elapsed: 0.{line} sec  <<< FAILURE!\njunit.framework.AssertionFailedError: {message}\n\tat junit.framework.Assert.fail(Assert.java:57)\n\tat org.acme.CartTest.testTotal(CartTest.java:{line})\n"
        )
    };
    same(&java(10, "expected:<5> but was:<8>"), &java(31, "expected:<5> but was:<9>"));
    different(
        &java(10, "expected:<5> but was:<8>"),
        "[ERROR] COMPILATION ERROR :\n[ERROR] /x/CartTest.java:[3,7] cannot find symbol\n[ERROR] BUILD FAILURE\n",
    );
    different(
        &java(10, "expected:<5> but was:<8>"),
        "testTotal(org.acme.CartTest)  Time elapsed: 0 sec  <<< ERROR!\njava.lang.NullPointerException\n\tat org.acme.Cart.total(Cart.java:3)\n\tat org.acme.CartTest.testTotal(CartTest.java:10)\n",
    );
    let go = |got: u32| {
        format!(
            "--- FAIL: TestTotal (0.0{got}s)\n    cart_test.go:1{got}: got {got}, want 5\nFAIL\nexit status 1\nFAIL\tacme/cart\t0.00{got}s\n"
        )
    };
    same(&go(3), &go(4));
    different(&go(3), "# acme/cart\n./cart.go:3:5: undefined: newThing\nFAIL\tacme/cart [build failed]\n");
    let rust = |line: u32, got: u32| {
        format!(
            "running 1 test\ntest cart::tests::total ... FAILED\n\nfailures:\n\n---- cart::tests::total stdout ----\n\nthread 'cart::tests::total' panicked at src/cart.rs:{line}:9:\nassertion `left == right` failed\n  left: {got}\n right: 5\nnote: run with `RUST_BACKTRACE=1`\n\ntest result: FAILED. 0 passed; 1 failed\n"
        )
    };
    same(&rust(10, 3), &rust(44, 7));
    different(
        &rust(10, 3),
        "error[E0425]: cannot find function `x` in this scope\nerror: could not compile `shop` (lib test) due to 1 previous error\n",
    );
    let jest = |got: u32| {
        format!(
            "FAIL src/cart.test.ts\n  ● Cart › total\n\n    expect(received).toBe(expected) // Object.is equality\n\n    Expected: 5\n    Received: {got}\n\n      at Object.<anonymous> (src/cart.test.ts:{got}:21)\n"
        )
    };
    same(&jest(3), &jest(9));
    different(
        &jest(3),
        "FAIL src/cart.test.ts\n  ● Test suite failed to run\n\n    Cannot find module './cart' from 'src/cart.test.ts'\n",
    );
}

#[test]
fn scripts_that_say_little() {
    same("", "");
    same("total is 8, expected 5\n", "total is 9, expected 5\n");
    different("total is 8, expected 5\n", "cannot open settings file for the run\n");
    different("", "sh: 1: make: not found\n");
}

#[test]
fn order_and_number_of_other_failures_do_not_matter() {
    let a = unittest("test_total", 40, "self.assertEqual(cart.total(), 5)", "AssertionError: 8 != 5");
    let b = crash("test_other", "other", "KeyError: 'x'");
    same(&a, &format!("{b}{a}"));
    different(&a, &b);
}
